package widget

import (
	"math"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func worldMap() Definition {
	return Definition{
		Type:        "worldMap",
		Title:       "World map",
		Description: "One metric per country, with the number of plays, the country's rank among all, and how much it counts in an average.",
		Details: "A country has a row if it has plays or a value. Rank 1 has the greatest value, equal ones are ranked by code, and " +
			"countries without a value have no rank; in the series form each interval has its own ranks. Addresses whose country is " +
			"unknown (ZZ) are left out. The event filter changes the plays, but not the bytes of usage.",
		Page:    PageWorldMap,
		Level:   tenant.Default,
		Options: []string{OptionMetric, OptionUnit},
		Filters: commonFilters,
		Columns: []Column{
			{Name: measure.LabelCountry, Help: "ISO 3166-1 alpha-2."},
			{Name: chosenColumn, Help: "The metric."},
			{Name: "plays", Unit: Count, Help: "Number of plays.", saidBy: "playouts",
				value: func(c cell) float64 { return c.sum(0) }},
			{Name: "rank", Unit: Count, Help: "1 is the greatest value.", unchanging: true,
				value: func(c cell) float64 { return c.rank() }},
			{Name: weightColumn, Unit: Count, Help: "By which averages of several countries are weighted: reports of the latency, seconds that " +
				"players played or stalled, plays that ended. Nothing for metrics that add up.", unchanging: true,
				value: func(cell) float64 { return math.NaN() }},
		},
		Choices: []Choice{
			{Name: "playouts", Unit: Count, Level: tenant.Default, Help: "Number of plays.",
				of: []int{0}, value: func(c cell) float64 { return c.sum(0) }},
			{Name: "ingests", Unit: Count, Level: tenant.Default, Help: "Number of publishes.",
				reads: sumsOf(measure.Publishes),
				of:    []int{1},
				value: func(c cell) float64 { return c.sum(1) }},
			{Name: "playoutsAndIngests", Unit: Count, Level: tenant.Default, Help: "Number of plays and publishes.",
				reads: sumsOf(measure.Publishes),
				value: func(c cell) float64 { return c.sum(0) + c.sum(1) }},
			{Name: "usageSent", Unit: Bytes, Level: tenant.Default, Help: "Delivered to viewers.",
				reads: func(q Query) []read { return []read{usage(q, measure.Playout)} },
				of:    []int{1},
				value: func(c cell) float64 { return c.sum(1) }},
			{Name: "usageReceived", Unit: Bytes, Level: tenant.Default, Help: "Received from publishers.",
				reads: func(q Query) []read { return []read{usage(q, measure.Ingest)} },
				of:    []int{1},
				value: func(c cell) float64 { return c.sum(1) }},
			{Name: "latency", Unit: Seconds, Level: tenant.Premium, Help: "Average delay behind live, over all reports that have it.",
				reads:  averageOf(measure.Latency),
				of:     []int{1, 2},
				value:  func(c cell) float64 { return c.average(1, 2) },
				weight: func(c cell) float64 { return c.sum(2) }},
			{Name: "bufferingRatio", Unit: Ratio, Level: tenant.Premium, Limit: bufferingLimit, Help: "Buffering ÷ (buffering + playing).",
				reads:  func(Query) []read { return []read{{measure: measure.Buffering}, playing()} },
				of:     []int{1, 2},
				value:  func(c cell) float64 { return c.sum(1) / (c.sum(1) + c.sum(2)) },
				weight: func(c cell) float64 { return c.sum(1) + c.sum(2) }},
			{Name: "playtimeAverage", Unit: Seconds, Level: tenant.Premium, Help: "Average duration of a play, over plays that ended.",
				long:   true,
				reads:  averageOf(measure.PlayedTime),
				of:     []int{1, 2},
				value:  func(c cell) float64 { return c.average(1, 2) },
				weight: func(c cell) float64 { return c.sum(2) }},
		},
		reads:    sumsOf(measure.Plays),
		leaveOut: measure.UnknownCountry,
	}
}

func averageOf(id measure.ID) func(Query) []read {
	return func(Query) []read { return []read{{measure: id, kind: valueSums}, {measure: id, kind: valueCounts}} }
}
