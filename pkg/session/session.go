package session

import (
	"slices"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

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
