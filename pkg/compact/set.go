package compact

import (
	"hash/maphash"
	"iter"
)

// Set is a set of numbers other than 0. It takes some 11 bytes for each, half of a map. The zero value is empty. It must not be used by several
// goroutines at once.
type Set struct {
	seed   maphash.Seed
	parts  [parts]setPart
	length int
}

// setPart has the numbers whose hashes have some bits in common.
type setPart struct {
	slots  []uint64 // 0 if there is none. Each is at the slot of its hash or, with none free between, behind that
	length int
}

// Len returns how many numbers there are.
func (s *Set) Len() int { return s.length }

// Has reports whether a number is in the set.
func (s *Set) Has(number uint64) bool {
	if s.length == 0 || number == 0 { // a free slot has 0
		return false
	}
	hash := s.hash(number)
	p := &s.parts[partOf(hash)]
	return p.length > 0 && p.slots[p.find(number, hash)] == number
}

// Add adds a number, which may be in the set.
func (s *Set) Add(number uint64) {
	if s.length == 0 {
		s.seed = maphash.MakeSeed()
	}
	hash := s.hash(number)
	p := &s.parts[partOf(hash)]
	if slots := more(p.length, len(p.slots)); slots != len(p.slots) {
		before := p.slots
		p.slots = make([]uint64, slots)
		for _, one := range before {
			if one != 0 {
				p.slots[p.find(one, s.hash(one))] = one
			}
		}
	}
	if slot := p.find(number, hash); p.slots[slot] == 0 {
		p.slots[slot] = number
		p.length++
		s.length++
	}
}

// All returns the numbers, in no order. The set must not be changed meanwhile.
func (s *Set) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := range s.parts {
			for _, number := range s.parts[i].slots {
				if number != 0 && !yield(number) {
					return
				}
			}
		}
	}
}

func (s *Set) hash(number uint64) uint64 { return maphash.Comparable(s.seed, number) }

// find returns the slot of a number with a hash, or the free one where it belongs.
func (p *setPart) find(number, hash uint64) int {
	slot := slotOf(hash, len(p.slots))
	for p.slots[slot] != 0 && p.slots[slot] != number {
		if slot++; slot == len(p.slots) {
			slot = 0
		}
	}
	return slot
}
