package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func publishesByBrowser() Definition {
	return Definition{
		Type:        "publishesByBrowser",
		Title:       "Publishes by browser",
		Description: "Webcaster sessions that went on air in the range, per browser.",
		Details:     "Told from the User-Agent and client hints of the session's first request.",
		Page:        PageWebcaster,
		Level:       tenant.Default,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns:     countsAndShares(measure.DimensionBrowser, "Browser.", "publishes"),
		reads:       sumsOf(measure.PublishesByBrowser),
	}
}
