package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func usagePlayout() Definition {
	return Definition{
		Type:        "usagePlayout",
		Title:       "Usage playout",
		Description: "What was delivered to viewers per protocol, in bytes or seconds.",
		Details:     detailsProtocol,
		Page:        PageHome,
		Level:       tenant.Default,
		Options:     []string{OptionUnit},
		Filters:     commonFilters,
		Columns:     usagePerProtocol("Delivered to viewers."),
		reads:       func(q Query) []read { return []read{usage(q, measure.Playout)} },
	}
}

// usagePerProtocol returns the columns of the widgets that show how something is transported.
func usagePerProtocol(help string) []Column {
	return []Column{
		{Name: measure.DimensionProtocol, Help: "How it is transported, such as h5live, rtmp, hls, h5live_token or webcaster."},
		{Name: "value", Unit: Bytes, Help: help,
			value: func(c cell) float64 { return c.sum(0) }},
	}
}

const detailsProtocol = "The protocol of bytes is what the server reports, in lower case. That of playtime is what the player says, else it " +
	"follows from the player's kind: hls for hlsjs, html5 and videojs, dash for dashjs and shaka. Only protocols that were seen have a row."
