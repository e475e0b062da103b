package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func startTime() Definition {
	return Definition{
		Type:        "startTime",
		Title:       "Start time",
		Description: "Time from load to the first frame, over all plays that began in the range; the median counts whole buckets and is within 6.4 %.",
		Details: "What the player measured itself, else from its load event to its start event; plays with neither are not counted. By labels of " +
			"players there is the average alone.",
		Page:    PageH5Live,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionPercentile, OptionBreakdown, OptionDimension, OptionWhere},
		Filters: commonFilters,
		Columns: medianAndTail(),
		reads:   distribution(measure.StartTime),
	}
}
