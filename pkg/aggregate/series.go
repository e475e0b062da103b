package aggregate

import (
	"hash/maphash"
	"iter"
	"slices"
	"sort"
	"strconv"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/measure"
)

// seriesKey identifies a pair of stored series: one of minutes, unless they are stored by the hour alone, and one of hours.
type seriesKey struct {
	projection *projection // nil for a series of Put, which is one alone and whose text is in dimensions
	dimensions Dimensions
	measure    measure.ID
	part       part
}

// series is packed as sample is, with the fields of its key that are short beside those of its own.
type series struct {
	projection *projection
	dimensions Dimensions
	few        [2]sample // of its samples, the open ones, in the order of their windows, if they are no more
	many       *[]sample // all of them if they are, else nil
	sum        int64     // of what is added to it in one pair of windows
	number     uint32    // tells it from those that were at its place before; 0 if none is there
	next       uint32    // the place, from 1, of another series whose key has the same hash; 0 if there is none
	measure    measure.ID
	part       part
	count      uint8 // of few
	byHour     bool  // whether it is the hours alone
	known      bool  // whether VictoriaMetrics was given it before
	listed     bool  // whether it is in Samples.waiting or fresh
	summed     bool  // whether it is in Samples.summed
}

// metric returns the series' metric, and none of a series of Put.
func (s *series) metric() metric {
	if s.projection == nil {
		return metric{}
	}
	return metrics[s.measure][s.projection.key.family][s.part]
}

func (s *series) key() seriesKey { return seriesKey{s.projection, s.dimensions, s.measure, s.part} }

// open returns the samples.
func (s *series) open() []sample {
	if s.many != nil {
		return *s.many
	}
	return s.few[:s.count:len(s.few)]
}

// keep takes over samples.
func (s *series) keep(all []sample) {
	switch {
	case len(all) <= 1 || s.many == nil && len(all) <= len(s.few): // who had many will soon have many again
		s.count, s.many = uint8(copy(s.few[:], all)), nil
	case s.many == nil:
		s.many = new([]sample)
		fallthrough
	default:
		*s.many = all
	}
}

// add adds to the sample of the window, and returns whether the sample did not wait before.
func (s *series) add(w window, value int64) bool {
	all := s.open()
	i := len(all)
	if i > 0 && all[i-1].window() >= w {
		i = sort.Search(i, func(i int) bool { return all[i].window() >= w })
	}
	if i == len(all) || all[i].window() != w {
		if len(all) == cap(all) {
			// By less than append does: there are many series with a handful of samples each.
			all = append(make([]sample, 0, 1+len(all)*5/4), all...)
		}
		s.keep(slices.Insert(all, i, newSample(w, value))) // few have room for themselves
		return true
	}
	o := &all[i]
	o.value += value
	was := o.state()
	o.set(waiting)
	return was >= settled
}

// closed returns for how many ms a sample has been closed, less than 0 if it is not; now is in ms since 1970.
func (s *series) closed(o *sample, now int64) int64 {
	w := o.window()
	if s.projection == nil {
		return now - w.stamp()
	}
	return now - closes(w.stamp(), w.resolution().Length.Milliseconds())
}

func (s *series) appendWaiting(b []byte) []byte {
	all := s.open()
	for i := range all {
		if o := &all[i]; o.state() == waiting {
			o.set(flying)
			b = s.appendSample(b, o)
		}
	}
	return b
}

func (s *series) appendSample(b []byte, o *sample) []byte {
	w := o.window()
	b = s.key().appendText(b, w.resolution())
	b = append(b, ' ')
	b = strconv.AppendInt(b, o.value, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, w.stamp(), 10)
	return append(b, '\n')
}

// appendText appends the metric name and the labels of one of the two series.
func (k seriesKey) appendText(b []byte, r measure.Resolution) []byte {
	if k.projection == nil {
		return append(b, k.dimensions...)
	}
	hour := 0
	if r == measure.Hour {
		hour = 1
	}
	b = append(b, metrics[k.measure][k.projection.key.family][k.part].names[hour]...)
	b = append(b, '{')
	b = append(b, k.projection.labels...)
	b = append(b, k.dimensions...)
	b[len(b)-1] = '}' // in the place of the last comma
	return b
}

// code codes the key and the samples, of which those that are read wait. l and now are those of Samples.Code.
func (s *series) code(c *codec.Coder, l *Ledger, now int64) {
	l.code(c, &s.projection, now)
	codec.Text(c, &s.dimensions)
	codec.Number(c, &s.measure)
	codec.Number(c, &s.part)
	last, all := int64(0), s.open()
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
		s.keep(all)
	}
}

// table holds the series, and finds them by their keys. It knows them by their places, because garbage collection would follow each
// pointer to one of some hundred thousand.
type table struct {
	hash   func(seriesKey) uint64
	first  map[uint64]uint32 // the place, from 1, of the first series whose key has a hash
	pieces []*piece
	free   []uint32 // places
	number uint32   // of the series that was made last
	length int
}

// piece is some series that stay where they are as long as one of them is in use.
type piece struct {
	series [pieceSeries]series
	used   int
}

const pieceSeries = 256

// link refers to a series, or to none if another one is at its place.
type link struct{ place, number uint32 }

func newTable() *table {
	seed := maphash.MakeSeed()
	return &table{hash: func(key seriesKey) uint64 { return maphash.Comparable(seed, key) }, first: map[uint64]uint32{}}
}

// at returns the series at a place that is in use.
func (t *table) at(place uint32) *series {
	return &t.pieces[place/pieceSeries].series[place%pieceSeries]
}

// has reports whether there is still the series that a link refers to.
func (t *table) has(l link) bool {
	return t.pieces[l.place/pieceSeries] != nil && t.at(l.place).number == l.number
}

func (t *table) link(place uint32) link { return link{place, t.at(place).number} }

// all returns the series with their places.
func (t *table) all() iter.Seq2[uint32, *series] {
	return func(yield func(uint32, *series) bool) {
		for n, p := range t.pieces {
			if p == nil {
				continue
			}
			for i := range p.series {
				if one := &p.series[i]; one.number != 0 && !yield(uint32(n*pieceSeries+i), one) {
					return
				}
			}
		}
	}
}

// find returns the place of the series with a key, which it makes if there is none.
func (t *table) find(key seriesKey) uint32 {
	hash := t.hash(key)
	for next := t.first[hash]; next != 0; next = t.at(next - 1).next {
		if t.at(next-1).key() == key {
			return next - 1
		}
	}
	if len(t.free) == 0 {
		for i := range uint32(pieceSeries) {
			t.free = append(t.free, uint32(len(t.pieces)+1)*pieceSeries-1-i) // the first is used first
		}
		t.pieces = append(t.pieces, nil)
	}
	place := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	in := &t.pieces[place/pieceSeries]
	if *in == nil {
		*in = &piece{}
	}
	(*in).used++
	t.length++
	if t.number++; t.number == 0 {
		t.number++
	}
	one := t.at(place)
	*one = series{projection: key.projection, dimensions: key.dimensions, measure: key.measure, part: key.part, number: t.number, next: t.first[hash]}
	one.byHour = one.metric().byHour
	t.first[hash] = place + 1
	return place
}

// forget forgets the series at a place.
func (t *table) forget(place uint32) {
	one := t.at(place)
	hash := t.hash(one.key())
	switch before := t.first[hash]; {
	case before != place+1:
		for t.at(before-1).next != place+1 {
			before = t.at(before - 1).next
		}
		t.at(before - 1).next = one.next
	case one.next != 0:
		t.first[hash] = one.next
	default:
		delete(t.first, hash)
	}
	*one = series{}
	t.free = append(t.free, place)
	t.length--
	in := &t.pieces[place/pieceSeries]
	if (*in).used--; (*in).used == 0 {
		*in = nil
	}
}
