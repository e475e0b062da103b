package session

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
)

// TestBatchesCountAsTheirEventsOneByOne holds that what reports of one batch add at once is what each adds by itself.
func TestBatchesCountAsTheirEventsOneByOne(t *testing.T) {
	described := player
	described.Viewer.Address, described.Viewer.Referrer = "203.0.113.7", "site.example"
	unnamed := described
	unnamed.Viewer.Unnamed = true
	for name, of := range map[string]event.Session{"a play": described, "a play whose agent is not known": unnamed, "a broadcast": webcaster} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(50) {
				events := randomReports(rand.New(rand.NewPCG(seed, 1)))
				sums := func(batches ...[]event.Event) []string {
					ledger := aggregate.New("c1")
					tracker := NewTracker(ledger, keep)
					for _, events := range batches {
						tracker.Apply(event.Batch{Session: of, Events: slices.Clone(events), Received: at(3900)})
					}
					named := of
					named.Viewer.Unnamed = false
					tracker.Apply(event.Batch{Session: named, Events: []event.Event{stop(1000, 1700, "normal")}, Received: at(3900)})
					tracker.Expire(at(4000))
					return slices.Sorted(strings.Lines(taken(ledger)))
				}
				var single [][]event.Event
				for _, e := range events {
					single = append(single, []event.Event{e})
				}
				if together, apart := sums(events), sums(single...); !slices.Equal(together, apart) {
					t.Fatalf("seed %d: together\n%s\napart\n%s", seed, strings.Join(together, ""), strings.Join(apart, ""))
				} else if len(together) < 100 {
					t.Fatalf("only %d samples", len(together))
				}
			}
		})
	}
}

// randomReports are the events of a session, of which some fall into the next minute or the next hour, some are out of order, and some say less than others.
func randomReports(random *rand.Rand) []event.Event {
	begin := 3600*float64(random.IntN(2)) - 30*float64(1+random.IntN(4)) // around the begin of an hour, which is that of a minute
	events := []event.Event{load(1, begin), start(2, begin+0.5)}
	now := begin + 0.5
	for seq := range int64(20) {
		length := float64(random.IntN(20_000)) / 1000
		now += length
		events = append(events, with(stats(seq+3, now, length/2, length/3, length/6), func(e *event.Event) {
			for _, number := range []*int64{&e.BufferLength, &e.Latency, &e.VideoBitrate, &e.Height, &e.Stalls, &e.Frames} {
				if random.IntN(3) > 0 {
					*number = int64(random.IntN(3000))
				}
			}
		}))
	}
	for range 3 {
		i := 2 + random.IntN(len(events)-3)
		events[i], events[i+1] = events[i+1], events[i]
	}
	return events
}
