// Package accesslog decodes the access logs of web servers, CDNs and Wowza, and finds out which stream a request was for.
//
// There are three kinds of logs, and one engine for each: lines made by a template (nginx, Apache, HAProxy), lines of JSON (Caddy,
// Cloudflare) and lines of columns (CloudFront, IIS, Wowza). A format is a description for one of them, in formats.go. What all of them
// share, such as how a time or a number of bytes is read, is in one place. Detect finds the format of a log out.
//
// Text is decoded leniently: bytes that are no UTF-8 become U+FFFD, and a broken percent escape stays as it is. What is
// counted is decoded strictly: a time, a status or a number of bytes that cannot be right refuses the line.
package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Request is one request as an access log tells of it.
type Request struct {
	Time   int64  // ms since 1970, when the answer ended
	Method string // "" if the log does not tell it
	Status int    // of the answer, 0 if there was none
	Path   string // without percent escapes, parameters (;jsessionid=1) and the query, "" if the request line was no HTTP
	Query  string // as it was sent, without the question mark; "" if there is none
	// Bytes were sent to the client, or of ingest were received from it. Each format counts its own way, see Formats.
	Bytes     int64
	Address   netip.Addr // of the client; the zero Addr if the log has none that can be read
	NoAddress string     // why Address is the zero Addr: one of the Address… constants; "" if it is not
	Referrer  string     // a URL, "" if there is none
	UserAgent string     // "" if there is none
	// Protocol and Stream are set only where the log itself names them (Wowza, Icecast, nginx-rtmp). Else Rules find them by the path.
	Protocol, Stream string
	// Polled is what a media server calls the stream if it is polled, "" if the log is of none: own rules apply to both alike, see
	// Rules.OwnOf.
	Polled    string
	Direction string // measure.Playout or measure.Ingest
	CMCD      CMCD
	// Left is why a line that was understood is no request to count: one of the Left… constants; "" of a request.
	Left string
}

// Why a request has no address.
const (
	AddressAbsent     = "absent"     // the log has none, or a hyphen
	AddressName       = "name"       // the log has the name of a host, or of a socket
	AddressUnreadable = "unreadable" // what the log has is neither address nor name
)

// Why a line is no request to count.
const (
	LeftBlank      = "blank"
	LeftHeader     = "header"     // names the columns of a log, or is a comment
	LeftTest       = "test"       // by which a CDN tries where it shall send logs
	LeftSession    = "session"    // of a session whose end, another line, counts (Wowza)
	LeftInternal   = "internal"   // of the server's own, with no client
	LeftPublisher  = "publisher"  // of one who sends to the server, whose bytes polls count (nginx-rtmp)
	LeftUnanswered = "unanswered" // without an answer, because the client left before it or the server had none
	LeftSubrequest = "subrequest" // made by the CDN itself while it answered a client's request, which has a line of its own
)

// CMCD is Common Media Client Data in request mode as it was sent, not decoded (CTA-5004-B). It comes either as a query
// argument or in up to four headers; absent ones are "".
type CMCD struct {
	Query                            string // the argument CMCD without percent escapes
	Object, Request, Session, Status string // the headers CMCD-Object, CMCD-Request, CMCD-Session and CMCD-Status
}

// Error says why a line was refused.
type Error struct {
	Field   string // as the log names it, or "line"
	Reason  string // a short name, for counting: malformed, missing, range, text
	Message string // a sentence without the field's name
}

func (e *Error) Error() string { return e.Field + " " + e.Message }

// Decoder decodes the lines of one log, in their order. It must not be used by several goroutines at once, and a log whose
// header names its columns needs a Decoder of its own.
type Decoder interface {
	// Decode decodes a line without its end into r, which is overwritten, and reports whether it tells of a request to count. If
	// it does not, r.Left says why, and the rest of r has no meaning. A refusal is an *Error. Neither line nor r are kept.
	Decode(line []byte, r *Request) (ok bool, err error)
}

// Format says how a log is written.
type Format struct {
	Name string // one of Formats
	// Template is a format string of nginx's log_format, Apache's LogFormat, HAProxy's log-format, Squid's logformat or Traffic
	// Server's logs, for the format "template" only.
	Template string
	// Fields are the names of the columns of formats that are tables, in their order; by default those of the vendor. A header
	// line #Fields: in the log wins.
	Fields []string
	// Location is that of times that name no offset from UTC, by default UTC.
	Location *time.Location
	// After is the time of a line before the first, in ms since 1970, 0 if it is not known. It decides where an hour comes twice.
	After int64
}

// Auto is the name of the format that Detect finds out. No Decoder is of it.
const Auto = "auto"

// Formats returns the names of all formats.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// described returns what is known of a format, nil of an unknown one.
func described(name string) *description {
	for i := range formats {
		if formats[i].name == name {
			return &formats[i]
		}
	}
	return nil
}

// Describe says in a few words what logs are of a format, and "" of an unknown one.
func Describe(name string) string {
	if known := described(name); known != nil {
		return known.title
	}
	return ""
}

// NewDecoder returns a decoder of the format. The error says what is wrong with the format.
func NewDecoder(f Format) (Decoder, error) {
	known := described(f.Name)
	switch {
	case f.Name == Auto:
		return nil, errors.New(`the format "auto" must be found out from the log`)
	case known == nil:
		return nil, fmt.Errorf("unknown log format %q, it must be one of %s", f.Name, strings.Join(Formats(), ", "))
	case (f.Template != "") != (f.Name == "template"):
		return nil, errors.New(`the format "template" needs a template, and no other may have one`)
	}
	return known.make(f)
}

// maxLine is the greatest length of a line. Web servers take no longer request lines and headers by default.
const maxLine = 64 << 10

// byteOrderMark is what some programs on Windows put before UTF-8.
var byteOrderMark = []byte("\xEF\xBB\xBF")

// trim returns the line without what logs have around it, and nil if nothing is left. A log that is truncated while its
// server writes goes on with zero bytes.
func trim(line []byte) ([]byte, error) {
	for len(line) > 0 && line[0] == 0 {
		line = line[1:]
	}
	if len(line) > 0 && line[0] == byteOrderMark[0] {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	for len(line) > 0 && line[len(line)-1] <= ' ' {
		line = line[:len(line)-1]
	}
	switch {
	case len(line) > maxLine:
		return nil, &Error{"line", "range", fmt.Sprintf("is longer than %d bytes", maxLine)}
	case bytes.IndexByte(line, 0) >= 0:
		return nil, &Error{"line", "malformed", "has a zero byte"}
	case bytes.IndexByte(line, '\r') >= 0:
		return nil, &Error{"line", "malformed", "has a carriage return (CR) in it, so it may be several"}
	}
	return line, nil
}
