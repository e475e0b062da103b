package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Measure says what a Fact counts.
type Measure int

// The measures, and the unit of their values. Webcasters and players have
// different ones.
const (
	Sent               Measure = iota // bytes to viewers
	Received                          // bytes from publishers
	Load                              // 1
	Play                              // 1
	Stop                              // 1
	StartTime                         // ms
	PlayedTime                        // ms
	Playing                           // ms of players in a minute
	Buffering                         // ms of players in a minute
	BufferLength                      // ms
	Latency                           // ms
	Status                            // 1
	FatalStatus                       // 1, beside Status
	Publish                           // 1
	IngestTime                        // ms
	OnAir                             // ms of webcasters in a minute
	VideoBitrate                      // bit/s
	AudioBitrate                      // bit/s
	ServerViewer                      // 1 in a minute
	Outcome                           // 1
	EarlyFailure                      // 1, beside the Outcome playbackfailure
	Judged                            // 1
	Stall                             // 1 each
	VideoPlayed                       // bytes of video in a minute
	VideoPlayedTime                   // ms of players that know their bitrate in a minute
	PlayingByHeight                   // ms of players in a minute, beside Playing
	Switched                          // 1 each
	Frames                            // frames
	DroppedFrames                     // frames
	RoundTripTime                     // ms
	PacketLoss                        // millionths
	PublishStop                       // 1
	PublishStatus                     // 1
	FatalPublishStatus                // 1, beside PublishStatus
	StatusPlay                        // 1, at the first Status of a code in a play
	Stay                              // ms that a play played that ended, at its begin
	Smoothness                        // thousandths, of a record
)

// Fact is one thing that counts: so much of a measure at a time and a place.
type Fact struct {
	Measure Measure
	At      int64 // ms since 1970; of spans the start of the minute
	Value   int64 // in the measure's unit
	*place
	label string // the reason of a Stop, the code of a Status, the name of an Outcome; good, fair, or the cause of Judged as bad
}

// place is what facts can be filtered and grouped by. Empty means none.
type place struct {
	organization, country, stream, event   string
	os, browser, device, version, protocol string
	ip, referrer                           string
	tag                                    string // one of its stream's, where tags are told apart
	user, operator, region, cdn            string // of records alone
}

// event is an accepted event. Times are ms, absent ones nil.
type event struct {
	seq, ts                    int64
	kind                       string
	startTime, played          *int64
	playing, buffering, paused *int64
	bufferLength, latency      *int64
	videoBitrate, audioBitrate *int64 // bit/s
	reason, code               string
	fatal, business            bool
	height                     *int64 // lines
	stalls, frames, dropped    *int64
	up, down, failed           *int64
	roundTripTime, packetLoss  *int64 // ms, millionths
	late                       bool   // received after the session's timeout
	receipt                    int    // the how manieth of the session, from 0
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
	arrived      []event         // the same in the order in which they came
	receipts     []time.Time
	lastReceipt  time.Time
	timedOut     bool
	started      *event // the start that another collector has taken
	judge        judge
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
			return fmt.Errorf("silence of %v with a timeout of %v: %w", silence, s.timeoutAfter, errTooSlow)
		}
		s.timedOut = s.timedOut || silence > s.timeoutAfter
	}
	s.lastReceipt = at
	s.receipts = append(s.receipts, at)
	for _, e := range accepted {
		if _, duplicate := s.events[e.seq]; !duplicate {
			e.late, e.receipt = s.timedOut, len(s.receipts)-1
			s.events[e.seq] = e
			s.arrived = append(s.arrived, e)
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

	facts := s.said(bySeq)
	if s.started != nil {
		// The other collector counts the load, the start and the end.
		return append(facts, s.spans(bySeq, s.started, s.firstStop(bySeq))...)
	}
	if load != nil && !s.webcaster {
		facts = append(facts, s.fact(Load, load.ts, 1, ""))
		if start == nil || load.seq < start.seq {
			facts = append(facts, s.attempt(bySeq, load, start, stop)...)
		}
	}
	if start == nil {
		return facts
	}
	end, reason := last, "timeout"
	if stop != nil {
		end, reason = stop, stop.reason
	}
	duration := end.ts - start.ts
	for _, e := range bySeq {
		if e.seq > start.seq && e.seq <= end.seq && (e.kind == "stats" || e.kind == "stop") {
			duration -= orZero(e.paused)
		}
	}
	if duration = max(duration, 0); end.played != nil {
		duration = *end.played
	}
	if s.webcaster {
		return append(append(facts, s.fact(Publish, start.ts, 1, ""), s.fact(IngestTime, end.ts, duration, ""), s.fact(PublishStop, end.ts, 1, reason)),
			s.spans(bySeq, start, stop)...)
	}
	facts = append(facts, s.fact(Play, start.ts, 1, ""), s.fact(Stop, end.ts, 1, reason), s.fact(PlayedTime, end.ts, duration, ""),
		s.fact(Stay, start.ts, duration, ""))
	if start.startTime != nil {
		facts = append(facts, s.fact(StartTime, start.ts, *start.startTime, ""))
	} else if load != nil && load.ts <= start.ts {
		facts = append(facts, s.fact(StartTime, start.ts, start.ts-load.ts, ""))
	}
	return append(facts, s.spans(bySeq, start, stop)...)
}

// firstStop is the first stop that came in time, or nil.
func (s *session) firstStop(bySeq []event) *event {
	for i := range bySeq {
		if e := &bySeq[i]; e.kind == "stop" && !e.late && e.seq > s.started.seq {
			return e
		}
	}
	return nil
}

func (s *session) fact(measure Measure, at, value int64, label string) Fact {
	return Fact{Measure: measure, At: at, Value: value, place: &s.place, label: label}
}

// said are the codes and the levels that the events name, before and after the
// start (rules 15 and 17).
func (s *session) said(bySeq []event) []Fact {
	var facts []Fact
	add := func(measure Measure, at int64, value *int64) {
		if value != nil {
			facts = append(facts, s.fact(measure, at, *value, ""))
		}
	}
	// What comes after the timeout cannot change what was before.
	inOrder := slices.Clone(bySeq)
	slices.SortStableFunc(inOrder, func(a, b event) int { return cmp.Compare(boolean(a.late), boolean(b.late)) })
	had := map[string]bool{}
	for _, e := range inOrder {
		if e.kind == "status" && !s.webcaster && !had[e.code] {
			had[e.code] = true
			facts = append(facts, s.fact(StatusPlay, e.ts, 1, e.code))
		}
	}
	for _, e := range bySeq {
		if !s.webcaster && (e.kind == "stats" || e.kind == "stop") {
			facts = append(facts, s.counters(e)...)
		}
		switch {
		case e.kind == "status":
			of, fatal := Status, FatalStatus
			if s.webcaster {
				of, fatal = PublishStatus, FatalPublishStatus
			}
			facts = append(facts, s.fact(of, e.ts, 1, e.code))
			if e.fatal {
				facts = append(facts, s.fact(fatal, e.ts, 1, e.code))
			}
		case e.kind == "stats" && s.webcaster:
			add(VideoBitrate, e.ts, e.videoBitrate)
			add(AudioBitrate, e.ts, e.audioBitrate)
			add(RoundTripTime, e.ts, e.roundTripTime)
			add(PacketLoss, e.ts, e.packetLoss)
		case e.kind == "stats":
			add(BufferLength, e.ts, e.bufferLength)
			add(Latency, e.ts, e.latency)
		}
	}
	return facts
}

// counters are the stalls, switches and frames that a report tells of.
func (s *session) counters(e event) []Fact {
	var facts []Fact
	add := func(measure Measure, value *int64, label string) {
		if value != nil && *value > 0 {
			facts = append(facts, s.fact(measure, e.ts, *value, label))
		}
	}
	add(Stall, e.stalls, "")
	add(Switched, e.up, "up")
	add(Switched, e.down, "down")
	add(Switched, e.failed, "failed")
	if e.frames != nil && e.dropped != nil {
		add(Frames, e.frames, "")
		add(DroppedFrames, new(min(*e.dropped, *e.frames)), "")
	}
	return facts
}

// heightClass is the class of the height of a picture (rule 31).
func heightClass(height *int64) string {
	if height == nil || *height == 0 {
		return "(unknown)"
	}
	for _, limit := range []int64{240, 360, 480, 540, 720, 1080, 1440, 2160} {
		if *height <= limit {
			return fmt.Sprintf("%dp", limit)
		}
	}
	return "above 2160p"
}

// rendered is what players saw in a span: the time by height, and by bitrate
// the bytes of video, of which each minute has those up to its end that no
// earlier one has.
func rendered(fact func(Measure, int64, int64, string), end, playing, length int64, bitrate, height *int64) {
	before := int64(0)
	spread(playing, length, end, func(minute, share int64) {
		fact(PlayingByHeight, minute, share, heightClass(height))
		if bitrate != nil {
			fact(VideoPlayedTime, minute, share, "")
			fact(VideoPlayed, minute, *bitrate*(before+share)/8000-*bitrate*before/8000, "")
		}
		before += share
	})
}

// spans is what the session played and buffered, by minute. The stop may be
// nil.
func (s *session) spans(bySeq []event, start, stop *event) []Fact {
	var facts []Fact
	addSpan := func(e *event, playing, buffering, paused int64) {
		end := e.ts
		length := playing + buffering + paused
		add := func(measure Measure, value int64) {
			spread(value, length, end, func(minute, share int64) {
				facts = append(facts, s.fact(measure, minute, share, ""))
			})
		}
		if s.webcaster {
			add(OnAir, playing)
			return
		}
		add(Playing, playing)
		add(Buffering, buffering)
		rendered(func(measure Measure, at, value int64, label string) {
			facts = append(facts, s.fact(measure, at, value, label))
		}, end, playing, length, e.videoBitrate, e.height)
	}

	reported, lastReport := int64(0), start.ts
	unknown := s.started != nil // when the last report was
	for i := range bySeq {
		e := &bySeq[i]
		if e.seq <= start.seq {
			continue
		}
		playing, buffering, paused := orZero(e.playing), orZero(e.buffering), orZero(e.paused)
		switch {
		case e.kind == "stats":
			addSpan(e, playing, buffering, paused)
			if stop != nil && e.seq < stop.seq {
				reported += playing + buffering
				lastReport, unknown = e.ts, false
			}
		case e.kind == "stop" && e.carriesReport():
			// Of a repeated stop only the report counts: rule 9, reports above
			// the stop still add.
			addSpan(e, playing, buffering, paused)
		case e == stop && !unknown:
			rest := e.ts - lastReport
			if e.played != nil {
				rest = min(rest, *e.played-reported)
			}
			addSpan(e, max(rest, 0), 0, 0)
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
