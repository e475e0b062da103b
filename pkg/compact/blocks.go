package compact

import "math/bits"

// Blocks holds slices in few allocations. Each is known by its place and its length. The zero value is empty.
type Blocks[T any] struct{ sizes []blocks[T] }

// blocks are those of one size.
type blocks[T any] struct {
	places places
	values [][]T // of each piece, nil if none is in use
	spare  []T   // of the piece that was in use last, because slices that grow one by one need one of each size again and again
}

// blocksBits is the binary logarithm of the number of small blocks in a piece: with 16 bytes a value, a piece is of whole pages.
const blocksBits = 9

// sizeOf returns of the size that a slice with values needs the number, how many values it is, and the binary logarithm of the number of blocks in a
// piece. There is each size up to 8, and then there are four to each power of two.
func sizeOf(length int) (number, size, perPiece int) {
	shift := max(bits.Len(uint(length-1))-3, 0)
	steps := (length-1)>>shift + 1
	return 4*shift + steps - 1, steps << shift, max(blocksBits-shift, 0)
}

// At returns the slice of a length at its place. Of length 0 it is empty at any place.
func (b *Blocks[T]) At(place uint32, length int) []T {
	if length == 0 {
		return nil
	}
	number, size, perPiece := sizeOf(length)
	at := int(place) & (1<<perPiece - 1) * size
	return b.sizes[number].values[place>>perPiece][at : at+length : at+length]
}

// Resize gives the slice at a place another length, and returns its place then. It keeps what it had, as far as that has room; what is new may
// have any value.
func (b *Blocks[T]) Resize(place uint32, before, after int) uint32 {
	if before > 0 && after > 0 {
		old, _, _ := sizeOf(before)
		if number, _, _ := sizeOf(after); number == old {
			return place
		}
	}
	to := b.add(after)
	copy(b.At(to, after), b.At(place, before))
	b.remove(place, before)
	return to
}

func (b *Blocks[T]) add(length int) uint32 {
	if length == 0 {
		return 0
	}
	number, size, perPiece := sizeOf(length)
	for len(b.sizes) <= number {
		b.sizes = append(b.sizes, blocks[T]{})
	}
	of := &b.sizes[number]
	place := of.places.take(1 << perPiece)
	if int(place>>perPiece) == len(of.values) {
		of.values = append(of.values, nil)
	}
	if in := &of.values[place>>perPiece]; *in == nil {
		if *in, of.spare = of.spare, nil; *in == nil {
			*in = make([]T, size<<perPiece)
		}
	}
	return place
}

func (b *Blocks[T]) remove(place uint32, length int) {
	if length == 0 {
		return
	}
	number, _, perPiece := sizeOf(length)
	of := &b.sizes[number]
	if of.places.release(place, 1<<perPiece) {
		in := &of.values[place>>perPiece]
		*in, of.spare = nil, *in
	}
}
