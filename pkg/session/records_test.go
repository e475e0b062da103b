package session

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/play"
)

func TestRecords(t *testing.T) {
	state := func(seq int64, s float64, state event.State) event.Event {
		return with(event.New(seq, at(s), event.Snapshot), func(e *event.Event) { e.State = state })
	}
	shows := func(seq int64, s float64, bitrate int64) event.Event {
		return with(state(seq, s, event.StatePlaying), func(e *event.Event) { e.VideoBitrate = bitrate })
	}
	continued := player
	continued.Started = event.Started{Seq: 2, Time: at(-100)}
	for _, tt := range []struct {
		name    string
		session event.Session
		batches [][]event.Event
		want    []string // begin, start, end in s after noon; playing, buffering, paused in ms; errors, stop
	}{
		{"a play", player, [][]event.Event{{load(1, 0), start(2, 1), stats(3, 11, 9, 1, 0), stop(4, 15, "destroy")}},
			[]string{"0 1 15: 13000 1000 0, 0 destroy"}},
		{"one that falls silent", player, [][]event.Event{{load(1, 0), start(2, 1), stats(3, 11, 9, 0, 1)}},
			[]string{"0 1 11: 9000 0 1000, 0 timeout"}},
		{"one that never starts", player, [][]event.Event{{load(1, 0), status(2, 3, "1008")}}, []string{"0 -1 3: 0 0 0, 1 "}},
		{"reports that overtake each other", player, [][]event.Event{{stats(4, 21, 10, 0, 0)}, {stop(5, 25, "x")}, {stats(3, 11, 9, 1, 0), load(1, 0), start(2, 1)}},
			[]string{"0 1 25: 23000 1000 0, 0 x"}},
		{"what comes after the end", player, [][]event.Event{{load(1, 0), start(2, 1), stop(3, 5, "x")}, nil, {stats(4, 15, 10, 0, 0), stop(5, 16, "y")}},
			[]string{"0 1 5: 4000 0 0, 0 x"}},
		{"one that another collector began", continued, [][]event.Event{{stats(3, 11, 10, 0, 0), stop(4, 15, "x")}}, nil},
		{"a broadcast", webcaster, [][]event.Event{{start(1, 0), stats(2, 10, 10, 0, 0), stop(3, 12, "x")}}, []string{"0 0 12: 12000 0 0, 0 x"}},
		{"a broadcast whose stop overtakes all", webcaster, [][]event.Event{{stop(3, 12, "x")}, {stats(2, 10, 10, 0, 0)}, {start(1, 0)}}, []string{"0 0 12: 12000 0 0, 0 x"}},
		{"a broadcast whose stop overtakes its start by a second", webcaster, [][]event.Event{{stop(2, 12, "x")}, nil, {start(1, 0)}}, []string{"0 0 12: 12000 0 0, 0 x"}},
		{"a broadcast whose stop overtakes its report", webcaster, [][]event.Event{{start(1, 0)}, {stop(3, 12, "x")}, nil, {stats(2, 10, 10, 0, 0)}},
			[]string{"0 0 12: 12000 0 0, 0 x"}},
		{"states", player, [][]event.Event{{
			state(1, 0, event.StateStarting), state(2, 2, event.StatePlaying), state(3, 5, event.StateRebuffering), state(4, 6, event.StatePlaying),
			shows(5, 7, 1_000_000), shows(6, 7, 500_000), shows(7, 7, 900_000), shows(8, 7, 1_000_000), state(9, 8, event.StatePaused), state(10, 9, event.StateQuit),
		}}, []string{"0 2 9: 5000 1000 1000, 0 "}},
		{"a page that begins again under its id", player, [][]event.Event{
			{state(1, 0, event.StatePlaying), state(2, 5, event.StateQuit)}, {state(1, 20, event.StatePlaying), state(2, 24, event.StateQuit)},
		}, []string{"0 0 5: 5000 0 0, 0 ", "20 20 24: 4000 0 0, 0 "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tracker := NewTracker(aggregate.New("c"), keep)
			tracker.SetRecording(true)
			now := noon
			var got []string
			expire := func() {
				tracker.Expire(now)
				for _, r := range tracker.TakeRecords() {
					start := int64(-1)
					if r.Start != event.Absent {
						start = (r.Start - noon) / 1000
					}
					got = append(got, fmt.Sprintf("%d %d %d: %d %d %d, %d %s", (r.Begin-noon)/1000, start, (r.End-noon)/1000,
						r.Playing, r.Buffering, r.Paused, r.Errors, r.Stop))
					if tt.name == "states" && (r.Stalls != 1 || r.Up != 2 || r.Down != 1) || tt.name == "a broadcast" && r.Stalls != event.Absent {
						t.Errorf("%d stalls, %d switches up, %d down", r.Stalls, r.Up, r.Down)
					}
					if r.Organization != "acme" || r.Session != "s1" || r.Stream != "live" || r.Player != tt.session.Client || r.OS != "Linux" {
						t.Errorf("%+v", r)
					}
				}
			}
			for _, events := range tt.batches {
				tracker.Apply(event.Batch{Session: tt.session, Received: now, Events: events})
				if events == nil {
					expire()
				}
			}
			for range 10 {
				now += 10_000
				expire()
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if n := tracker.Live(); n != 0 {
				t.Errorf("%d sessions are still live", n)
			}
		})
	}
}

// TestRunning asks which of some sessions run.
func TestRunning(t *testing.T) {
	tracker := NewTracker(aggregate.New("c"), keep)
	tracker.SetRecording(true)
	const sessions = 300
	for n := range sessions {
		of := player
		of.ID = fmt.Sprint(n)
		tracker.Apply(event.Batch{Session: of, Received: noon, Events: []event.Event{load(1, 0), start(2, 1), stats(3, 11, 9, 1, 0)}})
	}
	of := player
	of.ID = "ended"
	tracker.Apply(event.Batch{Session: of, Received: noon, Events: []event.Event{load(1, 0), start(2, 1), stop(3, 5, "x")}})
	of.ID = "stop ahead"
	tracker.Apply(event.Batch{Session: of, Received: noon, Events: []event.Event{stop(3, 5, "x")}})
	of = webcaster
	of.ID = "broadcast whose stop is ahead"
	tracker.Apply(event.Batch{Session: of, Received: noon, Events: []event.Event{stop(2, 5, "x")}})
	of = player
	of.ID = "failed"
	tracker.Apply(event.Batch{Session: of, Received: noon, Events: []event.Event{load(1, 0), with(status(2, 1, "1008"), func(e *event.Event) { e.Fatal = true })}})
	of.ID = "tries"
	tracker.Apply(event.Batch{Session: of, Received: noon, Events: []event.Event{load(1, 0)}})
	seen := map[string]int{}
	var over []string
	for first := int64(-7); first < Shares-7; first += 3 {
		records := tracker.Running(first, 3)
		records = slices.DeleteFunc(records, func(r play.Record) bool {
			if r.Outcome == play.Ended {
				over = append(over, r.Session)
			}
			return r.Outcome == play.Ended
		})
		if len(records) > sessions/5 {
			t.Errorf("%d of %d sessions are in a tenth of the shares", len(records), sessions)
		}
		for _, r := range records {
			seen[r.Session]++
			if r.Outcome != play.Running || r.Timeline != nil || r.Stop != "" || r.Organization != "acme" || r.Stream != "live" {
				t.Errorf("%+v", r)
			}
			if r.Session != "tries" && (r.Playing != 9_000 || r.Buffering != 1_000 || r.Played != 10_000 || r.End != at(11)) {
				t.Errorf("%+v", r)
			}
		}
	}
	if len(seen) != sessions+1 || seen["tries"] != 1 {
		t.Errorf("%d sessions run, want %d", len(seen), sessions+1)
	}
	if slices.Sort(over); !slices.Equal(over, []string{"broadcast whose stop is ahead", "ended", "failed", "stop ahead"}) {
		t.Errorf("%q do not run any more", over)
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", name, n)
		}
	}
	for range 5 {
		tracker.Expire(noon + 40_000)
	}
	if left := tracker.Running(0, Shares); len(left) != 0 {
		t.Errorf("%d sessions still run", len(left))
	}
}

// TestRecordsCostLittle holds what a record with a full timeline adds to a session to 1 KB.
func TestRecordsCostLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures memory")
	}
	const sessions, reports = 2_000, 128
	used := func(recording bool) int64 {
		tracker := NewTracker(aggregate.New("c"), keep)
		tracker.SetRecording(recording)
		before := heap()
		for n := range sessions {
			of := player
			of.ID, of.Interval = fmt.Sprintf("%036d", n), 10*time.Second
			tracker.Apply(event.Batch{Session: of, Received: noon, Events: []event.Event{load(1, 0), start(2, 1)}})
			for i := range int64(reports) {
				e := stats(3+i, float64(11+10*i)+float64((n+int(i))%30)/1000, 9.99, 0.01*float64(i%2), 0)
				e.Latency, e.BufferLength, e.VideoBitrate = 900+int64(n*int(i))%400, 800+int64(n+int(i))%300, 2_000_000
				tracker.Apply(event.Batch{Session: of, Received: noon, Events: []event.Event{e}})
			}
		}
		after := heap()
		if tracker.Live() != sessions {
			t.Errorf("%d sessions are live", tracker.Live())
		}
		return (after - before) / sessions
	}
	off, on := used(false), used(true)
	t.Logf("%d bytes a session without records, %d with", off, on)
	if more := on - off; more > 1024 {
		t.Errorf("a record adds %d bytes to a session, more than 1024", more)
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
