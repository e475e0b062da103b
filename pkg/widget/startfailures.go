package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func startFailures() Definition {
	failures := func(c cell) float64 { return max(0, c.sum(0)-c.sum(1)) }
	return Definition{
		Type:        "startFailures",
		Title:       "Start failures",
		Description: "Loads without a play: players that were initialised and tried to play, and have not rendered a first frame.",
		Details: "Viewers who leave before the first frame are among them. Loads and plays each count in the minute in which they " +
			"happened, so in the last seconds of a range there are loads whose plays come after it.",
		Page:    PageH5Live,
		Level:   tenant.Default,
		Options: []string{OptionMetric, OptionBreakdown, OptionDimension},
		Filters: commonFilters,
		Columns: []Column{
			{Name: "failures", Unit: Count, Help: "Loads less plays, not below 0.", value: failures},
			{Name: "ratio", Unit: Ratio, Limit: startFailuresLimit, Help: "Failures ÷ loads.",
				value: func(c cell) float64 { return failures(c) / c.sum(0) }},
			{Name: "loads", Unit: Count, Help: "Number of loads.",
				value: func(c cell) float64 { return c.sum(0) }},
			{Name: "plays", Unit: Count, Help: "Number of plays.",
				value: func(c cell) float64 { return c.sum(1) }},
		},
		reads: func(Query) []read { return []read{{measure: measure.Loads}, {measure: measure.Plays}} },
	}
}
