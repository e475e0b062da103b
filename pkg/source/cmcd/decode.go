// Package cmcd decodes Common Media Client Data, what standard players tell of themselves: in event mode as lines that they
// post, in request mode as a query argument or headers of their requests for media, which access logs hold.
//
// The standard is CTA-5004-B (version 2), and CTA-5004 (version 1) for request mode.
package cmcd

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/streamlens/streamlens/pkg/event"
)

// version is the highest version that is understood; what claims a higher one must be ignored as a whole.
const version = 2

// maxLine bounds a report, in bytes. Players write a few hundred.
const maxLine = 8 << 10

// Custom keys by which a page tells what the standard has no key for.
const (
	eventKey  = "com.streamlens-event"
	clientKey = "com.streamlens-client"
	tagsKey   = "com.streamlens-tags"
	cdnKey    = "com.streamlens-cdn"
)

// unknownCode is the code of an error of which the player gives none.
const unknownCode = "unknown"

// Report is what one set of keys says.
type Report struct {
	Session string // sid, the id of the play
	Stream  string // cid, "" if there is none
	Method  string // of delivery by sf: hls, dash, smooth; "" if there is none
	EventID string // of the custom key com.streamlens-event
	Client  string // kind and version of the player, of com.streamlens-client
	CDN     string // which network delivers the media, of com.streamlens-cdn, else the host of h
	Tags    []string
	Event   event.Event // a Snapshot; its time is 0 if the keys have none
}

// errVersion means that a set must be ignored.
var errVersion = fmt.Errorf("v is higher than %d", version)

// Decode decodes the body of an event-mode request: one report a line. Refusals name lines by their number, from 1.
func Decode(body []byte) ([]Report, []event.Refusal) {
	var (
		reports []Report
		refused []event.Refusal
	)
	number := 0
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		report, refusal := decodeLine(string(line))
		if refusal != nil {
			refusal.Field = strings.TrimSuffix(fmt.Sprintf("line[%d].%s", number, refusal.Field), ".")
			refused = append(refused, *refusal)
			continue
		}
		reports = append(reports, report)
	}
	return reports, refused
}

func decodeLine(line string) (Report, *event.Refusal) {
	if len(line) > maxLine {
		return Report{}, &event.Refusal{Reason: "too_large", Error: fmt.Sprintf("the line is longer than %d bytes", maxLine)}
	}
	k, err := parseKeys(line)
	if err != nil {
		return Report{}, &event.Refusal{Reason: "malformed", Error: err.Error()}
	}
	r, err := k.report()
	if err != nil {
		return r, &event.Refusal{Reason: "version", Field: "v", Error: err.Error()}
	}
	kind := k.text("e", event.MaxTextBytes)
	r.Event.Time = k.number("ts", maxTime)
	for _, required := range []struct {
		key     string
		missing bool
	}{{"e", kind == ""}, {"ts", r.Event.Time == event.Absent}, {"sid", r.Session == ""}} {
		if required.missing {
			return r, &event.Refusal{Reason: "missing", Field: required.key,
				Error: required.key + " is missing; some players send only the keys that their configuration lists"}
		}
	}
	if r.Event.Time < event.EarliestTime {
		return r, &event.Refusal{Reason: "too_old", Field: "ts", Error: event.TooEarly("ts")}
	}
	if n := k.number("sn", event.MaxSeq-1); n != event.Absent {
		r.Event.Seq = n + 1
	}
	// dash.js repeats the last code in every later line.
	if kind == "e" {
		r.Event.Code = k.code()
		r.Event.Fatal = r.Event.State == event.StateFailed
	}
	return r, nil
}

// maxTime is the end of the year 9999, in ms since 1970.
const maxTime = 253_402_300_799_999

// Carrier holds the keys of one request for media: the value of the argument CMCD, decoded, or the four headers.
type Carrier struct {
	Query, Object, Request, Session, Status string
}

// ErrNone means that a request has no keys.
var ErrNone = errors.New("the request has no CMCD")

// DecodeRequest decodes the keys of a request. Headers win over the argument, as the standard wants it. The report has no
// time and no seq, and no session where the keys have none.
func DecodeRequest(c Carrier) (Report, error) {
	text := unquoted(c.Query)
	headers := []string{c.Object, c.Request, c.Session, c.Status}
	headers = slices.DeleteFunc(headers, func(h string) bool { return h == "" })
	if len(headers) > 0 {
		for i, h := range headers {
			headers[i] = unquoted(h)
		}
		text = strings.Join(headers, ",")
	}
	if text == "" {
		return Report{}, ErrNone
	}
	k, err := parseKeys(text)
	if err != nil {
		return Report{}, err
	}
	return k.report()
}

// unquoted returns keys without percent escapes. Some players and proxies encode them once more than they should: then no key has
// an equals sign, and no text a quotation mark.
func unquoted(text string) string {
	if strings.IndexByte(text, '%') < 0 || strings.ContainsAny(text, `="`) {
		return text
	}
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

// report returns what the keys say that both modes have.
func (k keys) report() (Report, error) {
	if k.number("v", maxTime) > version {
		return Report{}, errVersion
	}
	r := Report{
		Session: k.text("sid", event.MaxNameBytes),
		Stream:  k.text("cid", event.MaxNameBytes),
		Method:  methods[k.text("sf", 1)],
		EventID: k.text(eventKey, event.MaxTextBytes),
		Client:  strings.TrimSpace(k.text(clientKey, event.MaxTextBytes)),
		CDN:     cmp.Or(k.text(cdnKey, event.MaxTextBytes), strings.ToLower(k.text("h", event.MaxTextBytes))),
		Tags:    strings.Fields(k.text(tagsKey, event.MaxTextBytes)),
		Event:   event.New(event.Unnumbered, 0, event.Snapshot),
	}
	e := &r.Event
	e.State = states[k.text("sta", 1)]
	e.BufferLength = k.number("bl", event.MaxDuration)
	e.Latency = k.number("ltc", event.MaxDuration)
	e.StartTime = k.number("msd", event.MaxDuration)
	e.VideoBitrate = k.videoBitrate()
	switch e.State {
	case event.StateEnded:
		e.Reason = "normal"
		if k.live() {
			e.Reason = "sourcestreamstopped"
		}
	case event.StateFailed:
		e.Reason = "playbackerror"
	case event.StateQuit:
		e.Reason = "normal"
	}
	return r, nil
}

// methods are the methods of delivery by the key sf; o stands for another one.
var methods = map[string]string{"h": "hls", "d": "dash", "s": "smooth"}

// states are the states by the key sta. The standard lists w without a meaning; dash.js sends it when the media element waits
// for data and did not play, the tracker of sessions knows whether that is start-up, seeking or a stall.
var states = map[string]event.State{
	"d": event.StatePreparing,
	"s": event.StateStarting,
	"p": event.StatePlaying,
	"k": event.StateSeeking,
	"r": event.StateRebuffering,
	"w": event.StateRebuffering,
	"a": event.StatePaused,
	"e": event.StateEnded,
	"f": event.StateFailed,
	"q": event.StateQuit,
}

func (k keys) live() bool {
	st := k.text("st", 2)
	return st == "l" || st == "ll"
}

// videoBitrate returns the bitrate of the video at the playing position, else of the requested media, in bit/s; of a list that of the
// item that is marked as video, else the greatest. It is event.Absent if there is none.
func (k keys) videoBitrate() int64 {
	if k.text("ot", 1) == "a" {
		return event.Absent // of audio alone
	}
	for _, name := range []string{"pb", "br"} {
		if kilobits := k.ofVideo(name); kilobits > 0 && kilobits <= event.MaxBitrate/1000 {
			return kilobits * 1000
		}
	}
	return event.Absent
}

// code returns the codes of an error, which are one error: players write a text or a number, or a list of them.
func (k keys) code() string {
	var codes []string
	for _, value := range k.items("ec") {
		code := asText(value)
		if n := asNumber(value); n != event.Absent {
			code = strconv.FormatInt(n, 10)
		}
		if code != "" {
			codes = append(codes, code)
		}
	}
	joined := strings.Join(codes, " ")
	if joined == "" || !event.ValidText(joined, event.MaxTextBytes) {
		return unknownCode
	}
	return joined
}
