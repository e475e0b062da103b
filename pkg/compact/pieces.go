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
	places places
	values []*[PieceLength]T // of each piece, nil if none is in use
	length int
}

// Len returns the number of values.
func (p *Pieces[T]) Len() int { return p.length }

// Add makes room for a value, which is zero, and returns its place.
func (p *Pieces[T]) Add() (uint32, *T) {
	place := p.places.take(PieceLength)
	if int(place/PieceLength) == len(p.values) {
		p.values = append(p.values, nil)
	}
	in := &p.values[place/PieceLength]
	if *in == nil {
		*in = new([PieceLength]T)
	}
	p.length++
	return place, &(*in)[place%PieceLength]
}

// At returns the value at a place that is in use.
func (p *Pieces[T]) At(place uint32) *T { return &p.values[place/PieceLength][place%PieceLength] }

// Has reports whether a place is in use.
func (p *Pieces[T]) Has(place uint32) bool {
	if place/PieceLength >= uint32(len(p.values)) {
		return false
	}
	at := place % PieceLength
	return p.places.pieces[place/PieceLength].used[at/64]>>(at%64)&1 != 0
}

// Remove lets go of the value at a place that is in use. Another one may come there.
func (p *Pieces[T]) Remove(place uint32) {
	var none T
	*p.At(place) = none
	if p.places.release(place, PieceLength) {
		p.values[place/PieceLength] = nil
	}
	p.length--
}

// All returns the values with their places, in the order of these. Values may be removed meanwhile.
func (p *Pieces[T]) All() iter.Seq2[uint32, *T] {
	return func(yield func(uint32, *T) bool) {
		for n := range p.values {
			for word := range PieceLength / 64 {
				for left := p.places.pieces[n].used[word]; left != 0; left &= left - 1 {
					at := word*64 + bits.TrailingZeros64(left)
					if p.places.pieces[n].used[word]>>(at%64)&1 != 0 && !yield(uint32(n*PieceLength+at), &p.values[n][at]) {
						return
					}
				}
			}
		}
	}
}
