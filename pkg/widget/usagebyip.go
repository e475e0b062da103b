package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func usageByIP() Definition {
	return Definition{
		Type:        "usageByIP",
		Title:       "Usage by IP",
		Description: "What was received from and delivered to each client address, in bytes or seconds, the greatest first.",
		Details: "Usage that a server reports without an address has no row here. Only the first 20,000 addresses of an hour " +
			"(limits.ipsPerHour) are told apart, the rest is (other). The organisation's setting privacy.ip decides in which form addresses " +
			"are stored; with off there are no rows, and a notice says so. " + storedByHour,
		Page:    PageBreakdown,
		Level:   tenant.Default,
		Options: []string{OptionUnit, OptionMetric},
		Filters: commonFilters,
		Columns: []Column{
			{Name: measure.DimensionIP, Help: "Address, its network or a hash of it."},
			{Name: "ingest", Unit: Bytes, Help: "Received from publishers.",
				of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "playout", Unit: Bytes, Help: "Delivered to viewers.",
				of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
		},
		reads: func(q Query) []read {
			id := byUnit(q, measure.TrafficByIP, measure.PlayingByIP)
			return []read{
				{measure: id, dimension: measure.DimensionDirection, value: measure.Ingest},
				{measure: id, dimension: measure.DimensionDirection, value: measure.Playout},
			}
		},
		rankBy:    []int{0, 1},
		addresses: true,
	}
}
