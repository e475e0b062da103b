package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// leastGarbage is by how many bytes the heap grows before garbage is collected. What lives in a small collector is less, dies each
	// second, and would be looked through several times a second.
	leastGarbage = 96 << 20
	// garbagePercent is how much garbage lies beside what is in use at least, in per cent of it: Go's 100 would double the memory of what
	// lives long in a large collector, sessions and open minutes, to save a few per cent of a processor.
	garbagePercent = 50
	// garbageInterval is how often what lives is looked at.
	garbageInterval = time.Second
)

// limitGarbage lets the heap grow by leastGarbage or garbagePercent, whichever is more, before garbage is collected, until ctx is done.
// It leaves a GOGC of the environment as it is.
func limitGarbage(ctx context.Context, logger *slog.Logger) {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	present := 0
	for ticker := time.NewTicker(garbageInterval); ; {
		metrics.Read(live)
		if live[0].Value.Kind() != metrics.KindUint64 {
			logger.Warn("What lives on the heap is not known; garbage is collected as Go does", "metric", live[0].Name)
			return
		}
		percent := percentOf(live[0].Value.Uint64())
		// Setting it stops all goroutines for a moment.
		if percent < present*9/10 || percent > present*11/10 {
			debug.SetGCPercent(percent)
			present = percent
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			ticker.Stop()
			return
		}
	}
}

// percentOf returns by how many per cent of it the heap may grow when so many bytes live.
func percentOf(live uint64) int {
	const atLeast = 4 << 20 // of a heap that is almost empty Go's own least growth holds
	return max(garbagePercent, int(leastGarbage*100/max(live, atLeast)))
}
