package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func playedTime() Definition {
	return Definition{
		Type:        "playedTime",
		Title:       "Played time",
		Description: "Time from the start of a play to its end, pauses taken off and stalls included, over the plays that ended in the range.",
		Details:     "A play that falls silent for three report intervals has ended at its last event. Plays that still run are not counted.",
		Page:        PageH5Live,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric, OptionPercentile, OptionBreakdown, OptionWhere},
		Filters:     commonFilters,
		Columns:     longTimes(medianAndTail()),
		reads:       distribution(measure.PlayedTime),
	}
}
