package compact

import (
	"iter"
	"math/bits"
)

// Index finds places by the hashes of what is at them. It takes some 7 bytes for each, a quarter of a map from hashes to places. It must not
// be used by several goroutines at once.
type Index struct {
	hash   func(place uint32) uint64
	slots  []uint32 // places, from 1; 0 if there is none. Each is at the slot of its hash or, with none free between, behind that
	tags   []uint8  // of each slot the last bits of the hash, so that hardly any other place is looked at
	length int
}

const (
	// leastSlots is how many slots an index has at least.
	leastSlots = 16
	// Of so many slots, one is free at least.
	slotsPerFree = 5
)

// NewIndex returns an empty index. hash returns the hash of what is at a place that is in the index; nobody else may foresee it.
func NewIndex(hash func(place uint32) uint64) *Index {
	x := &Index{hash: hash}
	x.resize(leastSlots)
	return x
}

// Len returns the number of places.
func (x *Index) Len() int { return x.length }

// slot returns where a place with a hash belongs.
func (x *Index) slot(hash uint64) int {
	high, _ := bits.Mul64(hash, uint64(len(x.slots)))
	return int(high)
}

func (x *Index) after(slot int) int {
	if slot++; slot < len(x.slots) {
		return slot
	}
	return 0
}

// Find returns the place with a hash for which is returns true.
func (x *Index) Find(hash uint64, is func(place uint32) bool) (uint32, bool) {
	for slot := x.slot(hash); x.slots[slot] != 0; slot = x.after(slot) {
		if place := x.slots[slot] - 1; x.tags[slot] == uint8(hash) && is(place) {
			return place, true
		}
	}
	return 0, false
}

// Add adds a place that is not in the index.
func (x *Index) Add(place uint32) {
	if (x.length+1)*slotsPerFree > len(x.slots)*(slotsPerFree-1) {
		x.resize(len(x.slots) + len(x.slots)/4)
	}
	x.length++
	x.put(place, x.hash(place))
}

func (x *Index) put(place uint32, hash uint64) {
	slot := x.slot(hash)
	for x.slots[slot] != 0 {
		slot = x.after(slot)
	}
	x.slots[slot], x.tags[slot] = place+1, uint8(hash)
}

// Remove removes a place that is in the index, at which there still is what was there.
func (x *Index) Remove(place uint32) {
	slot := x.slot(x.hash(place))
	for x.slots[slot] != place+1 {
		slot = x.after(slot)
	}
	// Those behind move up, as far as they do not come before where they belong.
	for next := x.after(slot); x.slots[next] != 0; next = x.after(next) {
		belongs := x.slot(x.hash(x.slots[next] - 1))
		if x.distance(belongs, next) >= x.distance(slot, next) {
			x.slots[slot], x.tags[slot] = x.slots[next], x.tags[next]
			slot = next
		}
	}
	x.slots[slot] = 0
	x.length--
	if few := len(x.slots) / 2; x.length*4 < len(x.slots) && few >= leastSlots {
		x.resize(few)
	}
}

// distance returns by how many slots one is behind another.
func (x *Index) distance(from, to int) int {
	if to < from {
		to += len(x.slots)
	}
	return to - from
}

func (x *Index) resize(slots int) {
	before := x.slots
	x.slots, x.tags = make([]uint32, slots), make([]uint8, slots)
	for _, place := range before {
		if place != 0 {
			x.put(place-1, x.hash(place-1))
		}
	}
}

// All returns the places, in no order. The index must not be changed meanwhile.
func (x *Index) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, place := range x.slots {
			if place != 0 && !yield(place-1) {
				return
			}
		}
	}
}
