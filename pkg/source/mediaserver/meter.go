package mediaserver

import "github.com/streamlens/streamlens/pkg/event"

// The directions of counters.
const (
	received = iota
	sent
)

// counters are bytes by direction.
type counters [2]int64

func (c counters) sum() int64 { return max(c[received], 0) + max(c[sent], 0) }

const (
	// maxGrowth is by how much a counter may grow between two snapshots.
	maxGrowth = event.MaxBytes
	// risesToBelieve is how many readings in a row must rise until a counter that has fallen is known to have begun anew.
	risesToBelieve = 3
)

// meter is what is known of a counter of the server.
//
// A counter of one life never falls. What is less is an older reading, of a server that answers from a cache, and waits until it is
// passed. If it rises instead, reading after reading, the counter has begun anew or has wrapped; then it counts what it has grown since.
type meter struct {
	counted int64 // up to which it is counted; event.Absent if the server does not count
	// Of readings below that:
	first, last int64
	rises       int
}

// metered returns a meter whose counter has counted until now.
func metered(now int64) meter { return meter{counted: now} }

// advance returns by how much the counter grew with a reading, event.Absent for none. If it is not sure that the reading is of the same
// life, one of less than half begins a new one, which the meter says. What cannot be true is returned as implausible: a counter of a
// broken server must not spoil sums for good.
func (m *meter) advance(now int64, sure bool) (grown int64, anew bool, implausible int64) {
	before := max(m.counted, 0)
	switch {
	case now == event.Absent:
		if before == 0 {
			m.counted = event.Absent
		}
		return 0, false, 0
	case now >= before:
		grown = now - before
	case !sure && now < before-before/2:
		grown, anew = now, true
	default:
		if m.rises == 0 || now < m.last {
			m.first, m.rises = now, 1
		} else if now > m.last {
			m.rises++
		}
		m.last = now
		if m.rises <= risesToBelieve {
			return 0, false, 0
		}
		grown = now - m.first
	}
	*m = metered(now)
	if grown > maxGrowth {
		return 0, anew, grown
	}
	return grown, anew, 0
}

// meters are the meters of both directions.
type meters [2]meter

func metersAt(now counters) meters { return meters{metered(now[received]), metered(now[sent])} }

// advance is that of both meters.
func (m *meters) advance(now counters, sure bool) (grown counters, anew bool, implausible int64) {
	for dir := range m {
		g, a, i := m[dir].advance(now[dir], sure)
		grown[dir], anew, implausible = g, anew || a, implausible+i
	}
	return grown, anew, implausible
}
