package play

import (
	"encoding/binary"
	"slices"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
)

// Recorder collects the record of one play while it lasts. What it holds is a function of what it is told. There are many, so it holds that
// coded, in less than 1 KB as a rule.
type Recorder struct {
	coded []byte // see state.append
}

// state is what a Recorder holds. Its bytes are those of the coded form where that has them.
type state struct {
	session, user, cdn, code, stop []byte

	begin                       int64 // the earliest of what was told first, the load and the first frame
	codeTime                    int64 // of code
	start, startTime            int64 // or event.Absent
	end, played                 int64 // likewise
	playing, buffering, paused  int64
	stall, longestStall         int64 // ms, of buffering in reports without a break, and the longest such
	weightedBitrate, bitrateFor int64 // sum of bitrate × ms of playing, and of those ms
	leastBitrate, mostBitrate   int64 // or event.Absent
	latency                     mean
	mostLatency                 int64 // or event.Absent
	errors, fatal               int64
	stalls, up, down, dropped   int64 // or event.Absent
	height                      int64 // or event.Absent
	roundTrip, loss             mean
	told                        int64 // bitrate that a player which names its state has told last, or event.Absent
	timeline                    collected
}

// NewRecorder returns the recorder of a play that begins at a time in ms since 1970. The texts, which it copies, are the names of the session, of
// its user and of the network that delivers the media; the last two may be "".
func NewRecorder(session, user, cdn string, begin int64) *Recorder {
	s := state{
		session: []byte(session), user: []byte(user), cdn: []byte(cdn), begin: begin, codeTime: begin, end: event.Absent, played: event.Absent, start: event.Absent, startTime: event.Absent,
		leastBitrate: event.Absent, mostBitrate: event.Absent, mostLatency: event.Absent,
		stalls: event.Absent, up: event.Absent, down: event.Absent, dropped: event.Absent, height: event.Absent, told: event.Absent,
		timeline: collected{begin: begin, lastMoment: begin, last: noEntry(begin)},
	}
	r := &Recorder{}
	r.hold(&s)
	return r
}

// holds returns what the recorder holds.
func (r *Recorder) holds() state {
	var s state
	from := reader{b: r.coded}
	for _, text := range s.texts() {
		*text = from.bytes(from.unsigned())
	}
	before := int64(0)
	for _, n := range s.numbers() {
		*n = from.signed()
	}
	for _, n := range s.times() {
		*n = before + from.signed()
		before = s.timeline.begin
	}
	s.timeline.moments = from.bytes(from.unsigned())
	s.timeline.entries = from.b
	return s
}

// hold lets the recorder hold s.
func (r *Recorder) hold(s *state) {
	b := s.append(make([]byte, 0, 1280)) // mostly enough, and not in the heap
	if cap(r.coded) < len(b) {
		room := max(len(b)/16, 24) // a little, where append would double it
		if len(b) < maxCoded {
			room = min(room, maxCoded-len(b))
		}
		r.coded = slices.Grow([]byte(nil), len(b)+room)
	}
	r.coded = append(r.coded[:0], b...)
}

// maxCoded is how long the coded form is mostly at most. The allocator has pieces of this size.
const maxCoded = 896

// append appends the coded form: texts and numbers as varints, the moments and then the entries of the timeline, to the end.
func (s *state) append(b []byte) []byte {
	for _, text := range s.texts() {
		b = append(binary.AppendUvarint(b, uint64(len(*text))), *text...)
	}
	for _, n := range s.numbers() {
		b = binary.AppendVarint(b, *n)
	}
	before := int64(0)
	for _, n := range s.times() {
		b = binary.AppendVarint(b, *n-before)
		before = s.timeline.begin
	}
	b = binary.AppendUvarint(b, uint64(len(s.timeline.moments)))
	b = append(b, s.timeline.moments...)
	b = append(b, s.timeline.entries...)
	if s.timeline.adds {
		b = appendEntry(b, s.timeline.before, s.timeline.last)
	}
	return b
}

func (s *state) texts() [5]*[]byte {
	return [...]*[]byte{&s.session, &s.user, &s.cdn, &s.code, &s.stop}
}

// times returns the times in ms since 1970, that which was told first at the begin, which the others are mostly near.
func (s *state) times() [7]*int64 {
	t := &s.timeline
	return [...]*int64{&t.begin, &s.begin, &s.start, &s.end, &t.last.End, &t.lastMoment, &s.codeTime}
}

// numbers returns all other numbers.
func (s *state) numbers() [36]*int64 {
	t := &s.timeline
	return [...]*int64{
		&s.startTime, &s.played, &s.playing, &s.buffering, &s.paused, &s.stall, &s.longestStall, &s.weightedBitrate, &s.bitrateFor,
		&s.leastBitrate, &s.mostBitrate, &s.latency.sum, &s.latency.count, &s.mostLatency, &s.errors, &s.fatal,
		&s.stalls, &s.up, &s.down, &s.dropped, &s.height, &s.roundTrip.sum, &s.roundTrip.count, &s.loss.sum, &s.loss.count, &s.told,
		&t.count, &t.momentCount, &t.more,
		&t.last.Playing, &t.last.Buffering, &t.last.Paused, &t.last.Bitrate, &t.last.Height, &t.last.Latency, &t.last.BufferLength,
	}
}

// Load notes that the player tries to play, at a time in ms since 1970. It is a moment of its own if something came before. What comes later and
// happened before that is the begin.
func (r *Recorder) Load(at int64) {
	s := r.holds()
	switch {
	case at == s.begin:
		return
	case at < s.begin:
		s.begin = at
	default:
		s.timeline.note(Moment{Time: at, Kind: Loaded})
	}
	r.hold(&s)
}

// Start notes the first frame, at a time in ms since 1970, and the start-up time in ms, which may be event.Absent.
func (r *Recorder) Start(at, startTime int64) {
	s := r.holds()
	s.begin = min(s.begin, at)
	s.start, s.startTime = at, startTime
	r.hold(&s)
}

// Report notes what a report says. Its entry has 0 where there was no playing, buffering or pause; of the event is what the report counts and
// measures beside it.
func (r *Recorder) Report(e Entry, of *event.Event) {
	s := r.holds()
	s.report(e)
	s.count(of)
	r.hold(&s)
}

func (s *state) report(e Entry) {
	s.playing, s.buffering, s.paused = s.playing+e.Playing, s.buffering+e.Buffering, s.paused+e.Paused
	switch {
	case e.Buffering == 0:
		s.stall = 0
	case e.Playing > 0: // it has begun or ended within the report
		s.longestStall = max(s.longestStall, s.stall+e.Buffering)
		s.stall = e.Buffering
	default:
		s.stall += e.Buffering
		s.longestStall = max(s.longestStall, s.stall)
	}
	if e.Bitrate != event.Absent {
		s.weightedBitrate, s.bitrateFor = s.weightedBitrate+e.Bitrate*e.Playing, s.bitrateFor+e.Playing
		if s.leastBitrate == event.Absent || e.Bitrate < s.leastBitrate {
			s.leastBitrate = e.Bitrate
		}
		s.mostBitrate = max(s.mostBitrate, e.Bitrate)
	}
	if e.Latency != event.Absent {
		s.latency.add(e.Latency)
		s.mostLatency = max(s.mostLatency, e.Latency)
	}
	s.timeline.add(e)
}

func (s *state) count(e *event.Event) {
	dropped := e.DroppedFrames
	if e.Frames != event.Absent {
		dropped = min(dropped, e.Frames)
	}
	for _, n := range [...]struct {
		sum  *int64
		more int64
	}{{&s.stalls, e.Stalls}, {&s.up, e.SwitchesUp}, {&s.down, e.SwitchesDown}, {&s.dropped, dropped}} {
		if n.more != event.Absent {
			*n.sum = max(*n.sum, 0) + n.more
		}
	}
	s.height = later(s.height, e.Height)
	s.roundTrip.add(e.RoundTripTime)
	s.loss.add(e.PacketLoss)
}

// Stall notes that a player stalls that names its state.
func (r *Recorder) Stall() {
	s := r.holds()
	s.stalls = max(s.stalls, 0) + 1
	r.hold(&s)
}

// Switch notes that another rendition plays, of more bits or of less, of a player that names its bitrate.
func (r *Recorder) Switch(up bool) {
	s := r.holds()
	n := &s.down
	if up {
		n = &s.up
	}
	*n = max(*n, 0) + 1
	r.hold(&s)
}

// Tell notes the bitrate that plays from now on, of a player that names its state.
func (r *Recorder) Tell(bitrate int64) {
	s := r.holds()
	if told := later(s.told, bitrate); told != s.told {
		s.told = told
		r.hold(&s)
	}
}

// Told returns the bitrate that Tell has noted last, or event.Absent.
func (r *Recorder) Told() int64 {
	s := r.holds()
	return s.told
}

// mean is the mean of some numbers.
type mean struct{ sum, count int64 }

func (m *mean) add(n int64) {
	if n != event.Absent {
		m.sum, m.count = m.sum+n, m.count+1
	}
}

// value returns the mean, or event.Absent.
func (m *mean) value() int64 {
	if m.count == 0 {
		return event.Absent
	}
	return m.sum / m.count
}

// Status notes a code, at a time in ms since 1970.
func (r *Recorder) Status(at int64, code string, fatal bool) {
	s := r.holds()
	// Events may overtake each other.
	if first := s.errors == 0 || fatal && s.fatal == 0; first || fatal == (s.fatal > 0) && at >= s.codeTime {
		s.code, s.codeTime = []byte(code), at
	}
	s.errors++
	kind := Status
	if fatal {
		s.fatal++
		kind = Failed
	}
	s.timeline.note(Moment{Time: at, Kind: kind, Text: code})
	r.hold(&s)
}

// State notes the state that a player names, at a time in ms since 1970.
func (r *Recorder) State(at int64, name string) {
	s := r.holds()
	s.timeline.note(Moment{Time: at, Kind: State, Text: name})
	r.hold(&s)
}

// End notes the end, at a time in ms since 1970, how long was played in ms, and the reason.
func (r *Recorder) End(at, played int64, reason string) {
	s := r.holds()
	s.end, s.played, s.stop = at, played, []byte(reason)
	r.hold(&s)
}

// Record returns what is known of the play, which ended at its End, or, if there was none, at last, in ms since 1970.
func (r *Recorder) Record(last int64) Record {
	s := r.holds()
	record := s.record(last)
	record.Timeline = s.timeline.bytes()
	return record
}

// SoFar is Record without the timeline.
func (r *Recorder) SoFar(last int64) Record {
	s := r.holds()
	return s.record(last)
}

func (s *state) record(last int64) Record {
	record := Record{
		Session: string(s.session), User: string(s.user), CDN: string(s.cdn), Code: string(s.code), Stop: string(s.stop), ASN: event.Absent,
		Begin: s.begin, Start: s.start, End: s.end, StartTime: s.startTime, Played: s.played,
		Playing: s.playing, Buffering: s.buffering, Paused: s.paused, LongestStall: s.longestStall,
		BitrateMean: event.Absent, BitrateLeast: s.leastBitrate, BitrateMost: s.mostBitrate,
		LatencyMean: s.latency.value(), LatencyMost: s.mostLatency, Errors: s.errors, Fatal: s.fatal,
		Height: s.height, Stalls: s.stalls, Up: s.up, Down: s.down, Dropped: s.dropped, RoundTrip: s.roundTrip.value(), Loss: s.loss.value(),
	}
	if s.end == event.Absent {
		record.End = last
	}
	if s.bitrateFor > 0 {
		record.BitrateMean = s.weightedBitrate / s.bitrateFor
	}
	return record
}

// Code codes the recorder for the state of a collector.
func (r *Recorder) Code(c *codec.Coder) { c.Chunk(&r.coded) }
