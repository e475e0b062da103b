package main

import (
	"bytes"
	"log/slog"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPercentOf(t *testing.T) {
	const mega = 1 << 20
	for _, test := range []struct {
		name string
		live uint64
		want int
	}{
		{"an empty heap grows by 96 MB, not by more", 0, 2400},
		{"a small one grows by 96 MB", 32 * mega, 300},
		{"the largest of the small ones, of 96 MB, doubles", 96 * mega, 100},
		{"a larger one grows to 192 MB", 128 * mega, 50},
		{"a large one, too", 160 * mega, 20},
		{"one of more by three twentieths", 168 * mega, 15},
		{"a very large one, too", 4000 * mega, 15},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := percentOf(test.live); got != test.want {
				t.Errorf("%d %%, want %d", got, test.want)
			}
		})
	}
}

// TestGarbageOfAHeapThatGrows lets much more live than before, as a burst does: the next collection must not wait for a multiple of it.
func TestGarbageOfAHeapThatGrows(t *testing.T) {
	t.Setenv("GOGC", "")
	previous := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(previous) })
	limitGarbage(slog.New(slog.DiscardHandler))
	var kept [][]byte
	const blocks, block = 200, 1 << 20
	for range blocks {
		kept = append(kept, bytes.Repeat([]byte{1}, block))
	}
	runtime.GC()
	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: liveBytes}}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		metrics.Read(goal)
		next, live := goal[0].Value.Uint64(), goal[1].Value.Uint64()
		if live >= blocks*block && next <= live*16/10 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d MB live, and the heap may grow to %d MB", live>>20, next>>20)
		}
	}
	runtime.KeepAlive(kept)
}
