package collector

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/vl"
)

// PlaysWaitingMetric is how many records of plays the store has not taken, where any are kept.
const PlaysWaitingMetric = metricsPrefix + "plays_waiting"

// playsInterval is how often the flags of the store of plays are looked at.
const playsInterval = time.Minute

// playStore is the store of plays of a collector that keeps them.
type playStore struct {
	client *vl.Client
	keep   time.Duration
	logger *slog.Logger
	moved  chan struct{} // ends the wait for the next look

	mu      sync.Mutex
	warning string // what is wrong with it, in a sentence
}

// newPlayStore returns the store of plays, nil if none are kept.
func newPlayStore(c config.Config, client *http.Client, logger *slog.Logger) (*playStore, error) {
	if !c.Plays.Enabled() {
		return nil, nil
	}
	store, err := vl.NewClient(c.Plays.URL, client)
	if err != nil {
		return nil, err
	}
	return &playStore{client: store, keep: c.Plays.Kept(), logger: logger, moved: make(chan struct{}, 1)}, nil
}

// PlaysReader returns a reader of the plays of an organisation, nil if none are kept.
func PlaysReader(c config.Config, organization string) (vl.Asker, error) {
	if !c.Plays.Enabled() {
		return nil, nil
	}
	transport, err := vl.NewTransport(c.Plays.URL, organization, "", http.DefaultTransport)
	if err != nil {
		return nil, err
	}
	return vl.NewClient(c.Plays.URL, &http.Client{Transport: transport})
}

// target returns where the pipeline sends the records of plays.
func (s *playStore) target() ingest.PlayStore {
	if s == nil {
		return nil
	}
	return s.client
}

// move lets the records go to another URL from now on, and the flags there be looked at. Without a store it does nothing: whether plays
// are kept is settled at the start.
func (s *playStore) move(url string) error {
	if s == nil || url == "" {
		return nil
	}
	if err := s.client.Move(url); err != nil {
		return err
	}
	select {
	case s.moved <- struct{}{}:
	default: // it is to look already
	}
	return nil
}

func (s *playStore) kept() time.Duration {
	if s == nil {
		return 0
	}
	return s.keep
}

// run looks at the store until ctx is done, and logs what is wrong with it when that changes.
func (s *playStore) run(ctx context.Context) {
	if s == nil {
		return
	}
	for {
		s.look(ctx)
		select {
		case <-time.After(playsInterval):
		case <-s.moved:
		case <-ctx.Done():
			return
		}
	}
}

// look looks at the store.
func (s *playStore) look(ctx context.Context) {
	warning := ""
	if err := s.client.CheckFlags(ctx, s.keep); err != nil {
		warning = fmt.Sprintf("the store of plays: %v", err)
	}
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	changed := warning != s.warning
	s.warning = warning
	s.mu.Unlock()
	switch {
	case changed && warning != "":
		s.logger.Error("The store of plays is not as it should be", "error", warning)
	case changed:
		s.logger.Info("The store of plays is as it should be")
	}
}

// warnings returns what is wrong with the store, in sentences.
func (s *playStore) warnings() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.warning == "" {
		return nil
	}
	return []string{s.warning}
}

// writePlayMetrics writes how far the records of plays are.
func writePlayMetrics(w io.Writer, p *ingest.Pipeline) {
	if p.Plays == nil {
		return
	}
	s := p.PlayStats()
	const prefix = metricsPrefix + "plays_"
	metrics.WriteGaugeUint64(w, PlaysWaitingMetric, uint64(s.Waiting))
	metrics.WriteGaugeUint64(w, prefix+"backlog_bytes", uint64(s.BacklogBytes))
	metrics.WriteCounterUint64(w, prefix+"written_total", uint64(s.Written))
	metrics.WriteCounterUint64(w, prefix+"found_total", uint64(s.Found))
	metrics.WriteCounterUint64(w, prefix+"failures_total", uint64(s.Failures))
	metrics.WriteCounterUint64(w, prefix+"repaired_total", uint64(s.Repaired))
	metrics.WriteCounterUint64(w, prefix+"repair_failures_total", uint64(s.RepairErrors))
	metrics.WriteCounterUint64(w, prefix+"running_written_total", uint64(s.Parts))
	metrics.WriteCounterUint64(w, prefix+"running_dropped_total", uint64(s.PartsDropped))
	for reason, n := range map[string]int64{"too_old": s.TooOld, "too_long": s.TooLong, "over_limit": s.OverLimit} {
		metrics.WriteCounterUint64(w, fmt.Sprintf("%sdropped_total{reason=%q}", prefix, reason), uint64(n))
	}
}
