package widget

import (
	"slices"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func usageByReferrer() Definition {
	return Definition{
		Type:        "usageByReferrer",
		Title:       "Usage by referrer",
		Description: "What was delivered per host of the page that embeds the player, in bytes or seconds, the greatest first.",
		Details: "Hosts are in lower case and without port; (none) is where no page was named. Only the first 20,000 hosts of an hour " +
			"(limits.ipsPerHour) are told apart, the rest is (other). " + storedByHour,
		Page:    PageBreakdown,
		Level:   tenant.Default,
		Options: []string{OptionUnit},
		Filters: append(slices.Clone(commonFilters), measure.DimensionReferrer),
		Columns: []Column{
			{Name: measure.DimensionReferrer, Help: "Host of the page; (none) is unknown."},
			{Name: "playout", Unit: Bytes, Help: "Delivered to viewers.",
				value: func(c cell) float64 { return c.sum(0) }},
		},
		reads: func(q Query) []read {
			return []read{{measure: byUnit(q, measure.TrafficByReferrer, measure.PlayingByReferrer)}}
		},
	}
}
