package geoip

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sort"
)

// ranges are ranges of addresses that have a number each, in the order of the addresses: the networks of a file, and 0 for what lies
// between them. They take less room than the search tree of the file, since neighbours with the same number are one, and a look-up
// takes a third to a tenth of the time.
type ranges struct {
	four   []uint32 // first addresses of ranges, each up to the next
	number []uint32 // of the ranges of four
	// index has, by the upper half of an IPv4 address, the first range that begins there or behind.
	index []uint32

	high    []uint64 // upper halves of the first IPv6 addresses of ranges
	number6 []uint32 // of the ranges of high
	// low has, by the place in high, the lower halves that are not 0: few networks are smaller than /64.
	low map[int]uint64

	// Where the last networks end that were added; 0 is the end of all addresses.
	end         uint32
	high6, low6 uint64
}

// add adds a network behind those that were added.
func (r *ranges) add(p netip.Prefix, number uint32) {
	if a := p.Addr(); a.Is4() {
		b := a.As4()
		first := binary.BigEndian.Uint32(b[:])
		if r.four != nil && r.end != first {
			r.add4(r.end, 0)
		}
		r.add4(first, number)
		r.end = first + uint32(uint64(1)<<(32-p.Bits()))
		return
	}
	high, low := halves(p.Addr())
	if r.high != nil && (r.high6 != high || r.low6 != low) {
		r.add6(r.high6, r.low6, 0)
	}
	r.add6(high, low, number)
	r.high6, r.low6 = high, low
	if bits := p.Bits(); bits <= 64 {
		r.high6 += 1 << (64 - bits)
	} else if r.low6 += 1 << (128 - bits); r.low6 == 0 {
		r.high6++
	}
}

func (r *ranges) add4(first, number uint32) {
	if n := len(r.number); n == 0 || r.number[n-1] != number {
		r.four, r.number = append(r.four, first), append(r.number, number)
	}
}

func (r *ranges) add6(high, low uint64, number uint32) {
	n := len(r.number6)
	if n > 0 && r.number6[n-1] == number {
		return
	}
	r.high, r.number6 = append(r.high, high), append(r.number6, number)
	if low != 0 {
		if r.low == nil {
			r.low = map[int]uint64{}
		}
		r.low[n] = low
	}
}

// done ends the adding.
func (r *ranges) done() {
	if r.high != nil && (r.high6 != 0 || r.low6 != 0) {
		r.add6(r.high6, r.low6, 0)
	}
	// Without the room that is left for more.
	r.high, r.number6 = slices.Clone(r.high), slices.Clone(r.number6)
	if r.four == nil {
		return
	}
	if r.end != 0 {
		r.add4(r.end, 0)
	}
	r.four, r.number = slices.Clone(r.four), slices.Clone(r.number)
	r.index = make([]uint32, 1<<16+1)
	at := 0
	for upper := range r.index {
		for at < len(r.four) && r.four[at]>>16 < uint32(upper) {
			at++
		}
		r.index[upper] = uint32(at)
	}
}

// find returns the number of the network of an address, 0 if there is none.
func (r *ranges) find(a netip.Addr) uint32 {
	if !a.Is4() {
		return r.find6(halves(a))
	}
	if r.four == nil {
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
	return r.number[from-1]
}

func (r *ranges) find6(high, low uint64) uint32 {
	from, to := 0, len(r.high)
	for from < to {
		if middle := (from + to) / 2; r.high[middle] <= high {
			from = middle + 1
		} else {
			to = middle
		}
	}
	if from > 0 && r.high[from-1] == high && r.low[from-1] > low { // several ranges begin within the /64
		first := sort.Search(from, func(i int) bool { return r.high[i] >= high })
		from = first + sort.Search(from-first, func(i int) bool { return r.low[first+i] > low })
	}
	if from == 0 {
		return 0
	}
	return r.number6[from-1]
}

func halves(a netip.Addr) (high, low uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}
