package compact

import (
	"math/bits"
	"slices"
)

// places tells which places are in use, each of a piece with as many. Of those that are free it gives the first, so that the pieces at the end
// become empty when fewer are in use.
type places struct {
	pieces []usedPlaces
	room   []uint64 // a bit for each piece that has a free place
}

type usedPlaces struct {
	used  [PieceLength / 64]uint64 // a bit for each place
	count int
}

// take returns a place that was free and is in use now, where a piece has so many.
func (p *places) take(perPiece int) uint32 {
	word := slices.IndexFunc(p.room, func(of uint64) bool { return of != 0 })
	if word < 0 {
		word = len(p.pieces) / 64
		if word == len(p.room) {
			p.room = append(p.room, 0)
		}
		p.room[word] |= 1 << (len(p.pieces) % 64)
		p.pieces = append(p.pieces, usedPlaces{})
	}
	piece := word*64 + bits.TrailingZeros64(p.room[word])
	in := &p.pieces[piece]
	free := slices.IndexFunc(in.used[:], func(of uint64) bool { return of != ^uint64(0) })
	at := free*64 + bits.TrailingZeros64(^in.used[free])
	in.used[free] |= 1 << (at % 64)
	if in.count++; in.count == perPiece {
		p.room[word] &^= 1 << (piece % 64)
	}
	return uint32(piece*perPiece + at)
}

// release lets a place be free that is in use, and reports whether none of its piece is in use any more.
func (p *places) release(place uint32, perPiece int) (empty bool) {
	piece, at := int(place)/perPiece, int(place)%perPiece
	in := &p.pieces[piece]
	in.used[at/64] &^= 1 << (at % 64)
	in.count--
	p.room[piece/64] |= 1 << (piece % 64)
	return in.count == 0
}
