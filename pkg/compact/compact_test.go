package compact

import (
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestAsMap does by chance to values that are found by an index what it does to a map, and compares them.
func TestAsMap(t *testing.T) {
	type value struct{ key, number int }
	seed := maphash.MakeSeed()
	for name, hashOf := range map[string]func(key int) uint64{
		"random hashes":  func(key int) uint64 { return maphash.Comparable(seed, key) },
		"equal hashes":   func(int) uint64 { return 1 << 63 },
		"at the end":     func(key int) uint64 { return ^uint64(0) - uint64(key%3) },
		"at few places":  func(key int) uint64 { return uint64(key%7) << 61 },
		"by size of key": func(key int) uint64 { return uint64(key) << 54 },
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			var values Pieces[value]
			index := NewIndex(func(place uint32) uint64 { return hashOf(values.At(place).key) })
			want, at := map[int]value{}, map[int]*value{}
			find := func(key int) (uint32, bool) {
				return index.Find(hashOf(key), func(place uint32) bool { return values.At(place).key == key })
			}
			for n := range 40_000 {
				key := random.IntN(1500)
				place, found := find(key)
				if _, wanted := want[key]; found != wanted {
					t.Fatalf("step %d: key %d found: %v, want %v", n, key, found, wanted)
				}
				growing := n/8000%2 == 0
				switch {
				case !found && (growing || random.IntN(4) == 0):
					place, one := values.Add()
					if *one != (value{}) {
						t.Fatalf("step %d: a value that is made is %v", n, *one)
					}
					*one = value{key, n}
					want[key], at[key] = *one, one
					index.Add(place)
				case found && (!growing || random.IntN(4) == 0):
					index.Remove(place)
					values.Remove(place)
					delete(want, key)
					if values.Has(place) {
						t.Fatalf("step %d: place %d is still in use", n, place)
					}
				}
				if name != "random hashes" && len(want) > 200 {
					break // the others are slow
				}
			}
			if index.Len() != len(want) || values.Len() != len(want) {
				t.Fatalf("%d in the index and %d values, want %d", index.Len(), values.Len(), len(want))
			}
			for key, wanted := range want {
				place, found := find(key)
				if !found || *values.At(place) != wanted || values.At(place) != at[key] || !values.Has(place) {
					t.Errorf("key %d: found %v, %v at %p, want %v at %p", key, found, *values.At(place), values.At(place), wanted, at[key])
				}
			}
			all := map[uint32]bool{}
			for place := range index.All() {
				all[place] = true
			}
			seen, last := 0, -1
			for place, one := range values.All() {
				if !all[place] || want[one.key] != *one || int(place) <= last {
					t.Errorf("place %d after %d: %v, in the index: %v", place, last, *one, all[place])
				}
				seen, last = seen+1, int(place)
			}
			if seen != len(want) || len(all) != len(want) {
				t.Errorf("%d values, %d places in the index, want %d", seen, len(all), len(want))
			}
		})
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	var values Pieces[int]
	index := NewIndex(func(place uint32) uint64 { return uint64(*values.At(place)) * 0x9e3779b97f4a7c15 })
	const count = 10 * PieceLength
	for n := range count {
		place, one := values.Add()
		*one = n
		index.Add(place)
	}
	for place, one := range values.All() {
		if *one >= PieceLength {
			index.Remove(place)
			values.Remove(place)
		}
	}
	inUse := 0
	for _, in := range values.values {
		if in != nil {
			inUse++
		}
	}
	slots := 0
	for i := range index.parts {
		slots += len(index.parts[i].slots)
	}
	if inUse != 1 || slots > 4*PieceLength {
		t.Errorf("%d pieces are in use and %d slots, of %d values", inUse, slots, values.Len())
	}
}

func BenchmarkIndex(b *testing.B) {
	seed := maphash.MakeSeed()
	var values Pieces[[16]byte]
	hash := func(name [16]byte) uint64 { return maphash.Comparable(seed, name) }
	index := NewIndex(func(place uint32) uint64 { return hash(*values.At(place)) })
	names := make([][16]byte, 100_000)
	for i := range names {
		for n := range names[i] {
			names[i][n] = byte(rand.IntN(256))
		}
		place, one := values.Add()
		*one = names[i]
		index.Add(place)
	}
	b.ResetTimer()
	for i := range b.N {
		name := names[i*7919%len(names)]
		if _, found := index.Find(hash(name), func(place uint32) bool { return *values.At(place) == name }); !found {
			b.Fatal("not found")
		}
	}
}

func TestSetAsMap(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var set Set
	want := map[uint64]bool{}
	for range 20_000 {
		number := 1 + random.Uint64N(10_000)
		if set.Has(number) != want[number] {
			t.Fatalf("%d is in the set: %v", number, set.Has(number))
		}
		if random.IntN(2) == 0 {
			set.Add(number)
			want[number] = true
		}
		if set.Len() != len(want) {
			t.Fatalf("%d numbers, want %d", set.Len(), len(want))
		}
	}
	if set.Has(0) {
		t.Error("0 is in the set")
	}
	got := map[uint64]bool{}
	for number := range set.All() {
		got[number] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("%d numbers are not those that were added, %d", len(got), len(want))
	}
}

// TestPiecesBecomeEmpty holds that after a peak values that come and go do not keep its pieces.
func TestPiecesBecomeEmpty(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var values Pieces[int]
	var all []uint32
	add := func() {
		place, _ := values.Add()
		all = append(all, place)
	}
	for range 100 * PieceLength {
		add()
	}
	remove := func() {
		last := len(all) - 1
		i := random.IntN(len(all))
		values.Remove(all[i])
		all[i], all = all[last], all[:last]
	}
	for len(all) > 10*PieceLength {
		remove()
	}
	for range 100 * PieceLength {
		remove()
		add()
	}
	inUse := 0
	for _, in := range values.values {
		if in != nil {
			inUse++
		}
	}
	if inUse > 15 {
		t.Errorf("%d pieces are in use for %d values", inUse, values.Len())
	}
}
