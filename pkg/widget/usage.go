package widget

import "github.com/streamlens/streamlens/pkg/measure"

// usage reads what was delivered (measure.Playout) or received (measure.Ingest), or both if direction is empty: bytes of
// servers and logs, or the time of players and webcasters.
func usage(q Query, direction string) read {
	r := read{measure: measure.Traffic}
	if q.Unit == UnitPlaytime {
		r.measure = measure.Playing
	}
	if direction != "" {
		r.dimension, r.value = measure.DimensionDirection, direction
	}
	return r
}
