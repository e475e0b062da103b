package aggregate

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/measure"
)

// seriesKey identifies a stored series.
type seriesKey struct {
	projection *projection
	dimensions Dimensions
	measure    measure.ID
	part       part
	hour       bool
}

type series struct {
	text   string   // metric name and labels
	open   []sample // in the order of their stamps; few but after late data
	length int32    // of its buckets, ms; 0 if its samples do not grow
	known  bool     // whether VictoriaMetrics was given it before
	listed bool     // whether it is in Samples.waiting
}

// sample is small, because there are many.
type sample struct {
	stamp int64 // ms since 1970
	value int64
	taken uint32 // s since 1970, rounded up, at which VictoriaMetrics took it last
	state state
}

// closed returns for how many ms a sample has been closed, less than 0 if it is not; now is in ms since 1970.
func (s *series) closed(o *sample, now int64) int64 {
	if s.length == 0 {
		return now - o.stamp
	}
	return now - closes(o.stamp, int64(s.length))
}

// takenAt returns when VictoriaMetrics took a sample last, in ms since 1970.
func (o *sample) takenAt() int64 { return int64(o.taken) * 1000 }

// state is how far a sample is on its way to VictoriaMetrics.
type state uint8

const (
	waiting state = iota // it changed since it was handed out last
	flying               // it is handed out, and VictoriaMetrics may or may not take it
	settled              // VictoriaMetrics has taken it
)

// Kept is how long VictoriaMetrics must have run on after it took a sample, in ms, until the sample is safe: killed, it forgets up to
// 14 s of what it has acknowledged.
const Kept = 60_000

// spilled is how long after its window has closed a sample that VictoriaMetrics does not take is held in memory, in ms.
const spilled = 60_000

// Samples holds the samples of the minutes and hours that are open, and those that are not safe in VictoriaMetrics yet. It must
// not be used by several goroutines at once, but for Len and Waiting.
type Samples struct {
	series   map[seriesKey]*series
	restored map[string]*series // by their text: series of before a restart to which nothing was added since, and those of Put
	waiting  []*series          // those with a sample that waits
	flying   []*series          // those with samples that are handed out
	length   atomic.Int64
	unsafe   atomic.Int64 // number of samples that wait or fly
}

// NewSamples returns no samples.
func NewSamples() *Samples {
	return &Samples{series: map[seriesKey]*series{}, restored: map[string]*series{}}
}

// Len returns the number of series that have a sample.
func (s *Samples) Len() int { return int(s.length.Load()) }

// Waiting returns the number of samples that VictoriaMetrics has not taken with their present value.
func (s *Samples) Waiting() int { return int(s.unsafe.Load()) }

// batchBytes is about how long the batches of Flush are: long enough to be written efficiently.
const batchBytes = 1 << 20

// Add adds up what was added to a ledger.
func (s *Samples) Add(added Additions) {
	for slot, cells := range added {
		for c, value := range cells {
			s.addUp(c, slot, value)
		}
	}
	s.length.Store(int64(len(s.series) + len(s.restored)))
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
		one := s.restored[name+"}"]
		if one == nil {
			one = &series{text: name + "}"}
			s.restored[one.text] = one
		}
		if one.add(at, number) {
			s.unsafe.Add(1)
		}
		s.list(one)
	}
	return nil
}

// flushBytes is about how much Flush hands out at once, so that it takes little memory, and little is handed out again if
// VictoriaMetrics does not take it.
const flushBytes = 16 << 20

// Flush hands out the samples that wait, in batches in Prometheus' text format with timestamps in ms; without all, only those of
// series that VictoriaMetrics does not know. It returns whether that was everything. Before the next Flush, Taken or Refused must
// say what became of them.
func (s *Samples) Flush(all bool, emit func(batch []byte)) (whole bool) {
	var batch []byte
	emitted := 0
	later := s.waiting[:0]
	whole = true
	for _, w := range s.waiting {
		if w.known && !all || !whole {
			later = append(later, w)
			continue
		}
		batch = w.appendWaiting(batch)
		w.known, w.listed = true, false
		s.flying = append(s.flying, w)
		if len(batch) >= batchBytes {
			emit(batch)
			emitted += len(batch)
			batch = make([]byte, 0, batchBytes+batchBytes/8)
			whole = emitted < flushBytes
		}
	}
	if len(batch) > 0 {
		emit(batch)
	}
	clear(s.waiting[len(later):])
	s.waiting = later
	return whole
}

// Taken says that VictoriaMetrics has taken what Flush handed out, at now in ms since 1970.
func (s *Samples) Taken(now int64) {
	for _, one := range s.flying {
		for i := range one.open {
			if o := &one.open[i]; o.state == flying {
				o.state, o.taken = settled, uint32((now+999)/1000)
				s.unsafe.Add(-1)
			}
		}
	}
	s.landed()
}

// Refused says that VictoriaMetrics has not taken what Flush handed out, or not all of it: it waits again.
func (s *Samples) Refused() {
	for _, one := range s.flying {
		for i := range one.open {
			if o := &one.open[i]; o.state == flying {
				o.state = waiting
				s.list(one)
			}
		}
	}
	s.landed()
}

func (s *Samples) landed() {
	clear(s.flying)
	s.flying = s.flying[:0]
}

// Again lets the samples wait that VictoriaMetrics took after since, in ms since 1970: it may have forgotten them.
func (s *Samples) Again(since int64) {
	s.each(func(one *series) {
		for i := range one.open {
			if o := &one.open[i]; o.state == settled && o.takenAt() > since {
				o.state = waiting
				s.unsafe.Add(1)
				s.list(one)
			}
		}
	})
}

func (s *Samples) each(do func(*series)) {
	for _, one := range s.series {
		do(one)
	}
	for _, one := range s.restored {
		do(one)
	}
}

// list puts a series into the list of those with a sample that waits.
func (s *Samples) list(one *series) {
	if !one.listed {
		one.listed = true
		s.waiting = append(s.waiting, one)
	}
}

// Prune forgets samples whose window has closed and that are safe. VictoriaMetrics has run on at least until confirmed; both times
// are in ms since 1970.
func (s *Samples) Prune(now, confirmed int64) {
	s.remove(func(one *series, o *sample) bool {
		return o.state == settled && confirmed-o.takenAt() >= Kept && one.closed(o, now) >= 0
	})
	s.length.Store(int64(len(s.series) + len(s.restored)))
}

// remove forgets the samples for which is returns true, and the series that have none left.
func (s *Samples) remove(is func(*series, *sample) bool) {
	for key, one := range s.series {
		if one.remove(is); len(one.open) == 0 && !one.listed {
			delete(s.series, key)
		}
	}
	for text, one := range s.restored {
		if one.remove(is); len(one.open) == 0 && !one.listed {
			delete(s.restored, text)
		}
	}
}

func (s *series) remove(is func(*series, *sample) bool) {
	s.open = slices.DeleteFunc(s.open, func(o sample) bool { return is(s, &o) })
}

// Spill takes out the samples that cannot change any more and that VictoriaMetrics has not taken for a minute since, so that they
// wait elsewhere, and returns them in the form of Flush.
func (s *Samples) Spill(now int64) []byte {
	var text []byte
	is := func(one *series, o *sample) bool { return o.state == waiting && one.closed(o, now) >= spilled }
	s.each(func(one *series) {
		for i := range one.open {
			if o := &one.open[i]; is(one, o) {
				text = one.appendSample(text, o)
				s.unsafe.Add(-1)
			}
		}
	})
	if text != nil {
		s.remove(is)
	}
	return text
}

// Code writes or reads all samples. Those that are read wait, whether VictoriaMetrics had taken them or not.
func (s *Samples) Code(c *codec.Coder) {
	count := len(s.series) + len(s.restored)
	codec.Number(c, &count)
	if !c.Reading() {
		s.each(func(one *series) { one.code(c) })
		return
	}
	for range count {
		one := &series{}
		one.code(c)
		if c.Err() != nil {
			return
		}
		s.restored[one.text] = one
		s.unsafe.Add(int64(len(one.open)))
		s.list(one)
	}
	s.length.Store(int64(len(s.restored)))
}

func (s *series) code(c *codec.Coder) {
	c.Unique(&s.text)
	codec.Number(c, &s.length)
	last := int64(0)
	codec.List(c, &s.open, func(o *sample) {
		c.Near(&o.stamp, last)
		codec.Number(c, &o.value)
		last = o.stamp
	})
}

func (s *Samples) addUp(c cell, slot slot, value int64) {
	m := measure.Get(c.measure)
	for _, p := range c.space.projections {
		if !m.In(p.family) {
			continue
		}
		s.add(seriesKey{p, c.dimensions, c.measure, c.part, false}, slot.minute, value)
		s.add(seriesKey{p, c.dimensions, c.measure, c.part, true}, slot.hour, value)
		if c.part == bucket {
			s.add(seriesKey{p, "", c.measure, count, false}, slot.minute, value)
			s.add(seriesKey{p, "", c.measure, count, true}, slot.hour, value)
		}
	}
}

func (s *Samples) add(key seriesKey, stamp, value int64) {
	one := s.series[key]
	if one == nil {
		text := key.text()
		if one = s.restored[text]; one == nil {
			one = &series{text: text, length: int32(key.resolution().Length.Milliseconds())}
		}
		delete(s.restored, text)
		s.series[key] = one
	}
	if one.add(stamp, value) {
		s.unsafe.Add(1)
	}
	s.list(one)
}

// add adds to the sample with the stamp, and returns whether the sample did not wait before.
func (s *series) add(stamp, value int64) bool {
	i := len(s.open)
	if i > 0 && s.open[i-1].stamp >= stamp {
		i = sort.Search(i, func(i int) bool { return s.open[i].stamp >= stamp })
	}
	if i == len(s.open) || s.open[i].stamp != stamp {
		s.open = slices.Insert(s.open, i, sample{stamp: stamp, value: value})
		return true
	}
	o := &s.open[i]
	o.value += value
	was := o.state
	o.state = waiting
	return was == settled
}

func (s *series) appendWaiting(b []byte) []byte {
	for i := range s.open {
		if o := &s.open[i]; o.state == waiting {
			o.state = flying
			b = s.appendSample(b, o)
		}
	}
	return b
}

func (s *series) appendSample(b []byte, o *sample) []byte {
	b = append(b, s.text...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, o.value, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, o.stamp, 10)
	return append(b, '\n')
}

func (k seriesKey) resolution() measure.Resolution {
	if k.hour {
		return measure.Hour
	}
	return measure.Minute
}

func (k seriesKey) text() string {
	m, f, r := measure.Get(k.measure), k.projection.family, k.resolution()
	var name string
	switch {
	case m.Kind == measure.Sum:
		name = m.Metric(f, r)
	case k.part == bucket:
		name = m.BucketMetric(f, r)
	case k.part == count:
		name = m.CountMetric(f, r)
	default:
		name = m.SumMetric(f, r)
	}
	return name + "{" + strings.TrimSuffix(k.projection.labels+string(k.dimensions), ",") + "}"
}
