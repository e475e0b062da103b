package aggregate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/measure"
)

func TestTableFindsSeriesByTheirKeys(t *testing.T) {
	for name, hash := range map[string]func(seriesKey) uint64{
		"hashes of its own":         nil,
		"few hashes":                func(key seriesKey) uint64 { return uint64(key.dimensions % 3) },
		"one hash, as of collision": func(seriesKey) uint64 { return 7 },
	} {
		t.Run(name, func(t *testing.T) {
			type key struct {
				projection *projection
				dimensions Dimensions
				measure    measure.ID
			}
			random := rand.New(rand.NewPCG(1, 2))
			table := newTable()
			if hash != nil {
				table.hash = hash
			}
			projections := []*projection{nil, {labels: "a"}, {labels: "b"}}
			find := func(k key, before uint32) uint32 {
				return table.find(k.projection, seriesKey{dimensions: table.dimensions.number(k.dimensions), measure: k.measure}, before)
			}
			want, last := map[key]uint32{}, uint32(noPlace)
			for n := range 20_000 {
				k := key{projections[random.IntN(3)], Dimensions(make([]byte, random.IntN(20))), measure.ID(random.IntN(10))}
				known, isKnown := want[k]
				switch {
				case random.IntN(5) < 3 || !isKnown:
					before := last
					if random.IntN(3) == 0 {
						before = known
					}
					last = find(k, before)
					if isKnown && last != known {
						t.Fatalf("%v is at %v, and was at %v", k, last, known)
					}
					want[k] = last
				default:
					table.forget(known)
					delete(want, k)
				}
				if n%1000 == 0 {
					table.sweep()
				}
			}
			got := map[key]uint32{}
			for place, one := range table.series.All() {
				got[key{table.projections.at(one.projection), table.dimensions.at(one.dimensions), one.measure}] = place
			}
			if !maps.Equal(got, want) || table.index.Len() != len(want) {
				t.Errorf("%d series and %d in the index, want %d", len(got), table.index.Len(), len(want))
			}
			for _, place := range want {
				table.forget(place)
			}
			table.sweep()
			if n := table.series.Len() + table.index.Len() + table.projections.values.Len() + table.dimensions.values.Len(); n != 0 {
				t.Errorf("without series there are %d, %d in the index, %d projections and %d dimensions", table.series.Len(), table.index.Len(),
					table.projections.values.Len(), table.dimensions.values.Len())
			}
		})
	}
}

// TestOneLedgerOfTwoSamples adds to one cell for Samples of which both hold nothing yet, and others.
func TestOneLedgerOfTwoSamples(t *testing.T) {
	l := New("c1")
	space := Space{Organization: "acme", Stream: "s", Country: "DE"}
	both := [2]*Samples{NewSamples(l), NewSamples(l)}
	for _, s := range both {
		for range 2 {
			l.Entry(space, noon).Add(measure.Loads, noon, 1, "")
			s.Add(l.Take(noon))
		}
	}
	for n, s := range both {
		got := samples(t, flushed(s))
		if value := got[`streamlens_loads_1m{org="acme",collector="c1"} 1763812800001`]; value != 2 {
			t.Errorf("of Samples %d it is %d, want 2", n, value)
		}
	}
}

func flushed(s *Samples) (text []byte) {
	s.Begin()
	for left := true; left; s.Taken(noon) {
		_, left = s.Flush(func(batch []byte) { text = append(text, batch...) })
	}
	return text
}

// TestManySumsAtOnce adds up what is of more series than are summed at once.
func TestManySumsAtOnce(t *testing.T) {
	b := newBoth()
	for i := range manySums {
		b.Entry(Space{Organization: "acme", Stream: fmt.Sprint("s", i), Country: "DE"}, noon).Add(measure.Loads, noon, 1, "")
	}
	b.samples.Add(b.Take(noon))
	if n := cap(b.samples.sums); n > 2*manySums {
		t.Errorf("%d sums are kept", n)
	}
	got := samples(t, flushed(b.samples))
	if value := got[`streamlens_loads_1m{org="acme",collector="c1"} 1763812800001`]; value != manySums || len(got) < 4*manySums {
		t.Errorf("%d samples, of all %d, want %d", len(got), value, manySums)
	}
}

// TestFewAsMap does by chance to few what it does to a map, and compares them.
func TestFewAsMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, numbers := range []int{3, 300, bucketNumber + measure.IDs*measure.BucketCount} {
		var f few
		want := map[int]*Cell{}
		for range 3000 {
			number := 1 + random.IntN(numbers)
			if at := f.of(number); *at != want[number] {
				t.Fatalf("%d of %d is %p, want %p", number, numbers, *at, want[number])
			} else if random.IntN(2) == 0 {
				want[number] = &Cell{}
				*at = want[number]
			}
			if 2*f.count < len(f.numbers) && len(f.numbers) > leastFew {
				t.Fatalf("%d slots for %d cells", len(f.numbers), f.count)
			}
		}
	}
}

// TestACellIsSmall because there are hundreds of thousands.
func TestACellIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Cell{}); size > 64 {
		t.Errorf("a cell takes %d bytes beside the places of its series, want at most 64", size)
	}
	if size := unsafe.Sizeof(space{}); size > 96 {
		t.Errorf("a space takes %d bytes beside its cells, want at most 96", size)
	}
}

// TestASeriesIsSmall because there are hundreds of thousands.
func TestASeriesIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(series{}); size > 24 {
		t.Errorf("a series takes %d bytes beside its samples, want at most 24", size)
	}
	if size := unsafe.Sizeof(sample{}); size > 16 {
		t.Errorf("a sample takes %d bytes, want at most 16", size)
	}
}

// TestTextsOfForgottenSeriesAreLetGo adds to other dimensions of other streams each two hours.
func TestTextsOfForgottenSeriesAreLetGo(t *testing.T) {
	b := newBoth()
	for i := range int64(20) {
		now := noon + i*ms(2*time.Hour)
		b.Entry(Space{Organization: "acme", Stream: fmt.Sprint("s", i), Country: "DE"}, now).
			Add(measure.TrafficByReferrer, now, 1, NewDimensions(measure.TrafficByReferrer, fmt.Sprint("site", i)))
		b.Flush(nil, now, true)
	}
	if of, texts := b.samples.series.projections.values.Len(), b.samples.series.dimensions.values.Len(); of > 2 || texts > 2 {
		t.Errorf("%d projections and %d texts are kept, want those of the last hours", of, texts)
	}
}

// TestACellLeavesThePlaceOfAnotherSeries forgets the series of a cell, at whose places others come then.
func TestACellLeavesThePlaceOfAnotherSeries(t *testing.T) {
	b := newBoth()
	space, other := Space{Organization: "acme", Stream: "s", Country: "DE"}, Space{Organization: "acme", Stream: "t", Country: "DE"}
	dimensions := func(site string) Dimensions { return NewDimensions(measure.PlayingByReferrer, site) }
	c := b.Entry(space, noon).OwnCell(measure.PlayingByReferrer, dimensions("one"))
	b.Entry(space, noon).AddTo(c, noon, 1)
	b.Flush(nil, noon, true)
	later := noon + ms(2*time.Hour)
	b.Flush(nil, later, true)
	if n := b.samples.Len(); n != 0 {
		t.Fatalf("%d series are left", n)
	}
	b.Entry(space, later).Add(measure.PlayingByReferrer, later, 2, dimensions("two"))
	b.Entry(other, later).Add(measure.PlayingByReferrer, later, 4, dimensions("one"))
	b.samples.Add(b.Take(later))
	b.Entry(space, later).AddTo(c, later, 8)
	got := map[string]int64{}
	for name, value := range samples(t, b.Flush(nil, later, true)) {
		_, labels, _ := strings.Cut(name, "stream=")
		labels, _, _ = strings.Cut(labels, "}")
		got[labels] = value
	}
	want := map[string]int64{`"s",country="DE",referrer="one"`: 8, `"s",country="DE",referrer="two"`: 2, `"t",country="DE",referrer="one"`: 4}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestSamplesOfASeries(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 3))
		table, one := newTable(), &series{}
		want := map[window]int64{}
		for range 200 {
			if random.IntN(10) == 0 {
				gone := window(random.IntN(30))
				table.resize(one, len(slices.DeleteFunc(table.open(one), func(o sample) bool { return o.window() < gone })))
				maps.DeleteFunc(want, func(w window, _ int64) bool { return w < gone })
				continue
			}
			w, value := window(random.IntN(30)), random.Int64N(100)
			_, known := want[w]
			if changed := table.add(one, w, value); changed == known {
				t.Fatalf("seed %d: a sample that is there: %v, and it did not wait: %v", seed, known, changed)
			}
			want[w] += value
		}
		got := map[window]int64{}
		for _, o := range table.open(one) {
			got[o.window()] = o.value
		}
		if !maps.Equal(got, want) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
		if !slices.IsSortedFunc(table.open(one), func(a, b sample) int { return int(a.window()) - int(b.window()) }) {
			t.Fatalf("seed %d: the samples are not in order", seed)
		}
	}
}

func TestSettledCellsAreTakenLater(t *testing.T) {
	l := newBoth()
	referrer := NewDimensions(measure.TrafficByReferrer, "site.example")
	add := func(at int64) {
		e := l.Entry(Space{Organization: "acme", Stream: "one", Country: "DE"}, at)
		e.Add(measure.Loads, at, 1, "")
		e.Add(measure.TrafficByReferrer, at, 1, referrer)
		e.Observe(measure.StartTime, at, 700)
		e.Add(measure.TrafficByIP, at, 1, NewDimensions(measure.TrafficByIP, measure.Playout, "192.0.2.1")) // nobody keeps its cell
	}
	parts := func(taken Additions) (kept, sums int) {
		for _, of := range taken.slots {
			kept += len(of.kept)
			sums += len(of.sums)
		}
		taken.release()
		return kept, sums
	}
	check := func(name string, taken Additions, kept, sums int) {
		t.Helper()
		if gotKept, gotSums := parts(taken); gotKept != kept || gotSums != sums {
			t.Errorf("%s: %d cells that are kept, want %d; %d that are not, want %d", name, gotKept, kept, gotSums, sums)
		}
	}
	add(noon)
	add(noon)
	check("new ones", l.TakeUnsettled(), 4, 1)
	check("nothing", l.TakeUnsettled(), 0, 0)
	add(noon + 1000)
	if n := l.Pending(); n != 5 {
		t.Errorf("%d sums are pending, want 5", n)
	}
	check("settled ones", l.TakeUnsettled(), 0, 1)
	check("all", l.Take(noon+1000), 4, 0)
	if n := l.Pending(); n != 0 {
		t.Errorf("%d sums are pending after all were taken", n)
	}
	add(noon + 2000)
	check("settled ones of new memory", l.TakeUnsettled(), 0, 1)
	add(noon + ms(time.Hour))
	check("the next hour", l.TakeUnsettled(), 4, 1)
	add(noon + ms(time.Hour) + 1000)
	l.Entry(Space{Organization: "acme", Stream: "one", Country: "DE"}, noon+ms(time.Hour)+1000).Add(measure.Loads, noon, 1, "")
	check("an hour before it", l.TakeUnsettled(), 1, 1)
}

// TestTakingAtOnceOrInParts adds and takes by chance, and compares with taking all each time.
func TestTakingAtOnceOrInParts(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 5))
		one, other := newBoth(), newBoth()
		now := noon
		for range 300 {
			now += random.Int64N(ms(2 * time.Minute))
			at := now - random.Int64N(ms(time.Minute))
			if random.IntN(4) == 0 {
				at -= random.Int64N(ms(2 * time.Hour))
			}
			space := Space{Organization: "acme", Stream: fmt.Sprint("s", random.IntN(3)), Country: "DE"}
			value, site := random.Int64N(5000), fmt.Sprint("site", random.IntN(3))
			for _, b := range []both{one, other} {
				e := b.Entry(space, now)
				e.Add(measure.Loads, at, 1, "")
				e.Observe(measure.StartTime, at, value)
				e.Add(measure.TrafficByReferrer, at, value, NewDimensions(measure.TrafficByReferrer, site))
				e.Add(measure.TrafficByIP, at, value, NewDimensions(measure.TrafficByIP, measure.Playout, site))
			}
			other.samples.Add(other.Take(now))
			if random.IntN(5) == 0 {
				one.samples.Add(one.Take(now))
			} else {
				one.samples.Add(one.TakeUnsettled())
			}
		}
		got, want := samples(t, one.Flush(nil, now, true)), samples(t, other.Flush(nil, now, true))
		if !maps.Equal(got, want) {
			t.Fatalf("seed %d: %d samples in parts, %d at once", seed, len(got), len(want))
		}
		if len(want) < 1000 {
			t.Fatalf("seed %d: only %d samples", seed, len(want))
		}
	}
}

// TestTwoMinutesByTurns adds to the same cells at two minutes by turns, as the reports do whose spans are of both.
func TestTwoMinutesByTurns(t *testing.T) {
	l := New("c1")
	for range 100 {
		for _, at := range []int64{noon - 1, noon} {
			l.Entry(Space{Organization: "acme", Stream: "one", Country: "DE"}, noon).Add(measure.Loads, at, 1, "")
		}
	}
	if n := l.Pending(); n != 2 {
		t.Errorf("%d sums of one cell in two minutes", n)
	}
}

// TestSeriesWhoseSamplesWereSpilled spills what waits, and prunes while the next samples are on their way.
func TestSeriesWhoseSamplesWereSpilled(t *testing.T) {
	for name, landing := range map[string]func(*Samples, int64){
		"taken": (*Samples).Taken, "refused": func(s *Samples, _ int64) { s.Refused() },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoth()
			add := func(at int64) {
				b.Entry(Space{Organization: "acme", Stream: "one", Country: "DE"}, at).Add(measure.Loads, at, 1, "")
				b.samples.Add(b.Take(at))
			}
			add(noon)
			now := noon + ms(3*time.Hour)
			if len(b.samples.Spill(now)) == 0 {
				t.Fatal("nothing is spilled")
			}
			b.samples.Begin()
			b.samples.Flush(func(batch []byte) { t.Errorf("handed out %q", batch) })
			b.samples.Prune(now, now)
			landing(b.samples, now)
			if n := b.samples.Len(); n != 0 {
				t.Errorf("%d series are left", n)
			}
			add(now)
			if got := samples(t, b.Flush(nil, now, true)); len(got) != 8 {
				t.Errorf("later, %d samples are handed out, want 8: %v", len(got), got)
			}
		})
	}
}

// TestASumOfZeroIsStored observes zeros alone, whose sum must be there for a mean.
func TestASumOfZeroIsStored(t *testing.T) {
	b := newBoth()
	b.Entry(Space{Organization: "acme", Stream: "one", Country: "DE"}, noon).Observe(measure.StartTime, noon, 0)
	b.samples.Add(b.TakeUnsettled())
	got := samples(t, b.Flush(nil, noon, true))
	if value, stored := got[`streamlens_start_time_ms_sum_1m{org="acme",collector="c1"} 1763812800001`]; !stored || value != 0 {
		t.Errorf("the sum is %d, stored %v, of %v", value, stored, got)
	}
}

// TestSamplesOfASpaceThatCameAgainAreRead saves and reads samples of which VictoriaMetrics, away for hours, has taken some, and others are of the
// same series, whose space the ledger has forgotten in between and made anew.
func TestSamplesOfASpaceThatCameAgainAreRead(t *testing.T) {
	at := Space{Organization: "acme", Stream: "live", Country: "PL"}
	l := New("c")
	s := NewSamples(l)
	add := func(now int64) {
		l.Entry(at, now).Add(measure.Plays, now, 1, "")
		s.Add(l.Take(now))
	}
	lines := func(s *Samples) int {
		n := 0
		s.Begin()
		s.Flush(func(batch []byte) { n += strings.Count(string(batch), "\n") })
		return n
	}
	add(noon)
	first := lines(s)
	s.Taken(noon + 1000)
	// Nothing is confirmed any more, and nothing comes for more than three hours.
	later := noon + 4*time.Hour.Milliseconds()
	s.Add(l.Take(later))
	add(later + 60_000)

	w := codec.NewWriter(nil)
	s.Code(w, l, later+60_000)
	l2 := New("c")
	read := NewSamples(l2)
	r := codec.NewReader(w.Bytes())
	read.Code(r, l2, later+60_000)
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	waiting := read.Waiting()
	if got := lines(read); got != 2*first || waiting != got {
		t.Errorf("%d samples are written, and %d waited, want %d", got, waiting, 2*first)
	}
	read.Taken(later + 120_000)
	if left := read.Waiting(); left != 0 {
		t.Errorf("%d samples wait when all are taken: the pipeline never ends", left)
	}
}
