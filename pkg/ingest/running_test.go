package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/session"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// TestRunningPlays lets two collectors, one of which is killed, tell a real store which plays run.
func TestRunningPlays(t *testing.T) {
	store, err := vl.NewClient(vltest.Start(t), http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now().Add(-2 * time.Minute)
	var passed atomic.Int64
	clock := func() time.Time { return begun.Add(time.Duration(passed.Load())) }
	a := Options{Dir: t.TempDir(), Collector: "a", Clock: clock, Plays: store, KeepPlays: 24 * time.Hour, RunningPlays: true}
	b := a
	b.Dir, b.Collector = t.TempDir(), "b"
	first, second := open(t, a), open(t, b)
	minute := func() {
		for range session.Shares {
			passed.Add(int64(partsInterval / session.Shares))
			for _, p := range []*Pipeline{first, second} {
				p.addUp()
				p.stopSaving()
			}
		}
		for _, p := range []*Pipeline{first, second} {
			p.running.step(t.Context())
			for p.plays.step(t.Context()) {
			}
		}
	}
	send := func(p *Pipeline, n, part int, stop bool) {
		t.Helper()
		batch := report(n, part, clock().UnixMilli())
		batch.Session.Interval = time.Minute
		if stop {
			batch.Events = append(batch.Events, event.New(int64(4+part), clock().UnixMilli(), event.Stop))
		}
		if _, err := p.Events(batch, func() event.Viewer { return viewer(n) }); err != nil {
			t.Fatal(err)
		}
	}
	running := func() []string {
		t.Helper()
		if err := store.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := store.Ask(t.Context(), vl.Question{
			Running: true, From: clock().Add(-3 * time.Minute), To: clock().Add(time.Minute), Sort: vl.Sorting{Field: play.Session},
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows {
			var n int
			if _, err := fmt.Sscanf(row[string(play.Session)], "%d", &n); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(n, " ", row[string(play.Playing)]))
		}
		return got
	}
	check := func(when string, want ...string) {
		t.Helper()
		if got := running(); !slices.Equal(got, want) {
			t.Errorf("%s %v run, want %v", when, got, want)
		}
	}
	send(first, 0, 0, false)
	send(first, 1, 0, false)
	send(second, 1, 0, false) // which a client does whose first request was not answered
	send(second, 2, 0, false)
	minute()
	check("after a minute", "0 9800", "1 9800", "2 9800")
	send(first, 0, 1, true)
	send(first, 1, 1, false)
	send(second, 1, 1, false)
	send(second, 2, 1, false)
	minute()
	check("after one has ended", "1 19600", "2 19600")
	first = open(t, a) // it was killed
	minute()
	check("after a kill", "1 19600", "2 19600")
	send(first, 1, 2, true)
	send(second, 1, 2, true)
	send(second, 2, 2, true)
	minute()
	check("when all have ended")
	if s := first.PlayStats(); s.PartsDropped != 0 || s.Parts == 0 {
		t.Errorf("%+v", s)
	}
}

// refusing is a store that removes nothing.
type refusing struct{ *playMemory }

var errRefused = errors.New("deletions are off")

func (refusing) RemoveParts(context.Context, time.Time) error { return errRefused }

// TestPartsThatAreNotTakenAreCounted lets parts fail in every way. Records of plays must not notice.
func TestPartsThatAreNotTakenAreCounted(t *testing.T) {
	for name, tt := range map[string]struct {
		mood    playMood
		refuses bool
		dropped int64
		written int64
	}{
		"taken": {works, false, 0, 6}, "away": {away, false, 6, 0}, "not removed": {works, true, 6, 0},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			memory := &playMemory{clock: func() time.Time { return now }, stored: map[string]int{}, started: 1, mood: tt.mood}
			var store PlayStore = memory
			if tt.refuses {
				store = refusing{memory}
			}
			p := open(t, Options{Clock: memory.clock, Plays: store, KeepPlays: 24 * time.Hour, RunningPlays: true})
			for n := range 3 {
				if _, err := p.Events(report(n, 0, now.UnixMilli()), func() event.Viewer { return viewer(n) }); err != nil {
					t.Fatal(err)
				}
			}
			now = now.Add(2 * time.Second)
			p.addUp() // sets the turn
			for range session.Shares {
				now = now.Add(2 * time.Second)
				p.addUp()
				p.stopSaving()
				p.running.step(t.Context())
			}
			// Each ran, and fell silent after 30 s or later.
			if s := p.PlayStats(); s.PartsDropped+s.Parts < 3 || tt.dropped == 0 && s.PartsDropped > 0 || tt.written == 0 && s.Parts > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}
