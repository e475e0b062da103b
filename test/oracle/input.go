package oracle

import (
	"encoding/json"
	"fmt"
	"net/http"
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
	Referrer   string           `json:"referrer,omitempty"`
	Interval   int64            `json:"interval,omitempty"` // s
	SentAt     int64            `json:"sentAt,omitempty"`   // ms since 1970
	Events     []map[string]any `json:"events"`
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

// Request is one HTTP POST to the collector. It has either an Envelope
// (/v1/events) or Lines (/v1/usage).
type Request struct {
	Header   http.Header
	Envelope *Envelope
	Lines    []string
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

// Path is the path of the request's URL.
func (r *Request) Path() string {
	if r.Envelope != nil {
		return "/v1/events"
	}
	return "/v1/usage"
}

// clockIsCorrected says whether the collector moves the times of the request.
func (r *Request) clockIsCorrected() bool {
	return r.ClockAhead != nil && (*r.ClockAhead < -30 || *r.ClockAhead > 30)
}

// Body is the request's body if it is sent now.
func (r *Request) Body(now time.Time) ([]byte, error) {
	if r.Envelope == nil {
		var body []byte
		for _, line := range r.Lines {
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
// share a session or a usage id.
type Delivery struct {
	Organizations []Organization
	// Early lanes are sent first, one after the other, because the requests
	// whose clock is corrected must not be kept waiting. When the sessions that
	// fall silent have timed out, the Late lanes follow in the same way.
	Early, Late [][]*Request
	Main        [][]*Request
	// EventCount counts the player and webcaster events of all lanes, good
	// and bad.
	EventCount int
}
