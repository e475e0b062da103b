package aggregate

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

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
	text  string   // metric name and labels
	sent  bool     // whether VictoriaMetrics knows the series already
	dirty bool     // whether it is in Samples.dirty
	open  []sample // in the order of their stamps; few but after late data
}

type sample struct {
	window
	value   int64
	changed bool
}

// Samples holds the samples of the minutes and hours that are open. It must not be used by several goroutines at once,
// but for Len.
type Samples struct {
	series map[seriesKey]*series
	dirty  []*series
	pruned int64 // ms since 1970
	length atomic.Int64
}

// NewSamples returns no samples.
func NewSamples() *Samples { return &Samples{series: map[seriesKey]*series{}} }

// Len returns the number of series that have an open sample.
func (s *Samples) Len() int { return int(s.length.Load()) }

// batchBytes is about how long the batches of Flush are: long enough to be written efficiently.
const batchBytes = 1 << 20

// Flush adds up what was added and emits the samples that changed since they were last emitted, in batches in Prometheus'
// text format with timestamps in ms; without all, only those of series that were never emitted before. now is the time in
// ms since 1970.
func (s *Samples) Flush(added Additions, now int64, all bool, emit func(batch []byte)) {
	for slot, cells := range added {
		for c, value := range cells {
			s.addUp(c, slot, value)
		}
	}
	var batch []byte
	later := s.dirty[:0]
	for _, d := range s.dirty {
		if d.sent && !all {
			later = append(later, d)
			continue
		}
		batch = d.appendChanged(batch)
		d.sent = true
		d.dirty = false
		if len(batch) >= batchBytes {
			emit(batch)
			batch = make([]byte, 0, batchBytes+batchBytes/8)
		}
	}
	if len(batch) > 0 {
		emit(batch)
	}
	clear(s.dirty[len(later):])
	s.dirty = later

	if now-s.pruned > time.Minute.Milliseconds() {
		s.prune(now)
	}
	s.length.Store(int64(len(s.series)))
}

// prune forgets samples whose window has closed.
func (s *Samples) prune(now int64) {
	s.pruned = now
	for key, one := range s.series {
		open := one.open[:0]
		for _, o := range one.open {
			if o.changed || now < o.closes {
				open = append(open, o)
			}
		}
		one.open = open
		if len(open) == 0 {
			delete(s.series, key)
		}
	}
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

func (s *Samples) add(key seriesKey, w window, value int64) {
	one := s.series[key]
	if one == nil {
		one = &series{text: key.text()}
		s.series[key] = one
	}
	one.add(w, value)
	if !one.dirty {
		one.dirty = true
		s.dirty = append(s.dirty, one)
	}
}

func (s *series) add(w window, value int64) {
	i := len(s.open)
	if i > 0 && s.open[i-1].stamp >= w.stamp {
		i = sort.Search(i, func(i int) bool { return s.open[i].stamp >= w.stamp })
	}
	if i < len(s.open) && s.open[i].stamp == w.stamp {
		s.open[i].value += value
		s.open[i].changed = true
		return
	}
	s.open = slices.Insert(s.open, i, sample{window: w, value: value, changed: true})
}

func (s *series) appendChanged(b []byte) []byte {
	for i := range s.open {
		o := &s.open[i]
		if !o.changed {
			continue
		}
		o.changed = false
		b = append(b, s.text...)
		b = append(b, ' ')
		b = strconv.AppendInt(b, o.value, 10)
		b = append(b, ' ')
		b = strconv.AppendInt(b, o.stamp, 10)
		b = append(b, '\n')
	}
	return b
}

func (k seriesKey) text() string {
	m, f, r := measure.Get(k.measure), k.projection.family, measure.Minute
	if k.hour {
		r = measure.Hour
	}
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
