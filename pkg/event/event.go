// Package event holds what players, publishers and servers say, decoded and validated, independent of the format in which
// it came.
package event

import (
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Absent marks a number that an event does not carry. An absent number is no zero.
const Absent int64 = -1

// Type is the type of an Event.
type Type uint8

// The types of events.
const (
	Load     Type = iota // a player is initialised and tries to play
	Start                // the first frame was rendered, or the broadcast went on air
	Stats                // a report of what happened since the last one
	Status               // a status or error code
	Stop                 // the end of the play or broadcast
	Snapshot             // what a player is doing now, of players that name states and no durations
)

// State is what a player is doing from a Snapshot on.
type State uint8

// The states of players.
const (
	StateKept        State = iota // the snapshot names none: the state before goes on
	StatePreparing                // fetches media, but playback is not asked for yet
	StateStarting                 // playback is asked for, and the first frame is not there yet
	StatePlaying                  // renders
	StateSeeking                  // the viewer has chosen another position
	StateRebuffering              // stalls after the first frame
	StatePaused                   // the viewer has paused, or the browser forbids playing
	StateEnded                    // the media are over
	StateFailed                   // playback cannot go on
	StateQuit                     // the viewer has left
)

// Event is one thing that happened in a session. Durations are in milliseconds, bitrates in bits per second; numbers that
// the event does not carry are Absent.
type Event struct {
	Seq  int64 // counts from 1 within the session; of a Snapshot also Unnumbered
	Time int64 // ms since 1970
	Type Type

	State State // of Snapshot

	StartTime    int64 // of Start: load to first frame; of Snapshot: the player's own measurement of it
	Playing      int64 // of Stats and Stop, since the last report
	Buffering    int64 // likewise
	Paused       int64 // likewise
	BufferLength int64 // of Stats and Snapshot
	Latency      int64 // likewise
	VideoBitrate int64 // of Stats; of players also of Stop, and of Snapshot what plays from then on
	AudioBitrate int64 // of Stats
	Height       int64 // of Stats, and of Stop of players: lines of the picture
	// Of Stats and Stop of players, since the last report: stalls that began, switches to a rendition of more or less bits and such
	// as failed, frames that were decoded, and those of them that were not shown.
	Stalls, SwitchesUp, SwitchesDown, SwitchesFailed, Frames, DroppedFrames int64
	// Of Stats of publishers: time to the receiver and back, and how many of a million packets did not arrive.
	RoundTripTime, PacketLoss int64
	// Of Stats of publishers, as a media server measures them: how much the time between packets varies, thousandths of frames a second,
	// and by how much the time stamps of the media have fallen behind the clock.
	Jitter, FrameRate, MediaLag int64
	Played                      int64 // of Stop: start to end less pauses
	Reason                      string
	Code                        string // of Status, and of a Snapshot of an error
	Fatal                       bool
	Excuse                      Excuse // of what ends an attempt to play
}

// Excuse is why an attempt to play that ended without a first frame is no fault of the service.
type Excuse uint8

// The excuses.
const (
	NoExcuse Excuse = iota
	Business        // the viewer is not allowed to watch: no ticket, an expired one, not from this country
	Blocked         // the browser wants a touch or a click first
)

// What players say when the browser wants a touch or a click first: a stop reason, and nanoPlayer's code.
const (
	ReasonBlocked = "interactionrequired"
	CodeBlocked   = "1005"
)

// Unnumbered is the Seq of a Snapshot whose sender does not number: it counts in the order of arrival.
const Unnumbered = 0

// New returns an event that carries no number.
func New(seq, ms int64, t Type) Event {
	return Event{
		Seq: seq, Time: ms, Type: t,
		StartTime: Absent, Playing: Absent, Buffering: Absent, Paused: Absent, BufferLength: Absent, Latency: Absent,
		VideoBitrate: Absent, AudioBitrate: Absent, Height: Absent, Stalls: Absent, SwitchesUp: Absent, SwitchesDown: Absent,
		SwitchesFailed: Absent, Frames: Absent, DroppedFrames: Absent, RoundTripTime: Absent, PacketLoss: Absent, Jitter: Absent,
		FrameRate: Absent, MediaLag: Absent, Played: Absent,
	}
}

// Reports says whether the event carries any of playing, buffering and paused.
func (e *Event) Reports() bool {
	return e.Playing != Absent || e.Buffering != Absent || e.Paused != Absent
}

// Session describes who sent a batch of events. What a session is, is settled by its first accepted batch.
type Session struct {
	Organization string
	ID           string
	Stream       string
	Event        string // the eventId, "" if there is none
	User         string // the userId, "" if there is none or it is not kept
	CDN          string // which network delivers the media, "" if the page does not say
	Webcaster    bool   // a broadcast; else a play
	Client       string // kind and version of the client: "h5live 4.22.0"
	Method       string // of delivery, lower case: h5live, hls, dash, webcaster, …
	Interval     time.Duration
	Viewer       Viewer
	// Started is the session's start if a collector has taken it before. A collector that does not know the session counts what
	// comes, but neither the start nor the end: the one that counted the start does that.
	Started Started
}

// Started is a start that was taken before; its Seq is 0 if there is none.
type Started struct {
	Seq  int64
	Time int64 // ms since 1970
}

// Viewer is what is found out about the sender of a request.
type Viewer struct {
	Country string // ISO 3166-1 alpha-2, or "ZZ"
	// Region is the code of ISO 3166-2 or the name of the country's first subdivision, "" if it is unknown.
	Region string
	// ASN and Operator are the number and the name of the autonomous system of the address, 0 and "" if they are unknown.
	ASN      uint32
	Operator string
	OS       string
	Browser  string
	Device   string // desktop, mobile, tablet, tv, console, other or bot
	// Unnamed means that OS, Browser and Device stand for what is not found out yet: the session\'s next batch may tell them.
	Unnamed bool
	// Address is the client's address in the form in which it is stored, "" if it is not.
	Address string
	// Referrer is the host of the page that embeds the player, or "(none)".
	Referrer string
	// Key is the viewer's, by which servers see the same viewer; see ViewerKey.
	Key ViewerKey
}

// ViewerKey tells the viewers of a stream apart that servers see. It is kept for a day, in memory and in the data directory, and never
// written to VictoriaMetrics.
type ViewerKey uint64

// NewViewerKey returns the key of what identifies a viewer: the session id of CMCD, else address and user agent.
func NewViewerKey(organization, stream string, identity ...string) ViewerKey {
	h := xxhash.New()
	for _, part := range append(identity, organization, stream) {
		// Both never fail; the zero byte keeps neighbours apart.
		_, _ = h.WriteString(part)
		_, _ = h.Write([]byte{0})
	}
	return ViewerKey(max(h.Sum64(), 1))
}

// WebcasterKind is the client kind of publishers; all other kinds are players.
const WebcasterKind = "webcaster"

// Method returns the method of delivery by which playtime is counted: the protocol that the client named, else the usual
// one of its kind, else the kind (docs/rules.md, 12).
func Method(kind, protocol string) string {
	if protocol != "" {
		return strings.ToLower(protocol)
	}
	switch kind {
	case "hlsjs", "html5", "videojs":
		return "hls"
	case "dashjs", "shaka":
		return "dash"
	}
	return kind
}

// Batch is what one request says about one session, received at one time.
type Batch struct {
	Session  Session
	Received int64 // ms since 1970
	// Correction is to be added to the times of all events of the session, ms; that of its first batch holds.
	Correction int64
	// Logged means that the events come from a log, which may be of any age.
	Logged bool
	Events []Event
}

// MayBegin reports whether a play may begin with the batch though its session is known: snapshots are numbered from 1 in each.
func (b *Batch) MayBegin() bool {
	for i := range b.Events {
		if e := &b.Events[i]; e.Type == Snapshot && e.Seq == 1 {
			return true
		}
	}
	return false
}

// Usage is an amount of traffic that a server reports.
type Usage struct {
	Time      int64 // ms since 1970
	Stream    string
	Direction string // measure.Playout or measure.Ingest
	Protocol  string // lower case
	Bytes     int64
	Address   string // of the client, "" if unknown or not stored
	Country   string // of the client, "ZZ" if unknown
	Referrer  string // as decoded a URL, as counted a host or "(none)"
	ID        string // idempotency key, "" if there is none
	// Viewer is who fetched media, 0 if the server cannot tell.
	Viewer ViewerKey
	// Client is the viewer by address and user agent, as in the sessions of players; Session is the id of a session, if the
	// server knows it. A viewer whose player reports is not counted by what servers see.
	Client  ViewerKey
	Session string
}

// Refusal says why an event of a batch, or a batch as a whole, was refused.
type Refusal struct {
	Reason string `json:"-"` // a short name, for counting
	Error  string `json:"error"`
	Field  string `json:"field,omitempty"`
}

// TooMany is the Reason of a refusal of a batch that has too many events.
const TooMany = "too_many"
