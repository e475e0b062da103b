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
		Details: "A play that fails before its first frame is none, so it is not here but in the status codes. Webcasters are not in it. " +
			"Only the first 1,000 reasons of a day are told apart, the rest is (other).",
		Page:    PageH5Live,
		Level:   tenant.Premium,
		Filters: commonFilters,
		Columns: []Column{
			{Name: measure.DimensionReason, Help: "Why the play ended.", Link: explained("stop-reasons.md")},
			{Name: "stops", Unit: Count, Help: "Number of plays that ended.",
				value: func(c cell) float64 { return c.sum(0) }},
		},
		reads: sumsOf(measure.Stops),
	}
}

// explained returns the address at which a page of the documentation explains a name.
func explained(page string) string {
	return "https://github.com/streamlens/streamlens/blob/main/docs/" + page + "#${__value.raw:percentencode}"
}
