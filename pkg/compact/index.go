package compact

import (
	"iter"
	"math/bits"
)

// Index finds places by the hashes of what is at them. It takes some 7 bytes for each, a quarter of a map from hashes to places. It must not
// be used by several goroutines at once.
type Index struct {
	hash   func(place uint32) uint64
	parts  [parts]indexPart
	length int
}

// indexPart has the places whose hashes have some bits in common.
type indexPart struct {
	slots  []uint32 // places, from 1; 0 if there is none. Each is at the slot of its hash or, with none free between, behind that
	tags   []uint8  // of each slot the last bits of the hash, so that hardly any other place is looked at
	length int
}

const (
	// parts is into how many parts indexes and sets are divided: what has millions would otherwise stop for a moment to grow.
	parts = 64
	// leastSlots is how many slots a part has at least.
	leastSlots = 4
	// Of so many slots, one is free at least.
	slotsPerFree = 5
)

// partOf returns the number of the part that has what has a hash.
func partOf(hash uint64) int { return int(hash >> 8 % parts) }

// slotOf returns which of some slots one with a hash belongs to.
func slotOf(hash uint64, slots int) int {
	high, _ := bits.Mul64(hash, uint64(slots))
	return int(high)
}

// more returns how many slots there are to be for one more, of the number that there are.
func more(length, slots int) int {
	if (length+1)*slotsPerFree > slots*(slotsPerFree-1) {
		return max(leastSlots, slots+slots/4+1)
	}
	return slots
}

// NewIndex returns an empty index. hash returns the hash of what is at a place that is in the index; nobody else may foresee it.
func NewIndex(hash func(place uint32) uint64) *Index { return &Index{hash: hash} }

// Len returns the number of places.
func (x *Index) Len() int { return x.length }

// Find returns the place with a hash for which is returns true.
func (x *Index) Find(hash uint64, is func(place uint32) bool) (uint32, bool) {
	p := &x.parts[partOf(hash)]
	if p.length == 0 {
		return 0, false
	}
	for slot := slotOf(hash, len(p.slots)); p.slots[slot] != 0; slot = p.after(slot) {
		if place := p.slots[slot] - 1; p.tags[slot] == uint8(hash) && is(place) {
			return place, true
		}
	}
	return 0, false
}

// Add adds a place that is not in the index.
func (x *Index) Add(place uint32) {
	hash := x.hash(place)
	p := &x.parts[partOf(hash)]
	if slots := more(p.length, len(p.slots)); slots != len(p.slots) {
		p.resize(slots, x.hash)
	}
	p.put(place, hash)
	p.length++
	x.length++
}

// Remove removes a place that is in the index, at which there still is what was there.
func (x *Index) Remove(place uint32) {
	hash := x.hash(place)
	p := &x.parts[partOf(hash)]
	slot := slotOf(hash, len(p.slots))
	for p.slots[slot] != place+1 {
		slot = p.after(slot)
	}
	// Those behind move up, as far as they do not come before where they belong.
	for next := p.after(slot); p.slots[next] != 0; next = p.after(next) {
		belongs := slotOf(x.hash(p.slots[next]-1), len(p.slots))
		if p.distance(belongs, next) >= p.distance(slot, next) {
			p.slots[slot], p.tags[slot] = p.slots[next], p.tags[next]
			slot = next
		}
	}
	p.slots[slot] = 0
	p.length--
	x.length--
	if few := len(p.slots) / 2; p.length*4 < len(p.slots) && few >= leastSlots {
		p.resize(few, x.hash)
	}
}

// All returns the places, in no order. The index must not be changed meanwhile.
func (x *Index) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for i := range x.parts {
			for _, place := range x.parts[i].slots {
				if place != 0 && !yield(place-1) {
					return
				}
			}
		}
	}
}

func (p *indexPart) after(slot int) int {
	if slot++; slot < len(p.slots) {
		return slot
	}
	return 0
}

func (p *indexPart) put(place uint32, hash uint64) {
	slot := slotOf(hash, len(p.slots))
	for p.slots[slot] != 0 {
		slot = p.after(slot)
	}
	p.slots[slot], p.tags[slot] = place+1, uint8(hash)
}

// distance returns by how many slots one is behind another.
func (p *indexPart) distance(from, to int) int {
	if to < from {
		to += len(p.slots)
	}
	return to - from
}

func (p *indexPart) resize(slots int, hash func(place uint32) uint64) {
	before := p.slots
	p.slots, p.tags = make([]uint32, slots), make([]uint8, slots)
	for _, place := range before {
		if place != 0 {
			p.put(place-1, hash(place-1))
		}
	}
}
