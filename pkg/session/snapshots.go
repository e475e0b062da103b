package session

import (
	"slices"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

// snapshots is what a session knows of a player that names its state at some moments. Between two of them the player was in
// the state of the first.
type snapshots struct {
	state      event.State // StateKept while none was named
	time       int64       // ms since 1970, of the last snapshot; 0 before the first
	began      int64       // ms since 1970, of the first snapshot
	startUp    int64       // ms in StateStarting before the first frame
	asked      bool        // whether there was a StateStarting
	measured   int64       // start-up time by the player's own measurement, ms, or event.Absent
	stall      int64       // ms for which the present stall lasts
	seenMinute int64       // of a player without states: the last minute in which it counted as a viewer, since 1970
	logged     bool        // whether it is known from a log only
	correction int64       // ms, of the player's clock
	firstTime  int64       // ms since 1970, of the snapshot with seq 1
	bitrate    int64       // bit/s of the video, as the player said last; 0 while it has not
	recent     []unnumbered
}

// longestStall is the most, in ms, that one stall counts. Players whose stream is gone go on saying that they rebuffer for as
// long as somebody leaves the page open; Mux Data, too, takes nobody for a viewer who has waited for five minutes.
const longestStall = 5 * 60_000

// unnumbered identifies a snapshot that has no seq.
type unnumbered struct {
	time  int64
	state event.State
	code  string
}

// recentSnapshots is how many snapshots without seq are remembered, so that one that is sent again is recognised.
const recentSnapshots = 32

// restarts reports whether a snapshot is the first of another play under the same session id: a page that gives its player a
// fixed id counts from the beginning again.
func (s *session) restarts(e *event.Event) bool {
	if e.Seq != 1 {
		return false
	}
	if s.firstTime == 0 {
		s.firstTime = e.Time
	}
	return e.Time != s.firstTime
}

// restart makes a session a new one of the same player, whose snapshot with seq 1 is of a time in ms since 1970.
func (s *session) restart(at int64) {
	*s = session{
		name: s.name, space: s.space, client: s.client, network: s.network, viewer: s.viewer, address: s.address, unnamed: s.unnamed,
		snapshots: &snapshots{correction: s.correction, firstTime: at},
	}
}

// handOver lets the player itself go on with what a log has told of it: its own reports have numbers, which begin with 1.
func (t *Tracker) handOver(s *session, first event.Batch) {
	of := *s.client
	of.interval = first.Session.Interval.Milliseconds()
	s.client = shared(t.clients, of)
	s.logged, s.correction = false, first.Correction
	s.seen, s.recent = sequence{}, nil
}

// isLogged reports whether the session is known from a log only.
func (s *session) isLogged() bool { return s.snapshots != nil && s.logged }

// number gives a snapshot without seq the next one, or returns false if it was there before.
func (s *session) number(e *event.Event) bool {
	id := unnumbered{e.Time, e.State, e.Code}
	if slices.Contains(s.recent, id) {
		return false
	}
	if len(s.recent) == recentSnapshots {
		s.recent = slices.Delete(s.recent, 0, 1)
	}
	s.recent = append(s.recent, id)
	e.Seq = s.seen.highest() + 1
	return true
}

// turn counts the time since the last snapshot by the state of that one, and what the new state means.
func (s *session) turn(to *entry, e *event.Event) {
	if e.StartTime != event.Absent || s.time == 0 {
		s.measured = e.StartTime
	}
	// Some reports of requests are stamped with the begin of the request, before the report that went ahead of them.
	at := max(e.Time, s.time)
	if s.time != 0 {
		s.spend(to, at, e)
	} else {
		s.began = at
	}
	s.time = at
	if s.record != nil {
		s.record.Tell(e.VideoBitrate)
	}
	if e.VideoBitrate != event.Absent {
		s.switchTo(to, at, e.VideoBitrate)
	}
	if e.State == event.StateKept {
		if s.state == event.StateKept {
			s.turnStateless(to, e, at)
		}
		return
	}
	state := s.means(e.State)
	if state != s.state {
		s.stall = 0
		if s.record != nil {
			s.record.State(at, stateNames[state])
		}
		if state == event.StateRebuffering {
			to.Add(measure.Stalls, at, 1, "")
			if s.record != nil {
				s.record.Stall()
			}
		}
	}
	s.state = state
	if s.state == event.StatePreparing {
		return
	}
	s.load(to, at)
	if s.state == event.StateFailed || e.Excuse == event.Blocked {
		s.fail(to, at, s.state == event.StateFailed, e.Excuse)
	}
	switch s.state {
	case event.StateStarting:
		s.asked = true
	case event.StatePlaying:
		if !s.started {
			s.begin(to, e, at)
		}
	case event.StateEnded, event.StateFailed, event.StateQuit:
		if s.started && !s.ended {
			s.end(to, ending{time: at, reason: e.Reason, played: event.Absent})
		} else if !s.started {
			s.leave(to, at, event.NoExcuse)
		}
	}
}

// switchTo counts that another rendition plays from the time at.
func (s *session) switchTo(to *entry, at, bitrate int64) {
	if s.bitrate != 0 && bitrate != s.bitrate {
		up := bitrate > s.bitrate
		kind := 1
		if up {
			kind = 0
		}
		to.Add(measure.Switches, at, 1, switchDimensions[kind])
		if s.record != nil {
			s.record.Switch(up)
		}
	}
	s.bitrate = bitrate
}

// rendition returns what a player renders that names its bitrate, if it has done so.
func (s *snapshots) rendition() rendition {
	r := rendition{event.Absent, event.Absent}
	if s.bitrate > 0 {
		r.bitrate = s.bitrate
	}
	return r
}

// turnStateless counts what a player tells that has named no state: Shaka's compiled library leaves its states out. An error
// or the measured start-up time prove a load, and the latter a play; whether it renders, stalls or pauses is unknown, so it
// counts neither as playing nor as buffering, but as a viewer whom others see.
func (s *session) turnStateless(to *entry, e *event.Event, at int64) {
	if e.Code != "" || e.StartTime != event.Absent {
		s.load(to, s.began)
	}
	if e.StartTime != event.Absent && !s.started {
		s.begin(to, e, min(s.began+e.StartTime, at))
	}
	if s.started && at/minute > s.seenMinute {
		s.seenMinute = at / minute
		to.Add(measure.ServerViewers, at, 1, "")
	}
}

// means returns the state that is meant: waiting for data is a stall only where the player rendered before, and not while it
// goes to another position. hls.js and dash.js say rebuffering then, too.
func (s *session) means(state event.State) event.State {
	switch {
	case state != event.StateRebuffering:
		return state
	case !s.started:
		return event.StateStarting
	case s.state == event.StateSeeking:
		return event.StateSeeking
	}
	return state
}

// stateNames are the states as the timeline of a play has them.
var stateNames = map[event.State]string{
	event.StatePreparing: "preparing", event.StateStarting: "starting", event.StatePlaying: "playing", event.StateSeeking: "seeking",
	event.StateRebuffering: "rebuffering", event.StatePaused: "paused", event.StateEnded: "ended", event.StateFailed: "failed",
	event.StateQuit: "quit",
}

// begin counts the start. Its time is the time in StateStarting, without the waiting for a click that some browsers want,
// else the player's own measurement.
func (s *session) begin(to *entry, e *event.Event, at int64) {
	s.started, s.startTime, s.startSeq, s.lastReport = true, at, uint32(e.Seq), at
	startTime := s.measured
	if s.asked {
		startTime = s.startUp
	}
	s.count(to, at, startTime)
}

// spend counts the time from the last snapshot to the time at, which is that of e. A silence by which the session has ended counts as nothing:
// nobody knows what the player did.
func (s *session) spend(to *entry, at int64, e *event.Event) {
	span := at - s.time
	if span > silentIntervals*s.interval {
		return
	}
	switch s.state {
	case event.StateStarting:
		s.startUp += span
	case event.StatePlaying:
		s.credit(to, at, span, event.Absent, event.Absent, s.rendition())
		s.spent(at, span, 0, 0)
		s.note(e, at, span, event.Absent, event.Absent)
	case event.StateRebuffering:
		counted := min(span, longestStall-s.stall)
		s.stall += counted
		s.credit(to, s.time+counted, event.Absent, counted, event.Absent, s.rendition())
		s.spent(at, 0, counted, span-counted)
		s.note(e, s.time+counted, event.Absent, counted, event.Absent)
	case event.StatePaused:
		if s.started {
			s.credit(to, at, event.Absent, event.Absent, span, s.rendition())
			s.spent(at, 0, 0, span)
			s.note(e, at, event.Absent, event.Absent, span)
		}
	}
}
