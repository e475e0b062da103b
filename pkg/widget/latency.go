package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func latency() Definition {
	return Definition{
		Type:        "latency",
		Title:       "Latency",
		Description: "Delay behind live, over all reports of players in the range that have it.",
		Details:     "Every report weighs the same, so long plays weigh more than short ones. By labels of players there is the average alone.",
		Page:        PageH5Live,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric, OptionPercentile, OptionBreakdown, OptionDimension},
		Filters:     commonFilters,
		Columns:     medianAndTail(),
		reads:       distribution(measure.Latency),
	}
}
