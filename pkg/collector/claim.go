package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/vm"
)

// claimInterval is how often it is looked whether another process has claimed the collector's name.
const claimInterval = 30 * time.Second

// errClaimed is why a collector no longer takes anything. Two that write the same series make both wrong.
var errClaimed = errors.New("another collector has started with a copy of this one's data directory: " +
	"stop one of them, and start the other with a data directory of its own")

// claim finds out, through VictoriaMetrics, whether another collector writes under the same name. On one machine the lock of the
// data directory prevents that; with a copy of the directory on another, the collector that started first gives way.
type claim struct {
	collector     string
	client        *http.Client
	configuration func() config.Config // of now
	logger        *slog.Logger

	own     vm.Claim
	written map[string]string // the URL where it is, by organisation; of run alone
	isLost  atomic.Bool
}

func newClaim(collector string, client *http.Client, configuration func() config.Config, logger *slog.Logger) *claim {
	return &claim{collector: collector, client: client, configuration: configuration, logger: logger,
		own: vm.NewClaim(time.Now()), written: map[string]string{}}
}

// run claims the name and looks every claimInterval whether it is claimed by another, until it is, or ctx is done.
func (c *claim) run(ctx context.Context) {
	ticker := time.NewTicker(claimInterval)
	defer ticker.Stop()
	for {
		switch lost, err := c.look(ctx); {
		case lost:
			c.isLost.Store(true)
			c.logger.Error("The collector takes nothing any more", "error", errClaimed)
			return
		case err != nil && ctx.Err() == nil:
			c.logger.Error("Looking for another collector of the same name failed", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// look claims the name for organisations for which it is not, and reports whether it is claimed by another.
func (c *claim) look(ctx context.Context) (lost bool, err error) {
	configuration := c.configuration()
	writesTo := configuration.VictoriaMetrics.WritesTo()
	for _, o := range configuration.Organizations {
		if c.written[o.ID] != writesTo {
			if err := vm.WriteClaim(ctx, c.client, writesTo, o.ID, c.collector, c.own); err != nil {
				return false, fmt.Errorf("organisation %s: %w", o.ID, err)
			}
			c.written[o.ID] = writesTo
		}
		reader, err := Reader(configuration, o.ID)
		if err != nil {
			return false, err
		}
		younger, err := vm.YoungerClaim(ctx, reader, c.collector, c.own, time.Now())
		if err != nil {
			return false, fmt.Errorf("organisation %s: %w", o.ID, err)
		}
		if younger {
			return true, nil
		}
	}
	return false, nil
}

// check returns errClaimed when another collector has claimed the name.
func (c *claim) check() error {
	if c.isLost.Load() {
		return errClaimed
	}
	return nil
}

// guard answers 503 to everything that would be counted once the name is claimed by another.
func (c *claim) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.check(); err != nil && r.Method == http.MethodPost && !strings.HasPrefix(r.URL.Path, blockListPath) {
			allowOrigin(w)
			w.Header().Set("Retry-After", strconv.Itoa(int(claimInterval.Seconds())))
			answer(w, http.StatusServiceUnavailable, event.Refusal{Reason: "claimed", Error: err.Error()})
			return
		}
		next.ServeHTTP(w, r)
	})
}
