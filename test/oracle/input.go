package oracle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Organization is a tenant of the collector under test, in the form in which
// streamlens.yaml has it.
type Organization struct {
	ID        string    `json:"id"`
	Level     string    `json:"level"` // "default" or "premium"
	SecretKey string    `json:"secretKey"`
	Accounts  []Account `json:"accounts"`
	Privacy   Privacy   `json:"privacy"`
	// BusinessCodes and Quality say how attempts are judged, by default as defaultCodes and defaultQuality.
	BusinessCodes []string `json:"businessCodes,omitempty"`
	Quality       *Quality `json:"quality,omitempty"`
	// ReadKeys and ViewerTokens are of those who read.
	ReadKeys     []ReadKey     `json:"readKeys,omitempty"`
	ViewerTokens []ViewerToken `json:"viewerTokens,omitempty"`
	// BlockListTokens are of servers that read the block list.
	BlockListTokens []ViewerToken `json:"blockListTokens,omitempty"`
}

// ReadKey opens widgets of an organisation.
type ReadKey struct {
	Key     string              `json:"key"`
	Level   string              `json:"level,omitempty"`
	Filters map[string][]string `json:"filters,omitempty"`
}

// ViewerToken opens the numbers of viewers of streams.
type ViewerToken struct {
	Token   string   `json:"token"`
	Streams []string `json:"streams,omitempty"`
}

// Quality is what good and fair plays have at most (rule 33).
type Quality struct {
	StartSeconds       float64 `json:"startSeconds"`
	BufferingRatio     float64 `json:"bufferingRatio"`
	FairStartSeconds   float64 `json:"fairStartSeconds"`
	FairBufferingRatio float64 `json:"fairBufferingRatio"`
}

// Privacy is what an organisation keeps of its viewers.
type Privacy struct {
	IP string `json:"ip"` // "full", "truncated" or "off"
}

// Account is one public write key of an organisation.
type Account struct {
	ID      string   `json:"id"`
	Key     string   `json:"key"`
	Origins []string `json:"origins,omitempty"` // empty: any origin, or none
}

// Envelope is the body of POST /v1/events. Its events are maps, so that a
// wrong one can be written too.
type Envelope struct {
	AccountID  string           `json:"accountId"`
	AccountKey string           `json:"accountKey"`
	Client     Client           `json:"client"`
	SessionID  string           `json:"sessionId"`
	Stream     string           `json:"stream"`
	EventID    string           `json:"eventId,omitempty"`
	UserID     string           `json:"userId,omitempty"`
	Protocol   string           `json:"protocol,omitempty"`
	CDN        string           `json:"cdn,omitempty"`
	Referrer   string           `json:"referrer,omitempty"`
	Interval   int64            `json:"interval,omitempty"` // s
	SentAt     int64            `json:"sentAt,omitempty"`   // ms since 1970
	Started    *Started         `json:"started,omitempty"`
	Events     []map[string]any `json:"events"`
}

// Started is the start of a session that another collector has taken.
type Started struct {
	Seq int64 `json:"seq"`
	TS  int64 `json:"ts"` // ms since 1970
}

// timeout is the silence after which the session has ended (rule 8).
func (e *Envelope) timeout() time.Duration {
	interval := e.Interval
	if interval == 0 {
		interval = 10
	}
	return 3 * time.Duration(interval) * time.Second
}

// Client is the kind and version of a player or webcaster.
type Client struct {
	Kind    string `json:"kind"`
	Version string `json:"version"`
}

// AccessLog is the body of POST /v1/logs.
type AccessLog struct {
	Format string // "nginx-combined", "nginx-json" or "cloudflare"
	Lines  []string
}

// Reports is the body of POST /v1/cmcd/{account}/{key}, all of one session.
type Reports struct {
	Account, Key string
	Parameters   url.Values
	Lines        []ReportLine
	clock        *playerClock // of all requests of the session
}

// ReportLine is one line of CMCD. What it has for its time, timeMark, is
// replaced when it is sent.
type ReportLine struct {
	Text string
	Time int64 // ms since any moment, the same for all lines of the session
}

// timeMark stands for the time in the text of a ReportLine.
const timeMark = "ts=@"

// playerClock is the clock of a player. The collector compares it with its own
// when it first hears of the session, by the newest time that it is told.
type playerClock struct {
	ahead int64 // ms
	begun bool  // the first request is sent
	shift int64 // ms to be added to the times of all lines
}

// body is the body if it is sent now.
func (r *Reports) body(now time.Time) []byte {
	if clock := r.clock; !clock.begun {
		newest := slices.MaxFunc(r.Lines, func(a, b ReportLine) int { return int(a.Time - b.Time) }).Time
		clock.begun, clock.shift = true, now.Add(sentAtLead).UnixMilli()+clock.ahead-newest
	}
	var body []byte
	for _, line := range r.Lines {
		body = append(body, strings.Replace(line.Text, timeMark, fmt.Sprintf("ts=%d", line.Time+r.clock.shift), 1)...)
		body = append(body, '\n')
	}
	return body
}

// Request is one HTTP POST to the collector. It has an Envelope (/v1/events),
// Lines (/v1/usage), a Log (/v1/logs) or Reports (/v1/cmcd).
type Request struct {
	Header   http.Header
	Envelope *Envelope
	Lines    []string
	Log      *AccessLog
	Reports  *Reports
	Gzip     bool
	// ClockAhead is how far the client's clock is ahead, in whole seconds. It
	// is told to the collector as sentAt; nil sends no sentAt.
	ClockAhead *int64
}

// sentAtLead puts the client's sentAt so far after the whole second that the
// collector rounds to the same one for any delay below sentAtSlack on the way.
const (
	sentAtLead  = 400 * time.Millisecond
	sentAtSlack = 850 * time.Millisecond
)

// Endpoint is the path of the request's URL, without account and key.
func (r *Request) Endpoint() string {
	switch {
	case r.Envelope != nil:
		return "/v1/events"
	case r.Log != nil:
		return "/v1/logs"
	case r.Reports != nil:
		return "/v1/cmcd"
	}
	return "/v1/usage"
}

// Path is the path of the request's URL, and its parameters.
func (r *Request) Path() string {
	switch {
	case r.Log != nil:
		return r.Endpoint() + "?format=" + r.Log.Format
	case r.Reports != nil:
		path := r.Endpoint() + "/" + r.Reports.Account + "/" + r.Reports.Key
		if len(r.Reports.Parameters) > 0 {
			path += "?" + r.Reports.Parameters.Encode()
		}
		return path
	}
	return r.Endpoint()
}

// skewKept is the most by which a clock may be wrong without being corrected.
const skewKept = 30 * time.Second

// clockIsCorrected says whether the collector moves the times of the request.
func (r *Request) clockIsCorrected() bool {
	var ahead time.Duration
	switch {
	case r.ClockAhead != nil:
		ahead = time.Duration(*r.ClockAhead) * time.Second
	case r.Reports != nil:
		ahead = time.Duration(r.Reports.clock.ahead) * time.Millisecond
	}
	return ahead.Abs() > skewKept
}

// timeout is the silence after which the session of the request has ended.
func (r *Request) timeout() time.Duration {
	switch {
	case r.Envelope != nil:
		return r.Envelope.timeout()
	case r.Reports == nil:
		return 0
	}
	interval, err := strconv.Atoi(cmp.Or(r.Reports.Parameters.Get("interval"), "30"))
	if err != nil {
		panic(err) // the generator writes numbers
	}
	return 3 * time.Duration(interval) * time.Second
}

// Body is the request's body if it is sent now.
func (r *Request) Body(now time.Time) ([]byte, error) {
	lines := r.Lines
	switch {
	case r.Reports != nil:
		return r.Reports.body(now), nil
	case r.Log != nil:
		lines = r.Log.Lines
	}
	if r.Envelope == nil {
		var body []byte
		for _, line := range lines {
			body = append(append(body, line...), '\n')
		}
		return body, nil
	}
	envelope := *r.Envelope
	if r.ClockAhead != nil {
		envelope.SentAt = now.Add(sentAtLead).UnixMilli() + *r.ClockAhead*1000
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	return body, nil
}

// Delivery is everything that is sent, as lanes. The requests of one lane are
// sent one after the other, different lanes at the same time: no two lanes
// share a session, a usage id or a viewer of an access log.
type Delivery struct {
	Organizations []Organization
	// Early lanes are sent first, one after the other, because the requests
	// whose clock is corrected must not be kept waiting. When the sessions that
	// fall silent have timed out, the Late lanes follow in the same way.
	Early, Late [][]*Request
	Main        [][]*Request
	// EventCount counts the events, the lines of CMCD and those of access logs
	// of all lanes, good and bad.
	EventCount int
}
