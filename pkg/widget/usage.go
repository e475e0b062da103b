package widget

import "github.com/streamlens/streamlens/pkg/measure"

// usage reads what was delivered (measure.Playout) or received (measure.Ingest), or both if direction is empty: bytes of
// servers and logs, or the time of players and webcasters.
func usage(q Query, direction string) read {
	r := read{measure: byUnit(q, measure.Traffic, measure.Playing)}
	if direction != "" {
		r.dimension, r.value = measure.DimensionDirection, direction
	}
	return r
}

// byUnit returns the measure that holds usage in the unit of a query.
func byUnit(q Query, traffic, playtime measure.ID) measure.ID {
	if q.Unit == UnitPlaytime {
		return playtime
	}
	return traffic
}
