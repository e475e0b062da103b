package session

import (
	"hash/maphash"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/compact"
	"github.com/streamlens/streamlens/pkg/event"
)

const (
	// sleepEvery is how often sessions are put to sleep, ms.
	sleepEvery = 10_000
	// wokenStays is how long after its last event a session stays awake that was woken, ms: a page in the background may report once a minute, and
	// each time that a session goes to sleep takes memory for a day.
	wokenStays = 5 * 60_000
	// nightLength is how long sessions go to sleep in one night, ms.
	nightLength = 6 * 60 * 60_000
	// maxAsleep bounds the memory in which sessions sleep, some 70 bytes each time that one goes to sleep. With more, the oldest
	// are forgotten before their time.
	maxAsleep = 1 << 30
	// chunkBytes is how long the memory is in which sessions sleep, in pieces.
	chunkBytes = 1 << chunkBits
	chunkBits  = 20
)

// A session that has ended is known for a day, so that events that come again do not count again. There may be many more such
// sessions than live ones, so they are kept coded, in memory that the garbage collector need not look through. They are forgotten a
// night at a time.
type night struct {
	began      int64 // ms since 1970
	dictionary codec.Dictionary
	chunks     [][]byte
	seed       maphash.Seed
	names      *compact.Index // of the places of sessions in chunks: the number of the chunk, above chunkBits of where in it
	viewers    compact.Set    // the keys of those who have had a session since it began
}

func newNight(began int64) *night {
	n := &night{began: began, seed: maphash.MakeSeed()}
	n.names = compact.NewIndex(func(place uint32) uint64 {
		of := n.nameAt(place)
		return maphash.Bytes(n.seed, of[:])
	})
	return n
}

// at returns what sleeps at a place, and what sleeps behind it.
func (n *night) at(place uint32) []byte { return n.chunks[place>>chunkBits][place%chunkBytes:] }

// nameAt returns the name of the session at a place, with which what is coded begins.
func (n *night) nameAt(place uint32) name { return name(n.at(place)) }

// find returns the place of the session of a name.
func (n *night) find(one name) (uint32, bool) {
	return n.names.Find(maphash.Bytes(n.seed, one[:]), func(place uint32) bool { return n.nameAt(place) == one })
}

// note notes that a viewer, unless it is none, has a session.
func (n *night) note(viewer event.ViewerKey) {
	if viewer != 0 {
		n.viewers.Add(uint64(viewer))
	}
}

// sleep puts to sleep what has ended and from which nothing comes any more, and forgets the night before last; now is in ms since 1970.
func (t *Tracker) sleep(now int64) {
	asleep := 0
	for _, n := range t.nights {
		asleep += len(n.chunks) * chunkBytes
	}
	for len(t.nights) > 0 && (now-t.nights[0].began >= nightLength+remembered.Milliseconds() || asleep > maxAsleep) {
		asleep -= len(t.nights[0].chunks) * chunkBytes
		t.nights = t.nights[1:]
	}
	tonight := t.tonight(now)
	c := codec.NewWriter(nil)
	for place, s := range t.sessions.All() {
		if s.isLive || !s.isSilent(now) || s.ahead != nil || s.woken && now-s.received < wokenStays {
			continue
		}
		c.Reset()
		c.Use(&tonight.dictionary)
		s.code(c, t)
		tonight.put(c.Bytes())
		t.byName.Remove(place)
		t.sessions.Remove(place)
	}
}

// tonight returns the night that goes on at now, in ms since 1970.
func (t *Tracker) tonight(now int64) *night {
	if n := len(t.nights); n > 0 && now-t.nights[n-1].began < nightLength {
		return t.nights[n-1]
	}
	n := newNight(now)
	for s := range t.awake() {
		n.note(s.viewer)
	}
	t.nights = append(t.nights, n)
	return n
}

// put lets a session sleep.
func (n *night) put(coded []byte) {
	last := len(n.chunks) - 1
	if last < 0 || len(n.chunks[last])+len(coded) > chunkBytes {
		n.chunks = append(n.chunks, make([]byte, 0, max(chunkBytes, len(coded))))
		last++
	}
	place := uint32(last<<chunkBits | len(n.chunks[last]))
	n.chunks[last] = append(n.chunks[last], coded...)
	n.names.Add(place)
}

// asleep returns the night in which a session sleeps, nil if it does not, and its place.
func (t *Tracker) asleep(one name) (*night, uint32) {
	for _, n := range t.nights {
		if place, found := n.find(one); found {
			return n, place
		}
	}
	return nil, 0
}

// read returns the session of a tracker that sleeps at a place. It goes on sleeping.
func (n *night) read(place uint32, t *Tracker) *session {
	s := &session{}
	c := codec.NewReader(n.at(place))
	c.Use(&n.dictionary)
	s.code(c, t)
	return s
}

// wake wakes a session that sleeps, at now in ms since 1970, and returns it, or nil.
func (t *Tracker) wake(one name, now int64) *session {
	night, place := t.asleep(one)
	if night == nil {
		return nil
	}
	s := night.read(place, t)
	night.names.Remove(place)
	s.woken = true
	return t.add(*s, now)
}

func (n *night) code(c *codec.Coder) {
	codec.Number(c, &n.began)
	n.dictionary.Code(c)
	codec.List(c, &n.chunks, c.Chunk)
	codec.Each(c, n.names.Len(), n.names.All(), func(place *uint32) {
		var of name
		var chunk, from, to uint32
		if !c.Reading() {
			of, chunk, from = n.nameAt(*place), *place>>chunkBits, *place%chunkBytes
			to = uint32(len(n.chunks[chunk])) // what is behind the session is not read
		}
		of.code(c)
		codec.Number(c, &chunk)
		codec.Number(c, &from)
		codec.Number(c, &to)
		if c.Reading() && c.Err() == nil {
			n.names.Add(chunk<<chunkBits | from)
		}
	})
	codec.Each(c, n.viewers.Len(), n.viewers.All(), func(viewer *uint64) {
		codec.Number(c, viewer)
		if c.Reading() {
			n.note(event.ViewerKey(*viewer))
		}
	})
}
