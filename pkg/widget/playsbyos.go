package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func playsByOS() Definition {
	return Definition{
		Type:        "playsByOS",
		Title:       "Plays by operating system",
		Description: "Plays whose first frame was rendered in the range, per operating system of the viewer.",
		Page:        PageH5Live,
		Level:       tenant.Default,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns:     countsAndShares(measure.DimensionOS, "Operating system.", "plays"),
		reads:       func(Query) []read { return []read{{measure: measure.PlaysByOS}} },
	}
}
