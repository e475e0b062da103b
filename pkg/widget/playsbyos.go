package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func playsByOS() Definition {
	return Definition{
		Type:        "playsByOS",
		Title:       "Plays by operating system",
		Description: "Plays whose first frame was rendered in the range, and how long players played, per operating system of the viewer.",
		Details:     "Told from the User-Agent and client hints of the session's first request.",
		Page:        PageH5Live,
		Level:       tenant.Default,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns:     countsAndPlayingTime(measure.DimensionOS, "Operating system."),
		reads:       andPlayingTime(sumsOf(measure.PlaysByOS)),
	}
}
