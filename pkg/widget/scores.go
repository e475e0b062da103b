package widget

import (
	"math"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// Reads of scores beside those of attempts and the playback failures, by index.
const (
	scoresStartSum = iota + 4
	scoresStartCount
	scoresStartBuckets
)

// halfScore is the start time of half a score, in s: Mux Data's guide "Startup Time" divides 8 by 8 + start time.
const halfScore = 8

// startupScore returns Mux Data's score of a start time in s.
func startupScore(seconds float64) float64 { return 100 * halfScore / (halfScore + seconds) }

// startupScore returns the mean score of the start times whose buckets, sum and count are read. Those that are all in one bucket have their
// average's.
func (c cell) startupScore(buckets, sum, count int) float64 {
	counts, filled := c.buckets()
	switch filled {
	case 0:
		return math.NaN()
	case 1:
		return startupScore(c.average(sum, count))
	}
	scores, all := 0.0, 0.0
	for bucket, n := range counts {
		scores += float64(n) * startupScore(measure.BucketMiddle(bucket)/c.table.reads[buckets].scale())
		all += float64(n)
	}
	return scores / all
}

// successScore returns the mean score of attempts, of what attemptReads and the playback failures after it read: 100 of one that played, 50 of
// one that was left, 0 of one that failed.
func successScore(c cell) float64 {
	if attempts(c) == 0 {
		return math.NaN() // also where plays failed that had begun before
	}
	return max(0, (100*(c.sum(0)-c.sum(3))+50*c.sum(2))/attempts(c))
}

// The columns of scores.
var (
	successColumn = Column{Name: "successScore", Unit: Points, of: []int{0, 1, 2, 3}, value: successScore,
		Help: "Mean of 100 for an attempt that played, 50 for one that was left before the first frame, 0 for one that failed, before it or after."}
	startupColumn = Column{Name: "startupScore", Unit: Points, whole: true,
		Help: "Mean of 100 × 8 ÷ (8 + start time in s) over plays; within 1.6 points."}
)

func scores() Definition {
	startup := startupColumn
	startup.of = []int{scoresStartSum, scoresStartCount, scoresStartBuckets}
	startup.value = func(c cell) float64 { return c.startupScore(scoresStartBuckets, scoresStartSum, scoresStartCount) }
	return Definition{
		Type:  "scores",
		Title: "Scores of plays",
		Description: "How well attempts to play succeeded and how fast plays started, from 0 to 100, by the formulas of Mux Data's guides \"Playback Success\" and " +
			"\"Startup Time\".",
		Details: "A start of 0.4 s has 95, of 2 s 80, of 8 s 50, of 20 s 29; a play whose start time nobody knows has none. Start times are stored in buckets, so a score is at most 1.6 points off. " +
			"A play that began before the range and failed in it lowers the success of those that began in it, to 0 at the least. The smoothness score needs single plays: it is in playQuality. " +
			"Video quality is missing because players do not tell how large they are, and the overall score because Mux does not publish how it weighs one against another. " + attemptsAre,
		Page:    PageH5Live,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionBreakdown, OptionDimension, OptionWhere},
		Filters: commonFilters,
		Columns: []Column{successColumn, startup, attemptsColumn},
		rankBy:  []int{0, 1, 2},
		reads: func(q Query) []read {
			return append(attemptReads(outcomeRead(measure.OutcomePlaybackFailure)), distribution(measure.StartTime)(q)...)
		},
	}
}
