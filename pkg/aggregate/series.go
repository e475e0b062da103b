package aggregate

import (
	"hash/maphash"
	"math"
	"sort"
	"strconv"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/compact"
	"github.com/streamlens/streamlens/pkg/measure"
)

// seriesKey identifies a pair of stored series: one of minutes, unless they are stored by the hour alone, and one of hours. Of projection and
// dimensions it has the numbers in a table.
type seriesKey struct {
	projection uint32 // that of nil for a series of Put, which is one alone and whose text is in dimensions
	dimensions uint32
	measure    measure.ID
	part       part
}

// series is packed as sample is, with the fields of its key beside those of its own, and without a pointer, because garbage collection would follow
// each of some hundred thousand.
type series struct {
	projection uint32
	dimensions uint32
	samples    uint32 // the place in table.samples of those that are open, in the order of their windows
	count      uint32 // of them
	sum        uint32 // where in Samples.sums is what was added in one pair of windows, from 1; 0 if nothing was
	measure    measure.ID
	part       part
	flags      flags
}

// flags say what a series is.
type flags uint8

const (
	isByHour flags = 1 << iota // it is the hours alone
	isPut                      // it is of Put
	isKnown                    // VictoriaMetrics was given it before
	isListed                   // it is in Samples.waiting or fresh
)

func (s *series) is(f flags) bool { return s.flags&f != 0 }

func (s *series) key() seriesKey { return seriesKey{s.projection, s.dimensions, s.measure, s.part} }

// closed returns for how many ms a sample has been closed, less than 0 if it is not; now is in ms since 1970.
func (s *series) closed(o *sample, now int64) int64 {
	w := o.window()
	if s.is(isPut) {
		return now - w.stamp()
	}
	return now - closes(w.stamp(), w.resolution().Length.Milliseconds())
}

// table holds the series with their samples, and finds them by their keys.
type table struct {
	hash        func(seriesKey) uint64
	series      compact.Pieces[series]
	index       *compact.Index
	samples     compact.Blocks[sample]
	projections *shared[*projection]
	dimensions  *shared[Dimensions]
}

// noPlace is where no series is.
const noPlace = math.MaxUint32

func newTable() *table {
	seed := maphash.MakeSeed()
	t := &table{projections: newShared[*projection](), dimensions: newShared[Dimensions]()}
	t.hash = func(key seriesKey) uint64 {
		return maphash.Comparable(seed, [...]uint64{uint64(key.projection)<<32 | uint64(key.dimensions), uint64(key.measure)<<8 | uint64(key.part)})
	}
	t.index = compact.NewIndex(func(place uint32) uint64 { return t.hash(t.at(place).key()) })
	return t
}

// at returns the series at a place that is in use.
func (t *table) at(place uint32) *series { return t.series.At(place) }

// find returns the place of the series of a projection with a key, but for its projection, which it makes if there is none. It may be at a place
// where it was before.
func (t *table) find(of *projection, key seriesKey, before uint32) uint32 {
	if t.series.Has(before) {
		one := t.at(before)
		if key.projection = one.projection; one.key() == key && t.projections.at(one.projection) == of {
			return before
		}
	}
	key.projection = t.projections.number(of)
	place, found := t.index.Find(t.hash(key), func(place uint32) bool { return t.at(place).key() == key })
	if found {
		return place
	}
	place, one := t.series.Add()
	*one = series{projection: key.projection, dimensions: key.dimensions, measure: key.measure, part: key.part}
	switch {
	case of == nil:
		one.flags = isPut
	case metrics[key.measure][of.key.family][key.part].byHour:
		one.flags = isByHour
	}
	t.index.Add(place)
	return place
}

// forget forgets the series at a place, which has no samples.
func (t *table) forget(place uint32) {
	t.index.Remove(place)
	t.series.Remove(place)
}

// sweep lets go of the projections and dimensions that no series has.
func (t *table) sweep() {
	var projections, dimensions set
	for _, one := range t.series.All() {
		projections.add(one.projection)
		dimensions.add(one.dimensions)
	}
	t.projections.sweep(projections)
	t.dimensions.sweep(dimensions)
}

// open returns the samples of a series. They must not be kept when it gets further ones.
func (t *table) open(one *series) []sample { return t.samples.At(one.samples, int(one.count)) }

// resize lets a series have so many samples, of which the last may have any value if they are more than before.
func (t *table) resize(one *series, count int) {
	one.samples, one.count = t.samples.Resize(one.samples, int(one.count), count), uint32(count)
}

// add adds to the sample of the window, and returns whether the sample did not wait before.
func (t *table) add(one *series, w window, value int64) bool {
	all := t.open(one)
	i := len(all)
	if i > 0 && all[i-1].window() >= w {
		i = sort.Search(i, func(i int) bool { return all[i].window() >= w })
	}
	if i == len(all) || all[i].window() != w {
		t.resize(one, len(all)+1)
		all = t.open(one)
		copy(all[i+1:], all[i:])
		all[i] = newSample(w, value)
		return true
	}
	o := &all[i]
	o.value += value
	was := o.state()
	o.set(waiting)
	return was >= settled
}

func (t *table) appendWaiting(b []byte, one *series) []byte {
	all := t.open(one)
	for i := range all {
		if o := &all[i]; o.state() == waiting {
			o.set(flying)
			b = t.appendSample(b, one, o)
		}
	}
	return b
}

func (t *table) appendSample(b []byte, one *series, o *sample) []byte {
	w := o.window()
	b = t.appendText(b, one, w.hour())
	b = append(b, ' ')
	b = strconv.AppendInt(b, o.value, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, w.stamp(), 10)
	return append(b, '\n')
}

// appendText appends the metric name and the labels of one of the two series.
func (t *table) appendText(b []byte, one *series, byHour bool) []byte {
	dimensions := t.dimensions.at(one.dimensions)
	if one.is(isPut) {
		return append(b, dimensions...)
	}
	of, hour := t.projections.at(one.projection), 0
	if byHour {
		hour = 1
	}
	b = append(b, metrics[one.measure][of.key.family][one.part].names[hour]...)
	b = append(b, '{')
	b = append(b, of.labels...)
	b = append(b, dimensions...)
	b[len(b)-1] = '}' // in the place of the last comma
	return b
}

// code codes the series at a place with its samples, or reads one with samples that wait, and tells its place and how many of them there were not
// before. A series may come twice, if the ledger has forgotten its projection and made it anew. l and now are those of Samples.Code.
func (t *table) code(c *codec.Coder, place *uint32, l *Ledger, now int64) (read int) {
	var (
		of         *projection
		dimensions Dimensions
		key        seriesKey
		all        []sample
	)
	if !c.Reading() {
		one := t.at(*place)
		of, dimensions, key, all = t.projections.at(one.projection), t.dimensions.at(one.dimensions), one.key(), t.open(one)
	}
	l.code(c, &of, now)
	codec.Text(c, &dimensions)
	codec.Number(c, &key.measure)
	codec.Number(c, &key.part)
	last := int64(0)
	codec.List(c, &all, func(o *sample) {
		w := int64(o.window())
		c.Near(&w, last)
		last = w
		if c.Reading() {
			*o = newSample(window(w), 0)
		}
		codec.Number(c, &o.value)
	})
	if c.Reading() {
		key.dimensions = t.dimensions.number(dimensions)
		*place = t.find(of, key, noPlace)
		one := t.at(*place)
		if one.count == 0 {
			t.resize(one, len(all))
			copy(t.open(one), all)
			return len(all)
		}
		for _, o := range all {
			if t.add(one, o.window(), o.value) {
				read++
			}
		}
	}
	return read
}

// shared holds values that many series have, each once, by numbers.
type shared[T comparable] struct {
	seed   maphash.Seed
	values compact.Pieces[T]
	index  *compact.Index
}

func newShared[T comparable]() *shared[T] {
	s := &shared[T]{seed: maphash.MakeSeed()}
	s.index = compact.NewIndex(func(number uint32) uint64 { return maphash.Comparable(s.seed, s.at(number)) })
	return s
}

// at returns the value with a number.
func (s *shared[T]) at(number uint32) T { return *s.values.At(number) }

// number returns the number of a value, which it has as long as it is not swept.
func (s *shared[T]) number(value T) uint32 {
	number, found := s.index.Find(maphash.Comparable(s.seed, value), func(number uint32) bool { return s.at(number) == value })
	if found {
		return number
	}
	number, one := s.values.Add()
	*one = value
	s.index.Add(number)
	return number
}

// sweep lets go of all values but those with some numbers.
func (s *shared[T]) sweep(but set) {
	for number := range s.values.All() {
		if !but.has(number) {
			s.index.Remove(number)
			s.values.Remove(number)
		}
	}
}

// set is one of numbers, a bit for each.
type set []uint64

func (s *set) add(number uint32) {
	for int(number/64) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[number/64] |= 1 << (number % 64)
}

func (s set) has(number uint32) bool {
	return int(number/64) < len(s) && s[number/64]>>(number%64)&1 != 0
}
