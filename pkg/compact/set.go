package compact

import (
	"hash/maphash"
	"iter"
	"math/bits"
)

// Set is a set of numbers other than 0. It takes some 11 bytes for each, half of a map. The zero value is empty. It must not be used by several
// goroutines at once.
type Set struct {
	seed   maphash.Seed
	slots  []uint64 // 0 if there is none. Each is at the slot of its hash or, with none free between, behind that
	length int
}

// Len returns how many numbers there are.
func (s *Set) Len() int { return s.length }

// Has reports whether a number is in the set.
func (s *Set) Has(number uint64) bool { return s.length > 0 && s.slots[s.find(number)] == number }

// find returns the slot of a number, or the free one where it belongs.
func (s *Set) find(number uint64) int {
	high, _ := bits.Mul64(maphash.Comparable(s.seed, number), uint64(len(s.slots)))
	slot := int(high)
	for s.slots[slot] != 0 && s.slots[slot] != number {
		if slot++; slot == len(s.slots) {
			slot = 0
		}
	}
	return slot
}

// Add adds a number, which may be in the set.
func (s *Set) Add(number uint64) {
	if (s.length+1)*slotsPerFree > len(s.slots)*(slotsPerFree-1) {
		s.grow()
	}
	if slot := s.find(number); s.slots[slot] == 0 {
		s.slots[slot] = number
		s.length++
	}
}

func (s *Set) grow() {
	before := s.slots
	if before == nil {
		s.seed = maphash.MakeSeed()
	}
	s.slots = make([]uint64, max(leastSlots, len(before)+len(before)/4))
	for _, number := range before {
		if number != 0 {
			s.slots[s.find(number)] = number
		}
	}
}

// All returns the numbers, in no order. The set must not be changed meanwhile.
func (s *Set) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, number := range s.slots {
			if number != 0 && !yield(number) {
				return
			}
		}
	}
}
