package aggregate

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/streamlens/streamlens/pkg/measure"
)

func TestTableFindsSeriesByTheirKeys(t *testing.T) {
	for name, hash := range map[string]func(seriesKey) uint64{
		"hashes of its own":         newTable().hash,
		"few hashes":                func(key seriesKey) uint64 { return uint64(len(key.dimensions) % 3) },
		"one hash, as of collision": func(seriesKey) uint64 { return 7 },
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			table := newTable()
			table.hash = hash
			want, old := map[seriesKey]link{}, map[link]bool{}
			for range 20_000 {
				key := seriesKey{dimensions: Dimensions(make([]byte, random.IntN(40))), measure: measure.ID(random.IntN(20))}
				known, isKnown := want[key]
				if random.IntN(5) < 3 || !isKnown {
					found := table.link(table.find(key))
					if isKnown && found != known {
						t.Fatalf("%v is at %v, and was at %v", key, found, known)
					}
					want[key] = found
					continue
				}
				table.forget(known.place)
				delete(want, key)
				old[known] = true
			}
			got := map[seriesKey]link{}
			for place, one := range table.all() {
				got[one.key()] = table.link(place)
			}
			if !maps.Equal(got, want) || table.length != len(want) {
				t.Errorf("%d series, counted as %d, want %d", len(got), table.length, len(want))
			}
			for _, l := range want {
				if !table.has(l) {
					t.Errorf("%v is not there", l)
				}
			}
			for l := range old {
				if table.has(l) {
					t.Errorf("%v is there, which was forgotten", l)
				}
			}
			if pieces := len(slices.DeleteFunc(slices.Clone(table.pieces), func(p *piece) bool { return p == nil })); pieces > 40*20/pieceSeries+1 {
				t.Errorf("%d pieces for %d series", pieces, len(want))
			}
			for _, l := range want {
				table.forget(l.place)
			}
			if table.length != 0 || len(table.first) != 0 || slices.ContainsFunc(table.pieces, func(p *piece) bool { return p != nil }) {
				t.Errorf("without series it has %d, %d hashes and a piece of memory", table.length, len(table.first))
			}
		})
	}
}

func TestSamplesOfASeries(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 3))
		var one series
		want := map[window]int64{}
		for range 200 {
			if random.IntN(10) == 0 {
				gone := window(random.IntN(30))
				one.keep(slices.DeleteFunc(one.open(), func(o sample) bool { return o.window() < gone }))
				maps.DeleteFunc(want, func(w window, _ int64) bool { return w < gone })
				continue
			}
			w, value := window(random.IntN(30)), random.Int64N(100)
			_, known := want[w]
			if changed := one.add(w, value); changed == known {
				t.Fatalf("seed %d: a sample that is there: %v, and it did not wait: %v", seed, known, changed)
			}
			want[w] += value
		}
		got := map[window]int64{}
		for _, o := range one.open() {
			got[o.window()] = o.value
		}
		if !maps.Equal(got, want) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
		if !slices.IsSortedFunc(one.open(), func(a, b sample) int { return int(a.window()) - int(b.window()) }) {
			t.Fatalf("seed %d: the samples are not in order", seed)
		}
	}
}

func TestSumsOfKnownSeriesWaitForTheRound(t *testing.T) {
	l := newBoth()
	add := func(stream string) {
		l.Entry(Space{Organization: "acme", Stream: stream, Country: "DE"}, noon).Add(measure.Loads, noon, 1, "")
		l.samples.Add(l.Take(noon))
	}
	handed := func() map[string]int64 {
		var text []byte
		l.samples.Flush(func(batch []byte) { text = append(text, batch...) })
		l.samples.Taken(noon)
		return samples(t, text)
	}
	total := `streamlens_loads_1m{org="acme",collector="c1"} 1763812800001`
	add("one")
	if got := handed(); got[total] != 1 {
		t.Errorf("of new series %v are handed out", got)
	}
	add("one")
	add("one")
	if got := handed(); len(got) > 0 || l.samples.Waiting() == 0 {
		t.Errorf("before the round %v are handed out, and %d are said to wait", got, l.samples.Waiting())
	}
	for name, then := range map[string]func(){
		"the round begins":    l.samples.Begin,
		"samples are pruned":  func() { l.samples.Prune(noon, noon); l.samples.Begin() },
		"samples are spilled": func() { l.samples.Spill(noon); l.samples.Begin() },
	} {
		add("one")
		before := l.samples.Waiting()
		then()
		got := handed()
		if len(got) != 8 || l.samples.Waiting() != 0 || before == 0 {
			t.Errorf("%s: %d samples are handed out of 8, and %d wait of %d", name, len(got), l.samples.Waiting(), before)
		}
	}
	if got := l.samples; got.Len() != 4 {
		t.Errorf("%d series", got.Len())
	}
	l.samples.Again(noon, noon-1)
	l.samples.Begin()
	if got := handed(); got[total] != 6 {
		t.Errorf("in the end there are %d loads, want 6", got[total])
	}
}
