package widget

import (
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func ingestTime() Definition {
	return Definition{
		Type:        "ingestTime",
		Title:       "Ingest time",
		Description: "Time from the start of a broadcast to its end, over the broadcasts of webcasters that ended in the range.",
		Details:     "A broadcast that falls silent for three report intervals has ended at its last event. Broadcasts that still run are not counted.",
		Page:        PageWebcaster,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric, OptionPercentile, OptionBreakdown},
		Filters:     commonFilters,
		Columns:     longTimes(medianAndAverage(Seconds)),
		reads:       distribution(measure.IngestTime),
	}
}
