package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// player is a session of a player that says what it is doing at some moments,
// in CMCD, and names no durations.
type player struct {
	place
	interval     int64 // ms
	timeoutAfter time.Duration
	correction   int64 // ms to be added to the times that the player names
	logged       bool  // only access logs tell of it
	judge        judge
	by           watcher
	lastReceipt  time.Time
	gapSince     time.Time // of the last play, zero if it has no gap
	receipts     []time.Time
	cdn          string // of the present request
	// plays are the plays of one session id: a page that gives its player a
	// fixed one counts its reports from the beginning again.
	plays []*statePlay
}

// statePlay is one play, by its moments.
type statePlay struct {
	logged   []moment         // before the player itself told of it
	moments  map[int64]moment // by seq, the first accepted of each
	arrived  []moment         // the same in the order in which they came
	begin    int64            // ms, of the first that came
	first    int64            // ms, of seq 1, 0 before it
	highest  int64            // seq
	timedOut bool
	cdn      string // of the request with which it began
	followed bool   // another play began before this one fell silent
}

// moment is what a player said at one time. Times are ms, absent ones nil.
type moment struct {
	seq, at                          int64  // seq 0: not numbered
	state                            string // CMCD's sta, "" if it names none
	code                             string // of an error
	reason                           string // of the end
	startTime, bufferLength, latency *int64
	bitrate                          *int64 // bit/s
	late                             bool   // received after the session's timeout
	receipt                          int    // the how manieth of the player, from 0
}

// receive adds the moments of one request in their order.
func (p *player) receive(moments []moment, at time.Time) error {
	current := p.plays[len(p.plays)-1]
	if !p.lastReceipt.IsZero() {
		silence := at.Sub(p.lastReceipt)
		if silence > p.timeoutAfter-timeoutEarliest && silence < p.timeoutAfter+timeoutLatest && !p.isComplete() {
			return fmt.Errorf("silence of %v with a timeout of %v: %w", silence, p.timeoutAfter, errTooSlow)
		}
		current.timedOut = current.timedOut || silence > p.timeoutAfter
	}
	p.lastReceipt = at
	p.receipts = append(p.receipts, at)
	for _, m := range moments {
		if m.seq == 1 {
			if current.first != 0 && current.first != m.at {
				current.followed = !current.timedOut
				current = newStatePlay()
				current.cdn = p.cdn
				p.plays = append(p.plays, current)
				p.gapSince = time.Time{}
			}
			current.first = m.at
		}
		if m.seq == 0 {
			if current.has(m) {
				continue
			}
			m.seq = current.highest + 1
		}
		if _, duplicate := current.moments[m.seq]; duplicate {
			continue
		}
		// What is missing is waited for as long as a silence may last.
		if waited := at.Sub(p.gapSince); m.seq < current.highest && !current.timedOut && waited > p.timeoutAfter-timeoutEarliest {
			return fmt.Errorf("a report came %v after one of higher number: %w", waited, errTooSlow)
		}
		m.late, m.receipt = current.timedOut, len(p.receipts)-1
		if current.begin == 0 {
			current.begin = m.at
		}
		current.moments[m.seq] = m
		current.arrived = append(current.arrived, m)
		current.highest = max(current.highest, m.seq)
		switch gap := current.hasGap(); {
		case gap && p.gapSince.IsZero():
			p.gapSince = at
		case !gap:
			p.gapSince = time.Time{}
		}
	}
	return nil
}

func newStatePlay() *statePlay { return &statePlay{moments: map[int64]moment{}} }

// has says whether a moment that is not numbered was there before.
func (s *statePlay) has(m moment) bool {
	for _, known := range s.moments {
		if known.at == m.at && known.state == m.state && known.code == m.code {
			return true
		}
	}
	return false
}

func (s *statePlay) hasGap() bool { return int64(len(s.moments)) < s.highest }

// inOrder are the moments in the order in which they are taken: what comes
// after the timeout cannot change what was before.
func (s *statePlay) inOrder() []moment {
	var all []moment
	for _, m := range s.moments {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b moment) int {
		return cmp.Or(cmp.Compare(boolean(a.late), boolean(b.late)), cmp.Compare(a.seq, b.seq))
	})
	return slices.Concat(s.logged, all)
}

// isComplete says whether nothing is waited for.
func (p *player) isComplete() bool {
	return !slices.ContainsFunc(p.plays, func(s *statePlay) bool {
		ended := func(m moment) bool { return isEnd(m.state) }
		return s.hasGap() || !s.timedOut && !slices.ContainsFunc(s.inOrder(), ended)
	})
}

// tells says whether the player has told enough for others not to look whether
// somebody watches: a state other than preparing, an error or its start time.
func (p *player) tells() bool {
	for _, s := range p.plays {
		for _, m := range s.inOrder() {
			if m.state != "" && m.state != "d" || m.state == "" && (m.code != "" || m.startTime != nil) {
				return true
			}
		}
	}
	return false
}

func isEnd(state string) bool { return state == "e" || state == "f" || state == "q" }

func (p *player) fact(measure Measure, at, value int64, label string) Fact {
	return Fact{Measure: measure, At: at, Value: value, place: &p.place, label: label}
}

// facts is what the session adds once it has ended.
func (p *player) facts() []Fact {
	var facts []Fact
	for _, s := range p.plays {
		facts = append(facts, p.said(s.inOrder())...)
		reason := "timeout"
		if s.followed {
			reason = "playbackrestart"
		}
		facts = append(facts, p.lived(s.inOrder(), reason)...)
	}
	return facts
}

// said are the codes and levels that the moments name.
func (p *player) said(moments []moment) []Fact {
	var facts []Fact
	had := map[string]bool{}
	for _, m := range moments {
		if m.code != "" {
			if !had[m.code] {
				had[m.code] = true
				facts = append(facts, p.fact(StatusPlay, m.at, 1, m.code))
			}
			facts = append(facts, p.fact(Status, m.at, 1, m.code))
			if m.state == "f" {
				facts = append(facts, p.fact(FatalStatus, m.at, 1, m.code))
			}
		}
		if m.bufferLength != nil {
			facts = append(facts, p.fact(BufferLength, m.at, *m.bufferLength, ""))
		}
		if m.latency != nil {
			facts = append(facts, p.fact(Latency, m.at, *m.latency, ""))
		}
	}
	return facts
}

// longestStall is the most that one stall counts, in ms.
const longestStall = 5 * 60_000

// lived are load, start and stop of a play, and the time that it played and
// stalled. The reason is that of a play that does not say why it stopped.
func (p *player) lived(moments []moment, reason string) []Fact {
	facts, _ := p.live(moments, reason, &record{})
	return facts
}

// live is lived, keeps a record of the play, and says whether it said that it
// ended.
func (p *player) live(moments []moment, reason string, keep *record) (facts []Fact, said bool) {
	count := func(measure Measure, at, value int64, label string) {
		facts = append(facts, p.fact(measure, at, value, label))
	}
	var (
		state                  string // as it is meant, "" while none was named
		now, first             int64
		loaded, started, ended bool
		begun                  int64  // ms, the start
		asked                  bool   // to play, and the first frame was not there yet
		startUp                int64  // ms asked
		measured               *int64 // by the player
		stalled                int64  // ms of the present stall
		away                   int64  // ms paused, or stalled for too long to be waited for
		seenMinute             = int64(-1)
		outcome                string
		loadedAt               int64
		bitrate                *int64 // as it was told last
		w                      watched
	)
	settle := func(at int64, name string) {
		if loaded && outcome == "" {
			outcome = name
			count(Outcome, at, 1, name)
			if failedStart(name) {
				count(Judged, at, 1, name)
			}
		}
	}
	load := func(at int64) {
		if !loaded {
			loaded, loadedAt = true, at
			count(Load, at, 1, "")
			keep.load(at)
		}
	}
	start := func(at int64, startTime *int64) {
		started, begun = true, at
		keep.starts(at, startTime)
		if startTime != nil {
			keep.startTime = new(*startTime)
		}
		settle(at, "played")
		if startTime != nil {
			w.startTime = new(*startTime) // the player may start up again later
		}
		count(Play, at, 1, "")
		if startTime != nil {
			count(StartTime, at, *startTime, "")
		}
	}
	stop := func(at int64, reason string) {
		ended = true
		count(Stop, at, 1, reason)
		count(PlayedTime, at, max(at-begun-away, 0), "")
		count(Stay, begun, max(at-begun-away, 0), "")
		w.duration = max(at-begun-away, 0)
		keep.end, keep.played, keep.stop = at, new(w.duration), reason
		if outcome != "played" {
			return
		}
		if w.failed { // ends a play at once
			count(Outcome, at, 1, "playbackfailure")
			if at <= begun+30_000 {
				count(EarlyFailure, at, 1, "")
			}
		}
		count(Judged, at, 1, p.judge.quality(w))
	}
	span := func(measure Measure, end, length int64) {
		spread(length, length, end, func(minute, share int64) { count(measure, minute, share, "") })
	}
	note := func(m moment, end, playing, buffering, paused int64) {
		keep.note(entry{end, playing, buffering, paused, bitrate, nil, m.latency, m.bufferLength})
	}
	pass := func(length int64, m moment) { // since the moment before
		if length > 3*p.interval { // nobody knows what happened
			return
		}
		switch state {
		case "s":
			startUp += length
		case "p":
			span(Playing, now+length, length)
			rendered(count, now+length, length, length, bitrate, nil)
			w.played += length
			note(m, now+length, length, 0, 0)
		case "r":
			waited := min(length, longestStall-stalled)
			stalled += waited
			away += length - waited
			span(Buffering, now+waited, waited)
			w.buffered += waited
			note(m, now+waited, 0, waited, 0)
		case "a":
			if started {
				away += length
				note(m, now+length, 0, 0, length)
			}
		}
	}

	last := int64(0) // the time of the last moment before the timeout
	for i, m := range moments {
		if m.late && (i == 0 || !moments[i-1].late) && started && !ended {
			stop(last, "timeout")
		}
		if m.late && (i == 0 || !moments[i-1].late) && !started {
			settle(last, left(last, loadedAt))
		}
		last = m.at
		if keep.stop == "" {
			keep.end = last
		}
		if m.code != "" {
			keep.tell(m.at, m.code, m.state == "f")
		}
		at := max(now, m.at)
		if i == 0 {
			first = at
		} else {
			pass(at-now, m)
		}
		now = at
		if m.startTime != nil {
			measured = m.startTime
		}
		if m.bitrate != nil {
			switch {
			case bitrate != nil && *m.bitrate > *bitrate:
				count(Switched, at, 1, "up")
			case bitrate != nil && *m.bitrate < *bitrate:
				count(Switched, at, 1, "down")
			}
			bitrate = m.bitrate
		}
		if m.state == "" {
			if state != "" {
				continue
			}
			// A player that never names a state is counted by what is known of it.
			if m.code != "" || m.startTime != nil {
				load(first)
			}
			if m.startTime != nil && !started {
				start(min(first+*m.startTime, at), m.startTime)
			}
			if minute := floor(at, minute); started && minute > seenMinute {
				seenMinute = minute
				count(ServerViewer, at, 1, "")
			}
			continue
		}
		meant := m.state
		if waits := meant == "r" || meant == "w"; waits && !started {
			meant = "s"
		} else if waits && state == "k" {
			meant = "k"
		} else if waits {
			meant = "r"
		}
		if meant != state {
			stalled = 0
			keep.moments = append(keep.moments, happened{at, stateNames()[meant]})
			if meant == "r" {
				count(Stall, at, 1, "")
				keep.stalls = new(orZero(keep.stalls) + 1)
			}
		}
		state = meant
		if state == "d" {
			continue
		}
		load(at)
		if !started {
			if said := p.judge.unstarted(event{kind: "status", code: m.code, fatal: state == "f"}, loadedAt); said != "" {
				settle(at, said)
			} else if isEnd(state) {
				settle(at, left(at, loadedAt))
			}
		}
		asked = asked || state == "s"
		if state == "p" && !started {
			if asked {
				measured = &startUp
			}
			start(at, measured)
		}
		if isEnd(state) && started && !ended {
			w.failed = state == "f"
			stop(at, m.reason)
		}
	}
	said = ended
	if started && !ended {
		stop(last, reason)
	}
	if !started {
		settle(last, left(last, loadedAt))
	}
	return facts, said
}

// stateNames are what people read for CMCD's states.
func stateNames() map[string]string {
	return map[string]string{"d": "preparing", "s": "starting", "p": "playing", "k": "seeking", "r": "rebuffering", "a": "paused", "e": "ended", "f": "failed", "q": "quit"}
}
