// Package beacon decodes what players and webcasters post to /v1/events: an envelope that describes the session, and its
// events.
package beacon

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fastjson"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/jsonfields"
)

// Bounds and default of the envelope's interval, in seconds.
const (
	defaultInterval = 10
	minInterval     = 1
	maxInterval     = 60
)

// maxValues bounds the values in a body, each of which takes some 100 bytes of memory when it is parsed, so that 1 MB cannot
// become 100. Commas and brackets are counted, also those in text: a full batch has a fifth of it.
const maxValues = 64 * event.MaxEvents

// Envelope is a decoded request, which shares nothing with its body. Events holds the good ones, in the memory that Decode was given,
// Refused the others.
type Envelope struct {
	AccountID  string
	AccountKey string
	SessionID  string
	Stream     string
	EventID    string
	UserID     string
	CDN        string // which network delivers the media
	Kind       string
	Version    string
	Protocol   string
	Referrer   string // URL of the page, "" if the envelope names none
	Interval   time.Duration
	Started    event.Started // the session's start, if the client knows that a collector has taken it
	Events     []event.Event
	Refused    []event.Refusal
}

// Decoder decodes requests, several at once.
type Decoder struct {
	parsers fastjson.ParserPool // each is used while a body is decoded, and not while the request waits for the disk
	quicks  sync.Pool           // of *quick
	maxAge  int64
}

// NewDecoder returns a decoder that refuses events older than maxAge.
func NewDecoder(maxAge time.Duration) *Decoder {
	return &Decoder{maxAge: maxAge.Milliseconds(), quicks: sync.Pool{New: func() any { return &quick{names: new(names)} }}}
}

// Decode decodes a request body that was received at the given time, in ms since 1970. The envelope's events are appended to
// events, whose memory is so used again. It returns a refusal if nothing can be made of the body as a whole.
func (d *Decoder) Decode(body []byte, received int64, events []event.Event) (Envelope, *event.Refusal) {
	var e Envelope
	if len(body) > maxValues && bytes.Count(body, []byte(","))+bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > maxValues {
		return e, &event.Refusal{Reason: event.TooMany, Error: "the body has too many values"}
	}
	if e, ok := d.quick(body, received, events); ok {
		return e, nil
	}
	return d.decode(body, received, events)
}

// decode decodes a body of any kind by its tree.
func (d *Decoder) decode(body []byte, received int64, events []event.Event) (Envelope, *event.Refusal) {
	var e Envelope
	parser := d.parsers.Get()
	defer d.parsers.Put(parser)
	v, err := parser.ParseBytes(body)
	if err != nil {
		return e, &event.Refusal{Reason: "malformed", Error: "the body is no valid JSON"}
	}
	o, err := v.Object()
	if err != nil {
		return e, &event.Refusal{Reason: "malformed", Error: "the body is no JSON object"}
	}
	f := jsonfields.Fields{Object: o}
	e.AccountID = f.Text("accountId", event.MaxTextBytes, jsonfields.Required)
	e.AccountKey = f.Text("accountKey", event.MaxNameBytes, jsonfields.Required)
	e.SessionID = f.Text("sessionId", event.MaxNameBytes, jsonfields.Required)
	e.Stream = f.Text("stream", event.MaxNameBytes, jsonfields.Required)
	e.EventID = f.Text("eventId", event.MaxTextBytes, jsonfields.Optional)
	e.Protocol = f.Text("protocol", event.MaxTextBytes, jsonfields.Optional)
	e.Referrer = f.Text("referrer", event.MaxURLBytes, jsonfields.Optional)
	e.UserID = f.Text("userId", event.MaxNameBytes, jsonfields.Optional)
	e.CDN = f.Text("cdn", event.MaxTextBytes, jsonfields.Optional)
	for i := 1; i <= 10; i++ {
		f.Text(customFields[i-1], event.MaxNameBytes, jsonfields.Optional)
	}
	e.Interval = time.Duration(interval(&f)) * time.Millisecond
	sentAt, hasSentAt := f.Time("sentAt", jsonfields.Optional)
	var correction int64
	if hasSentAt {
		if sentAt < event.EarliestTime {
			f.Refuse("range", "sentAt", event.TooEarly("sentAt"))
		}
		correction = event.ClockCorrection(received, sentAt)
	}
	client(&f, &e)
	started(&f, &e, correction)
	raws := f.Array("events")
	if f.Refusal != nil {
		return e, f.Refusal
	}
	if len(raws) > event.MaxEvents {
		return e, &event.Refusal{Reason: event.TooMany, Field: "events",
			Error: fmt.Sprintf("%d events in one batch, at most %d are taken", len(raws), event.MaxEvents)}
	}
	e.Events = slices.Grow(events, len(raws))
	for i, raw := range raws {
		n := len(e.Events)
		e.Events = e.Events[:n+1]
		if refusal := d.event(&e.Events[n], raw, correction, received); refusal != nil {
			refusal.Field = fmt.Sprintf("events[%d]%s", i, refusal.Field)
			e.Refused = append(e.Refused, *refusal)
			e.Events = e.Events[:n]
		}
	}
	return e, nil
}

var customFields = [10]string{
	"customField1", "customField2", "customField3", "customField4", "customField5",
	"customField6", "customField7", "customField8", "customField9", "customField10",
}

// event decodes an event into e.
func (d *Decoder) event(e *event.Event, raw *fastjson.Value, correction, received int64) *event.Refusal {
	o, err := raw.Object()
	if err != nil {
		return &event.Refusal{Reason: "type", Error: "an event must be an object"}
	}
	f := jsonfields.Fields{Object: o, Prefix: "."}
	*e = event.New(seq(&f), 0, 0)
	e.Time, _ = f.Time("ts", jsonfields.Required)
	early := e.Time < event.EarliestTime
	e.Time += correction
	switch f.OneOf("type", event.MaxTextBytes, "stats", "load", "start", "status", "stop") {
	case "load":
		e.Type = event.Load
	case "start":
		e.Type = event.Start
		e.StartTime = f.Seconds("startTime", event.MaxDuration)
	case "stats":
		e.Type = event.Stats
		report(&f, e)
		e.BufferLength = f.Seconds("bufferLength", event.MaxDuration)
		e.Latency = f.Seconds("latency", event.MaxDuration)
		e.AudioBitrate = f.Number("audioBitrate", 1, event.MaxBitrate)
		e.RoundTripTime = f.Seconds("roundTripTime", event.MaxDuration)
		e.PacketLoss = f.Number("packetLoss", event.Million, event.Million)
	case "status":
		e.Type = event.Status
		e.Code = code(&f)
		e.Fatal = f.Flag("fatal")
		if f.Flag("business") {
			e.Excuse = event.Business
		}
	case "stop":
		e.Type = event.Stop
		e.Reason = f.Text("reason", event.MaxTextBytes, jsonfields.Required)
		e.Played = f.Seconds("played", event.MaxPlayed)
		report(&f, e)
	default:
		f.Refuse("unknown_type", "type", "the type of an event must be load, start, stats, status or stop")
	}
	if f.Refusal == nil {
		switch {
		case early:
			f.Refuse("too_old", "ts", event.TooEarly("ts"))
		case e.Time > received+event.MaxFuture:
			f.Refuse("future", "ts", "ts is more than 60 s in the future")
		case e.Time < received-d.maxAge:
			f.Refuse("too_old", "ts", fmt.Sprintf("ts is more than %d hours old", d.maxAge/time.Hour.Milliseconds()))
		}
	}
	return f.Refusal
}

func report(f *jsonfields.Fields, e *event.Event) {
	e.Playing = f.Seconds("playing", event.MaxDuration)
	e.Buffering = f.Seconds("buffering", event.MaxDuration)
	e.Paused = f.Seconds("paused", event.MaxDuration)
	e.VideoBitrate = f.Number("videoBitrate", 1, event.MaxBitrate)
	e.Height = f.Number("height", 1, event.MaxHeight)
	e.Stalls = f.Number("stalls", 1, event.MaxCount)
	e.Frames = f.Number("frames", 1, event.MaxCount)
	e.DroppedFrames = f.Number("droppedFrames", 1, event.MaxCount)
	switches(f, e)
}

func switches(f *jsonfields.Fields, e *event.Event) {
	v := f.Get("switches", jsonfields.Optional)
	if v == nil {
		return
	}
	o, err := v.Object()
	if err != nil {
		f.Refuse("type", "switches", "switches must be an object")
		return
	}
	s := jsonfields.Fields{Object: o, Prefix: ".switches."}
	e.SwitchesUp = s.Number("up", 1, event.MaxCount)
	e.SwitchesDown = s.Number("down", 1, event.MaxCount)
	e.SwitchesFailed = s.Number("failed", 1, event.MaxCount)
	if f.Refusal == nil {
		f.Refusal = s.Refusal
	}
}

func seq(f *jsonfields.Fields) int64 {
	v := f.Get("seq", jsonfields.Required)
	if v == nil {
		return 0
	}
	return f.Whole(v, "seq", 1, event.MaxSeq)
}

// interval returns the envelope's interval in ms.
func interval(f *jsonfields.Fields) int64 {
	v := f.Get("interval", jsonfields.Optional)
	if v == nil {
		return defaultInterval * 1000
	}
	n := f.Value(v, "interval", maxInterval)
	if n < minInterval {
		f.Refuse("range", "interval", fmt.Sprintf("interval must be at least %d", minInterval))
	}
	if f.Refusal != nil {
		return 0
	}
	return int64(math.Round(n * 1000))
}

func started(f *jsonfields.Fields, e *Envelope, correction int64) {
	v := f.Get("started", jsonfields.Optional)
	if v == nil {
		return
	}
	o, err := v.Object()
	if err != nil {
		f.Refuse("type", "started", "started must be an object")
		return
	}
	s := jsonfields.Fields{Object: o, Prefix: "started."}
	e.Started.Seq = seq(&s)
	e.Started.Time, _ = s.Time("ts", jsonfields.Required)
	e.Started.Time += correction
	if f.Refusal == nil {
		f.Refusal = s.Refusal
	}
}

func client(f *jsonfields.Fields, e *Envelope) {
	v := f.Get("client", jsonfields.Required)
	if v == nil {
		return
	}
	o, err := v.Object()
	if err != nil {
		f.Refuse("type", "client", "client must be an object")
		return
	}
	c := jsonfields.Fields{Object: o, Prefix: "client."}
	e.Kind = c.Text("kind", event.MaxTextBytes, jsonfields.Required)
	e.Version = c.Text("version", event.MaxTextBytes, jsonfields.Optional)
	if f.Refusal == nil {
		f.Refusal = c.Refusal
	}
}

// code returns a status code: players send whole numbers, some libraries words.
func code(f *jsonfields.Fields) string {
	v := f.Get("code", jsonfields.Required)
	if v == nil {
		return ""
	}
	if v.Type() == fastjson.TypeString {
		return f.Text("code", event.MaxTextBytes, jsonfields.Required)
	}
	return strconv.FormatInt(f.Whole(v, "code", 0, math.MaxInt32), 10)
}
