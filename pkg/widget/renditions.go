package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

const secondsPerHour = 3600

// bitsPerByte makes bits of what is stored as bytes.
const bitsPerByte = 8

func stalls() Definition {
	return Definition{
		Type:        "stalls",
		Title:       "Stalls",
		Description: "Stalls after the first frame, per hour that viewers played or stalled.",
		Details: "A stall counts where it begins. Seeking and pausing are none. Players that do not count their stalls have none, and their time is in the " +
			"hours: the beacon counts them from this version on, and players with CMCD by their states." + apart,
		Page:    PageAdaptive,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionBreakdown, OptionWhere},
		Filters: commonFilters,
		Columns: []Column{
			{Name: "perHour", Unit: Count, Help: "Stalls ÷ hours.", value: func(c cell) float64 { return c.sum(0) / c.sum(1) * secondsPerHour }},
			{Name: "stalls", Unit: Count, Help: "Number of stalls that began.", of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "watched", Unit: Seconds, long: true, Help: "Time of playing and stalling.", of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
		},
		reads: func(Query) []read { return []read{{measure: measure.Stalls}, {measure: measure.Viewing}} },
	}
}

func viewerBitrate() Definition {
	return Definition{
		Type:        "viewerBitrate",
		Title:       "Viewers' bitrate",
		Description: "Bitrate of the video that viewers saw: bitrate times playing time, divided by the playing time of the reports that know their bitrate.",
		Details:     "The bitrate of a report is that of its whole time, so it is exact to one report at a switch. Players without a bitrate are not in it; known says how many are." + apart,
		Page:        PageAdaptive,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric, OptionBreakdown},
		Filters:     commonFilters,
		Columns: []Column{
			{Name: "bitrate", Unit: BitsPerSecond, Help: "Sum of bitrate × playing time ÷ sum of playing time.", of: []int{0, 1},
				value: func(c cell) float64 { return c.sum(0) * bitsPerByte / c.sum(1) }},
			{Name: "known", Unit: Ratio, Help: "Which part of the playing time knows its bitrate.", of: []int{1, 2},
				value: func(c cell) float64 { return c.sum(1) / c.sum(2) }},
		},
		reads: func(Query) []read {
			return []read{{measure: measure.VideoPlayed}, {measure: measure.VideoPlayedTime}, playing()}
		},
	}
}

// apart says in the documentation which filters go together.
const apart = " It is stored by country or by stream, so filter by countries, or by streams and tags, not by both, and not by events; by device and what else players watch with it is not stored."

const heightsAre = "Classes are up to 240, 360, 480, 540, 720, 1080, 1440 and 2160 lines, and above; (unknown) is of players that do not tell, among them those " +
	"with CMCD, which has no key for it."

func playtimeByHeight() Definition {
	return Definition{
		Type:        "playtimeByHeight",
		Title:       "Playing time by height",
		Description: "How long viewers saw pictures of which height.",
		Details:     heightsAre + " All classes together are the playing time." + apart,
		Page:        PageAdaptive,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.DimensionHeight, Help: "Lines of the picture."},
			{Name: "playtime", Unit: Seconds, long: true, Help: "Time in which players rendered.", value: func(c cell) float64 { return c.sum(0) }},
			{Name: "share", Unit: Ratio, Help: "Of all playing time.", value: func(c cell) float64 { return c.share(0) }},
		},
		reads: sumsOf(measure.PlayingByHeight),
	}
}

func viewersByHeight() Definition {
	return Definition{
		Type:        "viewersByHeight",
		Title:       "Viewers by height",
		Description: "How many viewers saw pictures of which height in the greatest minute of each.",
		Details:     heightsAre + " Those who stall are not in it. The greatest minutes of two classes may be different ones." + apart,
		Page:        PageAdaptive,
		Level:       tenant.Premium,
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.DimensionHeight, Help: "Lines of the picture."},
			{Name: "viewers", Unit: Viewers, Help: "Of the greatest minute.", value: func(c cell) float64 { return c.sum(0) }},
		},
		reads:    func(Query) []read { return []read{{measure: measure.PlayingByHeight, kind: peakMinute}} },
		complete: true,
	}
}

func switches() Definition {
	of := func(kind string) read {
		return read{measure: measure.Switches, dimension: measure.DimensionSwitch, value: kind}
	}
	return Definition{
		Type:        "switches",
		Title:       "Switches of renditions",
		Description: "Switches of players to renditions of more and of less bits, such as failed, and switches per hour of playing.",
		Details: "A switch counts when it happens; one that another supersedes before is none. Players with CMCD switch when they name another bitrate, and tell of none that " +
			"fails. The playing time of players that count no switches is in the hours." + apart,
		Page:    PageAdaptive,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionBreakdown},
		Filters: commonFilters,
		Columns: []Column{
			{Name: "up", Unit: Count, Help: "To more bits.", of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "down", Unit: Count, Help: "To less bits.", of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
			{Name: "failed", Unit: Count, Help: "That failed.", of: []int{2}, value: func(c cell) float64 { return c.sum(2) }},
			{Name: "perHour", Unit: Count, Help: "Up and down ÷ hours of playing.", of: []int{0, 1, 3},
				value: func(c cell) float64 { return (c.sum(0) + c.sum(1)) / c.sum(3) * secondsPerHour }},
		},
		reads: func(Query) []read {
			return []read{of(measure.SwitchUp), of(measure.SwitchDown), of(measure.SwitchFailed), playing()}
		},
	}
}

func droppedFrames() Definition {
	return Definition{
		Type:        "droppedFrames",
		Title:       "Dropped frames",
		Description: "Frames that players decoded and did not show, as a part of all that they decoded.",
		Details:     "Only of players that count both." + apart,
		Page:        PageAdaptive,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric, OptionBreakdown},
		Filters:     commonFilters,
		Columns: []Column{
			{Name: "ratio", Unit: Ratio, Help: "Dropped ÷ frames.", value: func(c cell) float64 { return c.sum(0) / c.sum(1) }},
			{Name: "dropped", Unit: Count, Help: "Frames that were not shown.", of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "frames", Unit: Count, Help: "Frames that were decoded.", of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
		},
		reads: func(Query) []read { return []read{{measure: measure.DroppedFrames}, {measure: measure.Frames}} },
	}
}
