package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func usageByStream() Definition {
	return Definition{
		Type:        "usageByStream",
		Title:       "Usage by stream",
		Description: "What was received and delivered of each stream, in bytes or seconds, the greatest first.",
		Details:     "Both directions are in one row, so that streams that are published and not watched show.",
		Page:        PageBreakdown,
		Level:       tenant.Default,
		Options:     []string{OptionUnit, OptionMetric},
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.LabelStream, Help: "Name of the stream."},
			{Name: "ingest", Unit: Bytes, Help: "Received from publishers.",
				of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "playout", Unit: Bytes, Help: "Delivered to viewers.",
				of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
		},
		reads: func(q Query) []read {
			return []read{usage(q, measure.Ingest), usage(q, measure.Playout)}
		},
		rankBy: []int{0, 1},
	}
}
