package aggregate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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
