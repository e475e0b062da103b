package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func statusCodes() Definition {
	return Definition{
		Type:        "statusCodes",
		Title:       "Status codes",
		Description: "Status and error events of players in the range, before the first frame or after it, per code.",
		Details: "Many events of few plays are one viewer's flood, and of many plays everybody's trouble. A play tells 32 codes apart, the " +
			"others count as (other). What fails before the first frame shows here, and as a load without a play. Only the first 1,000 codes of a day are " +
			"told apart, the rest is (other).",
		Page:    PageH5Live,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionDimension},
		Filters: commonFilters,
		Columns: []Column{
			{Name: measure.DimensionCode, Help: "What the player reported.", Link: explained("status-codes.md")},
			{Name: "count", Unit: Count, Help: "Number of events.",
				value: func(c cell) float64 { return c.sum(0) }},
			{Name: "fatal", Unit: Count, Help: "How many of them ended the attempt to play.",
				value: func(c cell) float64 { return c.sum(1) }},
			{Name: "plays", Unit: Count, Help: "Plays, and attempts to play, that had the code first in the range; each counts once, " +
				"however often it had the code.", of: []int{2}, value: func(c cell) float64 { return c.sum(2) }},
		},
		reads: func(Query) []read {
			return []read{
				{measure: measure.Statuses},
				{measure: measure.Statuses, dimension: measure.DimensionFatal, value: "true"},
				{measure: measure.PlaysByCode},
			}
		},
	}
}
