package play

import (
	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
)

// Viewer is what many plays have in common. It is shared and must not be changed.
type Viewer struct {
	Direction, Protocol, Player                 string
	Country, Region, Operator                   string
	OS, Browser, Device, Referrer, Organization string
	Stream, Event                               string
	ASN                                         uint32
}

// Code codes what plays have in common.
func (v *Viewer) Code(c *codec.Coder) {
	for _, text := range [...]*string{
		&v.Direction, &v.Protocol, &v.Player, &v.Country, &v.Region, &v.Operator, &v.OS, &v.Browser, &v.Device, &v.Referrer,
		&v.Organization, &v.Stream, &v.Event,
	} {
		codec.Text(c, text)
	}
	codec.Number(c, &v.ASN)
}

// Recorder collects the record of one play while it lasts. What it holds is a function of what it is told.
type Recorder struct {
	Session, User, Address string
	Viewer                 *Viewer // shared

	load, start, startTime      int64 // or event.Absent
	playing, buffering, paused  int64
	stall, longestStall         int64 // ms, of buffering in reports without a break, and the longest such
	weightedBitrate, bitrateFor int64 // sum of bitrate × ms of playing, and of those ms
	leastBitrate, mostBitrate   int64 // or event.Absent
	latencies, latencyReports   int64
	mostLatency                 int64 // or event.Absent
	errors, fatal               int64
	code                        string
	timeline                    collected
}

// NewRecorder returns the recorder of a play that begins at a time in ms since 1970.
func NewRecorder(session, user, address string, v *Viewer, begin int64) *Recorder {
	return &Recorder{
		Session: session, User: user, Address: address, Viewer: v,
		load: event.Absent, start: event.Absent, startTime: event.Absent,
		leastBitrate: event.Absent, mostBitrate: event.Absent, mostLatency: event.Absent,
		timeline: collected{begin: begin},
	}
}

// Load notes that the player tries to play, at a time in ms since 1970.
func (r *Recorder) Load(at int64) {
	r.load = at
	r.timeline.note(Moment{Time: at, Kind: Loaded})
}

// Start notes the first frame, at a time in ms since 1970, and the start-up time in ms, which may be event.Absent.
func (r *Recorder) Start(at, startTime int64) {
	r.start, r.startTime = at, startTime
	r.timeline.note(Moment{Time: at, Kind: Started})
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
		r.latencies, r.latencyReports, r.mostLatency = r.latencies+e.Latency, r.latencyReports+1, max(r.mostLatency, e.Latency)
	}
	r.timeline.add(e)
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

// Record returns the record of the play, which ended at a time in ms since 1970. Played is in ms or event.Absent.
func (r *Recorder) Record(end, played int64, stop string) Record {
	if stop != "" {
		r.timeline.note(Moment{Time: end, Kind: Stopped, Text: stop})
	}
	v := r.Viewer
	record := Record{
		Organization: v.Organization, Session: r.Session, Direction: v.Direction, Stream: v.Stream, Event: v.Event, User: r.User,
		Address: r.Address, Operator: v.Operator, Country: v.Country, Region: v.Region, OS: v.OS, Browser: v.Browser, Device: v.Device,
		Player: v.Player, Referrer: v.Referrer, Protocol: v.Protocol, Code: r.code, Stop: stop, ASN: int64(v.ASN),
		Begin: r.timeline.begin, Start: r.start, End: end, StartTime: r.startTime, Played: played,
		Playing: r.playing, Buffering: r.buffering, Paused: r.paused, LongestStall: r.longestStall,
		BitrateMean: event.Absent, BitrateLeast: r.leastBitrate, BitrateMost: r.mostBitrate,
		LatencyMean: event.Absent, LatencyMost: r.mostLatency, Errors: r.errors, Fatal: r.fatal,
		Timeline: r.timeline.bytes(),
	}
	if v.ASN == 0 {
		record.ASN = event.Absent
	}
	if r.bitrateFor > 0 {
		record.BitrateMean = r.weightedBitrate / r.bitrateFor
	}
	if r.latencyReports > 0 {
		record.LatencyMean = r.latencies / r.latencyReports
	}
	return record
}

// Code codes the recorder for the state of a collector, but for its Viewer.
func (r *Recorder) Code(c *codec.Coder) {
	c.Unique(&r.Session)
	codec.Text(c, &r.User)
	c.Unique(&r.Address)
	codec.Text(c, &r.code)
	for _, n := range [...]*int64{
		&r.load, &r.start, &r.startTime, &r.playing, &r.buffering, &r.paused, &r.stall, &r.longestStall, &r.weightedBitrate, &r.bitrateFor,
		&r.leastBitrate, &r.mostBitrate, &r.latencies, &r.latencyReports, &r.mostLatency, &r.errors, &r.fatal,
	} {
		codec.Number(c, n)
	}
	r.timeline.code(c)
}
