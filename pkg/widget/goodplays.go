package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func goodPlays() Definition {
	part := func(name, help string, n int) Column {
		return Column{Name: name, Unit: Ratio, Help: help, of: []int{0, n}, value: func(c cell) float64 { return c.sum(n) / c.sum(0) }}
	}
	quality := func(dimension, value string) read {
		return read{measure: measure.Quality, dimension: dimension, value: value}
	}
	return Definition{
		Type:  "goodPlays",
		Title: "Good plays",
		Description: "How many of the attempts that ended were good: a first frame within startSeconds (2), buffering of at most bufferingRatio (0.01) of " +
			"the time, and no playback failure; fair up to fairStartSeconds (4) and fairBufferingRatio (0.03); else bad, and why.",
		Details: "The limits are the organisation's, quality in streamlens.yaml. Attempts that count are those of startFailures. An attempt that did not play " +
			"counts with its outcome, a play when it ends. A bad one has one cause: no first frame for a failure or an exit, else a playback failure, else its " +
			"start time, else its buffering. Plays of less than 10 s are not judged by their buffering.",
		Page:    PageH5Live,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionBreakdown, OptionWhere},
		Filters: commonFilters,
		Columns: []Column{
			part("good", "Good ÷ attempts.", 1),
			part("fair", "Fair ÷ attempts.", 2),
			part("bad", "Bad ÷ attempts; the sum of what follows.", 3),
			part("startFailures", "Bad for a fatal code before the first frame, ÷ attempts.", 4),
			part("exits", "Bad because the viewer left before the first frame, ÷ attempts.", 5),
			part("playbackFailures", "Bad for a fatal code after the first frame, ÷ attempts.", 6),
			part("slowStarts", "Bad for the start time, ÷ attempts.", 7),
			part("buffering", "Bad for the buffering, ÷ attempts.", 8),
			{Name: "attempts", Unit: Count, Help: "Number of attempts that ended.", of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
		},
		reads: func(Query) []read {
			return []read{
				{measure: measure.Quality},
				quality(measure.DimensionQuality, measure.QualityGood), quality(measure.DimensionQuality, measure.QualityFair),
				quality(measure.DimensionQuality, measure.QualityBad),
				quality(measure.DimensionCause, measure.OutcomeStartFailure), quality(measure.DimensionCause, measure.OutcomeExit),
				quality(measure.DimensionCause, measure.OutcomePlaybackFailure), quality(measure.DimensionCause, measure.CauseStartTime),
				quality(measure.DimensionCause, measure.CauseBuffering),
			}
		},
	}
}
