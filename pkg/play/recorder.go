package play

import (
	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
)

// Recorder collects the record of one play while it lasts. What it holds is a function of what it is told.
type Recorder struct {
	session, user, cdn string

	start, startTime            int64 // or event.Absent
	end, played                 int64 // likewise
	stop                        string
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
	code                        string
	timeline                    collected
}

// NewRecorder returns the recorder of a play that begins at a time in ms since 1970. The texts are the names of the session and its user.
func NewRecorder(session, user string, begin int64) *Recorder {
	return &Recorder{
		session: session, user: user, end: event.Absent, played: event.Absent, start: event.Absent, startTime: event.Absent,
		leastBitrate: event.Absent, mostBitrate: event.Absent, mostLatency: event.Absent,
		stalls: event.Absent, up: event.Absent, down: event.Absent, dropped: event.Absent, height: event.Absent, told: event.Absent,
		timeline: collected{begin: begin},
	}
}

// DeliveredBy notes which network delivers the media, "" if it is not known.
func (r *Recorder) DeliveredBy(cdn string) { r.cdn = cdn }

// Load notes that the player tries to play, at a time in ms since 1970. It is a moment of its own if something came before.
func (r *Recorder) Load(at int64) {
	if at != r.timeline.begin {
		r.timeline.note(Moment{Time: at, Kind: Loaded})
	}
}

// Start notes the first frame, at a time in ms since 1970, and the start-up time in ms, which may be event.Absent.
func (r *Recorder) Start(at, startTime int64) {
	r.start, r.startTime = at, startTime
}

// Report notes what a report says. Its entry has 0 where there was no playing, buffering or pause.
func (r *Recorder) Report(e Entry) {
	r.playing, r.buffering, r.paused = r.playing+e.Playing, r.buffering+e.Buffering, r.paused+e.Paused
	switch {
	case e.Buffering == 0:
		r.stall = 0
	case e.Playing > 0: // it has begun or ended within the report
		r.longestStall = max(r.longestStall, r.stall+e.Buffering)
		r.stall = e.Buffering
	default:
		r.stall += e.Buffering
		r.longestStall = max(r.longestStall, r.stall)
	}
	if e.Bitrate != event.Absent {
		r.weightedBitrate, r.bitrateFor = r.weightedBitrate+e.Bitrate*e.Playing, r.bitrateFor+e.Playing
		if r.leastBitrate == event.Absent || e.Bitrate < r.leastBitrate {
			r.leastBitrate = e.Bitrate
		}
		r.mostBitrate = max(r.mostBitrate, e.Bitrate)
	}
	if e.Latency != event.Absent {
		r.latency.add(e.Latency)
		r.mostLatency = max(r.mostLatency, e.Latency)
	}
	r.timeline.add(e)
}

// Count notes what a report counts and measures beside its entry: what it does not have is event.Absent.
func (r *Recorder) Count(e event.Event) {
	for _, n := range [...]struct {
		sum  *int64
		more int64
	}{{&r.stalls, e.Stalls}, {&r.up, e.SwitchesUp}, {&r.down, e.SwitchesDown}, {&r.dropped, e.DroppedFrames}} {
		if n.more != event.Absent {
			*n.sum = max(*n.sum, 0) + n.more
		}
	}
	r.height = later(r.height, e.Height)
	r.roundTrip.add(e.RoundTripTime)
	r.loss.add(e.PacketLoss)
}

// Stall notes that a player stalls that names its state.
func (r *Recorder) Stall() { r.stalls = max(r.stalls, 0) + 1 }

// Switch notes that another rendition plays, of more bits or of less, of a player that names its bitrate.
func (r *Recorder) Switch(up bool) {
	n := &r.down
	if up {
		n = &r.up
	}
	*n = max(*n, 0) + 1
}

// Tell notes the bitrate that plays from now on, of a player that names its state.
func (r *Recorder) Tell(bitrate int64) { r.told = later(r.told, bitrate) }

// Told returns the bitrate that Tell has noted last, or event.Absent.
func (r *Recorder) Told() int64 { return r.told }

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
	r.errors++
	kind := Status
	if fatal {
		r.fatal++
		kind = Failed
	}
	if fatal || r.fatal == 0 {
		r.code = code
	}
	r.timeline.note(Moment{Time: at, Kind: kind, Text: code})
}

// State notes the state that a player names, at a time in ms since 1970.
func (r *Recorder) State(at int64, name string) {
	r.timeline.note(Moment{Time: at, Kind: State, Text: name})
}

// End notes the end, at a time in ms since 1970, how long was played in ms, and the reason.
func (r *Recorder) End(at, played int64, reason string) {
	r.end, r.played, r.stop = at, played, reason
}

// Record returns what is known of the play, which ended at its End, or, if there was none, at last, in ms since 1970.
func (r *Recorder) Record(last int64) Record {
	record := r.SoFar(last)
	record.Timeline = r.timeline.bytes()
	return record
}

// SoFar is Record without the timeline.
func (r *Recorder) SoFar(last int64) Record {
	record := Record{
		Session: r.session, User: r.user, CDN: r.cdn, Code: r.code, Stop: r.stop, ASN: event.Absent,
		Begin: r.timeline.begin, Start: r.start, End: r.end, StartTime: r.startTime, Played: r.played,
		Playing: r.playing, Buffering: r.buffering, Paused: r.paused, LongestStall: r.longestStall,
		BitrateMean: event.Absent, BitrateLeast: r.leastBitrate, BitrateMost: r.mostBitrate,
		LatencyMean: r.latency.value(), LatencyMost: r.mostLatency, Errors: r.errors, Fatal: r.fatal,
		Height: r.height, Stalls: r.stalls, Up: r.up, Down: r.down, Dropped: r.dropped, RoundTrip: r.roundTrip.value(), Loss: r.loss.value(),
	}
	if r.end == event.Absent {
		record.End = last
	}
	if r.bitrateFor > 0 {
		record.BitrateMean = r.weightedBitrate / r.bitrateFor
	}
	return record
}

// Code codes the recorder for the state of a collector.
func (r *Recorder) Code(c *codec.Coder) {
	c.Unique(&r.session)
	codec.Text(c, &r.user)
	codec.Text(c, &r.cdn)
	codec.Text(c, &r.code)
	codec.Text(c, &r.stop)
	for _, n := range [...]*int64{
		&r.start, &r.startTime, &r.end, &r.played, &r.playing, &r.buffering, &r.paused, &r.stall, &r.longestStall, &r.weightedBitrate, &r.bitrateFor,
		&r.leastBitrate, &r.mostBitrate, &r.latency.sum, &r.latency.count, &r.mostLatency, &r.errors, &r.fatal,
		&r.stalls, &r.up, &r.down, &r.dropped, &r.height, &r.roundTrip.sum, &r.roundTrip.count, &r.loss.sum, &r.loss.count, &r.told,
	} {
		codec.Number(c, n)
	}
	r.timeline.code(c)
}
