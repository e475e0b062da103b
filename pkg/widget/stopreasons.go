package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func stopReasons() Definition {
	return Definition{
		Type:        "stopReasons",
		Title:       "Stop reasons",
		Description: "Plays that ended in the range, per reason that the player gave; timeout is the reason of those that fell silent.",
		Page:        PageH5Live,
		Level:       tenant.Premium,
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.DimensionReason, Help: "Why the play ended.",
				Link: "https://github.com/streamlens/streamlens/blob/main/docs/stop-reasons.md#${__value.raw:percentencode}"},
			{Name: "stops", Unit: Count, Help: "Number of plays that ended.",
				value: func(c cell) float64 { return c.sum(0) }},
		},
		reads: func(Query) []read { return []read{{measure: measure.Stops}} },
	}
}
