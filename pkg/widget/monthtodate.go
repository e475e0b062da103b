package widget

import (
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

func monthToDate() Definition {
	return Definition{
		Type:        "monthToDate",
		Title:       "Month to date",
		Description: "Usage of the month in which the range ends, so far, beside that of the month before and of its same part.",
		Details: "Only the end of the range counts, not its begin; a range that ends with a month belongs to that month. The rows are the whole previous month, the previous month up to the same " +
			"day and time, and the month so far. If the previous month has no such day, the second row is the whole of it. Months begin in " +
			"the query's time zone. The series form has the same rows, and days from the begin of the previous month unless another " +
			"interval is asked for; each row is 0 outside its period.",
		Page:      PageHome,
		Level:     tenant.Default,
		Options:   []string{OptionUnit, OptionMetric},
		Filters:   commonFilters,
		Columns:   slices.Concat([]Column{{Name: "period", Help: "Which part of which month."}}, playoutIngestTotal),
		reads:     playoutAndIngest,
		periods:   monthsToDate,
		automatic: func(time.Duration) string { return "1d" },
	}
}

// monthsToDate returns the month before that of the last instant before t, its part that ends a month before t, and the month of that
// instant up to t. So a range that ends with a month is about that month.
func monthsToDate(t time.Time, zone *time.Location) []period {
	last := t.Add(-1).In(zone)
	year, month, date := last.Date()
	begin, before := startOfDay(year, month, 1, zone), startOfDay(year, month-1, 1, zone)
	same := begin
	if lastDate := time.Date(year, month, 0, 0, 0, 0, 0, time.UTC).Day(); date <= lastDate {
		same = time.Date(year, month-1, date, last.Hour(), last.Minute(), last.Second(), last.Nanosecond(), zone)
	}
	return []period{
		{"previous month", before, begin},
		{"previous month to date", before, earlier(later(ceilMinute(same), before), begin)},
		{"month to date", begin, ceilMinute(t)},
	}
}
