// Package aggregate adds up what happened into the series that are stored: sums per minute and per hour, in every family of
// the catalogue.
//
// Adding to a Ledger is cheap, because it touches only the finest cell. Now and then Samples take what was added, add it
// up to all families and return the samples that changed; adding goes on meanwhile.
package aggregate

import (
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/compact"
	"github.com/streamlens/streamlens/pkg/measure"
)

// Space is where something happened: the labels of the families.
type Space struct {
	Organization string
	Stream       string
	Country      string
	Event        string // "" if there is none
}

// Player is with what somebody watches: the values of measure.PlayerLabels. What is "" is in none of the families with that label.
type Player struct {
	Version, OS, Browser, Device, Protocol string
}

// label returns the value of one of the labels, which may be set.
func (p *Player) label(name string) *string {
	switch name {
	case measure.DimensionVersion:
		return &p.Version
	case measure.DimensionOS:
		return &p.OS
	case measure.DimensionBrowser:
		return &p.Browser
	case measure.DimensionDevice:
		return &p.Device
	default:
		return &p.Protocol
	}
}

// Dimensions are the labels of a measure beside those of the families, rendered; see NewDimensions.
type Dimensions string

// NewDimensions renders the values of the measure's dimensions, in the catalogue's order.
func NewDimensions(id measure.ID, values ...string) Dimensions {
	var b strings.Builder
	names, length := measure.Dimensions(id), 0
	for i, name := range names {
		length += len(name) + len(values[i]) + len(`="",`)
	}
	b.Grow(length) // unless something is escaped, which is rare
	for i, name := range names {
		measure.WriteLabel(&b, name, values[i])
	}
	return Dimensions(b.String())
}

// text has Dimensions that cells share.
type text struct {
	Dimensions
	used int64 // ms since 1970, when the ledger was pruned last and kept a cell with it
}

// noText is that of cells without dimensions.
var noText = &text{}

// bucketTexts have the labels of the buckets of distributions.
var bucketTexts = func() (all [measure.BucketCount]*text) {
	for i := range all {
		var b strings.Builder
		measure.WriteLabel(&b, measure.DimensionRange, measure.BucketRange(i))
		all[i] = &text{Dimensions: Dimensions(b.String())}
	}
	return all
}()

// ofAddresses says which measures have addresses as their dimension.
var ofAddresses = func() (all [measure.IDs]bool) {
	for _, m := range measure.All() {
		all[m.ID] = slices.Contains(m.Dimensions, measure.DimensionIP)
	}
	return all
}()

// name tells the kept cells of sums with dimensions apart.
type name struct {
	space   *space
	text    *text // of the ledger
	measure measure.ID
}

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

// kind says of whom the families are into which a space is projected. What players of one kind do goes into two spaces, one of their
// stream and one of their country, because no family has both and a label of players: so many share each.
type kind uint8

const (
	ofAll kind = iota
	ofPlayersByStream
	ofPlayersByCountry
)

func kindOf(f measure.Family) kind {
	switch {
	case f.PlayerLabel() == "":
		return ofAll
	case f.Has(measure.LabelCountry):
		return ofPlayersByCountry
	}
	return ofPlayersByStream
}

// space is a Space in use, with its projections into the families.
type space struct {
	projections []*projection // in the order of measure.Families, without those that it is not in
	kind        kind
	forgotten   bool  // whether the ledger has another one, or none
	used        int64 // ms since 1970

	cells few
}

// few are cells of a space that are found without hashing what they are: all that are kept but those of sums with dimensions, of which it has
// the ones that were found last, because most players of a space are of one protocol.
type few struct {
	numbers []uint16 // at the slot of each, or with none free between behind that; 0 if there is none
	cells   []*Cell  // in the same slots
	count   int
}

// The numbers of few, beside the measures'.
const (
	plainNumber  = 1                         // of sums without dimensions
	countNumber  = plainNumber + measure.IDs // of the numbers of values, where there are no buckets
	lastNumber   = countNumber + measure.IDs // of the sum with dimensions that was found last
	bucketNumber = lastNumber + measure.IDs  // of the first bucket; those of each measure follow each other
	_            = uint16(bucketNumber + measure.IDs*measure.BucketCount)
)

// leastFew is how many slots few have at least.
const leastFew = 4

// of returns the cell with a number, nil if there was none, to be read or set.
func (f *few) of(number int) **Cell {
	if len(f.numbers) > 0 {
		if slot := f.slot(uint16(number)); f.numbers[slot] != 0 {
			return &f.cells[slot]
		}
	}
	if (f.count+1)*5 > len(f.numbers)*4 {
		before := *f
		slots := max(leastFew, len(f.numbers)+len(f.numbers)/2)
		f.numbers, f.cells = make([]uint16, slots), make([]*Cell, slots)
		for i, n := range before.numbers {
			if n != 0 {
				slot := f.slot(n)
				f.numbers[slot], f.cells[slot] = n, before.cells[i]
			}
		}
	}
	f.count++
	slot := f.slot(uint16(number))
	f.numbers[slot] = uint16(number)
	return &f.cells[slot]
}

// slot returns the slot of a number, or the free one in which it has its place.
func (f *few) slot(number uint16) int {
	const spread = 40_503 // the golden section: numbers that follow each other are far apart
	slot := int(number*spread) * len(f.numbers) >> 16
	for f.numbers[slot] != number && f.numbers[slot] != 0 {
		if slot++; slot == len(f.numbers) {
			slot = 0
		}
	}
	return slot
}

// Cell is a cell that is kept from one addition to the next, with what was found out about it. There may be several of one kind. It is packed,
// because there are many: what it is comes first, as in cell.
type Cell struct {
	space   *space
	text    *text
	measure measure.ID
	part    part
	epoch   uint32   // of Samples: that in which its series are at places; 0 if none was found yet
	places  []uint32 // of Samples: those of the series to which it adds
	// Of the ledger: where it is in the cells of two slots that it was added to last, of even and of odd minutes: what reports of one minute and
	// of the next say comes by turns.
	generations [2]uint32
	at          [2]int32
}

func newCell(in *space, of *text, id measure.ID, part part) *Cell {
	return &Cell{space: in, text: of, measure: id, part: part}
}

// cell returns what it is.
func (c *Cell) cell() cell { return cell{c.space, c.text.Dimensions, c.measure, c.part} }

func (c *Cell) name() name { return name{c.space, c.text, c.measure} }

// generation returns that in which it was added to last.
func (c *Cell) generation() uint32 { return max(c.generations[0], c.generations[1]) }

// projection is what remains of a Space in one family.
type projection struct {
	key    projectionKey
	labels string
	used   int64 // ms since 1970, when it was made or read
}

type projectionKey struct {
	family int // index of measure.Families
	spaceKey
}

// spaceKey is a Space, of what players of one kind do in it or, with the zero Player, of all.
type spaceKey struct {
	Space
	Player
}

// placeKey is by what a space is found.
type placeKey struct {
	spaceKey
	kind kind
}

// slot is the stamps of the pair of samples into which an addition goes.
type slot struct{ minute, hour int64 }

// Additions is what was added to a Ledger, per pair of windows. It can be added up once.
type Additions struct {
	slots map[slot]*cells
	free  *spare
}

// release gives the memory back to the ledger.
func (a Additions) release() {
	for s, c := range a.slots {
		a.free.put(c)
		delete(a.slots, s)
	}
}

// cells are the sums of cells.
type cells struct {
	generation uint32 // tells them from others, and from themselves when they are used again
	odd        uint8  // 1 for the slot of an odd minute, else 0
	settled    uint32 // the generation from which on a cell that was added to is settled
	kept       []keptSum
	unsettled  []int32        // where in kept the cells are that were not settled
	sums       []cellSum      // of those that nobody keeps
	index      map[cell]int32 // where each is in sums
	// recent are where the cells are that were added to last, by measure and part: a batch is of one session, whose reports mostly
	// go into the same cells.
	recent [measure.IDs][parts]int32
}

type keptSum struct {
	*Cell
	value int64
}

type cellSum struct {
	cell
	value int64
}

// spare are cells to be used again. A sync.Pool would lose them at each garbage collection, and so let them grow from nothing about every second.
type spare struct {
	mu    sync.Mutex
	cells []*cells
}

// maxSpare is how many are kept: those of the slot that is added to, of the one before, and of what is taken of both.
const maxSpare = 4

func (s *spare) get() *cells {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.cells) - 1
	if last < 0 {
		return &cells{index: map[cell]int32{}}
	}
	c := s.cells[last]
	s.cells = s.cells[:last]
	return c
}

// put keeps cells that have been in use, unless they have room for far more than that took.
func (s *spare) put(c *cells) {
	const some = 1024
	if cap(c.kept)+cap(c.sums) > some+8*(len(c.kept)+len(c.sums)) {
		return
	}
	c.empty()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cells) < maxSpare {
		s.cells = append(s.cells, c)
	}
}

// empty makes cells ready to be used again.
func (s *cells) empty() {
	clear(s.kept)
	clear(s.sums)
	clear(s.index)
	s.kept, s.unsettled, s.sums = s.kept[:0], s.unsettled[:0], s.sums[:0]
}

// takeUnsettled moves what was added to cells that are not settled, which are settled then.
func (s *cells) takeUnsettled(to *cells) {
	for _, at := range s.unsettled {
		to.kept = append(to.kept, s.kept[at])
		s.kept[at].value = 0
	}
	s.unsettled = s.unsettled[:0]
	s.sums, to.sums = to.sums, s.sums
	s.index, to.index = to.index, s.index
}

func (s *cells) addKept(c *Cell, value int64) {
	if c.generations[s.odd] != s.generation {
		if c.generation() < s.settled {
			s.unsettled = append(s.unsettled, int32(len(s.kept)))
		}
		c.generations[s.odd], c.at[s.odd] = s.generation, int32(len(s.kept))
		s.kept = append(s.kept, keptSum{Cell: c})
	}
	s.kept[c.at[s.odd]].value += value
}

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
	spaces      map[placeKey]*space
	projections map[projectionKey]*projection
	named       compact.Pieces[*Cell] // the kept cells of sums with dimensions
	byName      *compact.Index        // of named
	texts       map[Dimensions]*text  // of named
	seed        maphash.Seed          // of the hashes of byName
	pending     Additions
	free        *spare // which comes back from Samples
	generation  uint32 // of the cells that were used last
	prunedAt    uint32 // the generation when spaces were pruned last
	hour        int64  // the stamp of the latest hour that was added to
	settled     uint32 // the first generation of that hour: cells that were added to since then have been taken in it
	lastSlot    slot
	lastCells   *cells        // pending[lastSlot]
	lastMinute  int64         // ms since 1970, the minute of what lastCells were found for last
	lastNow     int64         // likewise, when it became known
	pruned      int64         // ms since 1970
	epochs      atomic.Uint32 // numbers those of all Samples of the ledger, from 1
}

// New returns an empty ledger whose series carry the collector's name, so that two collectors never write the same series.
func New(collector string) *Ledger {
	l := &Ledger{
		collector:   collector,
		spaces:      map[placeKey]*space{},
		projections: map[projectionKey]*projection{},
		texts:       map[Dimensions]*text{},
		seed:        maphash.MakeSeed(),
		free:        &spare{},
	}
	l.byName = compact.NewIndex(func(place uint32) uint64 { return l.hash((*l.named.At(place)).name()) })
	l.pending = l.additions()
	return l
}

func (l *Ledger) additions() Additions { return Additions{map[slot]*cells{}, l.free} }

// Entry adds to one space what became known at one time. It must not be kept.
type Entry struct {
	ledger *Ledger
	space  *space
	now    int64
}

// PlayerEntry adds what players of one kind do to one space: to the families with labels of players, which are without events and
// without the buckets of distributions. It must not be kept.
type PlayerEntry struct{ byStream, byCountry Entry }

// Add is that of Entry.
func (e PlayerEntry) Add(id measure.ID, at, value int64, dimensions Dimensions) {
	e.byStream.Add(id, at, value, dimensions)
	e.byCountry.Add(id, at, value, dimensions)
}

// AddValues adds so many values, with their sum, to a Distribution at the time at, in ms since 1970.
func (e PlayerEntry) AddValues(id measure.ID, at, values, sum int64) {
	for _, to := range [...]Entry{e.byStream, e.byCountry} {
		cells := to.ledger.cells(at, to.now)
		cells.addKept(to.space.count(id), values)
		cells.addKept(to.ledger.sum(to.space, id, ""), sum)
	}
}

// Place remembers where something adds to, so that it is looked up once. It is of one Space and one Player, or none, and its zero value
// remembers nothing.
type Place struct{ all, byStream, byCountry *space }

// Entry returns an Entry for the space; now is the time of receipt in ms since 1970, which must not go back.
func (l *Ledger) Entry(at Space, now int64) Entry { return l.EntryAt(&Place{}, &at, now) }

// EntryAt returns an Entry for a space whose place may be known.
func (l *Ledger) EntryAt(p *Place, at *Space, now int64) Entry {
	if !p.all.inUse(now) {
		p.all = l.space(placeKey{spaceKey{Space: *at}, ofAll}, now)
	}
	return Entry{l, p.all, now}
}

// PlayerEntryAt returns a PlayerEntry for what players of one kind do in a space, whose place may be known.
func (l *Ledger) PlayerEntryAt(p *Place, at *Space, player *Player, now int64) PlayerEntry {
	if !p.byStream.inUse(now) {
		p.byStream = l.space(placeKey{spaceKey{Space{Organization: at.Organization, Stream: at.Stream}, *player}, ofPlayersByStream}, now)
	}
	if !p.byCountry.inUse(now) {
		p.byCountry = l.space(placeKey{spaceKey{Space{Organization: at.Organization, Country: at.Country}, *player}, ofPlayersByCountry}, now)
	}
	return PlayerEntry{Entry{l, p.byStream, now}, Entry{l, p.byCountry, now}}
}

// inUse reports whether the ledger has the space, and notes that it is used; now is in ms since 1970.
func (s *space) inUse(now int64) bool {
	if s == nil || s.forgotten {
		return false
	}
	s.used = now
	return true
}

func (l *Ledger) space(key placeKey, now int64) *space {
	s := l.spaces[key]
	if s == nil {
		s = l.newSpace(key, now)
		l.spaces[key] = s
	}
	s.used = now
	return s
}

// Add adds value to a Sum at the time at, in ms since 1970.
func (e Entry) Add(id measure.ID, at, value int64, dimensions Dimensions) {
	if value == 0 {
		return
	}
	to := e.ledger.cells(at, e.now)
	if ofAddresses[id] {
		to.add(cell{e.space, dimensions, id, sum}, value)
		return
	}
	to.addKept(e.ledger.sum(e.space, id, dimensions), value)
}

// Cell returns the cell of a Sum, which others share.
func (e Entry) Cell(id measure.ID, dimensions Dimensions) *Cell {
	return e.ledger.sum(e.space, id, dimensions)
}

// OwnCell returns a cell of a Sum for one alone, because there are many values of its dimension.
func (e Entry) OwnCell(id measure.ID, dimensions Dimensions) *Cell {
	return newCell(e.space, &text{Dimensions: dimensions}, id, sum)
}

// Has reports whether a cell, which may be nil, is of the entry's space, so that AddTo may add to it.
func (e Entry) Has(c *Cell) bool { return c != nil && c.space == e.space }

// AddTo is Add for a cell that the entry has.
func (e Entry) AddTo(c *Cell, at, value int64) {
	if value != 0 {
		e.ledger.cells(at, e.now).addKept(c, value)
	}
}

// Observe adds value to a Distribution at the time at, in ms since 1970.
func (e Entry) Observe(id measure.ID, at, value int64) {
	e.CountValue(id, at, value)
	e.AddValues(id, at, value)
}

// CountValue is Observe without the sum of the values, which AddValues adds.
func (e Entry) CountValue(id measure.ID, at, value int64) {
	e.ledger.cells(at, e.now).addKept(e.space.bucket(id, measure.Bucket(value)), 1)
}

// AddValues adds to the sum of the values of a Distribution at the time at, in ms since 1970.
func (e Entry) AddValues(id measure.ID, at, sum int64) {
	e.ledger.cells(at, e.now).addKept(e.ledger.sum(e.space, id, ""), sum)
}

// sum returns the kept cell of a sum.
func (l *Ledger) sum(in *space, id measure.ID, d Dimensions) *Cell {
	if d == "" {
		return in.kept(plainNumber+int(id), noText, id, sum)
	}
	last := in.cells.of(lastNumber + int(id))
	if *last == nil || (*last).text.Dimensions != d {
		*last = l.nameSum(in, id, d)
	}
	return *last
}

func (l *Ledger) hash(n name) uint64 { return maphash.Comparable(l.seed, n) }

// nameSum returns the kept cell of a sum with dimensions.
func (l *Ledger) nameSum(in *space, id measure.ID, d Dimensions) *Cell {
	of := l.texts[d]
	if of == nil {
		of = &text{Dimensions: d}
		l.texts[d] = of
	}
	key := name{in, of, id}
	place, found := l.byName.Find(l.hash(key), func(place uint32) bool { return (*l.named.At(place)).name() == key })
	if found {
		return *l.named.At(place)
	}
	c := newCell(in, of, id, sum)
	place, at := l.named.Add()
	*at = c
	l.byName.Add(place)
	return c
}

// kept returns the kept cell with a number of few.
func (s *space) kept(number int, of *text, id measure.ID, part part) *Cell {
	c := s.cells.of(number)
	if *c == nil {
		*c = newCell(s, of, id, part)
	}
	return *c
}

// bucket returns the kept cell of a bucket.
func (s *space) bucket(id measure.ID, n int) *Cell {
	return s.kept(bucketNumber+int(id)*measure.BucketCount+n, bucketTexts[n], id, bucket)
}

// count returns the kept cell of the number of values.
func (s *space) count(id measure.ID) *Cell { return s.kept(countNumber+int(id), noText, id, count) }

// forgetNamed lets go of the cells of sums with dimensions that nothing was added to since the last time, and of the texts that no other has: there
// are more and more of referrers, and of how long plays lasted. now is in ms since 1970.
func (l *Ledger) forgetNamed(now int64) {
	for place, at := range l.named.All() {
		c := *at
		if c.generation() <= l.prunedAt {
			l.byName.Remove(place)
			l.named.Remove(place)
			continue
		}
		c.text.used = now
	}
	for d, of := range l.texts {
		if of.used != now {
			delete(l.texts, d)
		}
	}
}

func (l *Ledger) cells(at, now int64) *cells {
	if sinceMinute := at - l.lastMinute; l.lastCells != nil && now == l.lastNow && 0 <= sinceMinute && sinceMinute < minute {
		return l.lastCells
	}
	l.lastMinute, l.lastNow = at-at%minute, now
	s := slot{
		minute: windowOf(at, now, minute),
		hour:   windowOf(at, now, hour),
	}
	if l.lastCells != nil && s == l.lastSlot {
		return l.lastCells
	}
	to := l.pending.slots[s]
	if to == nil {
		to = l.free.get()
		l.generation++
		to.generation, to.settled, to.odd = l.generation, l.settledIn(s.hour), uint8(s.minute/minute&1)
		l.pending.slots[s] = to
	}
	l.lastSlot, l.lastCells = s, to
	return to
}

// settledIn returns the generation from which on a cell that was added to is settled in an hour: in a new one and in those before it, none is.
func (l *Ledger) settledIn(hour int64) uint32 {
	switch {
	case hour < l.hour:
		return math.MaxUint32
	case hour > l.hour:
		l.hour, l.settled = hour, l.generation
	}
	return l.settled
}

func (l *Ledger) newSpace(key placeKey, now int64) *space {
	s := &space{kind: key.kind}
	for i, f := range measure.Families() {
		label := f.PlayerLabel()
		if kindOf(f) != key.kind || label != "" && *key.label(label) == "" || f.Has(measure.LabelEvent) && key.Event == "" {
			continue
		}
		p := spaceKey{Space: Space{Organization: key.Organization}}
		if f.Has(measure.LabelStream) {
			p.Stream = key.Stream
		}
		if f.Has(measure.LabelCountry) {
			p.Country = key.Country
		}
		if f.Has(measure.LabelEvent) {
			p.Event = key.Event
		}
		if label != "" {
			*p.label(label) = *key.label(label)
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
	measure.WriteLabel(&b, measure.LabelOrganization, key.Organization)
	measure.WriteLabel(&b, measure.LabelCollector, l.collector)
	values := map[string]string{
		measure.LabelStream:  key.Stream,
		measure.LabelCountry: key.Country,
		measure.LabelEvent:   key.Event,
	}
	if label := measure.Families()[key.family].PlayerLabel(); label != "" {
		values[label] = *key.label(label)
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
	var space spaceKey
	if !c.Reading() && *p != nil {
		family, space = (*p).key.family, (*p).key.spaceKey
	}
	codec.Number(c, &family)
	if family < 0 || family >= len(measure.Families()) {
		return
	}
	codec.Text(c, &space.Organization)
	codec.Text(c, &space.Stream)
	codec.Text(c, &space.Country)
	codec.Text(c, &space.Event)
	if label := measure.Families()[family].PlayerLabel(); label != "" {
		codec.Text(c, space.label(label))
	}
	if c.Reading() {
		*p = l.projection(projectionKey{family, space}, now)
	}
}

// TakeUnsettled returns what was added since the last time to cells of which nothing was taken in this hour, so that VictoriaMetrics may not know
// their series yet.
func (l *Ledger) TakeUnsettled() Additions {
	taken := l.additions()
	for slot, from := range l.pending.slots {
		if len(from.unsettled)+len(from.sums) > 0 {
			to := l.free.get()
			from.takeUnsettled(to)
			taken.slots[slot] = to
		}
	}
	return taken
}

// Pending returns the number of sums that were not taken, or were and may have grown.
func (l *Ledger) Pending() int {
	n := 0
	for _, of := range l.pending.slots {
		n += len(of.kept) + len(of.sums)
	}
	return n
}

// Take returns all that was added and was not taken yet; now is in ms since 1970.
func (l *Ledger) Take(now int64) Additions {
	taken := l.pending
	l.pending, l.lastCells = l.additions(), nil
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
			s.forgotten = true
			delete(l.spaces, key)
			continue
		}
		if s.used < now-time.Minute.Milliseconds() {
			s.cells = few{} // and so of the series that they add to
		}
		for _, p := range s.projections {
			used[p] = true
		}
	}
	l.forgetNamed(now)
	for key, p := range l.projections {
		if !used[p] && p.used < now-idle.Milliseconds() {
			delete(l.projections, key)
		}
	}
	l.prunedAt = l.generation
}
