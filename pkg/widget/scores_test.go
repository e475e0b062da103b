package widget

import (
	"math"
	"testing"

	"github.com/streamlens/streamlens/pkg/measure"
)

// TestStartupScore has the examples of Mux Data's guide "Startup Time", which are rounded.
func TestStartupScore(t *testing.T) {
	for seconds, want := range map[float64]float64{0.4: 95, 2: 80, 8: 50, 20: 29} {
		if got := math.Round(startupScore(seconds)); got != want {
			t.Errorf("a start of %v s has %v, want %v", seconds, got, want)
		}
	}
}

// TestStartupScoreOfBuckets has start times in every bucket up to 20 minutes: alone, where it is exact, and beside another, where it is off by 1.6 at most.
func TestStartupScoreOfBuckets(t *testing.T) {
	d, _ := Find("scores")
	add := func(table *table, ms int64) {
		r := table.row("")
		table.add(r, scoresStartSum, 0, 0, ms)
		table.add(r, scoresStartCount, 0, 0, 1)
		table.add(r, scoresStartBuckets, 0, measure.Bucket(ms), 1)
	}
	score := func(starts ...int64) float64 {
		table := newTable(d.reads(Query{}), 1)
		for _, ms := range starts {
			add(table, ms)
		}
		return d.Columns[1].value(cell{table, table.row(""), 0})
	}
	for ms := int64(0); ms < 20*60_000; ms += 1 + ms/50 {
		if got, want := score(ms, ms), startupScore(float64(ms)/1000); math.Abs(got-want) > 1e-9 {
			t.Fatalf("two starts of %d ms have %v, want %v", ms, got, want)
		}
		if got, want := score(ms, 0), (startupScore(float64(ms)/1000)+100)/2; math.Abs(got-want) > 1.6/2 {
			t.Fatalf("starts of %d ms and of none have %v, want %v", ms, got, want)
		}
	}
	if got := score(); !math.IsNaN(got) {
		t.Errorf("no start has %v", got)
	}
}

// TestSuccessScore has attempts that played, failed to start, were left, and failed after they played.
func TestSuccessScore(t *testing.T) {
	for _, tt := range []struct {
		name                                   string
		played, startFailures, exits, failures float64
		want                                   float64
	}{
		{"played", 4, 0, 0, 0, 100},
		{"left", 0, 0, 3, 0, 50},
		{"failed", 0, 2, 0, 0, 0},
		{"failed after the start", 1, 0, 0, 1, 0},
		{"one of each", 2, 1, 1, 1, 37.5},
		{"a failure of a play from before", 1, 0, 0, 2, 0},
		{"nothing", 0, 0, 0, 0, math.NaN()},
		{"nothing but a failure of a play from before", 0, 0, 0, 1, math.NaN()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := newTable(attemptReads(outcomeRead(measure.OutcomePlaybackFailure)), 1)
			r := table.row("")
			for read, n := range []float64{tt.played, tt.startFailures, tt.exits, tt.failures} {
				r.numbers[read][0] = n
			}
			if got := successScore(cell{table, r, 0}); got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
