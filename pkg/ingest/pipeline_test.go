package ingest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// discard is a Target that forgets what it takes.
type discard struct{}

func (discard) Write(context.Context, []byte) error { return nil }

func (discard) Started(context.Context) (int64, error) { return 1, nil }

// open opens a pipeline with defaults for what the options leave out.
func open(t testing.TB, o Options) *Pipeline {
	t.Helper()
	o.Dir = cmp.Or(o.Dir, t.TempDir())
	o.Collector, o.MaxBytes, o.Logger = cmp.Or(o.Collector, "c"), cmp.Or(o.MaxBytes, 1<<40), slog.New(slog.DiscardHandler)
	if o.Target == nil {
		o.Target = discard{}
	}
	if o.Limits == nil {
		o.Limits = func(string) tenant.Limits { return tenant.NewOrganization("acme").Limits }
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	p, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// deliverAll sends all that waits and returns when it has landed.
func (p *Pipeline) deliverAll(ctx context.Context) {
	p.begun = time.Time{}
	p.tick(ctx)
	p.landAll(ctx)
}

// landAll returns when what is handed out has landed.
func (p *Pipeline) landAll(ctx context.Context) {
	for p.flying {
		p.land(<-p.landed)
		if !p.over {
			p.send(ctx, p.Clock().UnixMilli())
		}
	}
}

// report is a batch of one report of a play, with its load and start if it is the first.
func report(session, n int, now int64) event.Batch {
	stats := event.New(int64(3+n), now, event.Stats)
	stats.Playing, stats.Buffering, stats.BufferLength, stats.Latency = 9800, 200, int64(800+session%900), int64(1200+session%2000)
	events := []event.Event{stats}
	if n == 0 {
		events = []event.Event{event.New(1, now-11_000, event.Load), event.New(2, now-10_000, event.Start), stats}
	}
	return event.Batch{
		Session: event.Session{
			Organization: "acme", ID: fmt.Sprintf("%036d", session), Stream: fmt.Sprintf("stream-%d", session%200),
			Client: "h5live 4.22.0", Method: "h5live", Interval: 10 * time.Second,
		},
		Received: now,
		Events:   events,
	}
}

func viewer(session int) event.Viewer {
	countries := [...]string{"DE", "US", "GB", "FR", "BR", "IN", "JP", "ES", "IT", "PL"}
	country, network := countries[session%len(countries)], session%2000
	return event.Viewer{
		Country: country, Region: fmt.Sprintf("%s-%d", country, network%16), ASN: uint32(network), Operator: fmt.Sprintf("Network %d", network), OS: "Windows", Browser: "Chrome", Device: "desktop",
		Address: fmt.Sprintf("10.%d.%d.%d", session>>16, session>>8&255, session&255), Referrer: "site.example",
	}
}

// together counts one report of each of the sessions from first to last, from 64 senders.
func together(t testing.TB, p *Pipeline, first, last int, batch func(session int) event.Batch) {
	t.Helper()
	const senders = 64
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for session := first + sender; session < last; session += senders {
				if _, err := p.Events(batch(session), func() event.Viewer { return viewer(session) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkEvents measures the way from a decoded event to its samples: reports of 10,000 plays from 64 senders, durable, with the
// flushes of one minute. ns/op is per report.
func BenchmarkEvents(b *testing.B) {
	const sessions = 10_000
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := open(b, Options{Clock: func() time.Time { return now }})
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n*sessions < b.N; n++ {
		now = now.Add(10 * time.Second)
		together(b, p, 0, min(sessions, b.N-n*sessions), func(session int) event.Batch { return report(session, n, now.UnixMilli()) })
		p.deliverAll(b.Context())
	}
}

// BenchmarkStreams measures the same for batches of 20 reports of 5,000 plays, of one stream and of as many streams as plays, each second
// one batch of each; samples are handed out as often as in a collector. What is sent is made before, but for times and numbers. ns/op is per batch.
func BenchmarkStreams(b *testing.B) {
	const plays, reports = 5000, 20
	for _, streams := range []int{1, plays} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
			p := open(b, Options{
				Limits: func(string) tenant.Limits { return tenant.Limits{Streams: plays, IPsPerHour: 10 * plays} },
				Clock:  func() time.Time { return now },
			})
			batches := make([]event.Batch, plays)
			for session := range batches {
				batch := report(session, 0, now.UnixMilli())
				batch.Session.Stream = fmt.Sprintf("stream-%d", session%streams)
				for i := range int64(reports - 1) {
					next := batch.Events[len(batch.Events)-1]
					next.Seq++
					next.Latency += i
					batch.Events = append(batch.Events, next)
				}
				batches[session] = batch
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n*plays < b.N; n++ {
				now = now.Add(time.Second)
				together(b, p, 0, min(plays, b.N-n*plays), func(session int) event.Batch {
					batch := &batches[session]
					batch.Received = now.UnixMilli()
					if n == 1 {
						batch.Events = batch.Events[2:] // without load and start
					}
					if n > 0 {
						for i := range batch.Events {
							batch.Events[i].Seq, batch.Events[i].Time = batch.Events[i].Seq+reports, now.UnixMilli()
						}
					}
					return *batch
				})
				p.tick(b.Context())
				p.landAll(b.Context())
			}
		})
	}
}

// TestMemoryPerSession holds the collector to its bound of 2 KB of memory per live session, of which the garbage collector, buffers
// and connections take more than half, and with plays kept to 1 KB more. It leaves out the addresses, which are bounded by a limit of their
// own. MEMORY_SESSIONS says how many sessions there are, MEMORY_REPORTS how many reports of each: with 128 a timeline is full.
func TestMemoryPerSession(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	for _, tt := range []struct {
		name  string
		plays PlayStore
		bound uint64 // bytes
	}{{"without plays", nil, 500}, {"with plays", &playMemory{mood: away}, 500 + 1024}} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.plays != nil && os.Getenv("MEMORY_SESSIONS") == "" {
				t.Skip("pkg/session measures what a record takes; MEMORY_SESSIONS measures it here")
			}
			const warm = 5_000
			sessions, reports := number(t, "MEMORY_SESSIONS", 20_000), number(t, "MEMORY_REPORTS", 3)
			now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
			p := open(t, Options{
				Limits: func(string) tenant.Limits { return tenant.Limits{Streams: 1000, IPsPerHour: 200} },
				Clock:  func() time.Time { return now },
				Plays:  tt.plays, KeepPlays: 24 * time.Hour,
			})
			heap := func() uint64 {
				runtime.GC()
				runtime.GC() // what the first has found is free only then
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			watch := func(first, last int) {
				for n := range reports {
					together(t, p, first, last, func(session int) event.Batch { return report(session, n, now.UnixMilli()) })
					now = now.Add(10 * time.Second)
					p.deliverAll(t.Context())
				}
			}
			// The buffers of the way to VictoriaMetrics do not grow with sessions.
			watch(0, warm)
			before := heap()
			watch(0, warm+sessions)
			perSession := (heap() - before) / uint64(sessions)
			stats := p.Stats()
			t.Logf("%d bytes per session, %d series", perSession, stats.Series)
			if stats.Sessions != warm+sessions || perSession > tt.bound {
				t.Errorf("%d live sessions take %d bytes each, want %d and at most %d", stats.Sessions, perSession, warm+sessions, tt.bound)
			}
			runtime.KeepAlive(p)
		})
	}
}

// BenchmarkPast measures the same for reports of days that have passed, of which every minute is a further sample.
func BenchmarkPast(b *testing.B) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	target := &counting{}
	p := open(b, Options{Target: target, Clock: func() time.Time { return now }})
	b.ReportAllocs()
	b.ResetTimer()
	const batches = 10_000
	for n := 0; n*batches < b.N; n++ {
		together(b, p, n*batches, min((n+1)*batches, b.N), func(i int) event.Batch {
			batch := report(i, 0, now.Add(-time.Duration(i%8000)*time.Minute).UnixMilli())
			batch.Received = now.UnixMilli()
			return batch
		})
		now = now.Add(time.Second)
		p.deliverAll(b.Context())
	}
	b.ReportMetric(float64(target.bytes)/float64(b.N), "B-written/op")
}

// counting is a Target that counts what it takes.
type counting struct {
	discard
	bytes int
}

func (c *counting) Write(_ context.Context, samples []byte) error {
	c.bytes += len(samples)
	return nil
}

// BenchmarkSave measures how long 100,000 live sessions hold up events while their state is coded, and how long a start takes that
// reads it and replays a journal of as many batches.
func BenchmarkSave(b *testing.B) {
	const sessions = 100_000
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	o := Options{Dir: b.TempDir(), Clock: func() time.Time { return now }}
	p := open(b, o)
	round := func(n int) {
		together(b, p, 0, sessions, func(session int) event.Batch { return report(session, n, now.UnixMilli()) })
		now = now.Add(10 * time.Second)
	}
	round(0)
	round(1)
	p.deliverAll(b.Context())
	var held, saved, started time.Duration
	for b.Loop() {
		begin := time.Now()
		p.mu.Lock()
		state := p.state()
		p.mu.Unlock()
		held += time.Since(begin)
		p.begin(state, now.UnixMilli())
		p.saved(<-p.save.done)
		saved += time.Since(begin)
		round(2)
		begin = time.Now()
		p = open(b, o)
		started += time.Since(begin)
		b.ReportMetric(float64(len(bytes.Join(state.file, nil)))/sessions, "B-state/session")
	}
	per := func(d time.Duration) float64 { return float64(d.Milliseconds()) / float64(b.N) }
	b.ReportMetric(per(held), "ms-held")
	b.ReportMetric(per(saved), "ms-save")
	b.ReportMetric(per(started), "ms-start")
}

// TestAStopAfterHoursAway stops and starts a collector whose VictoriaMetrics was away for hours, in which a country's viewers went and came again:
// the ledger has forgotten the country in between, so that its series are there twice in the state.
func TestAStopAfterHoursAway(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m := &memory{clock: func() time.Time { return now }, stored: map[string]int64{}, started: 1}
	o := Options{Dir: t.TempDir(), Target: m, Clock: m.clock}
	p := open(t, o)
	live := func(session int) {
		t.Helper()
		if _, err := p.Events(report(session, 0, now.UnixMilli()), func() event.Viewer { return viewer(1) }); err != nil {
			t.Fatal(err)
		}
		p.deliverAll(t.Context())
	}
	live(1) // VictoriaMetrics takes it, and is away from then on
	m.away = true
	for range 8 {
		now = now.Add(30 * time.Minute)
		p.deliverAll(t.Context())
		p.stopSaving()
	}
	now = now.Add(time.Minute)
	live(201) // of the same stream
	end := func() {
		t.Helper()
		ended := make(chan error, 1)
		go func() { ended <- p.end(t.Context()) }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("the pipeline does not end; %d samples wait", p.samples.Waiting())
		}
	}
	end()
	m.away, m.started, m.stored = false, 2, map[string]int64{} // it has lost what it took last
	p = open(t, o)
	for range 3 {
		now = now.Add(5 * time.Second)
		p.deliverAll(t.Context())
	}
	plays := int64(0)
	for key, value := range m.stored {
		if strings.HasPrefix(key, "streamlens_plays_by_country_1m{") {
			plays += value
		}
	}
	if plays != 2 {
		t.Errorf("%d plays are written, want 2", plays)
	}
	if waiting := p.Stats().Waiting; waiting != 0 {
		t.Errorf("%d samples wait when all are taken", waiting)
	}
	end()
}

// TestServerViewersWithoutAddress counts a viewer that a log tells by a session id and without an address (logreader: Viewer is set, Client is
// 0), while some player reports.
func TestServerViewersWithoutAddress(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	target := &memory{clock: func() time.Time { return now }, stored: map[string]int64{}}
	p := open(t, Options{Target: target, Clock: target.clock})
	one := report(1, 0, now.UnixMilli())
	if _, err := p.Events(one, func() event.Viewer { v := viewer(1); v.Key = 99; return v }); err != nil {
		t.Fatal(err)
	}
	u := event.Usage{Time: now.UnixMilli(), Stream: "s", Direction: measure.Playout, Protocol: "hls", Bytes: 1000, Country: "DE", Viewer: 5}
	if _, err := p.Usage(Delivery{Organization: "acme", Received: now.UnixMilli(), Lines: []event.Usage{u}}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(5 * time.Second)
	p.deliverAll(t.Context())
	for key := range target.stored {
		if strings.HasPrefix(key, "streamlens_server_viewers_") {
			return
		}
	}
	t.Error("the viewer is not counted")
}
