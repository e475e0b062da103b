// Package aggregate adds up what happened into the series that are stored: sums per minute and per hour, in every family of
// the catalogue.
//
// Adding is cheap, because it touches only the finest cell; Flush adds the cells up to all families and returns the samples
// that changed.
package aggregate

import (
	"strconv"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

// Space is where something happened: the labels of the families.
type Space struct {
	Organization string
	Stream       string
	Country      string
	Event        string // "" if there is none
}

// Dimensions are the labels of a measure beside those of the families, rendered; see NewDimensions.
type Dimensions string

// NewDimensions renders the values of the measure's dimensions, in the catalogue's order.
func NewDimensions(id measure.ID, values ...string) Dimensions {
	var b strings.Builder
	for i, name := range measure.Get(id).Dimensions {
		writeLabel(&b, name, values[i])
	}
	return Dimensions(b.String())
}

// bucketDimensions are the labels of the buckets of distributions.
var bucketDimensions = func() (d [measure.BucketCount]Dimensions) {
	for i := range d {
		var b strings.Builder
		writeLabel(&b, measure.DimensionRange, measure.BucketRange(i))
		d[i] = Dimensions(b.String())
	}
	return d
}()

// part tells the metrics of one measure apart.
type part uint8

const (
	sum part = iota // of a Sum, and of the values of a Distribution
	bucket
	count
)

// cell is the finest unit that is added up.
type cell struct {
	space      *space
	dimensions Dimensions
	measure    measure.ID
	part       part
}

// space is a Space in use, with its projections into the families.
type space struct {
	projections []*projection // indexed like measure.Families, without that of the event if there is none
	used        int64         // ms since 1970
}

// projection is what remains of a Space in one family.
type projection struct {
	family measure.Family
	labels string
	used   int64 // ms since 1970
}

type projectionKey struct {
	family int
	space  Space
}

// slot is the pair of windows into which an addition goes.
type slot struct{ minute, hour window }

// seriesKey identifies a stored series.
type seriesKey struct {
	projection *projection
	dimensions Dimensions
	measure    measure.ID
	part       part
	hour       bool
}

type series struct {
	text  string // metric name and labels
	sent  bool   // whether VictoriaMetrics knows the series already
	dirty bool   // whether it is in Ledger.dirty
	open  []sample
}

type sample struct {
	window
	value   int64
	changed bool
}

// Ledger adds up. It must not be used by several goroutines at once.
type Ledger struct {
	collector   string
	spaces      map[Space]*space
	projections map[projectionKey]*projection
	pending     map[slot]map[cell]int64
	lastSlot    slot
	lastCells   map[cell]int64 // pending[lastSlot]
	series      map[seriesKey]*series
	dirty       []*series
	pruned      int64
}

// New returns an empty ledger whose series carry the collector's name, so that two collectors never write the same series.
func New(collector string) *Ledger {
	return &Ledger{
		collector:   collector,
		spaces:      map[Space]*space{},
		projections: map[projectionKey]*projection{},
		pending:     map[slot]map[cell]int64{},
		series:      map[seriesKey]*series{},
	}
}

// Entry adds to one space what became known at one time. It must not be kept.
type Entry struct {
	ledger *Ledger
	space  *space
	now    int64
}

// Entry returns an Entry for the space; now is the time of receipt in ms since 1970, which must not go back.
func (l *Ledger) Entry(key Space, now int64) Entry {
	s := l.spaces[key]
	if s == nil {
		s = l.newSpace(key)
		l.spaces[key] = s
	}
	s.used = now
	return Entry{l, s, now}
}

// Add adds value to a Sum at the time at, in ms since 1970.
func (e Entry) Add(id measure.ID, at, value int64, dimensions Dimensions) {
	if value == 0 {
		return
	}
	e.ledger.cells(at, e.now)[cell{e.space, dimensions, id, sum}] += value
}

// Observe adds value to a Distribution at the time at, in ms since 1970.
func (e Entry) Observe(id measure.ID, at, value int64) {
	cells := e.ledger.cells(at, e.now)
	cells[cell{e.space, bucketDimensions[measure.Bucket(value)], id, bucket}]++
	cells[cell{e.space, "", id, sum}] += value
}

func (l *Ledger) cells(at, now int64) map[cell]int64 {
	s := slot{
		minute: windowOf(at, now, measure.Minute.Length.Milliseconds()),
		hour:   windowOf(at, now, measure.Hour.Length.Milliseconds()),
	}
	if l.lastCells != nil && s == l.lastSlot {
		return l.lastCells
	}
	cells := l.pending[s]
	if cells == nil {
		cells = map[cell]int64{}
		l.pending[s] = cells
	}
	l.lastSlot, l.lastCells = s, cells
	return cells
}

func (l *Ledger) newSpace(key Space) *space {
	s := &space{}
	for i, f := range measure.Families() {
		if f.Has(measure.LabelEvent) && key.Event == "" {
			continue
		}
		p := Space{Organization: key.Organization}
		if f.Has(measure.LabelStream) {
			p.Stream = key.Stream
		}
		if f.Has(measure.LabelCountry) {
			p.Country = key.Country
		}
		if f.Has(measure.LabelEvent) {
			p.Event = key.Event
		}
		s.projections = append(s.projections, l.projection(projectionKey{i, p}, f))
	}
	return s
}

func (l *Ledger) projection(key projectionKey, f measure.Family) *projection {
	p := l.projections[key]
	if p != nil {
		return p
	}
	var b strings.Builder
	writeLabel(&b, measure.LabelOrganization, key.space.Organization)
	writeLabel(&b, measure.LabelCollector, l.collector)
	values := map[string]string{
		measure.LabelStream:  key.space.Stream,
		measure.LabelCountry: key.space.Country,
		measure.LabelEvent:   key.space.Event,
	}
	for _, label := range f.Labels {
		writeLabel(&b, label, values[label])
	}
	p = &projection{family: f, labels: b.String()}
	l.projections[key] = p
	return p
}

// Flush appends to b the samples that changed since they were last returned, in Prometheus' text format with timestamps in
// ms; without all, only those of series that were never returned before. now is the time in ms since 1970.
func (l *Ledger) Flush(b []byte, now int64, all bool) []byte {
	for s, cells := range l.pending {
		for c, value := range cells {
			l.addUp(c, s, value, now)
		}
	}
	clear(l.pending)
	l.lastCells = nil

	later := l.dirty[:0]
	for _, s := range l.dirty {
		if s.sent && !all {
			later = append(later, s)
			continue
		}
		b = s.appendChanged(b)
		s.sent = true
		s.dirty = false
	}
	clear(l.dirty[len(later):])
	l.dirty = later

	if now-l.pruned > time.Minute.Milliseconds() {
		l.prune(now)
	}
	return b
}

func (l *Ledger) addUp(c cell, s slot, value, now int64) {
	m := measure.Get(c.measure)
	for _, p := range c.space.projections {
		if !m.In(p.family) {
			continue
		}
		p.used = now
		l.add(seriesKey{p, c.dimensions, c.measure, c.part, false}, s.minute, value)
		l.add(seriesKey{p, c.dimensions, c.measure, c.part, true}, s.hour, value)
		if c.part == bucket {
			l.add(seriesKey{p, "", c.measure, count, false}, s.minute, value)
			l.add(seriesKey{p, "", c.measure, count, true}, s.hour, value)
		}
	}
}

func (l *Ledger) add(key seriesKey, w window, value int64) {
	s := l.series[key]
	if s == nil {
		s = &series{text: key.text()}
		l.series[key] = s
	}
	s.add(w, value)
	if !s.dirty {
		s.dirty = true
		l.dirty = append(l.dirty, s)
	}
}

func (s *series) add(w window, value int64) {
	for i := range s.open {
		if s.open[i].stamp == w.stamp {
			s.open[i].value += value
			s.open[i].changed = true
			return
		}
	}
	s.open = append(s.open, sample{window: w, value: value, changed: true})
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

// idle is how long a space or a projection is kept unused: longer than any window can stay open after the last addition.
const idle = 3 * time.Hour

// prune forgets samples whose window has closed, and everything that is no longer in use.
func (l *Ledger) prune(now int64) {
	l.pruned = now
	for key, s := range l.series {
		open := s.open[:0]
		for _, o := range s.open {
			if o.changed || now < o.closes {
				open = append(open, o)
			}
		}
		s.open = open
		if len(open) == 0 {
			delete(l.series, key)
		}
	}
	unused := now - idle.Milliseconds()
	for key, s := range l.spaces {
		if s.used < unused {
			delete(l.spaces, key)
			continue
		}
		for _, p := range s.projections {
			p.used = max(p.used, s.used) // a second projection of the same labels would start its sums anew
		}
	}
	for key, p := range l.projections {
		if p.used < unused {
			delete(l.projections, key)
		}
	}
}

// Series returns the number of series that have an open sample.
func (l *Ledger) Series() int { return len(l.series) }

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

// labelEscapes are those of Prometheus' text format.
var labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func writeLabel(b *strings.Builder, name, value string) {
	b.WriteString(name)
	b.WriteString(`="`)
	b.WriteString(labelEscapes.Replace(value))
	b.WriteString(`",`)
}
