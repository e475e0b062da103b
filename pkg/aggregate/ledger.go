// Package aggregate adds up what happened into the series that are stored: sums per minute and per hour, in every family of
// the catalogue.
//
// Adding to a Ledger is cheap, because it touches only the finest cell. Now and then Samples take what was added, add it
// up to all families and return the samples that changed; adding goes on meanwhile.
package aggregate

import (
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
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
		measure.WriteLabel(&b, name, values[i])
	}
	return Dimensions(b.String())
}

// bucketDimensions are the labels of the buckets of distributions.
var bucketDimensions = func() (d [measure.BucketCount]Dimensions) {
	for i := range d {
		var b strings.Builder
		measure.WriteLabel(&b, measure.DimensionRange, measure.BucketRange(i))
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
	parts
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
	key    projectionKey
	labels string
	used   int64 // ms since 1970, when it was made or read
}

type projectionKey struct {
	family int // index of measure.Families
	space  Space
}

// slot is the stamps of the pair of samples into which an addition goes.
type slot struct{ minute, hour int64 }

// Additions is what was added to a Ledger, per pair of windows.
type Additions map[slot]*cells

// cells are the sums of cells.
type cells struct {
	sums  []cellSum
	index map[cell]int32 // where each is in sums
	// recent are where the cells are that were added to last, by measure and part: a batch is of one session, whose reports mostly
	// go into the same cells.
	recent [measure.IDs][parts]int32
}

type cellSum struct {
	cell
	value int64
}

func newCells() *cells { return &cells{index: map[cell]int32{}} }

func (s *cells) add(c cell, value int64) {
	recent := &s.recent[c.measure][c.part]
	if int(*recent) >= len(s.sums) || s.sums[*recent].cell != c {
		i, known := s.index[c]
		if !known {
			i = int32(len(s.sums))
			s.index[c] = i
			s.sums = append(s.sums, cellSum{cell: c})
		}
		*recent = i
	}
	s.sums[*recent].value += value
}

// Ledger collects additions. It must not be used by several goroutines at once.
type Ledger struct {
	collector   string
	spaces      map[Space]*space
	projections map[projectionKey]*projection
	pending     Additions
	lastSlot    slot
	lastCells   *cells // pending[lastSlot]
	pruned      int64  // ms since 1970
}

// New returns an empty ledger whose series carry the collector's name, so that two collectors never write the same series.
func New(collector string) *Ledger {
	return &Ledger{
		collector:   collector,
		spaces:      map[Space]*space{},
		projections: map[projectionKey]*projection{},
		pending:     Additions{},
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
		s = l.newSpace(key, now)
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
	e.ledger.cells(at, e.now).add(cell{e.space, dimensions, id, sum}, value)
}

// Observe adds value to a Distribution at the time at, in ms since 1970.
func (e Entry) Observe(id measure.ID, at, value int64) {
	to := e.ledger.cells(at, e.now)
	to.add(cell{e.space, bucketDimensions[measure.Bucket(value)], id, bucket}, 1)
	to.add(cell{e.space, "", id, sum}, value)
}

func (l *Ledger) cells(at, now int64) *cells {
	s := slot{
		minute: windowOf(at, now, measure.Minute.Length.Milliseconds()),
		hour:   windowOf(at, now, measure.Hour.Length.Milliseconds()),
	}
	if l.lastCells != nil && s == l.lastSlot {
		return l.lastCells
	}
	to := l.pending[s]
	if to == nil {
		to = newCells()
		l.pending[s] = to
	}
	l.lastSlot, l.lastCells = s, to
	return to
}

func (l *Ledger) newSpace(key Space, now int64) *space {
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
		s.projections = append(s.projections, l.projection(projectionKey{i, p}, now))
	}
	return s
}

// projection returns the one projection with a key; now is in ms since 1970.
func (l *Ledger) projection(key projectionKey, now int64) *projection {
	p := l.projections[key]
	if p != nil {
		return p
	}
	var b strings.Builder
	measure.WriteLabel(&b, measure.LabelOrganization, key.space.Organization)
	measure.WriteLabel(&b, measure.LabelCollector, l.collector)
	values := map[string]string{
		measure.LabelStream:  key.space.Stream,
		measure.LabelCountry: key.space.Country,
		measure.LabelEvent:   key.space.Event,
	}
	for _, label := range measure.Families()[key.family].Labels {
		measure.WriteLabel(&b, label, values[label])
	}
	p = &projection{key: key, labels: b.String(), used: now}
	l.projections[key] = p
	return p
}

// code codes a projection, or none; now is in ms since 1970.
func (l *Ledger) code(c *codec.Coder, p **projection, now int64) {
	family := -1
	var space Space
	if !c.Reading() && *p != nil {
		family, space = (*p).key.family, (*p).key.space
	}
	codec.Number(c, &family)
	if family < 0 || family >= len(measure.Families()) {
		return
	}
	codec.Text(c, &space.Organization)
	codec.Text(c, &space.Stream)
	codec.Text(c, &space.Country)
	codec.Text(c, &space.Event)
	if c.Reading() {
		*p = l.projection(projectionKey{family, space}, now)
	}
}

// Take returns what was added since the last Take; now is in ms since 1970.
func (l *Ledger) Take(now int64) Additions {
	taken := l.pending
	l.pending, l.lastCells = Additions{}, nil
	if now-l.pruned > time.Minute.Milliseconds() {
		l.prune(now)
	}
	return taken
}

// idle is how long a space is kept unused: longer than any window can stay open after the last addition, so that its
// projections, by which the open series are known, are not made a second time.
const idle = 3 * time.Hour

// prune forgets the spaces that are no longer in use, and then the projections that no space has.
func (l *Ledger) prune(now int64) {
	l.pruned = now
	used := map[*projection]bool{}
	for key, s := range l.spaces {
		if s.used < now-idle.Milliseconds() {
			delete(l.spaces, key)
			continue
		}
		for _, p := range s.projections {
			used[p] = true
		}
	}
	for key, p := range l.projections {
		if !used[p] && p.used < now-idle.Milliseconds() {
			delete(l.projections, key)
		}
	}
}
