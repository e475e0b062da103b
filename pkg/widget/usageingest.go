package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func usageIngest() Definition {
	return Definition{
		Type:        "usageIngest",
		Title:       "Usage ingest",
		Description: "What was received from publishers per protocol, in bytes or seconds.",
		Details:     detailsProtocol,
		Page:        PageHome,
		Level:       tenant.Default,
		Options:     []string{OptionUnit},
		Filters:     commonFilters,
		Columns:     usagePerProtocol("Received from publishers."),
		reads:       func(q Query) []read { return []read{usage(q, measure.Ingest)} },
	}
}
