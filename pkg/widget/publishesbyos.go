package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func publishesByOS() Definition {
	return Definition{
		Type:        "publishesByOS",
		Title:       "Publishes by operating system",
		Description: "Webcaster sessions that went on air in the range, per operating system.",
		Details:     "Told from the User-Agent and client hints of the session's first request.",
		Page:        PageWebcaster,
		Level:       tenant.Default,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns:     countsAndShares(measure.DimensionOS, "Operating system.", "publishes"),
		reads:       sumsOf(measure.PublishesByOS),
	}
}
