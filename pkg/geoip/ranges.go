package geoip

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// ranges are ranges of addresses that have a number each, not 0, in the order of the addresses. They take a third of the room of the
// search tree of a file and a look-up a third of the time, since neighbours with the same number are one.
type ranges struct {
	four []uint32 // first addresses of ranges, each up to the next
	// index has, by the upper half of an IPv4 address, the first range that begins there or behind.
	index []uint32
	// high and low are the halves of the first IPv6 addresses of ranges.
	high, low []uint64
	// of4 and of6 are the numbers of the ranges, 0 for what lies between networks.
	of4, of6 []uint32
	// end4 and end6 are where the last networks end that were added; 0 is the end of all addresses.
	end4        uint32
	high6, low6 uint64
	any4, any6  bool
}

// add adds a network behind those that were added.
func (r *ranges) add(p netip.Prefix, number uint32) {
	if a := p.Addr(); a.Is4() {
		b := a.As4()
		first := binary.BigEndian.Uint32(b[:])
		if r.any4 && r.end4 != first {
			r.add4(r.end4, 0)
		}
		r.add4(first, number)
		r.any4, r.end4 = true, first+uint32(uint64(1)<<(32-p.Bits()))
		return
	}
	high, low := halves(p.Addr())
	if r.any6 && (r.high6 != high || r.low6 != low) {
		r.add6(r.high6, r.low6, 0)
	}
	r.add6(high, low, number)
	r.any6, r.high6, r.low6 = true, high, low
	if bits := p.Bits(); bits <= 64 {
		r.high6 += 1 << (64 - bits)
	} else if r.low6 += 1 << (128 - bits); r.low6 == 0 {
		r.high6++
	}
}

func (r *ranges) add4(first, number uint32) {
	if n := len(r.of4); n == 0 || r.of4[n-1] != number {
		r.four, r.of4 = append(r.four, first), append(r.of4, number)
	}
}

func (r *ranges) add6(high, low uint64, number uint32) {
	if n := len(r.of6); n == 0 || r.of6[n-1] != number {
		r.high, r.low, r.of6 = append(r.high, high), append(r.low, low), append(r.of6, number)
	}
}

// done ends the adding.
func (r *ranges) done() {
	if r.any4 && r.end4 != 0 {
		r.add4(r.end4, 0)
	}
	if r.any6 && (r.high6 != 0 || r.low6 != 0) {
		r.add6(r.high6, r.low6, 0)
	}
	if r.any4 {
		r.index = make([]uint32, 1<<16+1)
		at := 0
		for upper := range r.index {
			for at < len(r.four) && r.four[at]>>16 < uint32(upper) {
				at++
			}
			r.index[upper] = uint32(at)
		}
	}
	r.four, r.of4 = slices.Clip(r.four), slices.Clip(r.of4)
	r.high, r.low, r.of6 = slices.Clip(r.high), slices.Clip(r.low), slices.Clip(r.of6)
}

// find returns the number of the network of an address, 0 if there is none.
func (r *ranges) find(a netip.Addr) uint32 {
	if !a.Is4() {
		return r.find6(halves(a))
	}
	if !r.any4 {
		return 0
	}
	b := a.As4()
	key := binary.BigEndian.Uint32(b[:])
	from, to := r.index[key>>16], r.index[key>>16+1]
	for from < to {
		if middle := (from + to) / 2; r.four[middle] <= key {
			from = middle + 1
		} else {
			to = middle
		}
	}
	if from == 0 {
		return 0
	}
	return r.of4[from-1]
}

func (r *ranges) find6(high, low uint64) uint32 {
	from, to := 0, len(r.of6)
	for from < to {
		middle := (from + to) / 2
		if h := r.high[middle]; h < high || h == high && r.low[middle] <= low {
			from = middle + 1
		} else {
			to = middle
		}
	}
	if from == 0 {
		return 0
	}
	return r.of6[from-1]
}

func halves(a netip.Addr) (high, low uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}
