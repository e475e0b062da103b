package tag

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm"
)

const (
	// shown is after how long VictoriaMetrics certainly shows what was written; a new series takes it up to 12 s.
	shown = time.Minute
	// renewAfter is the age at which a tag in force is written again, so that it stays within window and retention.
	renewAfter = 30 * 24 * time.Hour
)

// Store sets tags. It may be used by several goroutines at once, and beside the stores of other collectors.
type Store struct {
	url    func() string
	client *http.Client
	reader func(organization string) (*vm.Client, error)
	keep   func(samples []byte) error
	clock  func() time.Time

	mu     sync.Mutex
	stamp  int64 // ms since 1970 of the last sample; each is later than the one before
	recent map[stream]change
}

type stream struct{ organization, name string }

// change is what was set so shortly ago that VictoriaMetrics may not show it yet.
type change struct {
	tags []string
	at   time.Time
}

// NewStore returns a store that writes to the VictoriaMetrics at the URL of the moment and reads through the clients that reader returns. What is written
// is handed to keep, too, which writes it again if VictoriaMetrics is killed and forgets it.
func NewStore(url func() string, client *http.Client, reader func(organization string) (*vm.Client, error), keep func(samples []byte) error,
	clock func() time.Time,
) *Store {
	return &Store{url: url, client: client, reader: reader, keep: keep, clock: clock, recent: map[stream]change{}}
}

// Get returns the tags of a stream, in order; none if the stream is unknown.
func (s *Store) Get(ctx context.Context, organization, name string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(ctx, stream{organization, name})
}

func (s *Store) get(ctx context.Context, of stream) ([]string, error) {
	now := s.clock()
	if c, ok := s.recent[of]; ok && now.Sub(c.at) < shown {
		return c.tags, nil
	}
	delete(s.recent, of)
	client, err := s.reader(of.organization)
	if err != nil {
		return nil, err
	}
	return Of(ctx, client, of.name, now)
}

// Set replaces the tags of a stream, and returns them in order. Its errors are ErrInvalid or those of VictoriaMetrics.
func (s *Store) Set(ctx context.Context, organization, name string, tags []string) ([]string, error) {
	tags, err := Normalize(tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := stream{organization, name}
	before, err := s.get(ctx, of)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	s.stamp = max(s.stamp+1, now.UnixMilli())
	var samples strings.Builder
	for _, t := range tags {
		writeSample(&samples, organization, name, t, 1, s.stamp)
	}
	for _, t := range before {
		if !slices.Contains(tags, t) {
			writeSample(&samples, organization, name, t, 0, s.stamp)
		}
	}
	if err := s.write(ctx, samples.String()); err != nil {
		return nil, err
	}
	s.recent[of] = change{tags, now}
	return tags, nil
}

// Add gives a stream one more tag. Its errors are those of Set.
func (s *Store) Add(ctx context.Context, organization, name, tag string) error {
	tags, err := s.Get(ctx, organization, name)
	if err != nil || slices.Contains(tags, tag) {
		return err
	}
	_, err = s.Set(ctx, organization, name, append(slices.Clone(tags), tag))
	return err
}

// Renew writes the tags in force of an organisation again that were last written more than a month ago.
func (s *Store) Renew(ctx context.Context, organization string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	client, err := s.reader(organization)
	if err != nil {
		return err
	}
	now := s.clock()
	query := fmt.Sprintf("max(last_over_time(%[1]s[%[2]s]) and tlast_over_time(%[1]s[%[2]s]) < %[3]d) by (%[4]s,%[5]s) > 0",
		measure.StreamTagMetric, window, now.Add(-renewAfter).Unix(), measure.LabelStream, measure.DimensionTag)
	series, err := client.Query(ctx, query, now, nil)
	if err != nil {
		return fmt.Errorf("read old tags: %w", err)
	}
	var samples strings.Builder
	for _, old := range series {
		// Dated back, so that what another collector sets just now is later and holds.
		writeSample(&samples, organization, old.Label(measure.LabelStream), old.Label(measure.DimensionTag), 1, now.Add(-shown).UnixMilli())
	}
	if samples.Len() == 0 {
		return nil
	}
	return s.write(ctx, samples.String())
}

func (s *Store) write(ctx context.Context, samples string) error {
	err := vm.Import(ctx, s.client, s.url(), []byte(samples))
	if err == nil {
		err = s.keep([]byte(samples))
	}
	if err != nil {
		return fmt.Errorf("write tags: %w", err)
	}
	return nil
}

func writeSample(b *strings.Builder, organization, name, tag string, value int, ms int64) {
	b.WriteString(measure.StreamTagMetric + "{")
	measure.WriteLabel(b, measure.LabelOrganization, organization)
	measure.WriteLabel(b, measure.LabelStream, name)
	measure.WriteLabel(b, measure.DimensionTag, tag)
	fmt.Fprintf(b, "} %d %d\n", value, ms)
}
