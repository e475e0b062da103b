package widget

import (
	"slices"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// The reads of playQuality that are not those of attempts, by index.
const (
	qualityPlays = iota + 4
	qualityBuffering
	qualityViewing
	qualityPlaying
	qualityStartSum
	qualityStartCount
	qualityStartBuckets
	qualityErrors
	qualityBitrateSum
	qualityBitrateCount
	qualityLatencySum
	qualityLatencyCount
	qualityJudged
	qualityGood
	qualitySmoothSum
	qualitySmoothCount
)

func playQuality() Definition {
	ratio := func(name, help string, number func(cell) float64, of ...int) Column {
		return Column{Name: name, Unit: Ratio, Help: help, of: append([]int{0, 1, 2}, of...), value: func(c cell) float64 { return number(c) / attempts(c) }}
	}
	mean := func(name string, unit Unit, help string, sum, count int) Column {
		return Column{Name: name, Unit: unit, Help: help, of: []int{sum, count}, value: func(c cell) float64 { return c.average(sum, count) }}
	}
	start := Column{Unit: Seconds, Name: "startTime", Help: "Median time from load to first frame; within 7 %; exact if all are equal.",
		of:    []int{qualityStartSum, qualityStartCount, qualityStartBuckets},
		value: func(c cell) float64 { return c.median(qualityStartBuckets, qualityStartSum, qualityStartCount) }}
	startup := startupColumn
	startup.of = start.of
	startup.value = func(c cell) float64 { return c.startupScore(qualityStartBuckets, qualityStartSum, qualityStartCount) }
	return Definition{
		Type:        "playQuality",
		Title:       "Quality of plays",
		Description: "How the plays went that ended in the range: one row, or one for each operator, device, player, region, user and so on, by any combination of filters.",
		Details: "`breakdown` says what the rows are: " + namesOfPlayBreakdowns() + ". " + attemptsAre +
			" The scores are from 0 to 100, as in the widget scores. Smoothness is that of Mux Data's guide \"Smoothness\": for each play the mean of 100 ÷ √(1 + (stalls ÷ 2)²) and " +
			"100 × e^(−10 × buffering ratio); a play that buffered and whose player does not count its stalls has none. By user or address the range is at most 24 hours, with conditions 7 days, else 31 days.",
		Page:      PagePlays,
		Level:     tenant.Premium,
		Options:   []string{OptionMetric, OptionBreakdown, OptionWhere, OptionCompare},
		Filters:   append(slices.Clone(commonFilters), measure.DimensionReferrer),
		ofRecords: true,
		Columns: []Column{
			{Name: "plays", Unit: Count, Help: "Plays that ended, whose first frame was rendered.", of: []int{qualityPlays}, value: func(c cell) float64 { return c.sum(qualityPlays) }},
			{Name: "playing", Unit: Seconds, long: true, Help: "Time of playing.", of: []int{qualityPlaying}, value: func(c cell) float64 { return c.sum(qualityPlaying) }},
			{Name: "bufferingRatio", Unit: Ratio, Limit: bufferingLimit, Help: "Buffering ÷ (buffering + playing).", of: []int{qualityBuffering, qualityViewing},
				value: func(c cell) float64 { return c.sum(qualityBuffering) / c.sum(qualityViewing) }},
			start,
			{Name: "startTimeP95", Unit: Seconds, Help: "95 % of the start times are not greater; within 7 %.", of: start.of,
				value: func(c cell) float64 {
					return c.percentileOf(95, qualityStartBuckets, qualityStartSum, qualityStartCount)
				}},
			{Name: "attempts", Unit: Count, Help: "Number of attempts that count.", of: []int{0, 1, 2}, value: attempts},
			ratio("startFailures", "Attempts with a fatal code before the first frame, ÷ attempts.", func(c cell) float64 { return c.sum(1) }),
			ratio("exits", "Attempts that were left before the first frame, ÷ attempts.", func(c cell) float64 { return c.sum(2) }),
			ratio("playbackFailures", "Attempts that ended with a fatal code, before the first frame or after it, ÷ attempts.",
				func(c cell) float64 { return c.sum(1) + c.sum(3) }, 3),
			{Name: "good", Unit: Ratio, Help: "Good attempts ÷ those that are judged.", of: []int{qualityJudged, qualityGood},
				value: func(c cell) float64 { return c.sum(qualityGood) / c.sum(qualityJudged) }},
			{Name: "errors", Unit: Count, Help: "Status events.", of: []int{qualityErrors}, value: func(c cell) float64 { return c.sum(qualityErrors) }},
			mean("bitrate", BitsPerSecond, "Mean of the plays' mean bitrates: each play weighs the same.", qualityBitrateSum, qualityBitrateCount),
			mean("latency", Seconds, "Mean of the plays' mean latencies: each play weighs the same.", qualityLatencySum, qualityLatencyCount),
			successColumn, startup,
			{Name: "smoothnessScore", Unit: Points, Help: "Mean of the plays' smoothness, of those that have one.", of: []int{qualitySmoothSum, qualitySmoothCount},
				value: func(c cell) float64 { return c.average(qualitySmoothSum, qualitySmoothCount) / play.ScoreUnit }},
		},
		rankBy: []int{qualityPlays},
		reads: func(Query) []read {
			return attemptReads(
				outcomeRead(measure.OutcomePlaybackFailure),
				read{measure: measure.Plays}, read{measure: measure.Buffering}, read{measure: measure.Viewing}, read{measure: measure.Playing},
				read{measure: measure.StartTime, kind: valueSums}, read{measure: measure.StartTime, kind: valueCounts}, read{measure: measure.StartTime, kind: bucketSums},
				read{measure: measure.Statuses},
				read{measure: measure.VideoBitrate, kind: valueSums, field: play.BitrateMean}, read{measure: measure.VideoBitrate, kind: valueCounts, field: play.BitrateMean},
				read{measure: measure.Latency, kind: valueSums, field: play.LatencyMean}, read{measure: measure.Latency, kind: valueCounts, field: play.LatencyMean},
				read{measure: measure.Quality}, read{measure: measure.Quality, dimension: measure.DimensionQuality, value: measure.QualityGood},
				read{measure: measure.Plays, kind: valueSums, field: play.Smoothness}, read{measure: measure.Plays, kind: valueCounts, field: play.Smoothness},
			)
		},
	}
}
