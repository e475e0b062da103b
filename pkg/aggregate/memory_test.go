package aggregate

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

// BenchmarkMemory tells what a ledger and its samples take after four minutes of reports of 20,000 players of 500 streams.
func BenchmarkMemory(b *testing.B) {
	heap := func() float64 {
		runtime.GC()
		runtime.GC() // what the first has found is free only then
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	report := func(l *Ledger, n int, now int64) {
		space := Space{Organization: "acme", Stream: fmt.Sprint("stream-", n%500), Country: fmt.Sprint("C", n%7)}
		player := Player{Version: fmt.Sprint("player-4.", n%5), OS: fmt.Sprint("os", n%6), Browser: fmt.Sprint("browser", n%4), Device: "mobile", Protocol: "hls"}
		var p Place
		to, of := l.EntryAt(&p, &space, now), l.PlayerEntryAt(&p, &space, &player, now)
		to.Add(measure.Loads, now, 1, "")
		to.Add(measure.Viewing, now, 9000, "")
		to.Add(measure.Playing, now, 9000, NewDimensions(measure.Playing, measure.Playout, "hls"))
		to.Add(measure.PlayingByReferrer, now, 9000, NewDimensions(measure.PlayingByReferrer, fmt.Sprintf("site-%d.example", n%100)))
		to.Add(measure.PlayingByIP, now, 9000, NewDimensions(measure.PlayingByIP, measure.Playout, fmt.Sprintf("192.0.2.%d", n%200)))
		to.Observe(measure.StartTime, now, int64(n%37)*90)
		to.Observe(measure.Latency, now, int64(n%41)*120)
		of.Add(measure.Viewing, now, 9000, "")
		of.Add(measure.Plays, now, 1, "")
		of.AddValues(measure.Latency, now, 1, 900)
	}
	for b.Loop() {
		before := heap()
		l := newBoth()
		now := noon
		for range 4 {
			for n := range 20_000 {
				report(l.Ledger, n, now)
			}
			now += ms(time.Minute)
			l.Flush(nil, now, true)
		}
		taken, series := heap()-before, float64(l.samples.Len())
		b.ReportMetric(taken/1e6, "MB")
		b.ReportMetric(series, "series")
		b.ReportMetric(taken/series, "B/series")
		runtime.KeepAlive(l)
	}
}
