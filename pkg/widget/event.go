package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// The reads of eventSummary, by index.
const (
	eventPeak = iota
	eventPlays
	eventWatched
	eventFirstOnAir
	eventLastOnAir
	eventFirstWatched
	eventLastWatched
	eventJudged
	eventGood
)

func eventSummary() Definition {
	watched := func(c cell) float64 { return c.sum(eventWatched) }
	plays := func(c cell) float64 { return c.sum(eventPlays) }
	spans := []int{eventFirstOnAir, eventLastOnAir, eventFirstWatched, eventLastWatched}
	return Definition{
		Type:        "eventSummary",
		Title:       "Event summary",
		Description: "What became of an event, a stream or a range: peak and average viewers, plays, time watched, which part of the event a play saw, and good plays.",
		Details: "The length is from the first minute in which a webcaster was on air to the last one, both included; where none was, of the minutes in which somebody watched. Of several streams it is " +
			"that of all their broadcasts together, and who watched a stream without one adds to the time watched: choose the stream or the event. " +
			"Time watched is playing and stalling. A play that began before the range adds to the time watched alone, so choose a range that begins before the event. " +
			"One viewer may begin several plays. goodPlays are those of the widget goodPlays. The range ends before the first minute that is not complete yet.",
		Page:    PageEvent,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionBreakdown},
		Filters: commonFilters,
		Columns: []Column{
			{Name: "peakViewers", Unit: Viewers, Help: "Viewers of the greatest minute.", of: []int{eventPeak}, value: func(c cell) float64 { return c.sum(eventPeak) }},
			{Name: "averageViewers", Unit: Viewers, Help: "Time watched ÷ length.", of: append([]int{eventWatched}, spans...),
				value: func(c cell) float64 { return watched(c) / eventLength(c) }},
			{Name: "plays", Unit: Count, Help: "Plays whose first frame was rendered in the range.", of: []int{eventPlays}, value: plays},
			{Name: "watched", Unit: Seconds, long: true, Help: "Time of playing and stalling.", of: []int{eventWatched}, value: watched},
			{Name: "watchedPerPlay", Unit: Seconds, long: true, Help: "Time watched ÷ plays.", of: []int{eventWatched, eventPlays},
				value: func(c cell) float64 { return watched(c) / plays(c) }},
			{Name: "length", Unit: Seconds, long: true, Help: "From the first minute to the last.", of: spans, value: eventLength},
			{Name: "shareWatched", Unit: Ratio, Help: "Time watched ÷ (plays × length).", of: append([]int{eventWatched, eventPlays}, spans...),
				value: func(c cell) float64 { return watched(c) / (plays(c) * eventLength(c)) }},
			{Name: "goodPlays", Unit: Ratio, Help: "Good ÷ attempts that ended.", of: []int{eventJudged, eventGood},
				value: func(c cell) float64 { return c.sum(eventGood) / c.sum(eventJudged) }},
		},
		reads: func(Query) []read {
			onAir := func(k kind) read {
				return read{measure: measure.Playing, kind: k, dimension: measure.DimensionDirection, value: measure.Ingest}
			}
			return []read{
				eventPeak: {measure: measure.Viewing, kind: peakMinute}, eventPlays: {measure: measure.Plays}, eventWatched: {measure: measure.Viewing},
				eventFirstOnAir: onAir(firstMinute), eventLastOnAir: onAir(lastMinute),
				eventFirstWatched: {measure: measure.Viewing, kind: firstMinute}, eventLastWatched: {measure: measure.Viewing, kind: lastMinute},
				eventJudged: {measure: measure.Quality},
				eventGood:   {measure: measure.Quality, dimension: measure.DimensionQuality, value: measure.QualityGood},
			}
		},
		rankBy:   []int{eventWatched},
		complete: true,
	}
}

// eventLength returns how long an event was, in s.
func eventLength(c cell) float64 {
	if length := c.span(eventFirstOnAir, eventLastOnAir); length > 0 {
		return length
	}
	return c.span(eventFirstWatched, eventLastWatched)
}

func joinsAndLeaves() Definition {
	return Definition{
		Type:        "joinsAndLeaves",
		Title:       "Joins and leaves",
		Description: "Plays that began and plays that ended, as numbers and per minute.",
		Details: "A play joins in the minute of its first frame and leaves in that of its end, whatever the reason. What joined less what left is by how much the viewers " +
			"became more. The range ends before the first minute that is not complete yet.",
		Page:    PageEvent,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionBreakdown},
		Filters: commonFilters,
		Columns: []Column{
			{Name: "joins", Unit: Count, Help: "Plays that began.", of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "leaves", Unit: Count, Help: "Plays that ended.", of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
			{Name: "joinsPerMinute", Unit: Count, Help: "Joins ÷ minutes.", of: []int{0}, value: func(c cell) float64 { return c.sum(0) / c.minutes() }},
			{Name: "leavesPerMinute", Unit: Count, Help: "Leaves ÷ minutes.", of: []int{1}, value: func(c cell) float64 { return c.sum(1) / c.minutes() }},
		},
		reads:    func(Query) []read { return []read{{measure: measure.Plays}, {measure: measure.Stops}} },
		complete: true,
	}
}
