package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func bufferingRatio() Definition {
	return Definition{
		Type:        "bufferingRatio",
		Title:       "Buffering ratio",
		Description: "Time in stalls after the first frame, divided by the time of stalling and playing: 0 never stalled, 1 never played.",
		Details: "Start-up, seeking and pauses are not buffering. It is the ratio of the sums over the range or interval, so long plays weigh " +
			"more than short ones; there is none where nothing played or buffered.",
		Page:    PageH5Live,
		Level:   tenant.Premium,
		Options: []string{OptionBreakdown, OptionDimension, OptionWhere},
		Filters: commonFilters,
		Columns: []Column{
			{Name: "value", Unit: Ratio, Limit: bufferingLimit, Help: "Buffering ÷ (buffering + playing).",
				value: func(c cell) float64 { return c.sum(0) / c.sum(1) }},
		},
		reads: func(Query) []read { return []read{{measure: measure.Buffering}, {measure: measure.Viewing}} },
	}
}

// playing reads the time in which players rendered, whatever the query's unit.
func playing() read { return usage(Query{Unit: UnitPlaytime}, measure.Playout) }
