package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func publishesByVersion() Definition {
	return Definition{
		Type:        "publishesByVersion",
		Title:       "Publishes by webcaster version",
		Description: "Webcaster sessions that went on air in the range, per kind and version of the webcaster.",
		Details:     "Only the first 1,000 versions of a day are told apart, the rest is (other).",
		Page:        PageWebcaster,
		Level:       tenant.Default,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns:     countsAndShares(measure.DimensionVersion, "Kind and version of the webcaster, such as webcaster 6.1.0.", "publishes"),
		reads:       sumsOf(measure.PublishesByVersion),
	}
}
