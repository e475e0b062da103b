package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func bufferLength() Definition {
	return Definition{
		Type:        "bufferLength",
		Title:       "Buffer length",
		Description: "Length of the player's buffer, over all reports of players in the range that have it.",
		Details:     "Every report weighs the same, so long plays weigh more than short ones.",
		Page:        PageH5Live,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric, OptionPercentile, OptionBreakdown},
		Filters:     commonFilters,
		Columns:     medianAndTail(),
		reads:       distribution(measure.BufferLength),
	}
}
