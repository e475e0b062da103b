// Package compact holds hundreds of thousands of things in little memory, most of all in little that garbage collection must follow.
package compact

import (
	"iter"
	"math/bits"
)

// PieceLength is how many values are in one piece of Pieces: with few bytes each, a piece is still of whole pages.
const PieceLength = 512

// Pieces holds values that stay where they are, so that pointers to them may be kept. Each is known by its place, a number of half a
// pointer's length. The zero value is empty.
type Pieces[T any] struct {
	pieces []piece[T]
	free   []uint32 // places
	length int
}

type piece[T any] struct {
	values *[PieceLength]T // nil if none is in use
	used   [PieceLength / 64]uint64
	count  int // of those in use
}

// Len returns the number of values.
func (p *Pieces[T]) Len() int { return p.length }

// Add makes room for a value, which is zero, and returns its place.
func (p *Pieces[T]) Add() (uint32, *T) {
	if len(p.free) == 0 {
		for i := range uint32(PieceLength) {
			p.free = append(p.free, uint32(len(p.pieces)+1)*PieceLength-1-i) // the first is used first
		}
		p.pieces = append(p.pieces, piece[T]{})
	}
	place := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	in, at := &p.pieces[place/PieceLength], place%PieceLength
	if in.values == nil {
		in.values = new([PieceLength]T)
	}
	in.used[at/64] |= 1 << (at % 64)
	in.count++
	p.length++
	return place, &in.values[at]
}

// At returns the value at a place that is in use.
func (p *Pieces[T]) At(place uint32) *T {
	return &p.pieces[place/PieceLength].values[place%PieceLength]
}

// Has reports whether a place is in use.
func (p *Pieces[T]) Has(place uint32) bool {
	if place/PieceLength >= uint32(len(p.pieces)) {
		return false
	}
	at := place % PieceLength
	return p.pieces[place/PieceLength].used[at/64]>>(at%64)&1 != 0
}

// Remove lets go of the value at a place that is in use. Another one may come there.
func (p *Pieces[T]) Remove(place uint32) {
	in, at := &p.pieces[place/PieceLength], place%PieceLength
	var none T
	in.values[at] = none
	in.used[at/64] &^= 1 << (at % 64)
	p.free = append(p.free, place)
	p.length--
	if in.count--; in.count == 0 {
		in.values = nil
	}
}

// All returns the values with their places, in the order of these. Values may be removed meanwhile.
func (p *Pieces[T]) All() iter.Seq2[uint32, *T] {
	return func(yield func(uint32, *T) bool) {
		for n := range p.pieces {
			for word := range PieceLength / 64 {
				for left := p.pieces[n].used[word]; left != 0; left &= left - 1 {
					at := word*64 + bits.TrailingZeros64(left)
					if in := &p.pieces[n]; in.used[word]>>(at%64)&1 != 0 && !yield(uint32(n*PieceLength+at), &in.values[at]) {
						return
					}
				}
			}
		}
	}
}
