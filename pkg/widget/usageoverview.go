package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func usageOverview() Definition {
	return Definition{
		Type:        "usageOverview",
		Title:       "Usage overview",
		Description: "Bytes that servers and logs report, or with the unit playtime seconds of players and webcasters, added up over the range.",
		Details: "Bytes come only from servers and logs, seconds only from players and webcasters; neither is estimated from the other. " +
			"Seconds of playout are those in which players rendered, seconds of ingest those in which webcasters were on air.",
		Page:    PageHome,
		Level:   tenant.Default,
		Options: []string{OptionUnit, OptionMetric},
		Filters: commonFilters,
		Columns: playoutIngestTotal,
		reads:   playoutAndIngest,
	}
}

func playoutAndIngest(q Query) []read {
	return []read{usage(q, measure.Playout), usage(q, measure.Ingest)}
}

// playoutIngestTotal are the columns of what playoutAndIngest reads.
var playoutIngestTotal = []Column{
	{Name: "playout", Unit: Bytes, Help: "Delivered to viewers.",
		of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
	{Name: "ingest", Unit: Bytes, Help: "Received from publishers.",
		of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
	{Name: "total", Unit: Bytes, Help: "Playout and ingest together.",
		value: func(c cell) float64 { return c.sum(0) + c.sum(1) }},
}
