package main

import (
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// leastGarbage is by how many bytes the heap grows before garbage is collected. What lives in a small collector is less, dies each
	// second, and would be looked through several times a second.
	leastGarbage = 96 << 20
	// smallHeap is up to how many bytes in use the heap is a small one. Of more, it grows up to the sum of both, so that a large collector does not
	// pay for what a small one gains.
	smallHeap = 96 << 20
	// garbagePercent is how much garbage lies beside what is in use at least, in per cent of it: Go's 100 would double the memory of what
	// lives long in a large collector, sessions and open minutes, to save a few per cent of a processor.
	garbagePercent = 15
	// liveAtLeast is for how little in use the heap may grow by leastGarbage: what lives may be many times as much at the next collection.
	liveAtLeast = 4 << 20
	// liveBytes is the metric of what the last collection found in use.
	liveBytes = "/gc/heap/live:bytes"
)

// limitGarbage lets the heap grow by leastGarbage if it is small, else to smallHeap and leastGarbage together or by garbagePercent, whichever is more,
// before garbage is collected, as long as the process runs. It leaves a GOGC of the environment as it is.
func limitGarbage(logger *slog.Logger) {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: liveBytes}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 {
		logger.Warn("What lives on the heap is not known; garbage is collected as Go does", "metric", liveBytes)
		return
	}
	afterCollection(0)
}

// afterCollection sets what the last collection found, and itself for the next one; present is the percentage that is set. A clock would
// come too late: a heap that has grown meanwhile would grow by the percentage of a small one.
func afterCollection(present int) {
	live := []metrics.Sample{{Name: liveBytes}}
	metrics.Read(live)
	percent := percentOf(live[0].Value.Uint64())
	// Setting it stops all goroutines for a moment.
	if percent < present*9/10 || percent > present*11/10 {
		debug.SetGCPercent(percent)
		present = percent
	}
	runtime.AddCleanup(new([64]byte), afterCollection, present)
}

// percentOf returns by how many per cent of it the heap may grow when so many bytes live.
func percentOf(live uint64) int {
	least := uint64(leastGarbage)
	if live > smallHeap {
		least = max(smallHeap+leastGarbage, live) - live
	}
	return max(garbagePercent, int(least*100/max(live, liveAtLeast)))
}
