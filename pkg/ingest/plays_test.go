package ingest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/play"
)

// playMemory is a PlayStore that keeps every line it is given, as often as it is given, as VictoriaLogs does, and can be killed: then it
// forgets what it took in the last 10 s. It stands in for the real one here because its time must pass faster; TestPlaysOnce kills that.
type playMemory struct {
	clock   func() time.Time
	stored  map[string]int // how often, by line
	recent  []takenPlay
	started int64
	writing bool // whether it says that it works on requests that write
	mood    playMood
}

type takenPlay struct {
	at   time.Time
	line string
}

// playMood is how a playMemory answers.
type playMood int

const (
	works       playMood = iota
	away                 // it takes nothing
	losesAnswer          // it takes all and does not say so
	cutsOff              // it takes a part
)

func (m *playMemory) Started(context.Context) (int64, error) {
	if m.mood == away {
		return 0, errAway
	}
	return m.started, nil
}

func (m *playMemory) Flush(context.Context) error { return nil }

func (m *playMemory) Writing(context.Context) (bool, error) { return m.writing, nil }

func (m *playMemory) Insert(_ context.Context, lines [][]byte) error {
	if m.mood == away {
		return errAway
	}
	if m.mood == cutsOff {
		lines = lines[:len(lines)/2]
	}
	for _, line := range lines {
		m.stored[string(line)]++
		m.recent = append(m.recent, takenPlay{m.clock(), string(line)})
	}
	if m.mood != works {
		return errAway
	}
	return nil
}

func (m *playMemory) Have(_ context.Context, keys []play.Key, from, to time.Time) (map[play.Key]bool, error) {
	if m.mood == away {
		return nil, errAway
	}
	all, have := map[play.Key]bool{}, map[play.Key]bool{}
	for line, n := range m.stored {
		key, err := play.KeyOf([]byte(line))
		if err != nil {
			return nil, err
		}
		end, err := play.EndOf([]byte(line))
		if err != nil {
			return nil, err
		}
		all[key] = all[key] || n > 0 && end >= from.UnixMilli() && end < to.UnixMilli()
	}
	for _, key := range keys {
		if all[key] {
			have[key] = true
		}
	}
	return have, nil
}

// kill lets it forget.
func (m *playMemory) kill() {
	for _, t := range m.recent {
		if m.clock().Sub(t.at) <= 10*time.Second {
			m.stored[t.line]--
		}
	}
	m.recent = nil
	m.started++
}

// comparePlays says where a store has other plays than another, or one twice.
func comparePlays(t *testing.T, got, want *playMemory) {
	t.Helper()
	wrong := 0
	for line, n := range got.stored {
		if n != 1 || want.stored[line] != 1 {
			if wrong++; wrong <= 3 {
				t.Errorf("stored %d times, want %d: %s", n, want.stored[line], line)
			}
		}
	}
	if len(got.stored) != len(want.stored) || wrong > 3 {
		t.Errorf("%d plays are stored, want %d; %d are wrong", len(got.stored), len(want.stored), wrong)
	}
}

// TestPlaysWaitOnDisk lets more records wait than may be in memory, and begins with another collector.
func TestPlaysWaitOnDisk(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	store := &playMemory{clock: func() time.Time { return now }, stored: map[string]int{}, started: 1, mood: away}
	o := Options{Dir: t.TempDir(), Clock: store.clock, Plays: store, KeepPlays: 24 * time.Hour}
	p := open(t, o)
	const room, sessions = 20, 100
	p.plays.room = room
	together(t, p, 0, sessions, func(session int) event.Batch { return report(session, 0, now.UnixMilli()) })
	for range 8 {
		now = now.Add(5 * time.Second)
		p.tick(t.Context())
		p.plays.step(t.Context())
		p.deliverAll(t.Context())
	}
	if got := p.PlayStats().Waiting; got != sessions {
		t.Fatalf("%d records wait, want %d", got, sessions)
	}
	if err := p.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := p.PlayStats(); s.Waiting != room || s.BacklogBytes == 0 || s.Failures == 0 {
		t.Errorf("%+v", s)
	}
	store.mood = works
	p = open(t, o)
	now = now.Add(playsGrace)
	for p.plays.step(t.Context()) {
	}
	for line, n := range store.stored {
		if n != 1 {
			t.Fatalf("stored %d times: %s", n, line)
		}
	}
	if len(store.stored) != sessions {
		t.Errorf("%d records are stored, want %d", len(store.stored), sessions)
	}
	now = now.Add(2 * playsKept)
	p.plays.step(t.Context())
	if s := p.PlayStats(); s.BacklogBytes != 0 || s.Waiting != 0 {
		t.Errorf("after all is safe: %+v", s)
	}
}

// TestPlaysOfAStoreThatAlwaysWrites loses each other answer of a store that never says that it has ended with what it was given.
func TestPlaysOfAStoreThatAlwaysWrites(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	store := &playMemory{clock: func() time.Time { return now }, stored: map[string]int{}, started: 1, writing: true}
	p := open(t, Options{Clock: store.clock, Plays: store, KeepPlays: 24 * time.Hour})
	now = now.Add(playsPatience)
	p.plays.step(t.Context())
	const seconds = 59
	for second := range seconds {
		if _, err := p.Events(ended(second, now), func() event.Viewer { return viewer(second) }); err != nil {
			t.Fatal(err)
		}
		p.addUp()
		store.mood = []playMood{losesAnswer, works}[second%2]
		p.plays.step(t.Context())
		now = now.Add(time.Second)
	}
	// A lost answer is not asked for, and what came in the second behind it is not late.
	if s := p.PlayStats(); s.Found != 0 || s.Waiting != (seconds+1)/2 || s.Written != seconds/2 {
		t.Errorf("before its time: %+v", s)
	}
	store.mood, now = works, now.Add(playsPatience)
	p.plays.step(t.Context())
	if s := p.PlayStats(); s.Found != (seconds+1)/2 || s.Waiting != 0 {
		t.Errorf("in the end: %+v", s)
	}
	for line, n := range store.stored {
		if n != 1 {
			t.Errorf("stored %d times: %s", n, line)
		}
	}
}

func TestPlaysThatAreTooOldAreCounted(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	store := &playMemory{clock: func() time.Time { return now }, stored: map[string]int{}, started: 1, mood: away}
	p := open(t, Options{Clock: store.clock, Plays: store, KeepPlays: 24 * time.Hour})
	if _, err := p.Events(report(1, 0, now.UnixMilli()), func() event.Viewer { return viewer(1) }); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		now = now.Add(5 * time.Second)
		p.tick(t.Context())
		p.deliverAll(t.Context())
	}
	now, store.mood = now.Add(23*time.Hour), works
	p.plays.step(t.Context())
	if s := p.PlayStats(); s.TooOld != 1 || s.Waiting != 0 || len(store.stored) != 0 {
		t.Errorf("%+v, %d stored", s, len(store.stored))
	}
}

func TestWithoutPlaysNothingIsKept(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	store := &playMemory{clock: func() time.Time { return now }, stored: map[string]int{}, started: 1}
	o := Options{Dir: t.TempDir(), Clock: store.clock}
	live := func(p *Pipeline, session int) {
		t.Helper()
		if _, err := p.Events(report(session, 0, now.UnixMilli()), func() event.Viewer { return viewer(1) }); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			now = now.Add(5 * time.Second)
			p.tick(t.Context())
			p.plays.step(t.Context())
			p.deliverAll(t.Context())
		}
	}
	p := open(t, o)
	live(p, 1)
	o.Plays, o.KeepPlays = store, 24*time.Hour
	for session, on := range []bool{true, false, true} {
		if !on {
			o.Plays = nil
		} else {
			o.Plays = store
		}
		if err := p.end(t.Context()); err != nil {
			t.Fatal(err)
		}
		p = open(t, o)
		live(p, 2+session)
	}
	var sessions []string
	for line := range store.stored {
		key, err := play.KeyOf([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, strings.TrimLeft(key.Session, "0"))
	}
	slices.Sort(sessions)
	if !slices.Equal(sessions, []string{"2", "4"}) {
		t.Errorf("the sessions %v are kept, want 2 and 4", sessions)
	}
}

// Repeats finds none: TestRepair asks the real store.
func (m *playMemory) RemoveParts(context.Context, time.Time) error { return nil }

func (m *playMemory) Repeats(context.Context, string, time.Time, time.Time) ([][]byte, time.Time, error) {
	return nil, time.Time{}, nil
}

func (m *playMemory) TakeOut(context.Context, string, [][]byte, time.Time, func([][]byte) error) ([][]byte, error) {
	return nil, errAway
}

func (m *playMemory) Refused(error) bool { return false }

// slowStore is a playMemory that is so busy that requests that write are given up by the collector after 35 s; it goes on with each and has
// stored it some seconds later. It says that it writes meanwhile.
type slowStore struct {
	*playMemory
	now   *time.Time
	busy  bool
	later []laterLines
}

type laterLines struct {
	at    time.Time
	lines [][]byte
}

func (s *slowStore) Insert(ctx context.Context, lines [][]byte) error {
	if !s.busy {
		return s.playMemory.Insert(ctx, lines)
	}
	*s.now = s.now.Add(35 * time.Second)
	s.later = append(s.later, laterLines{s.now.Add(8 * time.Second), lines})
	return errAway
}

func (s *slowStore) pass(t *testing.T) {
	for len(s.later) > 0 && !s.now.Before(s.later[0].at) {
		if err := s.playMemory.Insert(t.Context(), s.later[0].lines); err != nil {
			t.Fatal(err)
		}
		s.later = s.later[1:]
	}
	s.writing = len(s.later) > 0
}

// TestPlaysOfAStoreThatIsSlowForMinutes gives up request after request for more than playsPatience, the last one some seconds before the store
// answers again.
func TestPlaysOfAStoreThatIsSlowForMinutes(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	memory := &playMemory{clock: func() time.Time { return now }, stored: map[string]int{}, started: 1}
	store := &slowStore{playMemory: memory, now: &now, busy: true}
	p := open(t, Options{Clock: memory.clock, Plays: store, KeepPlays: 24 * time.Hour})
	now = now.Add(playsPatience)
	p.plays.step(t.Context())
	begun := now
	for n := range 200 {
		store.busy = now.Sub(begun) < 100*time.Second
		if store.busy {
			if _, err := p.Events(ended(n, now), func() event.Viewer { return viewer(n) }); err != nil {
				t.Fatal(err)
			}
			p.addUp()
		}
		store.pass(t)
		p.plays.step(t.Context())
		now = now.Add(time.Second)
	}
	for line, n := range memory.stored {
		if n != 1 {
			t.Errorf("stored %d times: %.80s", n, line)
		}
	}
}

// unwritable is a store that answers everything but does not write, as one whose disk is full.
type unwritable struct {
	*playMemory
	tried, asked int
}

func (r *unwritable) Insert(context.Context, [][]byte) error { r.tried++; return errAway }

func (r *unwritable) Flush(context.Context) error { r.asked++; return nil }

// TestRetriesOfAStoreThatDoesNotWrite counts how often a store that refuses is asked in ten minutes: with maxRetryDelay, some 60 times.
func TestRetriesOfAStoreThatDoesNotWrite(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	memory := &playMemory{clock: func() time.Time { return now }, stored: map[string]int{}, started: 1}
	store := &unwritable{playMemory: memory}
	p := open(t, Options{Clock: memory.clock, Plays: store, KeepPlays: 24 * time.Hour})
	if _, err := p.Events(ended(1, now), func() event.Viewer { return viewer(1) }); err != nil {
		t.Fatal(err)
	}
	p.addUp()
	for range 600 {
		p.plays.step(t.Context())
		now = now.Add(time.Second)
	}
	if store.tried > 70 {
		t.Errorf("in ten minutes it was tried %d times to write, and asked %d times", store.tried, store.asked)
	}
}

// TestAStopSoonAfterAStart stops a collector whose store does not tell whether it writes, as behind a proxy, and that has doubtful records.
func TestAStopSoonAfterAStart(t *testing.T) {
	memory := &playMemory{clock: time.Now, stored: map[string]int{}, started: 1, writing: true}
	o := Options{Dir: t.TempDir(), Plays: memory, KeepPlays: 24 * time.Hour}
	p := open(t, o)
	if _, err := p.Events(ended(1, time.Now()), func() event.Viewer { return viewer(1) }); err != nil {
		t.Fatal(err)
	}
	p.addUp()
	p.plays.step(t.Context())
	if err := p.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	p = open(t, o)
	begun := time.Now()
	if err := p.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 7*time.Second {
		t.Errorf("the stop took %v; %+v", took, p.PlayStats())
	}
}
