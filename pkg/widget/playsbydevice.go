package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func playsByDevice() Definition {
	return Definition{
		Type:        "playsByDevice",
		Title:       "Plays by device",
		Description: "Plays whose first frame was rendered in the range, and how long players played, per kind of device of the viewer.",
		Details: "Told from the User-Agent and client hints of the session's first request. What was stored before devices were told apart is " +
			"left out.",
		Page:    PageH5Live,
		Level:   tenant.Default,
		Options: []string{OptionMetric},
		Filters: commonFilters,
		Columns: countsAndPlayingTime(measure.DimensionDevice, "`desktop`, `mobile`, `tablet`, `tv`, `console`, `other` or `bot`."),
		reads:   andPlayingTime(sumsWith(measure.PlaysByOS, measure.DimensionDevice)),
	}
}
