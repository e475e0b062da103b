package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func playsByVersion() Definition {
	return Definition{
		Type:        "playsByVersion",
		Title:       "Plays by player version",
		Description: "Plays whose first frame was rendered in the range, and how long players played, per kind and version of the player.",
		Details:     "Only the first 1,000 versions of a day are told apart, the rest is (other).",
		Page:        PageH5Live,
		Level:       tenant.Default,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns:     countsAndPlayingTime(measure.DimensionVersion, "Kind and version of the player, such as h5live 4.22.0."),
		reads:       andPlayingTime(sumsOf(measure.PlaysByVersion)),
	}
}
