package widget

import (
	"strings"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// The limits from which a broadcast is in trouble, which are those of the alert rules.
const (
	roundTripLimit  = 0.25 // s
	packetLossLimit = 0.05
	duplicateLimit  = 1.2 // publishers at once
)

func ingestHealth() Definition {
	var ofState []int
	for i := range broadcastStateReads() {
		ofState = append(ofState, statePublishes+i)
	}
	return Definition{
		Type:        "ingestHealth",
		Title:       "Health of broadcasts",
		Description: "Each stream with its state, its publishers, how often it was published, and the bitrate, round trip and loss of its line, the worst first.",
		Details: "Publishers are those of the greatest minute: 1 is on air for the whole of it, 2 are two at once. The bitrate is what servers received, divided by the time " +
			"on air; round trip and loss are averages over the reports that have them, which webcasters send. The state is that at the end of the range, or interval: the worst of inactive, 4 (on air, and servers that have received something in the hour before have received nothing for 3 minutes), " +
			"restarting, 3 (3 publishes in 5 minutes), duplicate, 2 (more than 1.2 publishers in each of 2 minutes), poor line, 1 (more than 5 % loss or 250 ms in 3 minutes), else ok, 0; none of a " +
			"stream that was not on air in 3 minutes. The range ends before the first minute that is not complete yet.",
		Page:    PageWebcaster,
		Level:   tenant.Premium,
		Options: []string{OptionMetric},
		Filters: commonFilters,
		Columns: []Column{
			{Name: measure.LabelStream, Help: "Name of the stream."},
			{Name: "state", Unit: Count, Limit: statePoorLine, words: broadcastStates, unchanging: true, Help: "At the end: ok, poor line, duplicate, restarting or inactive.", of: ofState,
				value: broadcastState},
			{Name: "publishers", Unit: Count, Limit: duplicateLimit, Normal: 1, Help: "At once, in the greatest minute.", of: []int{0},
				value: func(c cell) float64 { return c.sum(0) }},
			{Name: "publishes", Unit: Count, Help: "How often a publisher went on air.", of: []int{1}, value: func(c cell) float64 { return c.sum(1) }},
			{Name: "bitrate", Unit: BitsPerSecond, Help: "Bytes that were received × 8 ÷ time on air.", of: []int{2, 3},
				value: func(c cell) float64 { return c.sum(2) * bitsPerByte / c.sum(3) }},
			{Name: "roundTripTime", Unit: Seconds, Limit: roundTripLimit, Help: "Average time to the receiver and back.", of: []int{4, 5},
				value: func(c cell) float64 { return c.average(4, 5) }},
			{Name: "packetLoss", Unit: Ratio, Limit: packetLossLimit, Help: "Average part of the packets that did not arrive.", of: []int{6, 7},
				value: func(c cell) float64 { return c.average(6, 7) }},
		},
		reads: func(q Query) []read {
			onAir := usage(Query{Unit: UnitPlaytime}, measure.Ingest)
			peak := onAir
			peak.kind = peakMinute
			reads := []read{
				peak, {measure: measure.Publishes}, usage(Query{Unit: UnitTraffic}, measure.Ingest), onAir,
				{measure: measure.RoundTripTime, kind: valueSums}, {measure: measure.RoundTripTime, kind: valueCounts},
				{measure: measure.PacketLoss, kind: valueSums}, {measure: measure.PacketLoss, kind: valueCounts},
			}
			if q.Metric == "" || strings.HasPrefix(q.Metric, "state") {
				reads = append(reads, broadcastStateReads()...)
			}
			return reads
		},
		ranked:   troubled,
		complete: true,
	}
}

func publishStopReasons() Definition {
	return Definition{
		Type:        "publishStopReasons",
		Title:       "Reasons for the end of broadcasts",
		Description: "Broadcasts that ended in the range, per reason that the publisher gave; timeout is the reason of those that fell silent.",
		Details:     "Media servers that are polled give no reason: normal. Only the first 1,000 reasons of a day are told apart, the rest is (other).",
		Page:        PageWebcaster,
		Level:       tenant.Premium,
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.DimensionReason, Help: "Why the broadcast ended.", Link: explained("stop-reasons.md")},
			{Name: "stops", Unit: Count, Help: "Number of broadcasts that ended.", value: func(c cell) float64 { return c.sum(0) }},
		},
		reads: sumsOf(measure.PublishStops),
	}
}

func publishStatusCodes() Definition {
	return Definition{
		Type:        "publishStatusCodes",
		Title:       "Status codes of publishers",
		Description: "Status and error events of publishers in the range, on air or before, per code.",
		Details:     "Only the first 1,000 codes of a day are told apart, the rest is (other).",
		Page:        PageWebcaster,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric},
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.DimensionCode, Help: "What the publisher reported.", Link: explained("status-codes.md")},
			{Name: "count", Unit: Count, Help: "Number of events.", value: func(c cell) float64 { return c.sum(0) }},
			{Name: "fatal", Unit: Count, Help: "How many of them ended the broadcast.", value: func(c cell) float64 { return c.sum(1) }},
		},
		reads: func(Query) []read {
			return []read{{measure: measure.PublishStatuses}, {measure: measure.PublishStatuses, dimension: measure.DimensionFatal, value: "true"}}
		},
	}
}
