// Package session turns the events of plays and broadcasts into what is counted, by docs/rules.md: each session has one load, one
// start and one stop, each event counts once, and a session that falls silent ends.
//
// The result does not depend on the order in which events arrive. What adds up is counted at once; what depends on
// earlier events (load, start, stop) waits until those are there, or until they have been missing for three report
// intervals.
package session

import (
	"bytes"
	"crypto/sha256"
	"hash/maphash"
	"iter"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/compact"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
)

const (
	// silentIntervals is after how many report intervals without an event a session has ended, and a missing event is no
	// longer waited for.
	silentIntervals = 3
	// remembered is for how long after its last event a session is known, so that repeated events are recognised.
	remembered = 24 * time.Hour
	// ReasonTimeout is the stop reason of plays that fell silent.
	ReasonTimeout = "timeout"
	// ReasonRestart is the stop reason of plays whose player began another one under the same id, as players call it too.
	ReasonRestart = "playbackrestart"
)

// name identifies a session: a hash of its organisation and its id, which may be long. 16 bytes of SHA-256 are enough that no two of a
// billion are equal.
type name [16]byte

func nameOf(organization, id string) name {
	text := append(make([]byte, 0, 256), organization...) // mostly enough, and not in the heap
	text = append(append(text, '\n'), id...)
	sum := sha256.Sum256(text)
	return name(sum[:])
}

// asked is the session that was looked for last of those at its place in Tracker.asked: that a session is known is asked twice before its events are
// counted.
type asked struct {
	organization, id string
	name             name
	place            uint32 // of the session, if known
	known            bool   // whether it was awake
}

// ask returns the name of a session, and the session, or nil if none of that name is awake.
func (t *Tracker) ask(organization, id string) (name, *session) {
	a := &t.asked[maphash.String(t.seed, id)%uint64(len(t.asked))]
	if a.id != id || a.organization != organization {
		*a = asked{organization: organization, id: id, name: nameOf(organization, id)}
	}
	if !a.known || !t.sessions.Has(a.place) || t.sessions.At(a.place).name != a.name {
		if a.place, a.known = t.byName.Find(t.hash(a.name), func(place uint32) bool { return t.sessions.At(place).name == a.name }); !a.known {
			return a.name, nil
		}
	}
	return a.name, t.sessions.At(a.place)
}

// hash returns the hash of a name in an index. Who chooses ids cannot foresee it.
func (t *Tracker) hash(n name) uint64 { return maphash.Bytes(t.seed, n[:]) }

// Hourly returns the value under which a value of a dimension that churns, an address or a referrer, is counted in the hour
// of the time at, in ms since 1970: itself, and the hour that has admitted it, or one that stands for all beyond the organisation's limit,
// and nil.
type Hourly func(organization, dimension, value string, at int64) (string, *Period)

// Period is a span of time in which values of a dimension are admitted. Whoever counts under a value that it has admitted need not ask
// again before Period has ended or is forgotten, but says so.
type Period struct {
	Number    int64 // of the spans of this length since 1970
	Used      int64 // ms since 1970, when something was counted in it
	Forgotten bool
}

// has reports whether the time at, in ms since 1970, is in a period of an hour, which may be nil, and notes that it is used; now is in ms
// since 1970.
func (p *Period) has(at, now int64) bool {
	if p == nil || p.Forgotten || p.Number != at/hour {
		return false
	}
	p.Used = now
	return true
}

// Tracker tracks sessions and adds what they live through to a ledger. It must not be used by several goroutines at once.
type Tracker struct {
	ledger    *aggregate.Ledger
	hourly    Hourly
	quality   func(organization string) tenant.Quality
	sessions  compact.Pieces[session]              // that are awake
	byName    *compact.Index                       // of sessions
	lives     int                                  // how many of them are live
	nights    []*night                             // in order
	slept     int64                                // ms since 1970 at which sessions were last put to sleep
	spaces    map[aggregate.Space]*aggregate.Space // that sessions share
	clients   map[client]*client                   // likewise
	networks  map[network]*network                 // likewise
	referrers map[referrer]*referrer               // likewise
	codes     map[codes]*codes                     // likewise
	asked     [256]asked
	seed      maphash.Seed // of hashes of names, and of places in asked

	recording bool          // whether records are kept of sessions that begin
	records   []play.Record // of sessions that have ended
}

// NewTracker returns a tracker that adds to ledger.
func NewTracker(ledger *aggregate.Ledger, hourly Hourly) *Tracker {
	t := &Tracker{ledger: ledger, hourly: hourly, seed: maphash.MakeSeed(), quality: func(string) tenant.Quality { return tenant.DefaultQuality() },
		spaces: map[aggregate.Space]*aggregate.Space{}, clients: map[client]*client{}, networks: map[network]*network{},
		referrers: map[referrer]*referrer{}, codes: map[codes]*codes{}}
	t.byName = compact.NewIndex(func(place uint32) uint64 { return t.hash(t.sessions.At(place).name) })
	return t
}

// Judge sets what returns the limits by which the plays of an organisation are good or fair. Unless it is called, they are the default.
func (t *Tracker) Judge(quality func(organization string) tenant.Quality) { t.quality = quality }

// Live returns the number of sessions that have neither ended nor fallen silent.
func (t *Tracker) Live() int { return t.lives }

// awake returns the sessions that are awake.
func (t *Tracker) awake() iter.Seq[*session] {
	return func(yield func(*session) bool) {
		for _, s := range t.sessions.All() {
			if !yield(s) {
				return
			}
		}
	}
}

// live returns the sessions that are live.
func (t *Tracker) live() iter.Seq[*session] {
	return func(yield func(*session) bool) {
		for _, s := range t.sessions.All() {
			if s.isLive && !yield(s) {
				return
			}
		}
	}
}

// Known reports whether a session has been seen, so that its description is settled.
func (t *Tracker) Known(organization, id string) bool {
	n, s := t.ask(organization, id)
	if s != nil {
		return true
	}
	night, _ := t.asleep(n)
	return night != nil
}

// Named reports whether a session has been seen and all of its description is settled, its viewer's agent too.
func (t *Tracker) Named(organization, id string) bool {
	s := t.look(organization, id)
	return s != nil && !s.unnamed
}

// Reports reports whether a session's player says what it does, so that nobody else needs to tell that it has a viewer.
func (t *Tracker) Reports(organization, id string) bool {
	if id == "" {
		return false
	}
	s := t.look(organization, id)
	return s != nil && s.loaded
}

// look returns a known session, which goes on sleeping if it does, or nil.
func (t *Tracker) look(organization, id string) *session {
	n, s := t.ask(organization, id)
	if s != nil {
		return s
	}
	if night, place := t.asleep(n); night != nil {
		return night.read(place, t)
	}
	return nil
}

// Watches reports whether a viewer has a session.
func (t *Tracker) Watches(viewer event.ViewerKey) bool {
	for _, n := range t.nights {
		if n.viewers.Has(uint64(viewer)) {
			return true
		}
	}
	return false
}

// Awake returns the number of sessions that are live or were so a moment ago.
func (t *Tracker) Awake() int { return t.sessions.Len() }

// Outcome says what became of the events of a batch that were not counted.
type Outcome struct {
	Repeated int // events whose seq was counted before
	Gaps     int // events that were refused because their session has more than MaxGaps gaps
	Outside  int // snapshots that were refused because their time, by the session's clock, is too old or in the future
}

// Apply counts the events of a batch, and may change them. Batch.Received must not go back.
func (t *Tracker) Apply(b event.Batch) Outcome {
	var o Outcome
	if len(b.Events) == 0 {
		return o
	}
	n, s := t.ask(b.Session.Organization, b.Session.ID)
	if s == nil {
		s = t.wake(n, b.Received)
	}
	if s == nil {
		s = t.add(t.newSession(n, b.Session), b.Received)
		if b.Logged || b.Correction != 0 {
			s.snapshots = &snapshots{correction: b.Correction, logged: b.Logged}
		}
		if b.Session.Started.Seq > 0 {
			s.adopt(b.Session.Started)
		}
		t.record(s, b.Session, firstTime(b))
	}
	switch {
	case b.Logged && !s.isLogged():
		return o // the player itself tells the same, and more of it
	case s.isLogged() && !b.Logged:
		t.handOver(s, b)
	}
	s.received = b.Received
	if v := b.Session.Viewer; s.unnamed && v.OS != "" && !v.Unnamed {
		t.name(s, v)
		to := t.entry(s, b.Received)
		s.settleAgent(&to)
	}
	to := t.entry(s, b.Received)
	for i := range b.Events {
		e := &b.Events[i]
		if e.Type == event.Snapshot {
			if s.snapshots == nil {
				s.snapshots = &snapshots{}
			}
			e.Time += s.correction
			if !b.Logged && event.Outside(e.Time, b.Received) {
				o.Outside++
				continue
			}
			if s.restarts(e) {
				// Nothing more of the play before can come under its id.
				s.seen.skipGaps()
				s.settle(&to)
				to.end()
				s.finish(&to, ReasonRestart)
				t.takeRecord(s)
				t.unsetLive(s)
				s.restart(e.Time)
				s.received = b.Received
				t.record(s, b.Session, e.Time)
			}
			if e.Seq == event.Unnumbered && !s.number(e) {
				o.Repeated++
				continue
			}
		}
		switch s.seen.add(e.Seq) {
		case known:
			o.Repeated++
		case tooManyGaps:
			o.Gaps++
		case added:
			s.accept(&to, e, b.Received)
		}
	}
	s.settle(&to)
	to.end()
	t.keepLive(s)
	return o
}

// firstTime returns the time, in ms since 1970, of the first event of a batch that is not refused, or of the first one.
func firstTime(b event.Batch) int64 {
	for _, e := range b.Events {
		if at := e.Time + b.Correction; e.Type != event.Snapshot || b.Logged || !event.Outside(at, b.Received) {
			return at
		}
	}
	return b.Events[0].Time + b.Correction
}

// entry returns where a session adds to, at now in ms since 1970.
func (t *Tracker) entry(s *session, now int64) entry {
	to := entry{Entry: t.ledger.EntryAt(&s.place, s.space, now), session: s, now: now, tracker: t}
	if !s.webcaster {
		to.player = t.ledger.PlayerEntryAt(&s.place, s.space, &s.player, now)
	}
	return to
}

// name sets the agent of a session's viewer.
func (t *Tracker) name(s *session, v event.Viewer) {
	os, browser := measure.PlaysByOS, measure.PlaysByBrowser
	if s.webcaster {
		os, browser = measure.PublishesByOS, measure.PublishesByBrowser
	}
	of := *s.client
	of.player.OS, of.player.Browser, of.player.Device = v.OS, v.Browser, v.Device
	of.os, of.browser = aggregate.NewDimensions(os, v.OS, v.Device), aggregate.NewDimensions(browser, v.Browser)
	s.client, s.place = shared(t.clients, of), aggregate.Place{}
}

// keepLive lets a session end by silence, and what waits in it be settled by time.
func (t *Tracker) keepLive(s *session) {
	if !s.isLive && (!s.over() || s.record != nil) {
		t.setLive(s)
	}
}

func (t *Tracker) setLive(s *session) {
	s.isLive = true
	t.lives++
}

func (t *Tracker) unsetLive(s *session) {
	if s.isLive {
		s.isLive = false
		t.lives--
	}
}

// add makes a session known whose name none has that is awake, at now in ms since 1970, and returns it where it stays.
func (t *Tracker) add(of session, now int64) *session {
	t.tonight(now).note(of.viewer)
	place, s := t.sessions.Add()
	*s = of
	t.byName.Add(place)
	return s
}

// Expire ends the sessions that have fallen silent and settles what has waited too long; now is in ms since 1970 and must
// not go back.
func (t *Tracker) Expire(now int64) {
	var due []*session
	for s := range t.live() {
		if s.isSilent(now) || s.waitsTooLong(now) || s.over() && s.record != nil {
			due = append(due, s)
		} else if s.over() {
			t.unsetLive(s)
		}
	}
	// In a fixed order, because the first values of a dimension that churns are the ones that count under their own name.
	slices.SortFunc(due, func(a, b *session) int { return bytes.Compare(a.name[:], b.name[:]) })
	for _, s := range due {
		if !s.over() {
			t.giveUpWaiting(s, now)
		}
		if s.isSilent(now) || s.over() {
			t.takeRecord(s)
			t.unsetLive(s)
		}
	}
	if now-t.slept >= sleepEvery {
		t.slept = now
		t.sleep(now)
	}
}

// giveUpWaiting settles what waits in a session, and ends it if it is silent, at now in ms since 1970.
func (t *Tracker) giveUpWaiting(s *session, now int64) {
	s.seen.skipGaps()
	to := t.entry(s, now)
	s.settle(&to)
	to.end()
	if s.isSilent(now) {
		s.finish(&to, ReasonTimeout)
	}
}

// finish ends, at its last event, a session of which nothing more is expected and that did not say how it ended.
func (s *session) finish(to *entry, reason string) {
	switch {
	case !s.started:
		s.leave(to, s.lastTime, event.NoExcuse)
	case !s.ended:
		s.end(to, ending{time: s.lastTime, reason: reason, played: event.Absent})
	}
	if s.unnamed {
		s.release(to)
		if s.started {
			s.settleAgent(to)
		}
	}
}
