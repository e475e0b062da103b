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
		Details: "Only the end of the range counts, not its begin. The rows are the whole previous month, the previous month up to the same " +
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

// monthsToDate returns the month before that of t, its part that ends a month before t, and the month of t up to t.
func monthsToDate(t time.Time, zone *time.Location) []period {
	t = t.In(zone)
	year, month, date := t.Date()
	begin, before := startOfDay(year, month, 1, zone), startOfDay(year, month-1, 1, zone)
	same := begin
	if lastDate := time.Date(year, month, 0, 0, 0, 0, 0, time.UTC).Day(); date <= lastDate {
		same = time.Date(year, month-1, date, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
	}
	return []period{
		{"previous month", before, begin},
		{"previous month to date", before, earlier(later(ceilMinute(same), before), begin)},
		{"month to date", begin, ceilMinute(t)},
	}
}
