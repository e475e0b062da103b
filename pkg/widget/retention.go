package widget

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// labelPlayed is the column of names of retention.
const labelPlayed = "played"

// The reads of retention, by index.
const (
	stayBegan = iota
	stayEnded
)

// The numbers that a row of retention has in place of the reads, by index.
const (
	retained = iota
	playedFor
)

// The buckets whose upper bounds are the rows of retention: every second one from 1 s to 28 h.
const (
	firstAge = 1 + 3*18
	lastAge  = 1 + 8*18
	ageStep  = 2
)

func retention() Definition {
	return Definition{
		Type:        "retention",
		Title:       "Retention",
		Description: "Which part of the plays that began in the range played longer than each of the times.",
		Details: "An estimate after Kaplan and Meier: plays that ended count with the time they played, pauses taken off, also where they ended after the range. Plays that still " +
			"run count as long as is known of them, from their first frame to the last complete minute, as if they had not paused. Once all have ended the numbers are exact: plays that played longer ÷ plays. Times are " +
			"bounds of the buckets in which time played is stored, nine for each power of ten; there are none beyond the longest play. It is known of plays that began after the collector was upgraded to store it. " +
			"A series has in each interval the plays that began in it.",
		Page:    PageEvent,
		Level:   tenant.Premium,
		Options: []string{OptionMetric},
		Filters: commonFilters,
		Columns: []Column{
			{Name: labelPlayed, Help: "How long they played, rounded."},
			{Name: "retained", Unit: Ratio, Help: "Which part played longer.", value: func(c cell) float64 { return c.row.numbers[retained][c.interval] }},
			{Name: "seconds", Unit: Seconds, long: true, unchanging: true, Help: "How long they played, exactly.", value: func(c cell) float64 { return c.row.numbers[playedFor][c.interval] }},
		},
		reads: func(Query) []read {
			return []read{
				stayBegan: {measure: measure.Stays, dimension: measure.DimensionRange},
				stayEnded: {measure: measure.Stays, kind: bucketSums, carries: measure.DimensionRange},
			}
		},
		byAge:    true,
		complete: true,
	}
}

// readAges returns a table with a row for each time that plays may have played, over the plays that began in each of the intervals.
func (res *result) readAges(ctx context.Context, asker vm.Asker, reads []read, intervals []interval) (*table, error) {
	known := res.request.Now.UTC().Add(-completeAfter).Truncate(time.Minute)
	var parts []interval
	var of []int // the interval of each part
	for i, in := range intervals {
		for _, part := range cutByAge(in, known) {
			parts, of = append(parts, part), append(of, i)
		}
	}
	found, err := res.read(ctx, asker, reads, parts)
	if err != nil {
		return nil, err
	}
	began := found.row("")
	stays := make([]stays, len(intervals))
	for n, part := range parts {
		s := &stays[of[n]]
		var ended float64
		if began.buckets != nil {
			for bucket, count := range began.buckets[n] {
				s.ended[bucket] += float64(count)
				ended += float64(count)
			}
		}
		// What ended without a begin began before begins were stored.
		if running := began.numbers[stayBegan][n] - ended; running > 0 {
			age := max(known.Sub(part.from.Add(part.to.Sub(part.from)/2)), 0)
			s.running[measure.Bucket(age.Milliseconds())] += running
		}
	}
	t := newTable(reads, len(intervals))
	t.shown, t.all = len(res.intervals), t.newRow("")
	longest := -1
	curves := make([][]float64, len(intervals))
	for i := range stays {
		curves[i] = stays[i].curve()
		longest = max(longest, stays[i].longest())
	}
	// The last row is the first that no play outlasts.
	last := min(max(longest, firstAge-ageStep+1)+ageStep-1, lastAge)
	if longest < 0 {
		last = 0
	}
	for bucket := firstAge; bucket <= last; bucket += ageStep {
		seconds := measure.BucketBound(bucket) / 1000
		row := t.row(ageName(seconds))
		for i := range intervals {
			row.numbers[retained][i], row.numbers[playedFor][i] = curves[i][bucket], seconds
		}
	}
	return t, nil
}

// cutByAge divides an interval so that what began in a part is about equally old at the time known: at minutes of the last six hours,
// at ten minutes of the last day, at hours of three days and at days of the last 90.
func cutByAge(in interval, known time.Time) []interval {
	var parts []interval
	for from := in.from; from.Before(in.to); {
		var to time.Time
		switch age := known.Sub(from); {
		case age <= 6*time.Hour:
			to = from.Add(time.Minute)
		case age <= day:
			to = from.Add(10 * time.Minute).Truncate(10 * time.Minute)
		case age <= 3*day:
			to = from.Add(time.Hour).Truncate(time.Hour)
		case age <= 90*day:
			to = from.Add(day).Truncate(day)
		default:
			to = known.Add(-90 * day).Truncate(day).Add(day)
		}
		to = earlier(to, in.to)
		parts = append(parts, interval{from, from, to})
		from = to
	}
	return parts
}

// stays are plays by bucket: those that ended by how long they played, those that run by how old they are.
type stays struct{ ended, running [measure.BucketCount]float64 }

// longest returns the bucket of the longest play, -1 if there is none.
func (s *stays) longest() int {
	for bucket := measure.BucketCount - 1; bucket >= 0; bucket-- {
		if s.ended[bucket] > 0 || s.running[bucket] > 0 {
			return bucket
		}
	}
	return -1
}

// curve returns which part of the plays played longer than the upper bound of each bucket; NaN where nobody knows, as no play is as old.
// Within a bucket those that run count half, because they left the known in its middle.
func (s *stays) curve() []float64 {
	atRisk := 0.0
	for bucket := range s.ended {
		atRisk += s.ended[bucket] + s.running[bucket]
	}
	all := make([]float64, measure.BucketCount)
	part := 1.0
	if atRisk == 0 {
		part = math.NaN()
	}
	for bucket := range all {
		if ended := s.ended[bucket]; ended > 0 {
			part *= 1 - ended/max(atRisk-s.running[bucket]/2, ended)
		}
		if atRisk -= s.ended[bucket] + s.running[bucket]; atRisk <= 0 && part > 0 {
			part = math.NaN()
		}
		all[bucket] = part
	}
	return all
}

// ageName writes a time of seconds, minutes or hours with three digits.
func ageName(seconds float64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%.3g s", seconds)
	case seconds < secondsPerHour:
		return fmt.Sprintf("%.3g min", seconds/60)
	}
	return fmt.Sprintf("%.3g h", seconds/secondsPerHour)
}
