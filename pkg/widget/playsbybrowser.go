package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func playsByBrowser() Definition {
	return Definition{
		Type:        "playsByBrowser",
		Title:       "Plays by browser",
		Description: "Plays whose first frame was rendered in the range, and how long players played, per browser of the viewer.",
		Details:     "Told from the User-Agent and client hints of the session's first request.",
		Page:        PageH5Live,
		Level:       tenant.Default,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns:     countsAndPlayingTime(measure.DimensionBrowser, "Browser."),
		reads:       andPlayingTime(sumsOf(measure.PlaysByBrowser)),
	}
}
