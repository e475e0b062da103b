package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func loadsByCountry() Definition {
	return Definition{
		Type:        "loadsByCountry",
		Title:       "Loads by country",
		Description: "Players that were initialised and tried to play in the range, whether or not they succeeded, per country of the viewer.",
		Page:        PageH5Live,
		Level:       tenant.Default,
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.LabelCountry, Help: "ISO 3166-1 alpha-2; ZZ is unknown."},
			{Name: "loads", Unit: Count, Help: "Number of loads.",
				value: func(c cell) float64 { return c.sum(0) }},
		},
		reads: sumsOf(measure.Loads),
	}
}
