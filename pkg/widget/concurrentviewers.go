package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func concurrentViewers() Definition {
	return Definition{
		Type:  "concurrentViewers",
		Title: "Concurrent viewers",
		Description: "The viewers of a minute are the time in which players played or buffered in it, divided by 60 s; " +
			"the greatest minute of the range or interval counts.",
		Details: "The range ends before the first minute that is not complete yet, 35 s after its end, and a notice says where. With the mode " +
			"delta, in the series form only, viewers is the difference to the interval before, over full intervals; where the range begins " +
			"within an interval the first has none.",
		Page:    PageHome,
		Level:   tenant.Default,
		Options: []string{OptionMode, OptionMetric, OptionBreakdown},
		Filters: commonFilters,
		Columns: []Column{
			{Name: "viewers", Unit: Viewers, Help: "Of the greatest minute; with the mode delta, the difference to the interval before.",
				of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "plays", Unit: Count, Help: "Unique playouts: plays whose first frame was rendered in the range.",
				of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
			{Name: "serverViewers", Unit: Viewers, Help: "Of the greatest minute: different viewers who fetched media in it by the logs and " +
				"connections of servers, and whose player does not say what it does. They are not among the viewers.",
				of: []int{2}, value: func(c cell) float64 { return c.sum(2) }},
		},
		reads: func(Query) []read {
			return []read{{measure: measure.Viewing, kind: peakMinute}, {measure: measure.Plays},
				{measure: measure.ServerViewers, kind: peakMinute}}
		},
		complete: true,
	}
}
