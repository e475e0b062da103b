package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Measure says what a Fact counts.
type Measure int

// The measures, and the unit of their values.
const (
	Sent      Measure = iota // bytes to viewers
	Received                 // bytes from publishers
	Play                     // 1
	Stop                     // 1
	StartTime                // ms
	Playing                  // ms of players in a minute
	Buffering                // ms of players in a minute
	OnAir                    // ms of webcasters in a minute
)

// Fact is one thing that counts: so much of a measure at a time and a place.
type Fact struct {
	Measure Measure
	At      int64 // ms since 1970; of spans the start of the minute
	Value   int64 // in the measure's unit
	place
	reason string // of a Stop
}

// place is what facts can be filtered and grouped by. Empty means none.
type place struct {
	organization, country, stream, event, os string
}

// event is an accepted event. Times are ms, absent ones nil.
type event struct {
	seq, ts                    int64
	kind                       string
	startTime, played          *int64
	playing, buffering, paused *int64
	reason                     string
	late                       bool // received after the session's timeout
}

// carriesReport says whether a stop also is a report (rule 9).
func (e event) carriesReport() bool {
	return e.playing != nil || e.buffering != nil || e.paused != nil
}

// session is one play or one broadcast (rule 6).
type session struct {
	place
	webcaster    bool
	timeoutAfter time.Duration
	events       map[int64]event // by seq, the first accepted of each
	lastReceipt  time.Time
	timedOut     bool
}

// The collector looks for silent sessions from time to time. A silence that
// ends this much before or after the timeout may be seen either way.
const (
	timeoutEarliest = 500 * time.Millisecond
	timeoutLatest   = 4 * time.Second
)

// receive adds the accepted events of one request.
func (s *session) receive(accepted []event, at time.Time) error {
	if !s.lastReceipt.IsZero() {
		silence := at.Sub(s.lastReceipt)
		if silence > s.timeoutAfter-timeoutEarliest && silence < s.timeoutAfter+timeoutLatest {
			return fmt.Errorf("silence of %v with a timeout of %v: this machine is too slow to tell", silence, s.timeoutAfter)
		}
		s.timedOut = s.timedOut || silence > s.timeoutAfter
	}
	s.lastReceipt = at
	for _, e := range accepted {
		if _, duplicate := s.events[e.seq]; !duplicate {
			e.late = s.timedOut
			s.events[e.seq] = e
		}
	}
	return nil
}

// facts is what the session adds once it has ended.
func (s *session) facts() []Fact {
	bySeq := make([]event, 0, len(s.events))
	for _, e := range s.events {
		bySeq = append(bySeq, e)
	}
	slices.SortFunc(bySeq, func(a, b event) int { return cmp.Compare(a.seq, b.seq) })

	var load, start, stop, last *event
	for i := range bySeq {
		e := &bySeq[i]
		if e.late {
			continue
		}
		last = e
		switch {
		case e.kind == "load" && load == nil:
			load = e
		case e.kind == "start" && start == nil:
			start = e
		case e.kind == "stop" && stop == nil && start != nil:
			stop = e
		}
	}
	if start == nil {
		return nil
	}

	var facts []Fact
	add := func(measure Measure, at, value int64, reason string) {
		facts = append(facts, Fact{Measure: measure, At: at, Value: value, place: s.place, reason: reason})
	}
	addSpan := func(end, playing, buffering, paused int64) {
		length := playing + buffering + paused
		if s.webcaster {
			spread(playing, length, end, func(minute, share int64) { add(OnAir, minute, share, "") })
			return
		}
		spread(playing, length, end, func(minute, share int64) { add(Playing, minute, share, "") })
		spread(buffering, length, end, func(minute, share int64) { add(Buffering, minute, share, "") })
	}

	if !s.webcaster {
		add(Play, start.ts, 1, "")
		if start.startTime != nil {
			add(StartTime, start.ts, *start.startTime, "")
		} else if load != nil && load.ts <= start.ts {
			add(StartTime, start.ts, start.ts-load.ts, "")
		}
		if stop != nil {
			add(Stop, stop.ts, 1, stop.reason)
		} else {
			add(Stop, last.ts, 1, "timeout")
		}
	}

	reported, lastReport := int64(0), start.ts
	for i := range bySeq {
		e := &bySeq[i]
		if e.seq <= start.seq {
			continue
		}
		playing, buffering, paused := orZero(e.playing), orZero(e.buffering), orZero(e.paused)
		switch {
		case e.kind == "stats":
			addSpan(e.ts, playing, buffering, paused)
			if stop != nil && e.seq < stop.seq {
				reported += playing + buffering
				lastReport = e.ts
			}
		case e.kind == "stop" && e.carriesReport():
			// Of a repeated stop only the report counts: rule 9, reports above
			// the stop still add.
			addSpan(e.ts, playing, buffering, paused)
		case e == stop:
			rest := e.ts - lastReport
			if e.played != nil {
				rest = min(rest, *e.played-reported)
			}
			addSpan(e.ts, max(rest, 0), 0, 0)
		}
	}
	return facts
}

func orZero(value *int64) int64 {
	if value == nil {
		return 0
	}
	return *value
}

const minute = int64(60_000) // ms

// spread shares value out evenly over the span of the given length that stops
// at end, all in ms, and hands out the share of each minute (rule 3).
func spread(value, length, end int64, share func(minute, value int64)) {
	if value == 0 {
		return
	}
	begin := end - length
	given := int64(0)
	for m := floor(begin, minute); m < end; m += minute {
		upToHere := value * (min(m+minute, end) - begin) / length
		share(m, upToHere-given)
		given = upToHere
	}
}

// floor is the greatest multiple of unit that is not above x, for x ≥ 0.
func floor(x, unit int64) int64 { return x - x%unit }
