package play

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/streamlens/streamlens/pkg/event"
)

// timelineVersion is the first byte of a timeline; see docs/plays.md for the form that it stands for.
const timelineVersion = 1

var timelineEncoding = base64.RawStdEncoding

const (
	// maxEntries is how many entries a timeline has, and maxBytes how many bytes they and the moments take; more are made room for by merging
	// neighbours.
	maxEntries = 128
	maxBytes   = 752
	// minBytes is what there is for entries at least, however many moments there are.
	minBytes = 384
	// maxMoments is how many moments a timeline has, the first ones; Moments counts the others.
	maxMoments = 48
	// maxMomentText is how many bytes of a moment's text are kept.
	maxMomentText = 64
)

// steps are how neighbours are merged, the first that makes room: up to which length in ms, and to how many of maxEntries entries at least, and
// to as large a part of the bytes, so that it is not done with each report. After the last one the length is doubled again and again. The
// coarsest step is a minute in plays of up to two hours, unless most of their numbers differ much from report to report; reports that come a
// little late are allowed for.
var steps = []struct {
	span int64
	room int
}{{21_000, 104}, {63_000, 124}, {126_000, 104}}

// Entry is what one report says, or several neighbours together.
type Entry struct {
	End                        int64 // ms since 1970
	Playing, Buffering, Paused int64 // ms, of the span that ends at End; 0 if there was none
	Bitrate                    int64 // bit/s, or event.Absent; of several the mean by their spans
	Height                     int64 // of the picture, or event.Absent; of several the last
	Latency                    int64 // ms, or event.Absent; of several the mean by their spans
	BufferLength               int64 // likewise
}

// Span returns how much time the entry covers.
func (e *Entry) Span() int64 { return e.Playing + e.Buffering + e.Paused }

func (e *Entry) numbers() [8]*int64 {
	return [8]*int64{&e.End, &e.Playing, &e.Buffering, &e.Paused, &e.Bitrate, &e.Height, &e.Latency, &e.BufferLength}
}

// noEntry is what the first entry is told by its difference to.
func noEntry(begin int64) Entry {
	return Entry{End: begin, Bitrate: event.Absent, Height: event.Absent, Latency: event.Absent, BufferLength: event.Absent}
}

// MomentKind is what kind of thing happened.
type MomentKind uint8

// The kinds of moments. Their numbers are part of the timeline's form.
const (
	Loaded  MomentKind = iota + 1 // the player tries to play
	Started                       // the first frame
	Status                        // a code
	Failed                        // a fatal code
	Stopped                       // with a reason
	State                         // the player names its state
)

// Moment is something that happened at one time.
type Moment struct {
	Time int64 // ms since 1970
	Kind MomentKind
	Text string // a code or a state
}

// Timeline is what happened in a play.
type Timeline struct {
	Entries []Entry
	Moments []Moment
	More    int64 // moments that there was no room for
}

// ErrTimeline means that a timeline is damaged, or of a version that this program does not know.
var ErrTimeline = errors.New("the timeline is damaged or of a newer version")

// ReadTimeline reads the timeline of a record; none is an empty one.
func ReadTimeline(b []byte) (Timeline, error) {
	var t Timeline
	if len(b) == 0 {
		return t, nil
	}
	r := reader{b: b[1:]}
	begin, count := r.signed(), r.unsigned()
	if b[0] != timelineVersion || count > uint64(len(r.b)) {
		return t, ErrTimeline
	}
	t.Entries = r.entries(begin, int(count))
	count = r.unsigned()
	if count > uint64(len(r.b)) {
		return t, ErrTimeline
	}
	t.Moments, t.More = r.moments(begin, int(count)), int64(r.unsigned())
	if r.failed || len(r.b) > 0 {
		return Timeline{}, ErrTimeline
	}
	slices.SortStableFunc(t.Entries, func(a, b Entry) int { return int(a.End - b.End) })
	slices.SortStableFunc(t.Moments, func(a, b Moment) int { return int(a.Time - b.Time) })
	return t, nil
}

// collected is a timeline that grows, in its coded form.
type collected struct {
	begin       int64 // ms since 1970
	entries     []byte
	last        Entry
	before      Entry // the one before it, if adds
	adds        bool  // whether entries has not the last one yet
	count       int64
	moments     []byte
	lastMoment  int64 // ms since 1970
	momentCount int64
	more        int64
}

// add adds an entry, which is coded with all the others, and merges neighbours before if there are too many.
func (t *collected) add(e Entry) {
	if t.count == maxEntries || len(t.entries) > t.room() {
		t.merge()
	}
	t.count++
	t.before, t.last, t.adds = t.last, e, true
}

// room returns how many bytes there are for entries.
func (t *collected) room() int { return max(maxBytes-len(t.moments), minBytes) }

func (t *collected) merge() {
	r := reader{b: t.entries}
	all := r.entries(t.begin, int(t.count))
	for i, step := 0, steps[0]; ; i++ {
		if i < len(steps) {
			step = steps[i]
		} else {
			step.span *= 2
		}
		all = mergeUpTo(all, step.span)
		t.entries, t.count, t.last = nil, int64(len(all)), noEntry(t.begin)
		for _, e := range all {
			t.entries = appendEntry(t.entries, t.last, e)
			t.last = e
		}
		if len(all) <= step.room && len(t.entries) <= t.room()*step.room/maxEntries {
			return
		}
	}
}

// mergeUpTo merges neighbours whose spans together are no longer than most.
func mergeUpTo(all []Entry, most int64) []Entry {
	merged := all[:1]
	for _, e := range all[1:] {
		last := &merged[len(merged)-1]
		if last.Span()+e.Span() > most {
			merged = append(merged, e)
			continue
		}
		*last = Entry{
			End: max(last.End, e.End), Playing: last.Playing + e.Playing, Buffering: last.Buffering + e.Buffering, Paused: last.Paused + e.Paused,
			Bitrate: weighted(last.Bitrate, last.Span(), e.Bitrate, e.Span()),
			Height:  later(last.Height, e.Height),
			Latency: weighted(last.Latency, last.Span(), e.Latency, e.Span()), BufferLength: weighted(last.BufferLength, last.Span(), e.BufferLength, e.Span()),
		}
	}
	return merged
}

func later(a, b int64) int64 {
	if b == event.Absent {
		return a
	}
	return b
}

// weighted returns the mean of two numbers by weights; one that is absent does not count.
func weighted(a, weightA, b, weightB int64) int64 {
	switch {
	case b == event.Absent:
		return a
	case a == event.Absent:
		return b
	case weightA+weightB == 0:
		return (a + b) / 2
	}
	return (a*weightA + b*weightB) / (weightA + weightB)
}

// note adds a moment, or counts it if there is no room.
func (t *collected) note(m Moment) {
	if t.momentCount >= maxMoments {
		t.more++
		return
	}
	t.momentCount++
	text := m.Text[:min(len(m.Text), maxMomentText)]
	// The entries follow in the same memory.
	t.moments = binary.AppendVarint(slices.Clip(t.moments), m.Time-t.lastMoment)
	t.moments = append(t.moments, byte(m.Kind))
	t.moments = binary.AppendUvarint(t.moments, uint64(len(text)))
	t.moments = append(t.moments, text...)
	t.lastMoment = m.Time
}

// bytes returns the timeline in its form.
func (t *collected) bytes() []byte {
	b := make([]byte, 0, len(t.entries)+len(t.moments)+24)
	b = append(b, timelineVersion)
	b = binary.AppendVarint(b, t.begin)
	b = binary.AppendUvarint(b, uint64(t.count))
	b = append(b, t.entries...)
	b = binary.AppendUvarint(b, uint64(t.momentCount))
	b = append(b, t.moments...)
	return binary.AppendUvarint(b, uint64(t.more))
}

// appendEntry appends an entry as a byte that says which numbers differ from those of the entry before, and the differences. The end is
// told by its difference to the end of a span that follows the entry before without a gap.
func appendEntry(b []byte, before, e Entry) []byte {
	at := len(b)
	b = append(b, 0)
	before.End += e.Span()
	for i, n := range e.numbers() {
		if difference := *n - *before.numbers()[i]; difference != 0 {
			b[at] |= 1 << i
			b = binary.AppendVarint(b, difference)
		}
	}
	return b
}

// reader reads parts of a timeline.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) signed() int64 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // as most are
		n := int64(r.b[0])
		r.b = r.b[1:]
		return n>>1 ^ -(n & 1)
	}
	n, length := binary.Varint(r.b)
	r.skip(length)
	return n
}

func (r *reader) unsigned() uint64 {
	n, length := binary.Uvarint(r.b)
	r.skip(length)
	return n
}

func (r *reader) skip(length int) {
	if length <= 0 || length > len(r.b) {
		r.failed, r.b = true, nil
		return
	}
	r.b = r.b[length:]
}

// bytes returns the next bytes themselves.
func (r *reader) bytes(count uint64) []byte {
	if count > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return nil
	}
	b := r.b[:count]
	r.b = r.b[count:]
	return b
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.failed = true
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

func (r *reader) entries(begin int64, count int) []Entry {
	all := make([]Entry, 0, count)
	e := noEntry(begin)
	for range count {
		mask, end := r.byte(), int64(0)
		for i, n := range e.numbers() {
			if mask&(1<<i) == 0 {
				continue
			}
			if i == 0 {
				end = r.signed()
				continue
			}
			*n += r.signed()
		}
		e.End += e.Span() + end
		if r.failed {
			return nil
		}
		all = append(all, e)
	}
	return all
}

func (r *reader) moments(begin int64, count int) []Moment {
	var all []Moment
	at := begin
	for range count {
		at += r.signed()
		m := Moment{Time: at, Kind: MomentKind(r.byte())}
		m.Text = string(r.bytes(r.unsigned()))
		if r.failed {
			return nil
		}
		all = append(all, m)
	}
	return all
}
