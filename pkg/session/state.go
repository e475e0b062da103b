package session

import (
	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/codec"
)

// StateVersion is the version of what Code writes. It grows with every change of the fields below.
const StateVersion = 11

// Resume lets silence begin anew at now, in ms since 1970, because nobody listened for a while.
func (t *Tracker) Resume(now int64) {
	for s := range t.live() {
		s.received = max(s.received, now)
		if s.ahead != nil {
			s.ahead.since = max(s.ahead.since, now)
		}
	}
}

// Code writes or reads all sessions.
func (t *Tracker) Code(c *codec.Coder) {
	codec.Number(c, &t.slept)
	c.Flags(&t.recording)
	codec.List(c, &t.nights, func(n **night) {
		if c.Reading() {
			*n = newNight(0)
		}
		(*n).code(c)
	})
	codec.Each(c, t.sessions.Len(), t.awake(), func(one **session) {
		var read session
		if c.Reading() {
			*one = &read
		}
		s := *one
		s.code(c, t)
		live := s.isLive
		c.Flags(&live)
		if !c.Reading() {
			return
		}
		if s = t.add(read, read.received); live {
			t.setLive(s)
		}
	})
}

func (n *name) code(c *codec.Coder) {
	for i := range n {
		c.Byte(&n[i])
	}
}

// code codes a session of a tracker.
func (s *session) code(c *codec.Coder, t *Tracker) {
	var (
		space aggregate.Space
		of    client
		in    network
	)
	if !c.Reading() {
		space, of, in = *s.space, *s.client, *s.network
	}
	s.name.code(c)
	codec.Text(c, &space.Organization)
	codec.Text(c, &space.Stream)
	codec.Text(c, &space.Country)
	codec.Text(c, &space.Event)
	of.code(c, t, space.Organization)
	codec.Text(c, &in.region)
	codec.Number(c, &in.asn)
	codec.Text(c, &in.operator)
	if c.Reading() {
		s.space, s.client, s.network = shared(t.spaces, space), shared(t.clients, of), shared(t.networks, in)
	}
	codec.Number(c, &s.viewer)
	c.Unique(&s.address)

	codec.Number(c, &s.seen.last)
	codec.Number(c, &s.received)
	highest := s.seen.highest()
	codec.Number(c, &highest) // which follows from what is seen
	c.Near(&s.lastTime, s.received)
	c.Near(&s.loadTime, s.received)
	c.Near(&s.startTime, s.received)
	codec.Number(c, &s.startSeq)
	c.Near(&s.lastReport, s.received)
	codec.Number(c, &s.played)
	codec.Number(c, &s.buffered)
	codec.Number(c, &s.paused)
	codec.Number(c, &s.outcome)
	codec.Number(c, &s.firstFrame)
	codec.Number(c, &s.judgement)
	fails := s.failedAt != 0
	c.Flags(&s.tries, &s.failed, &fails)
	if fails {
		c.Near(&s.failedAt, s.received)
	}

	had := s.codes.all()
	codec.List(c, &had, func(code *string) { codec.Text(c, code) })
	if c.Reading() {
		s.codes = nil
		for _, code := range had {
			s.codes = t.addCode(code, s.codes)
		}
	}
	gaps, waits, names := s.seen.wider != nil, s.ahead != nil, s.snapshots != nil
	c.Flags(&s.loaded, &s.started, &s.ended, &s.adopted, &s.unnamed, &gaps, &waits, &names)
	if s.unnamed {
		var waits []held
		if s.held != nil {
			waits = *s.held
		}
		codec.List(c, &waits, func(h *held) {
			codec.Number(c, &h.measure)
			c.Near(&h.at, s.received)
			codec.Number(c, &h.value)
			codec.Text(c, &h.dimensions)
		})
		if len(waits) > 0 {
			s.held = &waits
		}
	}
	recorded := s.record != nil
	c.Flags(&recorded)
	if recorded {
		part(c, &s.record).Code(c)
	}
	if gaps {
		part(c, &s.seen.wider).code(c)
	}
	if waits {
		part(c, &s.ahead).code(c, s.received)
	}
	if names {
		part(c, &s.snapshots).code(c, s.received)
	}
}

// part returns what a pointer points to, which is made when it is read.
func part[T any](c *codec.Coder, p **T) *T {
	if c.Reading() {
		*p = new(T)
	}
	return *p
}

// code codes a client of an organisation.
func (of *client) code(c *codec.Coder, t *Tracker, organization string) {
	address, others := of.otherAddress(), otherReferrer
	var from referrer
	if !c.Reading() {
		from = *of.referrer
	}
	c.Flags(&of.webcaster)
	codec.Number(c, &of.interval)
	codec.Text(c, &of.playing)
	codec.Text(c, &of.os)
	codec.Text(c, &of.browser)
	codec.Text(c, &of.version)
	codec.Text(c, &of.player.Version)
	codec.Text(c, &of.player.OS)
	codec.Text(c, &of.player.Browser)
	codec.Text(c, &of.player.Device)
	codec.Text(c, &of.player.Protocol)
	codec.Text(c, &of.direction)
	// The dimensions follow from the others.
	codec.Text(c, &address)
	codec.Text(c, &from.value)
	codec.Text(c, &from.dimensions)
	codec.Text(c, &others)
	if c.Reading() {
		of.referrer = t.referrerOf(organization, from.value)
	}
}

func (q *wider) code(c *codec.Coder) {
	codec.List(c, &q.runs, func(r *run) {
		codec.Number(c, &r.first)
		c.Near(&r.last, r.first)
	})
	codec.Number(c, &q.from)
}

func (a *ahead) code(c *codec.Coder, received int64) {
	codec.List(c, &a.events, func(e *aheadEvent) {
		e.Fields(c, received)
		c.Flags(&e.credited)
	})
	codec.Number(c, &a.since)
}

func (s *snapshots) code(c *codec.Coder, received int64) {
	c.Flags(&s.asked, &s.logged)
	codec.Number(c, &s.state)
	codec.Number(c, &s.time)
	codec.Number(c, &s.began)
	codec.Number(c, &s.startUp)
	codec.Number(c, &s.measured)
	codec.Number(c, &s.stall)
	codec.Number(c, &s.seenMinute)
	codec.Number(c, &s.correction)
	codec.Number(c, &s.firstTime)
	codec.Number(c, &s.bitrate)
	codec.List(c, &s.recent, func(u *unnumbered) {
		c.Near(&u.time, received)
		codec.Number(c, &u.state)
		codec.Text(c, &u.code)
	})
}
