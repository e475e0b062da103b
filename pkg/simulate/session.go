package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"sort"
	"time"
)

// fate is what becomes of a session.
type fate uint8

const (
	plays    fate = iota
	fails         // before the first frame, with a code
	leaves        // before the first frame
	vanishes      // after a while, without a stop
)

// Habits of stalls and pauses.
const (
	meanStall    = 1500 // ms
	stalledShare = 0.01 // of the time, on networks of strain 1
	pauseChance  = 0.01 // that a viewer pauses between two reports
	troubleShare = 0.4  // of the time of a session in trouble, in the mean
	overhead     = 1.04 // bytes sent per byte of media: containers and protocols
	climbChance  = 0.5  // that a player below its best rendition takes the next one after a report without a stall
	fallChance   = 0.3  // that it goes down by one in a stall
	failChance   = 0.02 // that a switch in a stall fails
)

// session is one play or broadcast. It moves in steps: the first frame, the reports, the stop. Times are in ms since 1970.
type session struct {
	source    rand.PCG
	kind      uint64
	number    uint64
	stream    *stream
	place     *place
	agent     *agent
	player    *player
	version   string
	site      string
	address   netip.Addr
	rendition int64 // bit/s of video that plays or is sent
	best      int64 // the greatest that the network carries of the stream, bit/s
	interval  int64 // ms

	loaded int64
	due    int64 // of the next step
	ends   int64
	last   int64 // of the last report or the start
	seq    int64
	played int64 // ms of playing and buffering
	fate   fate
	// from and to are the times between which it is in trouble, if there are.
	from, to int64
	begun    bool // its first step is done
	over     bool

	billed  int64 // time of the last line of usage
	unpaid  int64 // bytes since then
	billing int64 // ms between the lines
}

// id is unique among the sessions of a seed.
func (s *session) id(seed uint64) string {
	return fmt.Sprintf("%016x%02x%014x", seed, s.kind, s.number)
}

// broadcast reports whether the session is one; else it is a play.
func (s *session) broadcast() bool { return s.player == &webcaster || s.player == &encoder }

// chooseRendition draws from the ladder what the viewer's network carries of the stream.
func (s *session) chooseRendition(r *rand.Rand) int64 {
	best := newChooser(len(ladder), func(i int) float64 { return math.Pow(1.8/math.Sqrt(s.place.strain), float64(i)) })
	return min(int64(ladder[best.draw(r)]), s.stream.bitrate)
}

// step does what is due and returns what the session says of it, and the usage that its server counts. Then due is the time
// of the next step, unless the session is over. Encoders say nothing.
func (s *session) step() ([]wireEvent, []usageLine) {
	r := rand.New(&s.source)
	var events []wireEvent
	if !s.begun {
		s.begun = true
		events = s.start(r)
	} else {
		events = s.report(r)
	}
	if s.player == &encoder {
		events = nil
	}
	for i := range events {
		s.seq++
		events[i].Seq = s.seq
	}
	return events, s.bill()
}

func (s *session) start(r *rand.Rand) []wireEvent {
	load := wireEvent{TS: s.loaded, Type: "load"}
	switch s.fate {
	case fails:
		s.over = true
		return []wireEvent{load, {TS: s.due, Type: "status", Code: draw(r, s.player.codes.failures), Fatal: true}}
	case leaves:
		s.over = true
		return []wireEvent{load, {TS: s.due, Type: "stop", Reason: "destroy"}}
	}
	s.last, s.billed = s.due, s.due
	start := wireEvent{TS: s.due, Type: "start", StartTime: seconds(s.due - s.loaded)}
	s.schedule(r)
	return []wireEvent{load, start}
}

// schedule sets the next report, which a busy page may make some ms late.
func (s *session) schedule(r *rand.Rand) {
	s.due = min(s.due+s.interval+r.Int64N(20), max(s.ends, s.due+1))
}

// report returns what happened since the last one; at the end of the session, its stop.
func (s *session) report(r *rand.Rand) []wireEvent {
	ended := s.due >= s.ends
	s.over = ended
	if ended && s.fate == vanishes {
		return nil
	}
	span := s.due - s.last
	passed := report{Playing: seconds(span)}
	playing := span
	var stalled int64
	if !s.broadcast() {
		stalled = s.stalled(r, span)
		var paused int64
		if r.Float64() < pauseChance {
			paused = r.Int64N(span - stalled + 1)
		}
		playing = span - stalled - paused
		passed = report{seconds(playing), seconds(stalled), seconds(paused)}
	}
	s.played += playing + stalled
	s.last = s.due
	bitrate := int64(float64(s.rendition) * (0.94 + 0.12*r.Float64()))
	s.unpaid += traffic(playing, bitrate)

	var events []wireEvent
	if stalled > meanStall && s.player.codes != nil && r.Float64() < 0.5 {
		events = append(events, wireEvent{TS: s.due, Type: "status", Code: draw(r, s.player.codes.recovered)})
	}
	told := wireEvent{TS: s.due, report: &passed, VideoBitrate: bitrate}
	if s.broadcast() {
		told.RoundTrip, told.Loss = usualRoundTrip*s.place.strain, usualLoss*s.place.strain
	} else {
		told.Height, told.Frames = heightOf(s.rendition), playing/frameLength
		// Of less than a whole frame, the part is the chance of one.
		told.Dropped = int64(float64(told.Frames)/framesPerDrop + r.Float64())
		if stalled > 0 {
			told.Stalls = 1
		}
		told.Switches = s.adapt(r, stalled > 0)
	}
	if !ended {
		stats := told
		stats.Type, stats.AudioBitrate = "stats", audioBitrate
		if !s.broadcast() {
			stats.BufferLength = seconds(int64(logNormal(r, s.player.bufferLength, 0.3)))
			stats.Latency = seconds(int64(logNormal(r, s.player.latency, 0.25)))
		}
		s.schedule(r)
		return append(events, stats)
	}
	end := ending{reason: "normal"}
	if s.player.codes != nil {
		end = draw(r, s.player.codes.endings)
	}
	if end.code != nil {
		events = append(events, wireEvent{TS: s.due, Type: "status", Code: end.code, Fatal: true})
	}
	told.Type, told.Reason, told.Played = "stop", end.reason, seconds(s.played)
	told.RoundTrip, told.Loss = 0, 0
	return append(events, told)
}

const (
	frameLength    = 40   // ms
	framesPerDrop  = 500  // of a player that keeps up
	usualRoundTrip = 0.03 // s, of a webcaster whose network is no strain
	usualLoss      = 0.001
)

// adapt lets the player choose what it plays next, a rendition below after a stall and one above without, and returns the
// switches: nil for none.
func (s *session) adapt(r *rand.Rand, stalled bool) *switches {
	i := rung(s.rendition)
	switch chance := r.Float64(); {
	case stalled && i > 0 && chance < failChance:
		return &switches{Failed: 1}
	case stalled && i > 0 && chance < failChance+fallChance:
		s.rendition = int64(ladder[i-1])
		return &switches{Down: 1}
	case !stalled && s.rendition < s.best && chance < climbChance:
		s.rendition = int64(ladder[i+1])
		return &switches{Up: 1}
	}
	return nil
}

// rung returns the index of a rendition in the ladder.
func rung(bitrate int64) int {
	return sort.SearchFloat64s(ladder, float64(bitrate))
}

// heightOf returns the lines of the picture of a rendition.
func heightOf(bitrate int64) int64 {
	return []int64{360, 540, 720, 1080}[rung(bitrate)]
}

// stalled draws how many ms of the span the player waited for data.
func (s *session) stalled(r *rand.Rand, span int64) int64 {
	if s.from < s.due && s.due <= s.to {
		return int64(float64(span) * 2 * troubleShare * r.Float64())
	}
	share := stalledShare * s.place.strain
	if r.Float64() >= share*float64(span)/meanStall {
		return 0
	}
	return min(int64(r.ExpFloat64()*meanStall), span/2)
}

// stop lets a session that has begun end at the time now, in ms since 1970, as when the page is closed.
func (s *session) stop(now int64) {
	s.ends = max(s.last+1, now)
	s.due = s.ends
}

// clip lets the session end at the time to if it would go on, and reports whether it begins before that.
func (s *session) clip(to time.Time) bool {
	s.ends = min(s.ends, to.UnixMilli())
	return s.due < s.ends
}

// invoice returns the lines of usage of a session that was delivered for a while at the time at.
func (s *session) invoice(at time.Time, length time.Duration) []usageLine {
	s.last, s.over = at.UnixMilli(), true
	s.unpaid = traffic(length.Milliseconds(), s.best)
	return s.bill()
}

// traffic is the bytes that carry media of so many ms, by the bitrate of the video.
func traffic(ms, bitrate int64) int64 {
	return int64(overhead * float64(ms) * float64(bitrate+audioBitrate) / 8000)
}

// bill returns the lines of usage that are due.
func (s *session) bill() []usageLine {
	if s.unpaid == 0 || !s.over && s.last-s.billed < s.billing {
		return nil
	}
	s.billed = s.last
	line := usageLine{
		TS: s.last, Stream: s.stream.name, Direction: "playout", Protocol: s.protocol(), Bytes: s.unpaid,
		IP: s.address.String(), Referrer: s.page(),
	}
	s.unpaid = 0
	if !s.broadcast() {
		return []usageLine{line}
	}
	line.Direction, line.Referrer = "ingest", ""
	lines := []usageLine{line}
	if s.stream.returnFeed {
		line.Direction, line.Protocol = "playout", "rtmp"
		lines = append(lines, line)
	}
	return lines
}

// protocol is that of the session's traffic.
func (s *session) protocol() string {
	if s.stream.token && s.player.protocol == "h5live" {
		return "h5live_token"
	}
	return s.player.protocol
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }
