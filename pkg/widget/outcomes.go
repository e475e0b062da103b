package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// attemptReads read the outcomes of which attempts that count are made: the first three of a widget whose cells attempts takes.
func attemptReads(more ...read) []read {
	reads := []read{outcomeRead(measure.OutcomePlayed), outcomeRead(measure.OutcomeStartFailure), outcomeRead(measure.OutcomeExit)}
	return append(reads, more...)
}

func outcomeRead(outcome string) read {
	return read{measure: measure.Outcomes, dimension: measure.DimensionOutcome, value: outcome}
}

// attempts returns the number of attempts that count, of what attemptReads read.
func attempts(c cell) float64 { return c.sum(0) + c.sum(1) + c.sum(2) }

// attemptsAre says in the documentation what attempts count.
const attemptsAre = "Attempts that count played, failed to start or were left a second or more after the load; not those that were left sooner, that the " +
	"browser blocked, or whose viewer may not watch. An attempt counts when its outcome is settled, so those that still start are not in it. " +
	"Players that never call a code fatal have exits in place of failures."

var attemptsColumn = Column{Name: "attempts", Unit: Count, Help: "Number of attempts that count.", of: []int{0, 1, 2}, value: attempts}

// ofAttempts returns a widget of a number of outcomes and its part of the attempts that count.
func ofAttempts(d Definition, counted Column, ratio Column, more ...read) Definition {
	d.Details, d.Page, d.Level = attemptsAre, PageH5Live, tenant.Default
	d.Options, d.Filters = []string{OptionMetric, OptionBreakdown, OptionDimension, OptionWhere}, commonFilters
	count := counted.value
	counted.Unit = Count
	ratio.Name, ratio.Unit = "ratio", Ratio
	ratio.value = func(c cell) float64 { return count(c) / attempts(c) }
	d.Columns = []Column{counted, ratio, attemptsColumn}
	d.reads = func(Query) []read { return attemptReads(more...) }
	return d
}

func startFailures() Definition {
	return ofAttempts(Definition{
		Type:        "startFailures",
		Title:       "Start failures",
		Description: "Attempts to play that ended with a fatal code before the first frame, as a part of those that count.",
	},
		Column{Name: "failures", Help: "Attempts with the outcome startfailure.", value: func(c cell) float64 { return c.sum(1) }},
		Column{Limit: startFailuresLimit, Help: "Failures ÷ attempts."})
}

func exitsBeforeStart() Definition {
	return ofAttempts(Definition{
		Type:        "exitsBeforeStart",
		Title:       "Exits before the start",
		Description: "Attempts to play that viewers left before the first frame, a second or more after the load, as a part of those that count.",
	},
		Column{Name: "exits", Help: "Attempts with the outcome exit.", value: func(c cell) float64 { return c.sum(2) }},
		Column{Limit: exitsLimit, Help: "Exits ÷ attempts."})
}

func playbackFailures() Definition {
	return ofAttempts(Definition{
		Type:        "playbackFailures",
		Title:       "Playback failures",
		Description: "Attempts to play that ended with a fatal code, before the first frame or after it, as a part of those that count.",
	},
		Column{Name: "failures", Help: "Attempts with the outcome startfailure, and plays with playbackfailure.",
			value: func(c cell) float64 { return c.sum(1) + c.sum(3) }},
		Column{Help: "Failures ÷ attempts. A play that began before the range and failed in it is in the failures alone."},
		outcomeRead(measure.OutcomePlaybackFailure))
}

func startSuccess() Definition {
	d := ofAttempts(Definition{
		Type:  "startSuccess",
		Title: "Start success",
		Description: "Attempts to play that neither failed to start nor failed within 30 s of the first frame, as a part of those that count: " +
			"what a viewer would call a start that worked.",
	},
		Column{Name: "failures", Help: "Attempts with the outcome startfailure, and plays that failed within 30 s of the first frame.",
			value: func(c cell) float64 { return c.sum(1) + c.sum(3) }},
		Column{Help: "1 − failures ÷ attempts."},
		read{measure: measure.EarlyPlaybackFailures})
	d.Columns[1].value = func(c cell) float64 { return 1 - (c.sum(1)+c.sum(3))/attempts(c) }
	d.Columns[0], d.Columns[1] = d.Columns[1], d.Columns[0]
	return d
}

func outcomes() Definition {
	return Definition{
		Type:        "outcomes",
		Title:       "Outcomes",
		Description: "How attempts to play went, each in the minute in which that was settled.",
		Details: "played: a first frame was shown; startfailure: a fatal code before it; startbusiness: such a code of a viewer who may not watch; " +
			"blocked: the browser wanted a touch first; exitearly: left within a second of the load; exit: left later. " +
			"playbackfailure is one more of an attempt that played, and ended after a fatal code.",
		Page:    PageH5Live,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionDimension},
		Filters: commonFilters,
		Columns: []Column{
			{Name: measure.DimensionOutcome, Help: "How the attempts went.", Link: explained("widgets.md")},
			{Name: "attempts", Unit: Count, Help: "Number of attempts.", value: func(c cell) float64 { return c.sum(0) }},
			{Name: "share", Unit: Ratio, Help: "Of all attempts whose outcome is settled.", value: func(c cell) float64 {
				all := c.table.all.numbers
				return c.row.numbers[0][c.interval] / (all[0][c.interval] - all[1][c.interval])
			}},
		},
		reads: func(Query) []read {
			return []read{{measure: measure.Outcomes}, outcomeRead(measure.OutcomePlaybackFailure)}
		},
	}
}
