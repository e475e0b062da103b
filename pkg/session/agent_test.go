package session

import (
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
)

// TestAgentIsFoundOutLater counts sessions whose first batch could not tell the viewer's agent.
func TestAgentIsFoundOutLater(t *testing.T) {
	unnamed := event.Viewer{Country: "DE", OS: "Unknown", Browser: "Unknown", Device: "other", Unnamed: true}
	const (
		linux   = `plays_os{os="Linux",device="desktop"} @0`
		unknown = `plays_os{os="Unknown",device="other"} @0`
	)
	type batch struct {
		at     float64 // s after noon
		viewer event.Viewer
		events []event.Event
	}
	tests := []struct {
		name    string
		batches []batch
		silent  float64 // s after noon
		want    string  // the one sum of plays by system
		named   bool    // after the last batch
	}{
		{"with the next report", []batch{{1, unnamed, []event.Event{load(1, 0), start(2, 1)}}, {11, player.Viewer, []event.Event{stats(3, 11, 10, 0, 0)}}},
			60, linux, true},
		{"in the next minute", []batch{{1, unnamed, []event.Event{load(1, 0), start(2, 1)}}, {71, player.Viewer, []event.Event{stats(3, 71, 70, 0, 0)}}},
			200, linux, true},
		{"with the third report", []batch{{1, unnamed, []event.Event{load(1, 0), start(2, 1)}}, {11, unnamed, []event.Event{stats(3, 11, 10, 0, 0)}},
			{21, player.Viewer, []event.Event{stats(4, 21, 10, 0, 0)}}}, 80, linux, true},
		{"before the start", []batch{{1, unnamed, []event.Event{load(1, 0)}}, {2, player.Viewer, []event.Event{start(2, 1)}}}, 60, linux, true},
		{"with the stop", []batch{{1, unnamed, []event.Event{load(1, 0), start(2, 1)}}, {8, player.Viewer, []event.Event{stop(3, 8, "normal")}}}, 60, linux, true},
		{"after the stop", []batch{{1, unnamed, []event.Event{load(1, 0), start(2, 1), stop(3, 8, "normal")}},
			{12, player.Viewer, []event.Event{load(1, 0)}}}, 60, linux, true},
		{"never", []batch{{1, unnamed, []event.Event{load(1, 0), start(2, 1)}}}, 60, unknown, false},
		{"never, and stopped", []batch{{1, unnamed, []event.Event{load(1, 0), start(2, 1), stop(3, 8, "normal")}}}, 60, unknown, false},
		{"known from the first", []batch{{1, player.Viewer, []event.Event{load(1, 0), start(2, 1)}}, {11, unnamed, []event.Event{stats(3, 11, 10, 0, 0)}}},
			60, linux, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ledger := aggregate.New("c")
			tracker := NewTracker(ledger, keep)
			for _, b := range test.batches {
				s := player
				s.Viewer = b.viewer
				tracker.Apply(event.Batch{Session: s, Received: at(b.at), Events: b.events})
				tracker.Expire(at(b.at))
				// What waits must outlive a restart.
				w := codec.NewWriter(nil)
				tracker.Code(w)
				tracker = NewTracker(ledger, keep)
				r := codec.NewReader(w.Bytes())
				tracker.Code(r)
				if err := r.End(); err != nil {
					t.Fatal(err)
				}
			}
			if got := tracker.Named("acme", "s1"); got != test.named {
				t.Errorf("the agent is known: %v, want %v", got, test.named)
			}
			tracker.Expire(at(test.silent))
			tracker.Expire(at(test.silent + 60))
			all := taken(ledger)
			for _, measured := range []string{"plays", "start_time_ms_count"} {
				of := "Linux"
				if test.want == unknown {
					of = "Unknown"
				}
				series := "streamlens_" + measured + `_by_os_1m{`
				if strings.Count(all, series) != 1 || !strings.Contains(all, series+`org="acme",collector="c",os="`+of+`"} 1 `) {
					t.Errorf("%s by system are not 1 of %s alone:\n%s", measured, of, all)
				}
			}
			for name, sum := range totalsOf(t, all, true) {
				if strings.HasPrefix(name, "plays_os") && (name != test.want || sum != 1) {
					t.Errorf("counted %s: %d, want %s: 1", name, sum, test.want)
				}
				if name == test.want {
					test.want = ""
				}
			}
			if test.want != "" {
				t.Errorf("did not count %s", test.want)
			}
			if tracker.Live() != 0 {
				t.Errorf("%d sessions live on", tracker.Live())
			}
		})
	}
}

// A session that another collector has counted the start of has nothing to count later.
func TestAgentOfAdoptedSession(t *testing.T) {
	ledger := aggregate.New("c")
	tracker := NewTracker(ledger, keep)
	s := player
	s.Started, s.Viewer.Unnamed = event.Started{Seq: 2, Time: at(1)}, true
	tracker.Apply(event.Batch{Session: s, Received: at(11), Events: []event.Event{stats(3, 11, 10, 0, 0)}})
	s.Viewer.Unnamed = false
	tracker.Apply(event.Batch{Session: s, Received: at(21), Events: []event.Event{stats(4, 21, 10, 0, 0)}})
	tracker.Expire(at(100))
	for name := range totals(t, ledger, false) {
		if strings.HasPrefix(name, "plays") {
			t.Errorf("counted %s", name)
		}
	}
}
