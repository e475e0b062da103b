package session

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
)

// snapshots of a player, at seconds after noon.
func snapshot(seq int64, s float64, state event.State) event.Event {
	e := event.New(seq, at(s), event.Snapshot)
	e.State = state
	switch state {
	case event.StateEnded:
		e.Reason = "normal"
	case event.StateFailed:
		e.Reason = "playbackerror"
	}
	return e
}

const (
	kept        = event.StateKept
	preparing   = event.StatePreparing
	starting    = event.StateStarting
	rendering   = event.StatePlaying
	seeking     = event.StateSeeking
	rebuffering = event.StateRebuffering
	paused      = event.StatePaused
	ended       = event.StateEnded
	failed      = event.StateFailed
)

func TestTrackerCountsSnapshots(t *testing.T) {
	// what every play of the player counts
	play := map[string]int64{"loads": 1, "plays": 1, `plays_os{os="Linux",device="desktop"}`: 1, `plays_browser{browser="Chrome"}`: 1,
		`plays_version{version="hlsjs 1.7.4"}`: 1}
	and := func(counts ...map[string]int64) map[string]int64 {
		all := maps.Clone(play)
		for _, c := range counts {
			maps.Copy(all, c)
		}
		return all
	}
	startTime := func(ms int64) map[string]int64 {
		return map[string]int64{"start_time_ms_sum": ms, "start_time_ms_count": 1}
	}
	end := func(reason string, played int64) map[string]int64 {
		return map[string]int64{`stops{reason="` + reason + `"}`: 1, "played_time_ms_sum": played, "played_time_ms_count": 1}
	}
	tests := []struct {
		name    string
		events  []event.Event
		silence time.Duration
		want    map[string]int64
	}{
		{
			name: "start-up, a stall, a pause, a seek and the end",
			events: []event.Event{snapshot(1, 0, kept), snapshot(2, 0.5, preparing), snapshot(3, 1, starting), snapshot(4, 1.8, rendering),
				snapshot(5, 6, kept), snapshot(6, 8, rebuffering), snapshot(7, 9.5, rendering), snapshot(8, 12, paused),
				snapshot(9, 15, rendering), snapshot(10, 16, seeking), snapshot(11, 17, rendering), snapshot(12, 20, ended), snapshot(13, 30, ended)},
			want: and(startTime(800), end("normal", 18_200-3000), map[string]int64{
				playing: 6200 + 2500 + 1000 + 3000, buffering: 1500, viewing: 6200 + 2500 + 1000 + 3000 + 1500}),
		},
		{
			name: "time in which only a click is missing is no start-up",
			events: []event.Event{snapshot(1, 0, starting), snapshot(2, 0.4, paused), snapshot(3, 9, starting), snapshot(4, 9.3, rendering),
				snapshot(5, 10, rendering)},
			want: and(startTime(700), map[string]int64{playing: 700, viewing: 700}),
		},
		{
			name: "waiting before the first frame is start-up, waiting while seeking is seeking",
			events: []event.Event{snapshot(1, 0, starting), snapshot(2, 0.1, rebuffering), snapshot(3, 1, rendering), snapshot(4, 2, seeking),
				snapshot(5, 2.1, rebuffering), snapshot(6, 4, rendering), snapshot(7, 5, rendering)},
			want: and(startTime(1000), map[string]int64{playing: 2000, viewing: 2000}),
		},
		{
			name: "a player that never says that it starts has the start-up time that it measured",
			events: []event.Event{snapshot(1, 0, kept), with(snapshot(2, 2, rendering), func(e *event.Event) { e.StartTime = 650 }),
				snapshot(3, 4, rendering)},
			want: and(startTime(650), map[string]int64{playing: 2000, viewing: 2000}),
		},
		{
			name: "a player without states is a viewer that others see",
			events: []event.Event{snapshot(1, 30, kept), with(snapshot(2, 32, kept), func(e *event.Event) { e.StartTime = 660 }),
				snapshot(3, 40, kept), snapshot(4, 65, kept), snapshot(5, 70, kept)},
			silence: 30 * time.Second,
			want:    and(startTime(660), end("timeout", 40_000-660), map[string]int64{"server_viewers": 2}),
		},
		{
			name:   "an error before the first frame is a load and no play",
			events: []event.Event{snapshot(1, 0, kept), with(snapshot(2, 1, failed), func(e *event.Event) { e.Code, e.Fatal = "manifestLoadError", true })},
			want:   map[string]int64{"loads": 1, `statuses{code="manifestLoadError",fatal="true"}`: 1, `plays_code{code="manifestLoadError"}`: 1},
		},
		{
			name: "a fatal error ends a play",
			events: []event.Event{snapshot(1, 0, rendering), snapshot(2, 4, failed),
				with(snapshot(3, 4, failed), func(e *event.Event) { e.Code, e.Fatal = "25", true })},
			want: and(end("playbackerror", 4000), map[string]int64{playing: 4000, viewing: 4000, `statuses{code="25",fatal="true"}`: 1, `plays_code{code="25"}`: 1}),
		},
		{
			name:    "silence ends a play at its last snapshot",
			events:  []event.Event{snapshot(1, 0, starting), snapshot(2, 1, rendering), snapshot(3, 11, kept)},
			silence: 30 * time.Second,
			want:    and(startTime(1000), end("timeout", 10_000), map[string]int64{playing: 10_000, viewing: 10_000}),
		},
		{
			name:   "nobody knows what happened in a silence",
			events: []event.Event{snapshot(1, 0, rendering), snapshot(2, 10, rendering), snapshot(3, 41, rendering), snapshot(4, 45, rendering)},
			want:   and(map[string]int64{playing: 14_000, viewing: 14_000}),
		},
		{
			name:   "the times of requests lie before what went ahead of them",
			events: []event.Event{snapshot(1, 0, rendering), snapshot(2, 10, rendering), snapshot(3, 4, kept), snapshot(4, 12, rendering)},
			want:   and(map[string]int64{playing: 12_000, viewing: 12_000}),
		},
		{
			name: "in any order, each once",
			events: []event.Event{snapshot(4, 6, rebuffering), snapshot(2, 1, rendering), snapshot(1, 0, starting), snapshot(4, 6, rebuffering),
				snapshot(5, 8, rendering), snapshot(3, 5, kept), snapshot(2, 1, rendering)},
			want: and(startTime(1000), map[string]int64{playing: 5000, buffering: 2000, viewing: 7000}),
		},
		{
			name: "without seq in the order of arrival, each once",
			events: []event.Event{snapshot(0, 0, starting), snapshot(0, 1, rendering), snapshot(0, 1, rendering), snapshot(0, 5, kept),
				snapshot(0, 5, kept), snapshot(0, 6, rebuffering), snapshot(0, 7, rendering)},
			want: and(startTime(1000), map[string]int64{playing: 5000, buffering: 1000, viewing: 6000}),
		},
		{
			name: "a page that gives its player a fixed session id begins again",
			events: []event.Event{snapshot(1, 0, starting), snapshot(2, 1, rendering), snapshot(3, 4, rendering),
				snapshot(1, 20, starting), snapshot(2, 22, rendering), snapshot(3, 27, rendering), snapshot(1, 20, starting)},
			want: map[string]int64{"loads": 2, "plays": 2, `plays_os{os="Linux",device="desktop"}`: 2, `plays_browser{browser="Chrome"}`: 2,
				`plays_version{version="hlsjs 1.7.4"}`: 2, "start_time_ms_sum": 3000, "start_time_ms_count": 2, playing: 8000, viewing: 8000,
				`stops{reason="playbackrestart"}`: 1, "played_time_ms_sum": 3000, "played_time_ms_count": 1},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ledger := aggregate.New("c")
			tracker := NewTracker(ledger, keep)
			now := at(30)
			for _, e := range test.events {
				now = max(now, e.Time)
				tracker.Apply(event.Batch{Session: player, Received: now, Events: []event.Event{e}})
			}
			tracker.Expire(now + test.silence.Milliseconds())
			got := totals(t, ledger, false)
			maps.DeleteFunc(got, func(k string, _ int64) bool { return strings.Contains(k, "_bucket") || ofAttempts(k) })
			if !maps.Equal(got, test.want) {
				t.Errorf("counted\n%s\nwant\n%s", list(got), list(test.want))
			}
		})
	}
}

func TestTrackerEndsAStallThatNobodyWaitsFor(t *testing.T) {
	ledger := aggregate.New("c")
	tracker := NewTracker(ledger, keep)
	apply := func(e event.Event) {
		tracker.Apply(event.Batch{Session: player, Received: e.Time, Events: []event.Event{e}})
	}
	apply(snapshot(1, 0, rendering))
	seq := int64(2)
	for s := 10.0; s <= 3600; s += 10 {
		apply(snapshot(seq, s, rebuffering))
		seq++
	}
	apply(snapshot(seq, 3610, ended))
	got := totals(t, ledger, false)
	if got[buffering] != longestStall || got["played_time_ms_sum"] != 10_000+longestStall {
		t.Errorf("a stall of an hour counts %d ms in a play of %d ms", got[buffering], got["played_time_ms_sum"])
	}
}

func TestTrackerCorrectsThePlayersClock(t *testing.T) {
	ledger := aggregate.New("c")
	tracker := NewTracker(ledger, keep)
	hour := time.Hour.Milliseconds()
	ahead := func(seq int64, s float64, state event.State) []event.Event {
		e := snapshot(seq, s, state)
		e.Time += hour
		return []event.Event{e}
	}
	tracker.Apply(event.Batch{Session: player, Received: at(1), Correction: -hour, Events: ahead(1, 1, rendering)})
	// A request that was repeated for a minute says nothing about the clock.
	tracker.Apply(event.Batch{Session: player, Received: at(80), Correction: -hour + 60_000, Events: ahead(2, 20, rebuffering)})
	outcome := tracker.Apply(event.Batch{Session: player, Received: at(81), Events: []event.Event{snapshot(3, 2*3600+81+61, rendering)}})
	if outcome.Outside != 1 {
		t.Errorf("a snapshot of the future is counted: %+v", outcome)
	}
	tracker.Apply(event.Batch{Session: player, Received: at(82), Events: ahead(4, 30, rendering)})
	tracker.Expire(at(200))
	got := totals(t, ledger, true)
	if got["plays @0"] != 1 || got[playing+" @0"] != 19_000 || got[buffering+" @0"] != 10_000 {
		t.Errorf("counted %v", got)
	}
}

func TestTrackerPrefersThePlayerToTheLog(t *testing.T) {
	play := []event.Event{snapshot(1, 0, starting), snapshot(2, 1, rendering), snapshot(3, 10, paused), snapshot(4, 16, rendering), snapshot(5, 18, ended)}
	logged := []event.Event{snapshot(0, 2, rendering), snapshot(0, 5, rendering)}
	for _, first := range []int{0, 1, 3, 5} { // how many of the player's reports come before the log's
		ledger := aggregate.New("c")
		tracker := NewTracker(ledger, keep)
		apply := func(isLogged bool, events []event.Event) {
			for _, e := range events {
				tracker.Apply(event.Batch{Session: player, Logged: isLogged, Received: at(20), Events: []event.Event{e}})
			}
		}
		apply(false, play[:first])
		apply(true, logged)
		apply(false, play[first:])
		tracker.Expire(at(60))
		want := map[string]int64{"loads": 1, "plays": 1, playing: 11_000, `stops{reason="normal"}`: 1}
		if first == 0 {
			want[playing] = 10_000 // the log knows of the play from its second second on
		}
		got := totals(t, ledger, false)
		for metric, value := range want {
			if got[metric] != value {
				t.Errorf("the log after %d reports: %s is %d, want %d", first, metric, got[metric], value)
			}
		}
	}
}

func TestTrackerEndsAPlayWhoseIdBeginsAgain(t *testing.T) {
	ledger := aggregate.New("c")
	tracker := NewTracker(ledger, keep)
	// Both plays in one request.
	tracker.Apply(event.Batch{Session: player, Received: at(30), Events: []event.Event{snapshot(1, 0, rendering), snapshot(2, 5, rendering),
		snapshot(1, 20, rendering), snapshot(2, 28, rendering)}})
	tracker.Expire(at(100))
	got := totals(t, ledger, false)
	if got["plays"] != 2 || got[`stops{reason="playbackrestart"}`] != 1 || got[`stops{reason="timeout"}`] != 1 || got["played_time_ms_sum"] != 13_000 {
		t.Errorf("counted\n%s", list(got))
	}
}

func TestTrackerKnowsWhoReports(t *testing.T) {
	tracker := NewTracker(aggregate.New("c"), keep)
	session := player
	session.Viewer.Key = 7
	say := func(e event.Event) {
		tracker.Apply(event.Batch{Session: session, Received: e.Time, Events: []event.Event{e}})
	}
	say(snapshot(0, 0, kept))
	if tracker.Reports("acme", "s1") {
		t.Error("a player that names no state reports")
	}
	say(snapshot(0, 1, rendering))
	if !tracker.Reports("acme", "s1") || tracker.Reports("beta", "s1") || !tracker.Watches(7) || tracker.Watches(8) || tracker.Watches(0) {
		t.Error("who reports is not known")
	}
	tracker.Expire(at(3600))
	if tracker.Awake() != 0 || !tracker.Reports("acme", "s1") || !tracker.Watches(7) || tracker.Watches(8) || tracker.Watches(0) {
		t.Error("who reports is not known of a session that sleeps")
	}
	tracker.Expire(at(32 * 3600))
	if tracker.Reports("acme", "s1") || tracker.Watches(7) {
		t.Error("a session of the day before is still known")
	}
}

// TestThirdPlayUnderOneID lets a page begin three plays under one id, each counting from 1.
func TestThirdPlayUnderOneID(t *testing.T) {
	ledger := aggregate.New("c")
	tracker := NewTracker(ledger, keep)
	of := player
	for play := range 3 {
		for n := range 4 {
			s := float64(play*20 + n*2)
			e := event.New(int64(n+1), at(s), event.Snapshot)
			e.State = []event.State{event.StateStarting, event.StatePlaying, event.StatePlaying, event.StatePlaying}[n]
			if o := tracker.Apply(event.Batch{Session: of, Received: at(s), Events: []event.Event{e}}); o != (Outcome{}) {
				t.Errorf("play %d, event %d: %+v", play, n, o)
			}
		}
	}
	sums := totals(t, ledger, false)
	if sums["plays"] != 3 {
		t.Errorf("%d plays, want 3", sums["plays"])
	}
}
