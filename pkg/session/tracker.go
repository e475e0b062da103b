// Package session turns the events of plays and broadcasts into what is counted, by rules.md: each session has one load, one
// start and one stop, each event counts once, and a session that falls silent ends.
//
// The result does not depend on the order in which events arrive. What adds up is counted at once; what depends on
// earlier events (load, start, stop) waits until those are there, or until they have been missing for three report
// intervals.
package session

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

const (
	// silentIntervals is after how many report intervals without an event a session has ended, and a missing event is no
	// longer waited for.
	silentIntervals = 3
	// remembered is for how long after its last event a session is known, so that repeated events are recognised.
	remembered = 24 * time.Hour
	// ReasonTimeout is the stop reason of plays that fell silent.
	ReasonTimeout = "timeout"
)

// key identifies a session; the same id in two organisations is two sessions.
type key struct{ organization, id string }

// Hourly returns the value under which a value of a dimension that churns, an address or a referrer, is counted in the hour
// of the time at, in ms since 1970: itself, or one that stands for all beyond the organisation's limit.
type Hourly func(organization, dimension, value string, at int64) string

// Tracker tracks sessions and adds what they live through to a ledger. It must not be used by several goroutines at once.
type Tracker struct {
	ledger   *aggregate.Ledger
	hourly   Hourly
	sessions map[key]*session
	live     map[*session]struct{}
	viewers  map[event.ViewerKey]int // number of sessions that are awake
	nights   []*night                // in order
	slept    int64                   // ms since 1970 at which sessions were last put to sleep
	texts    map[string]string       // that sessions share
}

// NewTracker returns a tracker that adds to ledger.
func NewTracker(ledger *aggregate.Ledger, hourly Hourly) *Tracker {
	return &Tracker{ledger: ledger, hourly: hourly, sessions: map[key]*session{}, live: map[*session]struct{}{},
		viewers: map[event.ViewerKey]int{}, texts: map[string]string{}}
}

// Live returns the number of sessions that have neither ended nor fallen silent.
func (t *Tracker) Live() int { return len(t.live) }

// Known reports whether a session has been seen, so that its description is settled.
func (t *Tracker) Known(organization, id string) bool {
	k := key{organization, id}
	if t.sessions[k] != nil {
		return true
	}
	s, _ := t.find(k)
	return s != nil
}

// Reports reports whether a session's player says what it does, so that nobody else needs to tell that it has a viewer.
func (t *Tracker) Reports(organization, id string) bool {
	if id == "" {
		return false
	}
	k := key{organization, id}
	s := t.sessions[k]
	if s == nil {
		s, _ = t.find(k)
	}
	return s != nil && s.loaded
}

// Watches reports whether a viewer has a session.
func (t *Tracker) Watches(viewer event.ViewerKey) bool {
	if t.viewers[viewer] > 0 {
		return true
	}
	for _, n := range t.nights {
		if _, had := n.viewers[viewer]; had {
			return true
		}
	}
	return false
}

// Awake returns the number of sessions that are live or were so a moment ago.
func (t *Tracker) Awake() int { return len(t.sessions) }

// Outcome says what became of the events of a batch that were not counted.
type Outcome struct {
	Repeated int // events whose seq was counted before
	Gaps     int // events that were refused because their session has more than MaxGaps gaps
	Outside  int // snapshots that were refused because their time, by the session's clock, is too old or in the future
}

// Apply counts the events of a batch. Batch.Received must not go back.
func (t *Tracker) Apply(b event.Batch) Outcome {
	var o Outcome
	if len(b.Events) == 0 {
		return o
	}
	k := key{b.Session.Organization, b.Session.ID}
	s := t.session(k)
	if s == nil {
		s = t.newSession(b.Session)
		s.correction, s.logged = b.Correction, b.Logged
		if b.Session.Started.Seq > 0 {
			s.adopt(b.Session.Started)
		}
		t.add(k, s)
	}
	switch {
	case b.Logged && !s.logged:
		return o // the player itself tells the same, and more of it
	case s.logged && !b.Logged:
		s.handOver(b)
	}
	s.received = b.Received
	to := t.ledger.Entry(s.space, b.Received)
	for _, e := range b.Events {
		if e.Type == event.Snapshot {
			e.Time += s.correction
			if !b.Logged && event.Outside(e.Time, b.Received) {
				o.Outside++
				continue
			}
			if s.restarts(e) {
				s.settle(to)
				t.keepLive(s)
				s = s.again()
				s.received = b.Received
				t.add(k, s)
			}
			if e.Seq == event.Unnumbered && !s.number(&e) {
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
			s.accept(to, e, b.Received)
		}
	}
	s.settle(to)
	t.keepLive(s)
	return o
}

// keepLive lets a session end by silence, and what waits in it be settled by time.
func (t *Tracker) keepLive(s *session) {
	if !s.ended || len(s.ahead) > 0 {
		t.live[s] = struct{}{}
	}
}

// add makes a session known, in the place of one that had the same id.
func (t *Tracker) add(k key, s *session) {
	if old := t.sessions[k]; old != nil {
		t.forget(old)
	}
	t.sessions[k] = s
	if s.viewer != 0 {
		t.viewers[s.viewer]++
	}
}

// forget takes back that a session's viewer has a session.
func (t *Tracker) forget(s *session) {
	if s.viewer == 0 {
		return
	}
	if t.viewers[s.viewer]--; t.viewers[s.viewer] == 0 {
		delete(t.viewers, s.viewer)
	}
}

// Expire ends the sessions that have fallen silent and settles what has waited too long; now is in ms since 1970 and must
// not go back.
func (t *Tracker) Expire(now int64) {
	var due []*session
	for s := range t.live {
		if s.isSilent(now) || s.waitsTooLong(now) {
			due = append(due, s)
		} else if s.ended && len(s.ahead) == 0 {
			delete(t.live, s)
		}
	}
	// In a fixed order, because the first values of a dimension that churns are the ones that count under their own name.
	slices.SortFunc(due, func(a, b *session) int {
		return cmp.Or(strings.Compare(a.space.Organization, b.space.Organization), strings.Compare(a.id, b.id), cmp.Compare(a.lastTime, b.lastTime))
	})
	for _, s := range due {
		s.seen.skipGaps()
		to := t.ledger.Entry(s.space, now)
		s.settle(to)
		if s.isSilent(now) && s.started && !s.ended {
			s.end(to, ending{time: s.lastTime, reason: ReasonTimeout, played: event.Absent})
		}
		if s.isSilent(now) || s.ended && len(s.ahead) == 0 {
			delete(t.live, s)
		}
	}
	if now-t.slept >= sleepAfter {
		t.slept = now
		t.sleep(now)
	}
}

// isSilent reports whether nothing has come for so long that the session has ended; now is in ms since 1970.
func (s *session) isSilent(now int64) bool { return now-s.received >= silentIntervals*s.interval }

// waitsTooLong reports whether events wait for others that are given up.
func (s *session) waitsTooLong(now int64) bool {
	return len(s.ahead) > 0 && now-s.aheadSince >= silentIntervals*s.interval
}

// session is the state of one play or broadcast.
type session struct {
	id        string
	space     aggregate.Space
	webcaster bool
	interval  int64 // ms

	playing aggregate.Dimensions // of playing time
	os      aggregate.Dimensions // of the plays or publishes per operating system
	browser aggregate.Dimensions // likewise
	version aggregate.Dimensions // likewise

	hourly    Hourly
	direction string
	viewer    event.ViewerKey
	address   churning
	referrer  churning

	seen     sequence
	received int64 // ms since 1970, of the last batch
	lastSeq  int64 // highest accepted
	lastTime int64 // of the event lastSeq

	ahead      []aheadEvent // waits for events of lower seq, in the order of seq
	aheadSince int64        // ms since 1970, receipt of the first of them

	loaded, started, ended        bool
	adopted                       bool // another collector counts start and end
	loadTime, startTime, startSeq int64
	lastReport                    int64 // ms since 1970, of the last report or the start
	reported, paused              int64 // ms of playing and buffering, and of pauses, in the reports since the start

	snapshots
}

type aheadEvent struct {
	event.Event
	credited bool // its playing and buffering are counted already
}

// churning is a value of a dimension that churns, with the rendered dimensions of how it was counted last.
type churning struct {
	value, counted string
	dimensions     aggregate.Dimensions
}

// maxShared bounds the texts that are shared.
const maxShared = 100_000

// shared returns a text that is equal, which all sessions share that have it: most of what describes a session, many have.
func (t *Tracker) shared(text string) string {
	if known, ok := t.texts[text]; ok {
		return known
	}
	if len(t.texts) >= maxShared {
		clear(t.texts)
	}
	t.texts[text] = text
	return text
}

func (t *Tracker) newSession(d event.Session) *session {
	s := &session{
		id:       d.ID,
		hourly:   t.hourly,
		address:  churning{value: d.Viewer.Address},
		referrer: churning{value: t.shared(d.Viewer.Referrer)},
		space: aggregate.Space{
			Organization: t.shared(d.Organization), Stream: t.shared(d.Stream), Country: t.shared(d.Viewer.Country), Event: t.shared(d.Event),
		},
		webcaster: d.Webcaster,
		interval:  d.Interval.Milliseconds(),
	}
	if !s.webcaster {
		s.viewer = d.Viewer.Key
	}
	direction, os, browser, versions := measure.Playout, measure.PlaysByOS, measure.PlaysByBrowser, measure.PlaysByVersion
	if s.webcaster {
		direction, os, browser, versions = measure.Ingest, measure.PublishesByOS, measure.PublishesByBrowser, measure.PublishesByVersion
	}
	s.direction = direction
	dimensions := func(id measure.ID, values ...string) aggregate.Dimensions {
		return aggregate.Dimensions(t.shared(string(aggregate.NewDimensions(id, values...))))
	}
	s.playing = dimensions(measure.Playing, direction, d.Method)
	s.os = dimensions(os, d.Viewer.OS)
	s.browser = dimensions(browser, d.Viewer.Browser)
	s.version = dimensions(versions, d.Client)
	return s
}

// adopt lets a session go on whose start another collector has counted.
func (s *session) adopt(start event.Started) {
	s.adopted, s.loaded, s.started = true, true, true
	s.startSeq, s.startTime, s.seen.from = start.Seq, start.Time, start.Seq+1
}

// accept counts what does not depend on other events, and queues what does.
func (s *session) accept(to aggregate.Entry, e event.Event, received int64) {
	if e.Seq > s.lastSeq {
		s.lastSeq, s.lastTime = e.Seq, e.Time
	}
	if e.Code != "" && !s.webcaster {
		to.Add(measure.Statuses, e.Time, 1, aggregate.NewDimensions(measure.Statuses, e.Code, fatality(e.Fatal)))
	}
	if e.Type == event.Status {
		return
	}
	if e.Type == event.Stats || e.Type == event.Snapshot {
		s.observe(to, e)
	}
	credited := false
	if s.started && e.Seq > s.startSeq && e.Reports() {
		s.credit(to, e.Time, e.Playing, e.Buffering, e.Paused)
		credited = true
	}
	if len(s.ahead) == 0 {
		if e.Seq < s.seen.below() {
			s.follow(to, aheadEvent{e, credited})
			return
		}
		s.aheadSince = received
	}
	i, _ := slices.BinarySearchFunc(s.ahead, e.Seq, func(a aheadEvent, seq int64) int { return int(a.Seq - seq) })
	s.ahead = slices.Insert(s.ahead, i, aheadEvent{e, credited})
}

// settle counts the queued events whose predecessors are all there or given up.
func (s *session) settle(to aggregate.Entry) {
	if len(s.ahead) == 0 {
		return
	}
	limit, done := s.seen.below(), 0
	for _, e := range s.ahead {
		if e.Seq >= limit {
			break
		}
		s.follow(to, e)
		done++
	}
	s.ahead = slices.Delete(s.ahead, 0, done)
	if len(s.ahead) == 0 {
		s.ahead = nil
	}
}

// follow counts an event all of whose predecessors are counted or given up.
func (s *session) follow(to aggregate.Entry, e aheadEvent) {
	switch e.Type {
	case event.Load:
		s.load(to, e.Time)
	case event.Start:
		if s.started {
			return
		}
		s.started, s.startTime, s.startSeq, s.lastReport = true, e.Time, e.Seq, e.Time
		if e.StartTime == event.Absent && s.loaded && e.Time >= s.loadTime {
			e.StartTime = e.Time - s.loadTime
		}
		s.count(to, e.Time, e.StartTime)
	case event.Stats:
		if !s.started || e.Seq < s.startSeq {
			return
		}
		if !e.credited {
			s.credit(to, e.Time, e.Playing, e.Buffering, e.Paused)
		}
		s.lastReport = e.Time
		s.reported += amount(e.Playing) + amount(e.Buffering)
		s.paused += amount(e.Paused)
	case event.Stop:
		if !s.started || e.Seq < s.startSeq {
			return
		}
		if e.Reports() {
			if !e.credited {
				s.credit(to, e.Time, e.Playing, e.Buffering, e.Paused)
			}
			s.paused += amount(e.Paused)
		}
		if s.ended {
			return
		}
		if !e.Reports() {
			s.credit(to, e.Time, s.unreported(e.Event), event.Absent, event.Absent)
		}
		s.end(to, ending{time: e.Time, reason: e.Reason, played: e.Played})
	case event.Snapshot:
		s.turn(to, e.Event)
	}
}

// load counts the load, once.
func (s *session) load(to aggregate.Entry, at int64) {
	if s.loaded {
		return
	}
	s.loaded, s.loadTime = true, at
	if !s.webcaster {
		to.Add(measure.Loads, at, 1, "")
	}
}

// count counts a play or a publish that began at the time at, after startTime ms or event.Absent.
func (s *session) count(to aggregate.Entry, at, startTime int64) {
	if s.webcaster {
		to.Add(measure.Publishes, at, 1, "")
		to.Add(measure.PublishesByOS, at, 1, s.os)
		to.Add(measure.PublishesByBrowser, at, 1, s.browser)
		to.Add(measure.PublishesByVersion, at, 1, s.version)
		return
	}
	to.Add(measure.Plays, at, 1, "")
	to.Add(measure.PlaysByOS, at, 1, s.os)
	to.Add(measure.PlaysByBrowser, at, 1, s.browser)
	to.Add(measure.PlaysByVersion, at, 1, s.version)
	if startTime != event.Absent {
		to.Observe(measure.StartTime, at, startTime)
	}
}

// observe counts the numbers of a report that stand for themselves.
func (s *session) observe(to aggregate.Entry, e event.Event) {
	add := func(id measure.ID, value int64) {
		if value != event.Absent {
			to.Observe(id, e.Time, value)
		}
	}
	if s.webcaster {
		add(measure.VideoBitrate, e.VideoBitrate)
		add(measure.AudioBitrate, e.AudioBitrate)
		return
	}
	add(measure.BufferLength, e.BufferLength)
	add(measure.Latency, e.Latency)
}

// unreported is how long a play that stops without a report of its own has played since the last one (rules.md, 9).
func (s *session) unreported(stop event.Event) int64 {
	if s.lastReport == 0 {
		return 0 // the last report went to the collector that had the session before
	}
	rest := stop.Time - s.lastReport
	if stop.Played != event.Absent {
		rest = min(rest, stop.Played-s.reported)
	}
	return max(rest, 0)
}

type ending struct {
	time   int64
	reason string
	played int64 // or Absent
}

func (s *session) end(to aggregate.Entry, e ending) {
	s.ended = true
	if s.adopted {
		return
	}
	played := e.played
	if played == event.Absent {
		played = max(e.time-s.startTime-s.paused, 0)
	}
	if s.webcaster {
		to.Observe(measure.IngestTime, e.time, played)
		return
	}
	to.Observe(measure.PlayedTime, e.time, played)
	to.Add(measure.Stops, e.time, 1, aggregate.NewDimensions(measure.Stops, e.reason))
}

// credit spreads what a report says over the minutes of its span, which ends at the time end.
func (s *session) credit(to aggregate.Entry, end, playing, buffering, paused int64) {
	playing, buffering, paused = amount(playing), amount(buffering), amount(paused)
	length := playing + buffering + paused
	if length == 0 {
		return
	}
	begin := end - length
	minute := measure.Minute.Length.Milliseconds()
	if s.address.value != "" {
		s.address.count(s.hourly(s.space.Organization, measure.DimensionIP, s.address.value, end), func(v string) aggregate.Dimensions {
			return aggregate.NewDimensions(measure.PlayingByIP, s.direction, v)
		})
	}
	if !s.webcaster {
		s.referrer.count(s.hourly(s.space.Organization, measure.DimensionReferrer, s.referrer.value, end), func(v string) aggregate.Dimensions {
			return aggregate.NewDimensions(measure.PlayingByReferrer, v)
		})
	}
	var played, buffered int64
	for from := begin; from < end; {
		till := min(from-from%minute+minute, end)
		passed := till - begin
		p, b := playing*passed/length-played, buffering*passed/length-buffered
		played, buffered = played+p, buffered+b
		to.Add(measure.Playing, from, p, s.playing)
		if s.address.value != "" {
			to.Add(measure.PlayingByIP, from, p, s.address.dimensions)
		}
		if !s.webcaster {
			to.Add(measure.PlayingByReferrer, from, p, s.referrer.dimensions)
			to.Add(measure.Buffering, from, b, "")
			to.Add(measure.Viewing, from, p+b, "")
		}
		from = till
	}
}

// count sets how the value is counted from now on.
func (c *churning) count(as string, render func(string) aggregate.Dimensions) {
	if as != c.counted || c.dimensions == "" {
		c.counted, c.dimensions = as, render(as)
	}
}

func amount(value int64) int64 {
	if value == event.Absent {
		return 0
	}
	return value
}

func fatality(fatal bool) string {
	if fatal {
		return "true"
	}
	return "false"
}
