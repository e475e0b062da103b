package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// memory is a Target that keeps the greatest value of each timestamp, as VictoriaMetrics does, and can be killed: then it forgets
// what it took in the last 14 s. It stands in for the real one here because its time must pass faster; test/torture kills that.
type memory struct {
	clock   func() time.Time
	stored  map[string]int64 // by series and timestamp
	recent  []taken
	started int64
	away    bool
}

type taken struct {
	at     time.Time
	lines  map[string]int64
	before map[string]int64
}

var errAway = errors.New("away")

func (m *memory) Started(context.Context) (int64, error) {
	if m.away {
		return 0, errAway
	}
	return m.started, nil
}

func (m *memory) Write(_ context.Context, samples []byte) error {
	if m.away {
		return errAway
	}
	now := taken{m.clock(), map[string]int64{}, map[string]int64{}}
	for line := range strings.Lines(string(samples)) {
		end := strings.LastIndexByte(line, ' ')
		name, text, _ := strings.Cut(line[:end], "} ")
		value, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
		key := name + "}" + line[end:]
		if m.stored[key] < value {
			now.before[key] = m.stored[key]
			m.stored[key] = value
		}
	}
	m.recent = append(m.recent, now)
	return nil
}

// kill lets it forget.
func (m *memory) kill() {
	for _, t := range slices.Backward(m.recent) {
		if m.clock().Sub(t.at) <= 14*time.Second {
			maps.Copy(m.stored, t.before)
		}
	}
	m.recent = nil
	m.started++
}

// world is what happens to two pipelines alike.
type world struct {
	*rand.Rand
	now      time.Time
	setBack  time.Duration // by how much the clock was in all
	sessions []*simulated
	lines    int
}

type simulated struct {
	id     string
	seq    int64
	states bool // a player that names states
}

// batch returns the next events of some session, or the last ones again.
func (w *world) batch() event.Batch {
	var s *simulated
	if len(w.sessions) == 0 || w.IntN(4) == 0 {
		s = &simulated{id: fmt.Sprint("session ", len(w.sessions)), states: w.IntN(3) == 0}
		w.sessions = append(w.sessions, s)
	} else {
		s = w.sessions[w.IntN(len(w.sessions))]
	}
	at := func() int64 {
		if w.IntN(20) == 0 {
			return w.now.Add(-time.Duration(w.IntN(7*24*60)) * time.Minute).UnixMilli()
		}
		return w.now.UnixMilli() - w.Int64N(20_000)
	}
	var events []event.Event
	for range 1 + w.IntN(4) {
		again := w.IntN(10) == 0 && s.seq > 0
		if !again {
			s.seq += 1 + w.Int64N(2)/max(w.Int64N(8), 1)
		}
		e := event.New(s.seq, at(), event.Stats)
		switch {
		case s.states:
			e.Type, e.State = event.Snapshot, event.State(w.IntN(10))
			switch w.IntN(20) {
			case 0:
				e.Seq = event.Unnumbered
			case 1:
				e.Seq, e.Code = 1, "1001" // perhaps the next play of the page
			case 2:
				e.StartTime, e.BufferLength = w.Int64N(3000), w.Int64N(3000)
			}
			if e.State >= event.StateEnded {
				e.Reason = "normal"
			}
		case s.seq == 1:
			e.Type = event.Load
		case s.seq == 2:
			e.Type = event.Start
		case w.IntN(12) == 0:
			e.Type, e.Reason = event.Stop, fmt.Sprint("reason ", w.IntN(3))
		case w.IntN(8) == 0:
			e.Type, e.Code, e.Fatal = event.Status, []string{"7", fmt.Sprint(w.IntN(2000))}[w.IntN(2)], w.IntN(2) == 0
		default:
			e.Playing, e.Buffering, e.BufferLength = w.Int64N(10_000), w.Int64N(500), w.Int64N(3000)
		}
		events = append(events, e)
	}
	return event.Batch{
		Session: event.Session{
			Organization: "acme", ID: s.id, Stream: fmt.Sprint("stream ", w.IntN(12)), Event: []string{"", "e"}[w.IntN(2)],
			Client: "h5live 4", Method: "h5live", Interval: 10 * time.Second, User: []string{"", "u"}[w.IntN(2)], CDN: []string{"", "a", "b"}[w.IntN(3)],
		},
		Received: w.now.UnixMilli(), Events: events, Correction: w.Int64N(3) * 1000, Logged: s.states && w.IntN(10) == 0,
	}
}

func (w *world) delivery() Delivery {
	d := Delivery{Organization: "acme", Received: w.now.UnixMilli(), Cursor: Cursor{"log", fmt.Sprint(w.lines)}}
	if w.IntN(3) == 0 {
		d.ID = fmt.Sprint("delivery ", w.IntN(30))
	}
	if w.IntN(4) == 0 {
		b := w.batch()
		b.Logged = true
		d.Sessions = append(d.Sessions, b)
	}
	for range 1 + w.IntN(5) {
		w.lines++
		u := event.Usage{
			Time: w.now.UnixMilli() - w.Int64N(400_000), Stream: fmt.Sprint("stream ", w.IntN(12)), Direction: measure.Playout, Protocol: "hls",
			Bytes: w.Int64N(1e6), Address: fmt.Sprint("10.0.0.", w.IntN(40)), Country: "DE", Referrer: "site.example",
			Viewer: event.ViewerKey(1 + w.IntN(50)),
		}
		if w.IntN(2) == 0 {
			u.ID = fmt.Sprint("line ", w.IntN(60))
		}
		d.Lines = append(d.Lines, u)
	}
	return d
}

// TestCrashes runs two pipelines with the same input. One lives on; the other is killed again and again, as is what it writes to,
// which is away at times. In the end both have stored the same.
func TestCrashes(t *testing.T) {
	for _, seed := range []uint64{1, uint64(time.Now().UnixNano())} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			crash(t, seed)
		})
	}
}

func crash(t *testing.T, seed uint64) {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	// What is killed forgets what it took in the last seconds that passed, whatever clocks showed.
	passed := func() time.Time { return w.now.Add(w.setBack) }
	limits, judgement := tenant.Limits{Streams: 10, IPsPerHour: 20}, tenant.DefaultJudgement()
	plays := map[*memory]*playMemory{}
	options := func(m *memory) Options {
		plays[m] = &playMemory{clock: passed, stored: map[string]int{}, started: 1}
		return Options{
			Dir: t.TempDir(), Target: m, Clock: clock, Limits: func(string) tenant.Limits { return limits },
			Judgement: func(string) tenant.Judgement { return judgement }, Plays: plays[m], KeepPlays: 365 * 24 * time.Hour,
		}
	}
	living := &memory{clock: passed, stored: map[string]int64{}}
	killed := &memory{clock: passed, stored: map[string]int64{}, started: 1}
	calm, wild := options(living), options(killed)
	reference, p := open(t, calm), open(t, wild)
	crashes, forgotten := 0, 0
	both := func(do func(*Pipeline) any) {
		t.Helper()
		if want, got := do(reference), do(p); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("after %d crashes: %v, want %v", crashes, got, want)
		}
	}
	for step := range 800 {
		w.now = w.now.Add(time.Duration(w.Int64N(700)) * time.Millisecond)
		switch w.IntN(40) {
		case 0:
			w.now = w.now.Add(time.Duration(w.Int64N(90)) * time.Second)
		case 1:
			back := time.Duration(w.Int64N(90)) * time.Second
			w.now, w.setBack = w.now.Add(-back), w.setBack+back
		case 2:
			limits.IPsPerHour = 5 + w.IntN(30)
			judgement.Quality.FairBufferingRatio = 0.01 + w.Float64()/10
			judgement.BusinessCodes = []string{fmt.Sprint(w.IntN(2000)), "7"}
		case 3:
			killed.away = w.IntN(3) > 0
		case 4:
			killed.kill()
			plays[killed].kill()
			forgotten++
		case 22:
			plays[killed].mood = playMood(w.IntN(4))
		case 5:
			if w.IntN(2) == 0 {
				// Killed while it saves: the file is there, but not under its name.
				if err := os.WriteFile(filepath.Join(wild.Dir, statePrefix+"1.new"), []byte("half"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p.stopSaving()
			p = open(t, wild)
			now := w.now.UnixMilli()
			if err := reference.resumeAt(now); err != nil {
				t.Fatal(err)
			}
			crashes++
		case 6:
			p.save.at = 0
		case 21:
			text := fmt.Sprintf("tag{stream=\"%d\"} 1 %d\n", w.IntN(5), w.now.UnixMilli()*10_000+int64(step))
			both(func(p *Pipeline) any { return p.Keep([]byte(text)) })
		case 7, 8, 9, 10, 11, 12:
			both(func(p *Pipeline) any {
				p.tick(t.Context())
				if p.flying {
					p.land(<-p.landed)
				}
				p.plays.step(t.Context())
				p.stopSaving()
				return p.number
			})
		case 13, 14, 15, 16, 17, 18, 19, 20:
			d := w.delivery()
			both(func(p *Pipeline) any {
				d := d
				d.Lines, d.Sessions = slices.Clone(d.Lines), slices.Clone(d.Sessions)
				for i := range d.Sessions {
					d.Sessions[i].Events = slices.Clone(d.Sessions[i].Events)
				}
				counted, err := p.Usage(d)
				return fmt.Sprint(counted, err)
			})
		default:
			b := w.batch()
			both(func(p *Pipeline) any {
				b := b
				b.Events = slices.Clone(b.Events)
				outcome, err := p.Events(b, func() event.Viewer { return viewer(step % 9) })
				return fmt.Sprint(outcome, err)
			})
		}
	}
	if got, want := p.Cursor("log"), reference.Cursor("log"); got != want {
		t.Errorf("the log is read up to %s, want %s", got, want)
	}
	killed.away, plays[killed].mood = false, works
	// In the time that passes until all is safe, VictoriaMetrics is killed once more.
	for i := range 200 {
		w.now = w.now.Add(5 * time.Second)
		if i == 20 {
			killed.kill()
			plays[killed].kill()
		}
		both(func(p *Pipeline) any {
			p.deliverAll(t.Context())
			p.plays.step(t.Context())
			p.stopSaving()
			return nil
		})
	}
	if err := errors.Join(p.end(t.Context()), reference.end(t.Context())); err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for key, want := range living.stored {
		if got := killed.stored[key]; got != want {
			if wrong++; wrong <= 5 {
				t.Errorf("%s is %d, want %d", key, got, want)
			}
		}
	}
	if len(killed.stored) != len(living.stored) || wrong > 5 {
		t.Errorf("%d samples are stored, want %d; %d are wrong", len(killed.stored), len(living.stored), wrong)
	}
	if size := p.backlog.size(); size != 0 {
		t.Errorf("%d bytes are left on disk, although all is taken", size)
	}
	comparePlays(t, plays[killed], plays[living])
	if size := p.plays.files.size(); size != 0 {
		t.Errorf("%d bytes of records are left on disk, although all are taken", size)
	}
	t.Logf("%d plays", len(plays[living].stored))
	t.Logf("%d crashes, VictoriaMetrics killed %d times, %d samples", crashes, forgotten, len(living.stored))
}

func TestAClockThatIsFarBehindIsRefused(t *testing.T) {
	now := time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
	o := Options{Dir: t.TempDir(), Clock: func() time.Time { return now }}
	p := open(t, o)
	if err := p.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	if _, err := Open(p.Options); err == nil || !strings.Contains(err.Error(), "set the clock") {
		t.Errorf("opened with the error %v", err)
	}
}

func TestSamplesAreWrittenAfterTheClockWasSetBack(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	target := &counting{}
	p := open(t, Options{Target: target, Clock: func() time.Time { return now }})
	live := func(n int) {
		t.Helper()
		if _, err := p.Events(report(1, n, now.UnixMilli()), func() event.Viewer { return viewer(1) }); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			now = now.Add(5 * time.Second)
			p.tick(t.Context())
			for p.flying {
				p.land(<-p.landed)
			}
		}
	}
	live(0)
	now = now.Add(-time.Hour)
	before := target.bytes
	live(1)
	if waiting := p.Stats().Waiting; waiting > 0 || target.bytes == before {
		t.Errorf("%d samples wait, %d bytes were written", waiting, target.bytes-before)
	}
}

// TestTheFormatBeforeIsRead starts with a state and a journal that say that they are of the format before. How events were written then is tested
// where they are coded.
func TestTheFormatBeforeIsRead(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	o := Options{Dir: t.TempDir(), Clock: func() time.Time { return now }}
	p := open(t, o)
	together(t, p, 0, 10, func(session int) event.Batch { return report(session, 0, now.UnixMilli()) })
	if err := p.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	p = open(t, o)
	together(t, p, 10, 15, func(session int) event.Batch { return report(session, 0, now.UnixMilli()) })
	// The collector dies.
	files, err := filepath.Glob(filepath.Join(o.Dir, journalDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	states, err := filepath.Glob(filepath.Join(o.Dir, statePrefix+"*"))
	if err != nil || len(states) != 1 || len(files) == 0 {
		t.Fatalf("the states %v and the journal %v, %v", states, files, err)
	}
	for _, name := range append(files, states[0]) {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == states[0] {
			if content, err = io.ReadAll(s2.NewReader(bytes.NewReader(content))); err != nil {
				t.Fatal(err)
			}
		}
		if bytes.Count(content, []byte(format)) != 1 {
			t.Fatalf("%s does not begin with its format", name)
		}
		content = bytes.Replace(content, []byte(format), []byte(older), 1)
		if name == states[0] {
			var packed bytes.Buffer
			w := s2.NewWriter(&packed)
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			content = packed.Bytes()
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if sessions := open(t, o).Stats().Sessions; sessions != 15 {
		t.Errorf("%d sessions are known, want 15", sessions)
	}
}

// TestALongReplayIsSaved lets a pipeline be killed as soon as it is open, again and again.
func TestALongReplayIsSaved(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	o := Options{Dir: t.TempDir(), Clock: func() time.Time { return now }}
	p := open(t, o)
	together(t, p, 0, longReplay, func(session int) event.Batch { return report(session, 0, now.UnixMilli()) })
	for kill := range 2 {
		before := p.number
		p = open(t, o)
		states, err := p.states()
		if err != nil {
			t.Fatal(err)
		}
		if len(states) != 1 || kill == 0 && states[0] < before {
			t.Fatalf("after kill %d the states %v are saved, %d records were written", kill+1, states, before)
		}
		if left := p.number - states[0]; left > 10 {
			t.Errorf("after kill %d the next start replays %d records", kill+1, left)
		}
		if sessions := p.Stats().Sessions; sessions != longReplay {
			t.Errorf("after kill %d there are %d sessions, want %d", kill+1, sessions, longReplay)
		}
	}
}

// stopSaving waits for the state that is being saved.
func (p *Pipeline) stopSaving() {
	if p.save.running {
		p.saved(<-p.save.done)
	}
}
