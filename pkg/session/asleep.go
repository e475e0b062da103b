package session

import (
	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
)

const (
	// sleepAfter is how long after its end a session stays as it is; mostly nothing comes after that. ms.
	sleepAfter = 60_000
	// nightLength is how long sessions go to sleep in one night, ms.
	nightLength = 6 * 60 * 60_000
	// maxAsleep bounds the memory in which sessions sleep, some 100 bytes each time that one goes to sleep. With more, the oldest
	// are forgotten before their time.
	maxAsleep = 1 << 30
	// chunkBytes is how long the memory is in which sessions sleep, in pieces.
	chunkBytes = 1 << 20
)

// A session that has ended is known for a day, so that events that come again do not count again. There may be many more such
// sessions than live ones, so they are kept coded, in memory that the garbage collector need not look through. They are forgotten a
// night at a time.
type night struct {
	began      int64 // ms since 1970
	dictionary codec.Dictionary
	chunks     [][]byte
	places     map[name]place
	viewers    map[event.ViewerKey]struct{}
}

// place is where a session sleeps.
type place struct{ chunk, from, to uint32 }

// sleep puts to sleep what has ended, and forgets the night before last; now is in ms since 1970.
func (t *Tracker) sleep(now int64) {
	asleep := 0
	for _, n := range t.nights {
		asleep += len(n.chunks) * chunkBytes
	}
	for len(t.nights) > 0 && (now-t.nights[0].began >= nightLength+remembered.Milliseconds() || asleep > maxAsleep) {
		asleep -= len(t.nights[0].chunks) * chunkBytes
		t.nights = t.nights[1:]
	}
	var c *codec.Coder
	for n, s := range t.sessions {
		if s.isLive || now-s.received < sleepAfter || s.ahead != nil {
			continue
		}
		tonight := t.tonight(now)
		if c == nil {
			c = codec.NewWriter(nil)
		}
		c.Reset()
		c.Use(&tonight.dictionary)
		s.code(c, t)
		tonight.places[n] = tonight.put(c.Bytes())
		if s.viewer != 0 {
			tonight.viewers[s.viewer] = struct{}{}
		}
		t.forget(s)
		delete(t.sessions, n)
		s.replaced = true
	}
}

func (t *Tracker) tonight(now int64) *night {
	if n := len(t.nights); n > 0 && now-t.nights[n-1].began < nightLength {
		return t.nights[n-1]
	}
	n := &night{began: now, places: map[name]place{}, viewers: map[event.ViewerKey]struct{}{}}
	t.nights = append(t.nights, n)
	return n
}

func (n *night) put(coded []byte) place {
	last := len(n.chunks) - 1
	if last < 0 || len(n.chunks[last])+len(coded) > chunkBytes {
		n.chunks = append(n.chunks, make([]byte, 0, max(chunkBytes, len(coded))))
		last++
	}
	from := len(n.chunks[last])
	n.chunks[last] = append(n.chunks[last], coded...)
	return place{uint32(last), uint32(from), uint32(from + len(coded))}
}

// find returns a session that sleeps, and where, or nil. It goes on sleeping.
func (t *Tracker) find(one name) (*session, *night) {
	for _, n := range t.nights {
		p, found := n.places[one]
		if !found {
			continue
		}
		s := &session{}
		c := codec.NewReader(n.chunks[p.chunk][p.from:p.to])
		c.Use(&n.dictionary)
		s.code(c, t)
		return s, n
	}
	return nil, nil
}

// wake wakes a session that sleeps, and returns it, or nil.
func (t *Tracker) wake(n name) *session {
	s, night := t.find(n)
	if s != nil {
		delete(night.places, n)
		t.add(n, s)
	}
	return s
}

func (n *night) code(c *codec.Coder) {
	codec.Number(c, &n.began)
	n.dictionary.Code(c)
	codec.List(c, &n.chunks, c.Chunk)
	codec.Map(c, &n.places, func(of *name, p *place) {
		of.code(c)
		codec.Number(c, &p.chunk)
		codec.Number(c, &p.from)
		codec.Number(c, &p.to)
	})
	codec.Map(c, &n.viewers, func(viewer *event.ViewerKey, _ *struct{}) { codec.Number(c, viewer) })
}
