package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func videoBitrate() Definition {
	return Definition{
		Type:        "videoBitrate",
		Title:       "Video bitrate",
		Description: "Bitrate of the video encoder, over all reports of webcasters in the range that have it.",
		Details:     "Every report weighs the same.",
		Page:        PageWebcaster,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric, OptionPercentile, OptionBreakdown},
		Filters:     commonFilters,
		Columns:     medianAndAverage(BitsPerSecond),
		reads:       distribution(measure.VideoBitrate),
	}
}
