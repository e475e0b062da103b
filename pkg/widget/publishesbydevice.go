package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func publishesByDevice() Definition {
	return Definition{
		Type:        "publishesByDevice",
		Title:       "Publishes by device",
		Description: "Webcaster sessions that went on air in the range, per kind of device.",
		Details: "Told from the User-Agent and client hints of the session's first request. What was stored before devices were told apart is " +
			"left out.",
		Page:    PageWebcaster,
		Level:   tenant.Default,
		Options: []string{OptionMetric},
		Filters: commonFilters,
		Columns: countsAndShares(measure.DimensionDevice, "`desktop`, `mobile`, `tablet`, `tv`, `console`, `other` or `bot`.", "publishes"),
		reads:   sumsWith(measure.PublishesByOS, measure.DimensionDevice),
	}
}
