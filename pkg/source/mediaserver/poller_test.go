package mediaserver

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/processtest"
)

// memorySink keeps what it is handed. It refuses the calls whose number, from 0, refuse names.
type memorySink struct {
	refuse func(call int) bool

	mu       sync.Mutex
	calls    int
	usage    []event.Usage
	batches  []event.Batch
	position string
}

var errRefused = errors.New("refused")

func (m *memorySink) Take(lines []event.Usage, broadcasts []event.Batch, position string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.refuse != nil && m.refuse(m.calls-1) {
		return errRefused
	}
	m.usage, m.batches, m.position = append(m.usage, lines...), append(m.batches, broadcasts...), position
	return nil
}

// sum returns the bytes of a direction, with and without an address.
func (m *memorySink) sum(direction string) (addressed, rest int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range m.usage {
		switch {
		case u.Direction != direction:
		case u.Address != "":
			addressed += u.Bytes
		default:
			rest += u.Bytes
		}
	}
	return addressed, rest
}

// sessions returns the events of each session in the order of delivery.
func (m *memorySink) sessions() map[string][]event.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string][]event.Event{}
	for _, b := range m.batches {
		all[b.Session.ID] = append(all[b.Session.ID], b.Events...)
	}
	return all
}

// scriptedServer is a stand-in for a server: it answers with one snapshot after the other, and repeats the last.
type scriptedServer struct {
	mu    sync.Mutex
	polls int
	steps []func() (Snapshot, error)
}

func (s *scriptedServer) Poll(context.Context) (Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	step := s.steps[min(s.polls, len(s.steps)-1)]
	s.polls++
	return step()
}

func (s *scriptedServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polls
}

func answering(connections ...Connection) func() (Snapshot, error) {
	return func() (Snapshot, error) { return Snapshot{Time: time.Now(), Connections: connections}, nil }
}

// runPoller runs a poller until it has polled n times, and once more at the end.
func runPoller(t *testing.T, server *scriptedServer, sink *memorySink, n int) string {
	t.Helper()
	var log processtest.Output
	p := NewPoller(Config{Type: TypeSRS, URL: "http://server", Organization: "acme", Interval: time.Millisecond},
		server, sink.position, sink, slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	for deadline := time.Now().Add(10 * time.Second); server.count() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d polls of %d in 10 s", server.count(), n)
		}
	}
	cancel()
	<-done
	return log.String()
}

func TestPollerKeepsWhatIsRefused(t *testing.T) {
	growing := func(n int64) func() (Snapshot, error) {
		return answering(publisher("1", 100*n), player("2", alice, 10*n))
	}
	server := &scriptedServer{}
	for n := range int64(20) {
		server.steps = append(server.steps, growing(n))
	}
	sink := &memorySink{refuse: func(call int) bool { return call%3 != 2 && call < 24 }}
	runPoller(t, server, sink, 25)
	if addressed, rest := sink.sum("ingest"); addressed != 1900 || rest != 0 {
		t.Errorf("ingest of %d and %d bytes, want 1900 and 0", addressed, rest)
	}
	if addressed, rest := sink.sum("playout"); addressed != 190 || rest != 0 {
		t.Errorf("playout of %d and %d bytes, want 190 and 0", addressed, rest)
	}
	sessions := sink.sessions()
	if len(sessions) != 1 {
		t.Fatalf("%d broadcasts, want 1", len(sessions))
	}
	for _, events := range sessions {
		for i, e := range events {
			if e.Seq != int64(i+1) {
				t.Fatalf("event %d has seq %d", i, e.Seq)
			}
		}
		if last := events[len(events)-1]; last.Type != event.Stats {
			t.Errorf("the broadcast is still on air, but its last event is %+v", last)
		}
	}
}

// TestPollerCrashes lets pollers die after each of their polls, when the sink has taken what they found out or refused it. Together
// they find out what one would have.
func TestPollerCrashes(t *testing.T) {
	for _, test := range []struct {
		name   string
		refuse func(call int) bool
	}{
		{"nothing is refused", nil},
		{"every second delivery is refused", func(call int) bool { return call%2 == 1 && call < 19 }},
		{"most are refused", func(call int) bool { return call%7 != 0 && call < 19 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			sink := &memorySink{refuse: test.refuse}
			var step int64
			server := &scriptedServer{steps: []func() (Snapshot, error){func() (Snapshot, error) {
				step++
				s := Snapshot{Start: "1", Time: after(float64(10 * step)), Connections: []Connection{publisher("1", 100*step), player("2", alice, 10*step)}}
				if step > 20 {
					s.Connections = s.Connections[1:]
				}
				return s, nil
			}}}
			for step < 29 {
				p := NewPoller(Config{Type: TypeSRS, URL: "http://server", Organization: "acme"}, server, sink.position, sink, slog.New(slog.DiscardHandler))
				for range 1 + step%3 {
					p.poll(t.Context(), time.Second)
				}
			}
			if addressed, rest := sink.sum("ingest"); addressed != 1900 || rest != 0 {
				t.Errorf("ingest of %d and %d bytes, want 1900 and 0", addressed, rest)
			}
			if addressed, rest := sink.sum("playout"); addressed != 10*(step-1) || rest != 0 {
				t.Errorf("playout of %d and %d bytes, want %d and 0", addressed, rest, 10*(step-1))
			}
			sessions := sink.sessions()
			if len(sessions) != 1 {
				t.Fatalf("%d broadcasts, want 1", len(sessions))
			}
			for _, events := range sessions {
				var playing int64
				for i, e := range events {
					if e.Seq != int64(i+1) {
						t.Fatalf("event %d has seq %d", i, e.Seq)
					}
					playing += max(e.Playing, 0)
				}
				if last := events[len(events)-1]; last.Type != event.Stop || last.Played != 190_000 || playing != 190_000 {
					t.Errorf("after %d ms on air the last event is %+v, want a stop after 190 s", playing, last)
				}
			}
		})
	}
}

func TestPollerBeginsAnewIfThePositionCannotBeRead(t *testing.T) {
	d := testDiffer()
	d.Next(Snapshot{Time: after(10), Streams: []Stream{stream("s", 7, 7)}, Connections: []Connection{publisher("1", 100)}})
	whole := position(d, nil)
	positions := []string{"nonsense", whole + "x"}
	for i := 1; i < len(whole); i++ {
		positions = append(positions, whole[:i])
	}
	for _, position := range positions {
		sink := &memorySink{position: position}
		server := &scriptedServer{steps: []func() (Snapshot, error){answering(publisher("1", 200)), answering(publisher("1", 250))}}
		var log processtest.Output
		p := NewPoller(Config{}, server, position, sink, slog.New(slog.NewTextHandler(&log, nil)))
		p.poll(t.Context(), time.Second)
		p.poll(t.Context(), time.Second)
		if addressed, _ := sink.sum("ingest"); addressed != 50 || !strings.Contains(log.String(), "cannot be read") {
			t.Errorf("ingest of %d bytes after the position %q, want 50; log:\n%s", addressed, position, log.String())
		}
	}
}

// TestPollerGoesBackIfTooMuchIsRefused checks that what does not fit into memory counts later.
func TestPollerGoesBackIfTooMuchIsRefused(t *testing.T) {
	server := &scriptedServer{}
	for n := range int64(5) {
		server.steps = append(server.steps, answering(publisher("1", 100*n), player("2", alice, 10*n)))
	}
	sink := &memorySink{refuse: func(call int) bool { return call == 1 || call == 2 }}
	p := NewPoller(Config{}, server, "", sink, slog.New(slog.DiscardHandler))
	p.poll(t.Context(), time.Second)
	p.poll(t.Context(), time.Second)
	p.waiting.Usage = append(p.waiting.Usage, make([]event.Usage, maxKept)...)
	p.poll(t.Context(), time.Second)
	if n := len(p.waiting.Usage) + len(p.waiting.Broadcasts); n != 0 {
		t.Fatalf("%d records wait", n)
	}
	p.poll(t.Context(), time.Second)
	p.poll(t.Context(), time.Second)
	if addressed, _ := sink.sum("ingest"); addressed != 400 {
		t.Errorf("ingest of %d bytes, want 400", addressed)
	}
	if n := len(sink.sessions()); n != 1 {
		t.Errorf("%d broadcasts, want 1", n)
	}
}

func TestPositionNamesNobody(t *testing.T) {
	d := testDiffer()
	c := publisher("1", 100)
	c.UserAgent, c.Referrer = "VLC", "https://site.example/page"
	d.Next(Snapshot{Time: after(10), Connections: []Connection{c}})
	for _, secret := range []string{camera.String(), string(camera.AsSlice()), "VLC", "site.example"} {
		if text := position(d, nil); strings.Contains(text, secret) {
			t.Errorf("%q is in the position %q", secret, text)
		}
	}
}

func TestPollerLogsFailuresOnce(t *testing.T) {
	broken := func() (Snapshot, error) { return Snapshot{}, errors.New("connection refused") }
	server := &scriptedServer{steps: []func() (Snapshot, error){
		answering(player("2", alice, 5)), broken, broken, broken, answering(player("2", alice, 9)), broken, answering(player("2", alice, 12)),
	}}
	sink := &memorySink{}
	log := runPoller(t, server, sink, 9)
	if n := strings.Count(log, "connection refused"); n != 2 {
		t.Errorf("two failures are logged %d times:\n%s", n, log)
	}
	if n := strings.Count(log, "polled again"); n != 2 {
		t.Errorf("two recoveries are logged %d times:\n%s", n, log)
	}
	if addressed, _ := sink.sum("playout"); addressed != 7 {
		t.Errorf("playout of %d bytes, want 7", addressed)
	}
}

// hookedServer stands in for a server whose hooks name the run that they come from, and the connection that begins.
type hookedServer struct{ scriptedServer }

func (h *hookedServer) hook(r HookRequest) ([]Hook, HookAnswer, error) {
	run, id, _ := strings.Cut(string(r.Body), " ")
	c := player(id, alice, event.Absent)
	return []Hook{{Action: Opened, Run: run, Connection: c}, {Action: Closed, Run: run, Connection: Connection{ID: id, Sent: 7}}}, HookAnswer{Body: "ok"}, nil
}

// TestPollerHooksWaitForAPoll sends hooks before the first poll, and those of another run of the server.
func TestPollerHooksWaitForAPoll(t *testing.T) {
	in := func(run string) func() (Snapshot, error) {
		return func() (Snapshot, error) { return Snapshot{Start: run, Time: time.Now()}, nil }
	}
	server := &hookedServer{scriptedServer{steps: []func() (Snapshot, error){in("s/1/99"), in("s/1/99"), in("s/2/99")}}}
	sink := &memorySink{}
	p := NewPoller(Config{Organization: "acme"}, server, "", sink, slog.New(slog.DiscardHandler))
	hook := func(body string) {
		t.Helper()
		if reply, err := p.Hook(HookRequest{Body: []byte(body)}); err != nil || reply.Body != "ok" {
			t.Errorf("answer %+v, %v", reply, err)
		}
	}
	expect := func(bytes, refused int64) {
		t.Helper()
		p.poll(t.Context(), time.Second)
		time.Sleep(time.Millisecond) // a snapshot has what ended before it
		if addressed, _ := sink.sum("playout"); addressed != bytes || p.Status().RefusedHooks != refused {
			t.Errorf("%d bytes and %d refused hooks, want %d and %d", addressed, p.Status().RefusedHooks, bytes, refused)
		}
	}
	hook("s/1/ a")
	if len(p.wake) != 1 {
		t.Error("a hook before the first poll does not ask for one")
	}
	expect(0, 0)
	hook("s/1/ b")
	expect(14, 0)
	hook("s/1/ c")
	hook("s/2/ d")
	hook("r/1/ e")
	hook(" f")
	expect(28, 2) // c and f of the first run; e comes from another server
	expect(35, 2) // d
	if n := len(p.early); n != 0 {
		t.Errorf("%d hooks wait", n)
	}
}

// wantEvent is what the tests check of an event.
type wantEvent struct {
	seq     int64
	t       event.Type
	at      float64 // seconds
	playing int64
	played  int64
	video   int64
}

func TestDifferBroadcasts(t *testing.T) {
	const none = event.Absent
	live := func(c Connection, since float64) Connection {
		c.Since, c.Client = after(since), "FMLE/3.0 (compatible; Lavf59.27"
		return c
	}
	type step struct {
		start       string
		connections []Connection
		before      func(*Differ)
		want        []wantEvent
	}
	for _, test := range []struct {
		name     string
		sessions int
		steps    []step
	}{
		{"from its begin to the last snapshot that saw it", 1, []step{
			{},
			{connections: []Connection{live(publisher("1", 0), 14)}, want: []wantEvent{
				{1, event.Load, 14, none, none, none}, {2, event.Start, 14, none, none, none}, {3, event.Stats, 20, 6000, none, 900},
			}},
			{connections: []Connection{live(publisher("1", 0), 14)}, want: []wantEvent{{4, event.Stats, 30, 10000, none, 900}}},
			{want: []wantEvent{{5, event.Stop, 30, 0, 16000, none}}},
			{},
		}},
		{"one that is older than the differ begins at first sight", 1, []step{
			{connections: []Connection{live(publisher("1", 0), -100)}, want: []wantEvent{
				{1, event.Load, 10, none, none, none}, {2, event.Start, 10, none, none, none},
			}},
			{connections: []Connection{live(publisher("1", 0), -100)}, want: []wantEvent{{3, event.Stats, 20, 10000, none, 900}}},
		}},
		{"a connection that idled before begins after the snapshot that did not have it", 1, []step{
			{},
			{connections: []Connection{live(publisher("1", 0), 3)}, want: []wantEvent{
				{1, event.Load, 10, none, none, none}, {2, event.Start, 10, none, none, none}, {3, event.Stats, 20, 10000, none, 900},
			}},
		}},
		{"a hook says when it ended", 1, []step{
			{connections: []Connection{live(publisher("1", 0), 4)}, want: []wantEvent{
				{1, event.Load, 4, none, none, none}, {2, event.Start, 4, none, none, none}, {3, event.Stats, 10, 6000, none, 900},
			}},
			{before: func(d *Differ) { d.Closed("1", 0, 0, after(15)) }, want: []wantEvent{{4, event.Stop, 15, 5000, 11000, none}}},
		}},
		{"hooks tell of one that no snapshot saw", 1, []step{
			{},
			{before: func(d *Differ) {
				d.Opened(live(publisher("1", event.Absent), 12))
				d.Closed("1", 7, 0, after(15))
			}, want: []wantEvent{
				{1, event.Load, 12, none, none, none}, {2, event.Start, 12, none, none, none}, {3, event.Stop, 15, 3000, 3000, none},
			}},
		}},
		{"a hook says when it is about to end", 1, []step{
			{connections: []Connection{live(publisher("1", 0), 4)}, want: []wantEvent{
				{1, event.Load, 4, none, none, none}, {2, event.Start, 4, none, none, none}, {3, event.Stats, 10, 6000, none, 900},
			}},
			{before: func(d *Differ) { d.Ended("1", after(15)) }, want: []wantEvent{{4, event.Stop, 15, 5000, 11000, none}}},
		}},
		{"and a snapshot that still has it counts", 1, []step{
			{connections: []Connection{live(publisher("1", 0), 4)}, want: []wantEvent{
				{1, event.Load, 4, none, none, none}, {2, event.Start, 4, none, none, none}, {3, event.Stats, 10, 6000, none, 900},
			}},
			{before: func(d *Differ) { d.Ended("1", after(15)) }, connections: []Connection{live(publisher("1", 0), 4)},
				want: []wantEvent{{4, event.Stats, 20, 10000, none, 900}}},
			{want: []wantEvent{{5, event.Stop, 20, 0, 16000, none}}},
		}},
		{"a hook tells of the end of one that no snapshot saw", 1, []step{
			{},
			{before: func(d *Differ) {
				d.Opened(live(publisher("1", event.Absent), 12))
				d.Ended("1", after(15))
			}, want: []wantEvent{
				{1, event.Load, 12, none, none, none}, {2, event.Start, 12, none, none, none}, {3, event.Stop, 15, 3000, 3000, none},
			}},
		}},
		{"a restart of the server ends it and begins another one", 2, []step{
			{start: "1", connections: []Connection{publisher("1", 0)}, want: []wantEvent{
				{1, event.Load, 10, none, none, none}, {2, event.Start, 10, none, none, none},
			}},
			{start: "2", connections: []Connection{publisher("1", 0)}, want: []wantEvent{
				{3, event.Stop, 10, 0, 0, none}, {1, event.Load, 20, none, none, none}, {2, event.Start, 20, none, none, none},
			}},
		}},
		{"one that a snapshot left out goes on", 1, []step{
			{connections: []Connection{publisher("1", 0)}, want: []wantEvent{
				{1, event.Load, 10, none, none, none}, {2, event.Start, 10, none, none, none},
			}},
			{want: []wantEvent{{3, event.Stop, 10, 0, 0, none}}},
			{connections: []Connection{publisher("1", 0)}, want: []wantEvent{{4, event.Stats, 30, 20000, none, 900}}},
		}},
		{"a player is no broadcast", 0, []step{{connections: []Connection{player("1", alice, 0)}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := testDiffer()
			sessions := map[string]bool{}
			for i, s := range test.steps {
				if s.before != nil {
					s.before(d)
				}
				st := stream("s", 0, 0)
				st.VideoBitrate = 900
				var got []wantEvent
				for _, b := range d.Next(Snapshot{Start: s.start, Time: after(float64(i+1) * 10), Streams: []Stream{st}, Connections: s.connections}).Broadcasts {
					sessions[b.Session.ID] = true
					if !b.Session.Webcaster || b.Session.Stream != "live/a" || b.Session.Method != "rtmp" || b.Session.Organization != "acme" ||
						b.Session.Interval != 10*time.Second || b.Session.Viewer.Address != "192.0.2.1" || !strings.HasPrefix(b.Session.Client, "rtmp") {
						t.Errorf("session %+v", b.Session)
					}
					for _, e := range b.Events {
						got = append(got, wantEvent{e.Seq, e.Type, time.UnixMilli(e.Time).Sub(begin).Seconds(), e.Playing, e.Played, e.VideoBitrate})
					}
				}
				if !slices.Equal(got, s.want) {
					t.Fatalf("snapshot %d gives\n%v, want\n%v", i+1, got, s.want)
				}
			}
			if len(sessions) != test.sessions {
				t.Errorf("%d sessions, want %d", len(sessions), test.sessions)
			}
		})
	}
}

func TestBroadcastClient(t *testing.T) {
	d := testDiffer()
	c := publisher("1", 0)
	c.Client = strings.Repeat("é", 50)
	b := d.Next(Snapshot{Time: after(10), Connections: []Connection{c}}).Broadcasts[0]
	if want := "rtmp " + strings.Repeat("é", 29); b.Session.Client != want {
		t.Errorf("client %q, want %q", b.Session.Client, want)
	}
}
