package collector

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/widget"
)

const (
	// viewersFresh is for how long a number of viewers is not asked for again, so that however many pages show it cost one question.
	viewersFresh = 5 * time.Second
	// viewersKnown is of how many streams the number is kept.
	viewersKnown = 10_000
	// viewersPerSecond is how many streams a second of an organisation are asked for that are not kept, viewersBurst how many at once.
	viewersPerSecond = 100
	viewersBurst     = 200
	// viewersRange is how far back the newest complete minute is looked for.
	viewersRange = 3 * time.Minute
)

// streamViewers is how many viewers a stream has.
type streamViewers struct {
	Stream string `json:"stream"`
	// Viewers are those of the newest complete minute by what their players report, ServerViewers those that only servers see.
	Viewers       int64     `json:"viewers"`
	ServerViewers int64     `json:"serverViewers"`
	Minute        time.Time `json:"minute"` // its begin
}

// watched is a stream of an organisation.
type watched struct{ organization, stream string }

// viewerCounts keeps numbers of viewers.
type viewerCounts struct {
	kept    *lru.Cache[watched, counted]
	flights singleflight.Group
	rates   *rates[string] // by organisation
}

// counted is what came of counting. Errors are kept as well, so that a database that fails is not asked by every page.
type counted struct {
	streamViewers
	err   error
	begun time.Time
}

func newViewerCounts() (*viewerCounts, error) {
	kept, err := lru.New[watched, counted](viewersKnown)
	if err != nil {
		return nil, fmt.Errorf("numbers of viewers: %w", err)
	}
	return &viewerCounts{kept: kept, rates: newRates[string](viewersPerSecond, viewersBurst,
		"the pages of the organisation ask for more streams a second than their limit")}, nil
}

// fresh returns what is kept of a stream, if it is young enough.
func (v *viewerCounts) fresh(key watched) (counted, bool) {
	kept, ok := v.kept.Get(key)
	return kept, ok && time.Since(kept.begun) < viewersFresh
}

// getViewers answers with the number of viewers of a stream.
func (s *Server) getViewers(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if token == "" {
		token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	reader, err := s.reader(r, token, s.Directory.ByViewerToken)
	if err != nil {
		return err
	}
	allowReader(w, r, reader)
	stream := r.PathValue("stream")
	switch {
	case !event.ValidText(stream, event.MaxNameBytes):
		return badRead("the stream's name is too long or no text")
	case reader.Streams != nil && !slices.Contains(reader.Streams, stream):
		return &refusal{http.StatusNotFound, event.Refusal{Reason: "not_found", Error: "the token tells nothing of this stream"}, 0}
	}
	found, err := s.countViewers(r.Context(), reader.Organization, stream)
	if err != nil {
		return inWords(err)
	}
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(viewersFresh.Seconds())))
	answer(w, http.StatusOK, found)
	return nil
}

// countViewers returns the number of viewers of a stream, which is up to viewersFresh old.
func (s *Server) countViewers(ctx context.Context, o *tenant.Organization, stream string) (streamViewers, error) {
	key := watched{o.ID, stream}
	if kept, ok := s.viewers.fresh(key); ok {
		return kept.streamViewers, kept.err
	}
	// Others wait for the same answer, so it goes on without the one who asked first.
	ctx = context.WithoutCancel(ctx)
	value, err, _ := s.viewers.flights.Do(o.ID+"/"+stream, func() (any, error) {
		if kept, ok := s.viewers.fresh(key); ok {
			return kept, nil
		}
		if err := s.viewers.rates.take(time.Now(), o.ID); err != nil {
			return nil, err
		}
		found := counted{begun: time.Now()}
		found.streamViewers, found.err = s.askViewers(ctx, o, stream)
		s.viewers.kept.Add(key, found)
		return found, nil
	})
	if err != nil {
		return streamViewers{}, err
	}
	found := value.(counted)
	return found.streamViewers, found.err
}

// askViewers asks for the viewers of a stream in the newest complete minute.
func (s *Server) askViewers(ctx context.Context, o *tenant.Organization, stream string) (streamViewers, error) {
	found := streamViewers{Stream: stream}
	shared, err := s.reads.of(o.ID)
	if err != nil {
		return found, err
	}
	now := s.Clock().Truncate(time.Second)
	frames, err := widget.Run(ctx, shared.Sums, widget.Request{
		Query: widget.Query{QueryType: "concurrentViewers", Stream: []string{stream}, Form: widget.FormSeries, Interval: "1m"},
		From:  now.Add(-viewersRange), To: now, Now: now,
	})
	if err != nil {
		return found, err
	}
	last := frames[0].Rows() - 1
	if last < 0 {
		return found, nil
	}
	for _, f := range frames[0].Fields {
		if at, ok := f.At(last).(time.Time); ok {
			found.Minute = at.UTC()
			continue
		}
		n, err := f.FloatAt(last)
		if err != nil {
			return found, fmt.Errorf("column %s: %w", f.Name, err)
		}
		switch f.Name {
		case "viewers":
			found.Viewers = whole(n)
		case "serverViewers":
			found.ServerViewers = whole(n)
		}
	}
	return found, nil
}

// whole returns a number of viewers as people see it: 0 where there is none.
func whole(n float64) int64 {
	if math.IsNaN(n) {
		return 0
	}
	return int64(math.Round(n))
}
