package widget

import (
	"math"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

const labelPeriod = "period"

// Names of the periods.
const (
	periodPrevious       = "previous month"
	periodPreviousToDate = "previous month to date"
	periodToDate         = "month to date"
)

func monthToDate() Definition {
	return Definition{
		Type:        "monthToDate",
		Title:       "Month to date",
		Description: "Usage of the month in which the range ends, so far, beside that of the month before and of its same part.",
		Details: "Only the end of the range counts, not its begin; a range that ends with a month belongs to that month. The rows are the whole previous month, the previous month up to the same " +
			"day and time, and the month so far. If the previous month has no such day, the second row is the whole of it. Months begin in " +
			"the query's time zone. The series form has the same rows, and days from the begin of the previous month unless another " +
			"interval is asked for; each row is 0 outside its period, and the change, which is of months, is empty.",
		Page:    PageHome,
		Level:   tenant.Default,
		Options: []string{OptionUnit, OptionMetric},
		Filters: commonFilters,
		Columns: slices.Concat([]Column{{Name: labelPeriod, Help: "Which part of which month; panels show its name and year."}}, playoutIngestTotal, []Column{
			{Name: "change", Unit: Ratio, how: changeSince, Help: "Of the month to date: how much more its total is than that of the previous month to date, as a part of that.",
				value: changeOfMonth},
		}),
		reads:     playoutAndIngest,
		periods:   monthsToDate,
		automatic: func(time.Duration) string { return "1d" },
	}
}

// monthsToDate returns the month before that of the last instant before t, its part that ends a month before t, and the month of that
// instant up to t. So a range that ends with a month is about that month.
func monthsToDate(t time.Time, zone *time.Location) []period {
	last := t.Add(-1).In(zone)
	year, month, _ := last.Date()
	begin, before := startOfDay(year, month, 1, zone), startOfDay(year, month-1, 1, zone)
	same := sameClock(last, zone, 1, 0)
	return []period{
		{periodPrevious, before, begin},
		{periodPreviousToDate, before, earlier(later(ceilMinute(same), before), begin)},
		{periodToDate, begin, ceilMinute(t)},
	}
}

// changeOfMonth compares the month to date with the same part of the month before; NaN of other rows, and beside nothing.
func changeOfMonth(c cell) float64 {
	before, ok := c.table.byName[periodPreviousToDate]
	if !ok || c.row.name != periodToDate {
		return math.NaN()
	}
	was := cell{c.table, before, c.interval}
	return Change(c.sum(0)+c.sum(1), was.sum(0)+was.sum(1))
}
