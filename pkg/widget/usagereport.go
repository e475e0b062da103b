package widget

import (
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

func usageReport() Definition {
	return Definition{
		Type:        "usageReport",
		Title:       "Usage report",
		Description: "What was sent to viewers and received from publishers over the range, in bytes or seconds.",
		Details:     "Without an interval the series form has UTC days if the range is longer than two days, else hours; their sum is the total.",
		Page:        PageReports,
		Level:       tenant.Default,
		Options:     []string{OptionUnit, OptionMetric},
		Filters:     commonFilters,
		Columns: []Column{
			{Name: "sent", Unit: Bytes, Help: "Delivered to viewers.",
				of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "received", Unit: Bytes, Help: "Received from publishers.",
				of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
		},
		reads: playoutAndIngest,
		automatic: func(length time.Duration) string {
			if length > 2*day {
				return "24h" // not 1d, which is a day of the query's time zone
			}
			return "1h"
		},
	}
}
