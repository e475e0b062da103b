package aggregate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/measure"
)

// metric is one part of a measure in one family.
type metric struct {
	names  [2]string // of minutes and of hours
	byHour bool      // whether there are hours alone
}

// metrics are those of each measure, in each family in which it is, by part.
var metrics = func() (all [][]*[parts]metric) {
	for _, m := range measure.All() {
		of := make([]*[parts]metric, len(measure.Families()))
		for i, f := range measure.Families() {
			if !m.In(f) {
				continue
			}
			in := &[parts]metric{sum: {byHour: m.ByHour(f)}, count: {byHour: m.ByHour(f)}, bucket: {byHour: m.BucketsByHour(f)}}
			for hour, r := range []measure.Resolution{measure.Minute, measure.Hour} {
				if m.Kind == measure.Sum {
					in[sum].names[hour] = m.Metric(f, r)
				} else {
					in[sum].names[hour], in[count].names[hour] = m.SumMetric(f, r), m.CountMetric(f, r)
					if f.PlayerLabel() == "" {
						in[bucket].names[hour] = m.BucketMetric(f, r)
					}
				}
			}
			of[i] = in
		}
		all = append(all, of)
	}
	return all
}()

// window identifies a sample of a pair of series: twice its stamp, in ms since 1970, and one more in the series of hours.
type window uint64

func minuteWindow(stamp int64) window { return window(stamp) << 1 }
func hourWindow(stamp int64) window   { return window(stamp)<<1 | 1 }
func (w window) stamp() int64         { return int64(w >> 1) }
func (w window) hour() bool           { return w&1 != 0 }

func (w window) resolution() measure.Resolution {
	if w.hour() {
		return measure.Hour
	}
	return measure.Minute
}

// sample is packed, because there are many.
type sample struct {
	value int64
	bits  uint64 // its window, above stateBits of its state
}

// state is how far a sample is on its way to VictoriaMetrics: waiting, flying, or when VictoriaMetrics took it.
type state uint16

const (
	waiting state = iota // it changed since it was handed out last
	flying               // it is handed out, and VictoriaMetrics may or may not take it
	settled              // and more: VictoriaMetrics took it, so many s, rounded up and modulo takenPeriod, since 1970

	stateBits   = 16
	takenPeriod = 1<<stateBits - int64(settled)
)

func newSample(w window, value int64) sample {
	return sample{value, uint64(w)<<stateBits | uint64(waiting)}
}

func (o *sample) window() window { return window(o.bits >> stateBits) }
func (o *sample) state() state   { return state(o.bits) }
func (o *sample) set(s state)    { o.bits = o.bits>>stateBits<<stateBits | uint64(s) }

// take notes that VictoriaMetrics has taken the sample at now, in ms since 1970.
func (o *sample) take(now int64) { o.set(settled + state((now+999)/1000%takenPeriod)) }

// takenAt returns when VictoriaMetrics took a settled sample last, in ms since 1970, as seen at now. What it took longer than
// takenPeriod ago seems to be younger, and is kept or sent again for longer than it need be.
func (o *sample) takenAt(now int64) int64 {
	second := (now + 999) / 1000
	ago := (second - int64(o.state()-settled)) % takenPeriod
	return (second - ago) * 1000
}

// Kept is how long VictoriaMetrics must have run on after it took a sample, in ms, until the sample is safe: killed, it forgets up to
// 14 s of what it has acknowledged.
const Kept = 60_000

// spilled is how long after its window has closed a sample that VictoriaMetrics does not take is held in memory, in ms.
const spilled = 60_000

// Samples holds the samples of the minutes and hours that are open, and those that are not safe in VictoriaMetrics yet. It must
// not be used by several goroutines at once, but for Len and Waiting.
type Samples struct {
	series  *table
	epoch   uint32 // tells the times between which no series is forgotten from each other, and from those of other Samples of the ledger
	epochs  *atomic.Uint32
	found   []uint32    // memory for those of a cell, by their places, as the next ones
	sums    []seriesSum // what was added in one pair of windows, as far as it is not added to samples
	waiting queue       // those with a sample that waits, but for
	fresh   queue       // those that VictoriaMetrics does not know
	flying  []uint32    // those with samples that are handed out
	handed  [][]byte    // the batches in which they are
	free    [][]byte    // memory for batches
	length  atomic.Int64
	unsafe  atomic.Int64 // number of samples that wait or fly
}

// seriesSum is what was added to the series at a place.
type seriesSum struct {
	place uint32
	value int64
}

// NewSamples returns no samples of what will be added to a ledger.
func NewSamples(of *Ledger) *Samples {
	s := &Samples{series: newTable(), epochs: &of.epochs}
	s.epoch = s.epochs.Add(1)
	return s
}

// Len returns the number of pairs of series, of minutes and of hours, that have a sample.
func (s *Samples) Len() int { return int(s.length.Load()) }

// Waiting returns the number of samples that VictoriaMetrics has not taken with their present value.
func (s *Samples) Waiting() int { return int(s.unsafe.Load()) }

// batchBytes is about how long the batches of Flush are: long enough to be written efficiently.
const batchBytes = 1 << 20

// Add adds up what was added to a ledger, whose memory the ledger then uses again.
func (s *Samples) Add(added Additions) {
	for slot, to := range added.slots {
		for _, c := range to.kept {
			if c.epoch != s.epoch {
				s.find(c.Cell)
			}
			s.sum(slot, c.places, c.value)
		}
		for _, c := range to.sums {
			s.found = s.appendSeries(s.found[:0], c.cell, nil)
			s.sum(slot, s.found, c.value)
		}
		s.addSums(slot)
	}
	added.release()
	s.count()
}

// Put takes over samples that something else has made, in the form of Flush. Each has a series, or a timestamp, of its own, and does not
// change.
func (s *Samples) Put(text []byte) error {
	for line := range strings.Lines(string(text)) {
		name, rest, found := strings.Cut(line, "} ")
		value, stamp, both := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
		number, err := strconv.ParseInt(value, 10, 64)
		at, wrong := strconv.ParseInt(stamp, 10, 64)
		if err := errors.Join(err, wrong); err != nil || !found || !both {
			return fmt.Errorf("sample %q: %w", line, err)
		}
		place := s.series.find(nil, seriesKey{dimensions: s.series.dimensions.number(Dimensions(name + "}"))}, noPlace)
		s.add(place, s.series.at(place), minuteWindow(at), number)
	}
	return nil
}

// flushBytes is about how much Flush hands out at once, so that it takes little memory, and little is handed out again if
// VictoriaMetrics does not take it.
const flushBytes = 4 << 20

// Begin begins a round: the next calls of Flush hand out what waits now. What begins to wait meanwhile is for the next round, so that
// a round ends however much is added.
func (s *Samples) Begin() {
	s.waiting.round, s.fresh.round = len(s.waiting.places), len(s.fresh.places)
}

// queue holds series in the order in which they began to wait.
type queue struct {
	places []uint32
	round  int // how many, from the front, waited when the round began
}

// pass removes so many from the front.
func (q *queue) pass(n int) {
	q.places, q.round = slices.Delete(q.places, 0, n), max(q.round-n, 0)
}

// Flush hands out samples that wait, in batches in Prometheus' text format with timestamps in ms: those of the round, and those of
// series that VictoriaMetrics does not know. It returns whether the round is over, and whether anything was left for another call.
// Before that, Taken or Refused must say what became of them, from when on the memory of the batches is used again.
func (s *Samples) Flush(emit func(batch []byte)) (over, left bool) {
	batch, emitted := s.batch(), 0
	hand := func(places []uint32) (n int) {
		for n < len(places) && emitted < flushBytes {
			place := places[n]
			n++
			one, before := s.series.at(place), len(batch)
			batch = s.series.appendWaiting(batch, one)
			one.flags = one.flags&^isListed | isKnown
			if len(batch) > before { // else its samples were spilled, and it is forgotten with the next ones
				s.flying = append(s.flying, place)
			}
			if len(batch) >= batchBytes {
				emit(batch)
				emitted += len(batch)
				s.handed = append(s.handed, batch)
				batch = s.batch()
			}
		}
		return n
	}
	s.fresh.pass(hand(s.fresh.places[:s.fresh.round]))
	s.waiting.pass(hand(s.waiting.places[:s.waiting.round]))
	s.fresh.pass(hand(s.fresh.places)) // last, so that a round ends however many come
	if len(batch) > 0 {
		emit(batch)
	}
	s.handed = append(s.handed, batch)
	inRound := s.waiting.round + s.fresh.round
	return inRound == 0, inRound+len(s.fresh.places) > 0
}

// Taken says that VictoriaMetrics has taken what Flush handed out, at now in ms since 1970.
func (s *Samples) Taken(now int64) {
	for _, place := range s.flying {
		all := s.series.open(s.series.at(place))
		for i := range all {
			if o := &all[i]; o.state() == flying {
				o.take(now)
				s.unsafe.Add(-1)
			}
		}
	}
	s.landed()
}

// Refused says that VictoriaMetrics has not taken what Flush handed out, or not all of it: it waits again, in the round.
func (s *Samples) Refused() {
	for _, place := range s.flying {
		one := s.series.at(place)
		all := s.series.open(one)
		for i := range all {
			if o := &all[i]; o.state() == flying {
				o.set(waiting)
				s.list(place, one)
			}
		}
	}
	s.landed()
	s.Begin()
}

func (s *Samples) landed() {
	s.flying = s.flying[:0]
	s.free = append(s.free, s.handed...)
	s.handed = s.handed[:0]
}

// batch returns memory for a batch.
func (s *Samples) batch() []byte {
	last := len(s.free) - 1
	if last < 0 {
		return nil
	}
	batch := s.free[last]
	s.free = s.free[:last]
	return batch[:0]
}

// Again lets the samples wait that VictoriaMetrics took after since: it may have forgotten them. Both times are in ms since 1970.
func (s *Samples) Again(now, since int64) {
	for place, one := range s.series.series.All() {
		all := s.series.open(one)
		for i := range all {
			if o := &all[i]; o.state() >= settled && o.takenAt(now) > since {
				o.set(waiting)
				s.unsafe.Add(1)
				s.list(place, one)
			}
		}
	}
}

// list puts a series into the list of those with a sample that waits.
func (s *Samples) list(place uint32, one *series) {
	if !one.is(isListed) {
		one.flags |= isListed
		to := &s.waiting
		if !one.is(isKnown) {
			to = &s.fresh
		}
		to.places = append(to.places, place)
	}
}

// Prune forgets samples whose window has closed and that are safe. VictoriaMetrics has run on at least until confirmed; both times
// are in ms since 1970.
func (s *Samples) Prune(now, confirmed int64) {
	s.remove(func(one *series, o *sample) bool {
		return o.state() >= settled && confirmed-o.takenAt(now) >= Kept && one.closed(o, now) >= 0
	})
	s.count()
}

func (s *Samples) count() { s.length.Store(int64(s.series.series.Len())) }

// remove forgets the samples for which is returns true, and the series that have none left.
func (s *Samples) remove(is func(*series, *sample) bool) {
	s.epoch = s.epochs.Add(1)
	for place, one := range s.series.series.All() {
		s.series.resize(one, len(slices.DeleteFunc(s.series.open(one), func(o sample) bool { return is(one, &o) })))
		if one.count == 0 && !one.is(isListed) {
			s.series.forget(place)
		}
	}
	s.series.sweep()
}

// Spill takes out the samples that cannot change any more and that VictoriaMetrics has not taken for a minute since, so that they
// wait elsewhere, and returns them in the form of Flush.
func (s *Samples) Spill(now int64) []byte {
	var text []byte
	is := func(one *series, o *sample) bool { return o.state() == waiting && one.closed(o, now) >= spilled }
	for _, one := range s.series.series.All() {
		all := s.series.open(one)
		for i := range all {
			if o := &all[i]; is(one, o) {
				text = s.series.appendSample(text, one, o)
				s.unsafe.Add(-1)
			}
		}
	}
	if text != nil {
		s.remove(is)
	}
	return text
}

// Code writes or reads all samples, which the ledger that is given adds to at now, in ms since 1970. Those that are read wait, whether
// VictoriaMetrics had taken them or not.
func (s *Samples) Code(c *codec.Coder, l *Ledger, now int64) {
	places := make([]uint32, 0, s.series.series.Len())
	for place := range s.series.series.All() {
		places = append(places, place)
	}
	codec.List(c, &places, func(place *uint32) {
		read := s.series.code(c, place, l, now)
		if c.Reading() {
			s.unsafe.Add(int64(read))
			s.list(*place, s.series.at(*place))
		}
	})
	s.count()
}

// find finds the series of a cell, which mostly are where they were.
func (s *Samples) find(c *Cell) {
	s.found = s.appendSeries(s.found[:0], c.cell(), c.places)
	if !slices.Equal(s.found, c.places) {
		c.places = slices.Clone(s.found)
	}
	c.epoch = s.epoch
}

// manySums is how many sums are kept beside their series.
const manySums = 8192

// sum adds to the sums of series, because many cells add to the same ones, before addSums adds those to samples.
func (s *Samples) sum(to slot, places []uint32, value int64) {
	for _, place := range places {
		one := s.series.at(place)
		if one.sum == 0 {
			s.sums = append(s.sums, seriesSum{place: place})
			one.sum = uint32(len(s.sums))
		}
		s.sums[one.sum-1].value += value
	}
	if len(s.sums) > manySums {
		s.addSums(to)
	}
}

// addSums adds the sums of series to their samples.
func (s *Samples) addSums(to slot) {
	for _, sum := range s.sums {
		one := s.series.at(sum.place)
		if !one.is(isByHour) {
			s.add(sum.place, one, minuteWindow(to.minute), sum.value)
		}
		s.add(sum.place, one, hourWindow(to.hour), sum.value)
		one.sum = 0
	}
	s.sums = s.sums[:0]
}

// appendSeries appends the places of the series to which a cell adds: in every family, and of a bucket also that of all values. Before, they
// were at other places or at the same ones.
func (s *Samples) appendSeries(all []uint32, c cell, before []uint32) []uint32 {
	find := func(p *projection, key seriesKey) {
		at := uint32(noPlace)
		if len(all) < len(before) {
			at = before[len(all)]
		}
		all = append(all, s.series.find(p, key, at))
	}
	key := seriesKey{dimensions: s.series.dimensions.number(c.dimensions), measure: c.measure, part: c.part}
	var ofAll seriesKey
	if c.part == bucket {
		ofAll = seriesKey{dimensions: s.series.dimensions.number(""), measure: c.measure, part: count}
	}
	for _, p := range c.space.projections {
		if metrics[c.measure][p.key.family] == nil {
			continue
		}
		find(p, key)
		if c.part == bucket {
			find(p, ofAll)
		}
	}
	return all
}

func (s *Samples) add(place uint32, one *series, w window, value int64) {
	if s.series.add(one, w, value) {
		s.unsafe.Add(1)
	}
	s.list(place, one)
}
