package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func usageByCountry() Definition {
	return Definition{
		Type:        "usageByCountry",
		Title:       "Usage by country",
		Description: "Playout and ingest together per country of the address, in bytes or seconds; ZZ is where the country is unknown.",
		Details:     "The country is looked up from the address before privacy.ip changes it.",
		Page:        PageHome,
		Level:       tenant.Default,
		Options:     []string{OptionUnit, OptionMetric},
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.LabelCountry, Help: "ISO 3166-1 alpha-2; ZZ is unknown."},
			{Name: "value", Unit: Bytes, Help: "Playout and ingest together.",
				value: func(c cell) float64 { return c.sum(0) }},
			{Name: "share", Unit: Ratio, Help: "Of all countries.",
				value: func(c cell) float64 { return c.share(0) }},
		},
		reads: func(q Query) []read { return []read{usage(q, "")} },
	}
}
