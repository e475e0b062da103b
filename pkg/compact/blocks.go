package compact

import "math/bits"

// Blocks holds slices in few allocations. Each is known by its place and its length. The zero value is empty.
type Blocks[T any] struct{ sizes []blocks[T] }

// blocks are those of one size.
type blocks[T any] struct {
	pieces []blockPiece[T]
	free   []uint32 // places
	spare  []T      // of the piece that was in use last, because slices that grow one by one need one of each size again and again
}

type blockPiece[T any] struct {
	values []T // nil if none is in use
	count  int // of blocks in use
}

// blockPieceLength is how many values are in one piece of blocks, unless a block is longer.
const blockPieceLength = 2048

// sizeOf returns the number of the size that a slice with values needs, and the size: each up to 8, and then four to each power of two.
func sizeOf(length int) (number, size int) {
	shift := max(bits.Len(uint(length-1))-3, 0)
	steps := (length-1)>>shift + 1
	return 4*shift + steps - 1, steps << shift
}

// At returns the slice of a length at its place. Of length 0 it is empty at any place.
func (b *Blocks[T]) At(place uint32, length int) []T {
	if length == 0 {
		return nil
	}
	number, size := sizeOf(length)
	perPiece := max(blockPieceLength/size, 1)
	at := int(place) % perPiece * size
	return b.sizes[number].pieces[int(place)/perPiece].values[at : at+length : at+length]
}

// Resize gives the slice at a place another length, and returns its place then. It keeps what it had, as far as that has room; what is new may
// have any value.
func (b *Blocks[T]) Resize(place uint32, before, after int) uint32 {
	if before > 0 && after > 0 {
		old, _ := sizeOf(before)
		if number, _ := sizeOf(after); number == old {
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
	number, size := sizeOf(length)
	for len(b.sizes) <= number {
		b.sizes = append(b.sizes, blocks[T]{})
	}
	of, perPiece := &b.sizes[number], max(blockPieceLength/size, 1)
	if len(of.free) == 0 {
		for i := range perPiece {
			of.free = append(of.free, uint32((len(of.pieces)+1)*perPiece-1-i)) // the first is used first
		}
		of.pieces = append(of.pieces, blockPiece[T]{})
	}
	place := of.free[len(of.free)-1]
	of.free = of.free[:len(of.free)-1]
	in := &of.pieces[int(place)/perPiece]
	if in.values == nil {
		if in.values, of.spare = of.spare, nil; in.values == nil {
			in.values = make([]T, perPiece*size)
		}
	}
	in.count++
	return place
}

func (b *Blocks[T]) remove(place uint32, length int) {
	if length == 0 {
		return
	}
	number, size := sizeOf(length)
	of := &b.sizes[number]
	of.free = append(of.free, place)
	in := &of.pieces[int(place)/max(blockPieceLength/size, 1)]
	if in.count--; in.count == 0 {
		in.values, of.spare = nil, in.values
	}
}
