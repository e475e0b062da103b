package compact

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBlocksAsSlices does by chance to slices in blocks what it does to others, and compares them.
func TestBlocksAsSlices(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	type known struct {
		place uint32
		want  []int
	}
	var blocks Blocks[int]
	all := make([]known, 300)
	for step := range 50_000 {
		one := &all[random.IntN(len(all))]
		before, after := len(one.want), random.IntN(6)
		switch random.IntN(20) {
		case 0:
			after = random.IntN(5000)
		case 1, 2:
			after = random.IntN(50)
		}
		if step > 40_000 {
			after = 0
		}
		one.place = blocks.Resize(one.place, before, after)
		got := blocks.At(one.place, after)
		if kept := min(before, after); len(got) != after || !slices.Equal(got[:kept], one.want[:kept]) {
			t.Fatalf("step %d: %d values, want the first %d of %d", step, len(got), after, before)
		}
		for i := range got {
			got[i] = random.Int()
		}
		one.want = slices.Clone(got)
		other := &all[random.IntN(len(all))]
		if !slices.Equal(blocks.At(other.place, len(other.want)), other.want) {
			t.Fatalf("step %d: another slice has changed", step)
		}
	}
	for _, one := range all {
		blocks.Resize(one.place, len(one.want), 0)
	}
	for size := range blocks.sizes {
		for n, values := range blocks.sizes[size].values {
			if values != nil || blocks.sizes[size].places.pieces[n].count != 0 {
				t.Fatalf("without slices there is a piece of size number %d", size)
			}
		}
	}
}

func TestSizesOfBlocks(t *testing.T) {
	last, lastSize := -1, 0
	for length := 1; length < 100_000; length++ {
		number, size, perPiece := sizeOf(length)
		switch {
		case number == last && size == lastSize && length <= size:
		case number == last+1 && size > lastSize && length == lastSize+1:
			last, lastSize = number, size
		default:
			t.Fatalf("length %d has size %d, %d, after %d, %d", length, number, size, last, lastSize)
		}
		if values := size << perPiece; values > max(8<<blocksBits, size) || length < 100 && values < 1<<blocksBits {
			t.Fatalf("length %d has pieces of %d values", length, values)
		}
		if length <= 8 && size != length || size >= length+max(length/4, 1) {
			t.Fatalf("length %d has size %d", length, size)
		}
	}
}

func TestOneSliceThatGrowsAgainAndAgainTakesNoMemory(t *testing.T) {
	var blocks Blocks[int]
	if n := testing.AllocsPerRun(10, func() {
		place := uint32(0)
		for length := range 100 {
			place = blocks.Resize(place, length, length+1)
		}
		blocks.Resize(place, 100, 0)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
