package simulate

import (
	"math"
	"sync/atomic"
	"time"
)

// latencies counts durations in buckets, of which each is latencyStep wider than the one before, so that a percentile is at most
// that far off. Its methods may be called by several goroutines.
type latencies struct{ counts [latencyBuckets]atomic.Int64 }

const (
	latencyStep    = 1.05
	latencyBuckets = 400 // from 1 µs to more than 4 min
)

func (l *latencies) add(d time.Duration) {
	bucket := 0
	if d > time.Microsecond {
		bucket = min(int(math.Log(float64(d.Microseconds()))/math.Log(latencyStep)), latencyBuckets-1)
	}
	l.counts[bucket].Add(1)
}

// take returns the counts so far.
func (l *latencies) take() (counts latencyCounts) {
	for i := range l.counts {
		counts[i] = l.counts[i].Load()
	}
	return counts
}

// latencyCounts are durations, counted.
type latencyCounts [latencyBuckets]int64

// since returns what was counted after earlier.
func (c latencyCounts) since(earlier latencyCounts) latencyCounts {
	for i := range c {
		c[i] -= earlier[i]
	}
	return c
}

// percentiles returns the upper bounds of the buckets with the median, the 99th percentile and the greatest, 0 if nothing was
// counted.
func (c latencyCounts) percentiles() Latency {
	total := int64(0)
	for _, n := range c {
		total += n
	}
	at := func(part float64) time.Duration {
		rank, passed := int64(math.Ceil(part*float64(total))), int64(0)
		for i, n := range c {
			if passed += n; n > 0 && passed >= rank {
				return time.Duration(math.Pow(latencyStep, float64(i+1)) * float64(time.Microsecond))
			}
		}
		return 0
	}
	return Latency{Median: at(0.5), P99: at(0.99), Max: at(1)}
}
