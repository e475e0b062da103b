package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func playerHealth() Definition {
	return Definition{
		Type:  "playerHealth",
		Title: "Health of players",
		Description: "Each version of the player, or operating system, browser, device or protocol, with its viewers, stalls, failed starts, " +
			"start time, latency and errors, the worst first.",
		Details: worstIs + " The query's dimension says what the rows are; version is the default, and values show some rows alone. What was " +
			"stored before there were dimensions is left out.",
		Page:    PageH5Live,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionDimension},
		Filters: commonFilters,
		Columns: []Column{
			{Name: measure.DimensionVersion, Help: "Value of the dimension, after which the column is named."},
			healthViewers,
			{Name: "plays", Unit: Count, Help: "Plays whose first frame was rendered in the range.", of: []int{11},
				value: func(c cell) float64 { return c.sum(11) }},
			healthBufferingRatio, healthStartFailures,
			{Name: "startTime", Unit: Seconds, Help: "Average time from load to first frame.", of: []int{9, 10},
				value: func(c cell) float64 { return c.average(9, 10) }},
			healthLatency, healthErrors,
		},
		reads: func(Query) []read {
			return append(healthReads(), read{measure: measure.StartTime, kind: valueSums}, read{measure: measure.StartTime, kind: valueCounts},
				read{measure: measure.Plays})
		},
		byDimension: true,
		ranked:      worst,
		complete:    true,
	}
}
