package widget

import (
	"math"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// The limits from which viewers are in trouble, which are those of the alert rules.
const (
	bufferingLimit     = 0.05
	startFailuresLimit = 0.2
	exitsLimit         = 0.4
)

// The numbers of viewers and of attempts from which a stream's trouble counts in full, which are those that alert rules need.
const (
	leastViewers  = 10
	leastAttempts = 20
)

// healthReads are what columns of health are made of, by their index.
func healthReads() []read {
	return attemptReads(
		read{measure: measure.Buffering}, read{measure: measure.Viewing},
		read{measure: measure.Viewing, kind: peakMinute},
		read{measure: measure.Latency, kind: valueSums}, read{measure: measure.Latency, kind: valueCounts},
		read{measure: measure.Statuses, dimension: measure.DimensionFatal, value: "true"},
	)
}

func healthBuffering(c cell) float64 { return c.sum(3) / c.sum(4) }
func healthFailures(c cell) float64  { return c.sum(1) / attempts(c) }

// worst is greater the further the viewers of a row are beyond a limit of the alert rules; few viewers or attempts count for less.
func worst(c cell) float64 {
	return greater(healthBuffering(c)/bufferingLimit*min(1, c.sum(5)/leastViewers), healthFailures(c)/startFailuresLimit*min(1, attempts(c)/leastAttempts))
}

// worstIs says in the documentation what worst is.
const worstIs = "Worst is what is furthest beyond a limit of the alert rules: 5 % of buffering with 10 viewers, or 20 % of start failures " +
	"with 20 attempts; with fewer viewers or attempts it counts for less, in proportion. The range ends before the first minute that is not " +
	"complete yet, 35 s after its end, and a notice says where."

// The columns of health.
var (
	healthViewers = Column{Name: "viewers", Unit: Viewers, Help: "Of the greatest minute.", of: []int{5},
		value: func(c cell) float64 { return c.sum(5) }}
	healthBufferingRatio = Column{Name: "bufferingRatio", Unit: Ratio, Limit: bufferingLimit, Help: "Buffering ÷ (buffering + playing).",
		of: []int{3, 4}, value: healthBuffering}
	healthStartFailures = Column{Name: "startFailures", Unit: Ratio, Limit: startFailuresLimit, Help: "Attempts to play with a fatal code before the first frame, ÷ attempts that count.",
		of: []int{0, 1, 2}, value: healthFailures}
	healthLatency = Column{Name: "latency", Unit: Seconds, Help: "Average delay behind live, over all reports that have it.", of: []int{6, 7},
		value: func(c cell) float64 { return c.average(6, 7) }}
	healthErrors = Column{Name: "errors", Unit: Count, Help: "Fatal status and error events: those that ended the attempt to play.", of: []int{8},
		value: func(c cell) float64 { return c.sum(8) }}
)

func streamHealth() Definition {
	return Definition{
		Type:        "streamHealth",
		Title:       "Health of streams",
		Description: "Each stream with its viewers, stalls, failed starts, latency and errors, the worst first.",
		Details:     worstIs,
		Page:        PageH5Live,
		Level:       tenant.Premium,
		Options:     []string{OptionMetric, OptionDimension},
		Filters:     commonFilters,
		Columns: []Column{
			{Name: measure.LabelStream, Help: "Name of the stream."},
			healthViewers, healthBufferingRatio, healthStartFailures, healthLatency, healthErrors,
		},
		reads:    func(Query) []read { return healthReads() },
		ranked:   worst,
		complete: true,
	}
}

// greater returns the greater of two numbers, of which NaN is none.
func greater(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return max(a, b)
}
