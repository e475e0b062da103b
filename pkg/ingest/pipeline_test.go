package ingest

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// discard takes samples and forgets them.
type discard struct{ bytes int }

func (d *discard) Enqueue(samples []byte) { d.bytes += len(samples) }

func (d *discard) Full() bool { return false }

func limits(string) tenant.Limits { return tenant.NewOrganization("acme").Limits }

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
	return event.Viewer{
		Country: countries[session%len(countries)], OS: "Windows", Browser: "Chrome",
		Address: fmt.Sprintf("10.%d.%d.%d", session>>16, session>>8&255, session&255), Referrer: "site.example",
	}
}

// BenchmarkEvents measures the way from a decoded event to its samples: reports of 10,000 plays, with the flushes of one
// minute. ns/op is per report.
func BenchmarkEvents(b *testing.B) {
	const sessions = 10_000
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := New("c", &discard{}, limits, func() time.Time { return now })
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		session := i % sessions
		if session == 0 {
			now = now.Add(10 * time.Second)
			p.tick(true)
		}
		if _, err := p.Events(report(session, i/sessions, now.UnixMilli()), func() event.Viewer { return viewer(session) }); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMemoryPerSession holds the collector to its bound of 2 KB per live session, without the addresses, which are
// bounded by a limit of their own.
func TestMemoryPerSession(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const sessions, bound = 100_000, 2048
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := New("c", &discard{}, func(string) tenant.Limits { return tenant.Limits{Streams: 1000, IPsPerHour: 1000} },
		func() time.Time { return now })
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for n := range 6 {
		for session := range sessions {
			if _, err := p.Events(report(session, n, now.UnixMilli()), func() event.Viewer { return viewer(session) }); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(10 * time.Second)
		p.tick(true)
	}
	perSession := (heap() - before) / sessions
	t.Logf("%d bytes per session, %d series", perSession, p.Series())
	if p.Sessions() != sessions || perSession > bound {
		t.Errorf("%d live sessions take %d bytes each, want %d and at most %d", p.Sessions(), perSession, sessions, bound)
	}
	runtime.KeepAlive(p)
}

// BenchmarkPast measures the same for reports of days that have passed, of which every minute is a further sample.
func BenchmarkPast(b *testing.B) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	samples := &discard{}
	p := New("c", samples, limits, func() time.Time { return now })
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		batch := report(i, 0, now.Add(-time.Duration(i%8000)*time.Minute).UnixMilli())
		batch.Received = now.UnixMilli()
		if _, err := p.Events(batch, func() event.Viewer { return viewer(i % 5000) }); err != nil {
			b.Fatal(err)
		}
		if i%10_000 == 9999 {
			now = now.Add(time.Second)
			p.tick(true)
		}
	}
	b.ReportMetric(float64(samples.bytes)/float64(b.N), "B-written/op")
}
