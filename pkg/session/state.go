package session

import (
	"github.com/streamlens/streamlens/pkg/codec"
)

// StateVersion is the version of what Code writes. It grows with every change of the fields below.
const StateVersion = 1

// Resume lets silence begin anew at now, in ms since 1970, because nobody listened for a while.
func (t *Tracker) Resume(now int64) {
	for s := range t.live {
		s.received = max(s.received, now)
		if len(s.ahead) > 0 {
			s.aheadSince = max(s.aheadSince, now)
		}
	}
}

// Code writes or reads all sessions.
func (t *Tracker) Code(c *codec.Coder) {
	codec.Number(c, &t.slept)
	codec.List(c, &t.nights, func(n **night) {
		if c.Reading() {
			*n = &night{}
		}
		(*n).code(c)
	})
	// A play that has begun again under its id is live for a while beside the new one.
	var all []*session
	for _, s := range t.sessions {
		all = append(all, s)
	}
	for s := range t.live {
		if t.sessions[s.key()] != s {
			all = append(all, s)
		}
	}
	codec.List(c, &all, func(one **session) {
		if c.Reading() {
			*one = &session{hourly: t.hourly}
		}
		s := *one
		s.code(c)
		_, live := t.live[s]
		current := t.sessions[s.key()] == s
		c.Flags(&live, &current)
		if !c.Reading() {
			return
		}
		if live {
			t.live[s] = struct{}{}
		}
		if current {
			t.add(s.key(), s)
		}
	})
}

func (s *session) key() key { return key{s.space.Organization, s.id} }

func (s *session) code(c *codec.Coder) {
	c.Unique(&s.id)
	codec.Text(c, &s.space.Organization)
	codec.Text(c, &s.space.Stream)
	codec.Text(c, &s.space.Country)
	codec.Text(c, &s.space.Event)
	codec.Number(c, &s.interval)
	codec.Text(c, &s.playing)
	codec.Text(c, &s.os)
	codec.Text(c, &s.browser)
	codec.Text(c, &s.version)
	codec.Text(c, &s.direction)
	codec.Number(c, &s.viewer)
	c.Unique(&s.address.value)
	c.Unique(&s.referrer.value)

	codec.List(c, &s.seen.runs, func(r *run) {
		codec.Number(c, &r.first)
		c.Near(&r.last, r.first)
	})
	codec.Number(c, &s.seen.from)
	codec.Number(c, &s.received)
	codec.Number(c, &s.lastSeq)
	c.Near(&s.lastTime, s.received)
	codec.List(c, &s.ahead, func(e *aheadEvent) {
		e.Fields(c, s.received)
		c.Flags(&e.credited)
	})
	codec.Number(c, &s.aheadSince)
	c.Flags(&s.webcaster, &s.loaded, &s.started, &s.ended, &s.adopted, &s.asked, &s.logged)
	c.Near(&s.loadTime, s.received)
	c.Near(&s.startTime, s.received)
	codec.Number(c, &s.startSeq)
	c.Near(&s.lastReport, s.received)
	codec.Number(c, &s.reported)
	codec.Number(c, &s.paused)

	codec.Number(c, &s.state)
	codec.Number(c, &s.time)
	codec.Number(c, &s.began)
	codec.Number(c, &s.startUp)
	codec.Number(c, &s.measured)
	codec.Number(c, &s.stall)
	codec.Number(c, &s.seenMinute)
	codec.Number(c, &s.correction)
	codec.Number(c, &s.firstTime)
	codec.List(c, &s.recent, func(u *unnumbered) {
		c.Near(&u.time, s.received)
		codec.Number(c, &u.state)
		codec.Text(c, &u.code)
	})
}
