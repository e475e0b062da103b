package oracle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Book takes the requests in the order in which the collector received them
// and keeps what the rules accept of them.
type Book struct {
	organizations []Organization
	sessions      map[sessionKey]*session
	usageIDs      map[[2]string]bool // organisation and id
	traffic       []Fact
}

type sessionKey struct{ organization, id string }

// Verdict is the answer that the collector must give to one request.
type Verdict struct {
	Status   int // HTTP
	Accepted int
	// Rejected are the indexes of the refused events or lines.
	Rejected []int
}

// NewBook returns an empty book for the organisations.
func NewBook(organizations []Organization) *Book {
	return &Book{
		organizations: organizations,
		sessions:      map[sessionKey]*session{},
		usageIDs:      map[[2]string]bool{},
	}
}

// Deliver books one request that reached the collector at the given time. The
// error says that the outcome hangs on milliseconds, so that it proves nothing.
func (b *Book) Deliver(request *Request, body []byte, at time.Time) (Verdict, error) {
	if request.Envelope != nil {
		return b.deliverEvents(request.Header, body, at)
	}
	return b.deliverUsage(request.Header, body, at)
}

func (b *Book) deliverEvents(header http.Header, body []byte, at time.Time) (Verdict, error) {
	var envelope Envelope
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&envelope); err != nil {
		return Verdict{}, fmt.Errorf("decode own envelope: %w", err)
	}
	organization, status := b.account(envelope.AccountID, envelope.AccountKey, header.Get("Origin"))
	if status != http.StatusAccepted {
		return Verdict{Status: status}, nil
	}

	moved := clockCorrection(envelope.SentAt, at)
	var verdict Verdict
	var accepted []event
	for i, raw := range envelope.Events {
		if e, ok := acceptEvent(raw, moved, at); ok {
			accepted = append(accepted, e)
		} else {
			verdict.Rejected = append(verdict.Rejected, i)
		}
	}
	verdict.Accepted = len(accepted)
	if len(accepted) == 0 {
		verdict.Status = http.StatusBadRequest
		return verdict, nil
	}
	verdict.Status = http.StatusAccepted

	key := sessionKey{organization, envelope.SessionID}
	s := b.sessions[key]
	if s == nil {
		s = &session{
			place: place{
				organization: organization,
				country:      countryOf(clientAddress(header)),
				stream:       envelope.Stream,
				event:        envelope.EventID,
				os:           osOf(header.Get("User-Agent")),
			},
			webcaster:    envelope.Client.Kind == "webcaster",
			timeoutAfter: envelope.timeout(),
			events:       map[int64]event{},
		}
		b.sessions[key] = s
	}
	return verdict, s.receive(accepted, at)
}

// account finds the organisation of a public key. The status is 202 if the
// request may write.
func (b *Book) account(id, key, origin string) (organization string, status int) {
	for _, organization := range b.organizations {
		for _, account := range organization.Accounts {
			if account.ID != id || account.Key != key {
				continue
			}
			if len(account.Origins) > 0 && !slices.Contains(account.Origins, origin) {
				return "", http.StatusForbidden
			}
			return organization.ID, http.StatusAccepted
		}
	}
	return "", http.StatusUnauthorized
}

// clockCorrection is what is added to every ts of a request, in ms (rule 1).
func clockCorrection(sentAt int64, at time.Time) int64 {
	if sentAt == 0 {
		return 0
	}
	difference := at.UnixMilli() - sentAt
	if difference >= -30_000 && difference <= 30_000 {
		return 0
	}
	return int64(math.Round(float64(difference)/1000)) * 1000
}

// acceptEvent says whether an event is good (rules 1 and 25), and decodes it.
func acceptEvent(raw map[string]any, moved int64, at time.Time) (event, bool) {
	seq, ok := integer(raw["seq"])
	if !ok || seq < 1 {
		return event{}, false
	}
	ts, ok := integer(raw["ts"])
	if !ok {
		return event{}, false
	}
	ts += moved
	if now := at.UnixMilli(); ts > now+60_000 || ts < now-7*24*3600_000 {
		return event{}, false
	}
	e := event{seq: seq, ts: ts}
	e.kind, _ = raw["type"].(string)
	if !slices.Contains([]string{"load", "start", "stats", "status", "stop"}, e.kind) {
		return event{}, false
	}
	for name, target := range map[string]**int64{
		"startTime": &e.startTime, "played": &e.played,
		"playing": &e.playing, "buffering": &e.buffering, "paused": &e.paused,
		"bufferLength": new(*int64), "latency": new(*int64), "videoBitrate": new(*int64), "audioBitrate": new(*int64),
	} {
		value, present := raw[name]
		if !present {
			continue
		}
		seconds, ok := nonNegative(value)
		if !ok {
			return event{}, false
		}
		milliseconds := int64(math.Round(seconds * 1000))
		*target = &milliseconds
	}
	switch e.kind {
	case "stop":
		e.reason, _ = raw["reason"].(string)
		if e.reason == "" {
			return event{}, false
		}
	case "status":
		if raw["code"] == nil {
			return event{}, false
		}
	}
	return e, true
}

func integer(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	return n, err == nil
}

func nonNegative(value any) (float64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	x, err := number.Float64()
	return x, err == nil && x >= 0
}

func (b *Book) deliverUsage(header http.Header, body []byte, at time.Time) (Verdict, error) {
	i := slices.IndexFunc(b.organizations, func(o Organization) bool {
		return header.Get("Authorization") == "Bearer "+o.SecretKey
	})
	if i < 0 {
		return Verdict{Status: http.StatusUnauthorized}, nil
	}
	organization := b.organizations[i].ID

	var verdict Verdict
	for i, line := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n") {
		fact, id, ok := acceptUsage(line, at)
		if !ok {
			verdict.Rejected = append(verdict.Rejected, i)
			continue
		}
		verdict.Accepted++
		key := [2]string{organization, id}
		if id != "" && b.usageIDs[key] {
			continue
		}
		b.usageIDs[key] = true
		fact.organization = organization
		b.traffic = append(b.traffic, fact)
	}
	verdict.Status = http.StatusAccepted
	if verdict.Accepted == 0 {
		verdict.Status = http.StatusBadRequest
	}
	return verdict, nil
}

// retention is how far back VictoriaMetrics is told to keep data.
const retention = 400 * 24 * time.Hour

// acceptUsage says whether a line of /v1/usage is good, and decodes it.
func acceptUsage(line string, at time.Time) (fact Fact, id string, ok bool) {
	var raw map[string]any
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	if decoder.Decode(&raw) != nil {
		return Fact{}, "", false
	}
	ts, ok := integer(raw["ts"])
	if !ok || ts > at.UnixMilli()+60_000 || ts < at.Add(-retention).UnixMilli() {
		return Fact{}, "", false
	}
	bytes, ok := integer(raw["bytes"])
	if !ok || bytes < 0 {
		return Fact{}, "", false
	}
	stream, _ := raw["stream"].(string)
	protocol, _ := raw["protocol"].(string)
	if stream == "" || protocol == "" {
		return Fact{}, "", false
	}
	fact = Fact{At: ts, Value: bytes, place: place{stream: stream, country: unknownCountry}}
	switch raw["direction"] {
	case "playout":
		fact.Measure = Sent
	case "ingest":
		fact.Measure = Received
	default:
		return Fact{}, "", false
	}
	if ip, ok := raw["ip"].(string); ok {
		fact.country = countryOf(netip.MustParseAddr(ip))
	}
	id, _ = raw["id"].(string)
	return fact, id, true
}

// Facts is everything that counts, ordered by time.
func (b *Book) Facts() []Fact {
	facts := slices.Clone(b.traffic)
	for _, s := range b.sessions {
		facts = append(facts, s.facts()...)
	}
	slices.SortFunc(facts, func(a, b Fact) int { return cmp.Compare(a.At, b.At) })
	return facts
}

// clientAddress is the rightmost address of X-Forwarded-For that is no trusted
// proxy (rule 4); the test itself connects from the trusted one.
func clientAddress(header http.Header) netip.Addr {
	trusted := netip.MustParseAddr(trustedProxy)
	hops := strings.Split(header.Get("X-Forwarded-For"), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		if address, err := netip.ParseAddr(strings.TrimSpace(hops[i])); err == nil && address != trusted {
			return address
		}
	}
	return trusted
}
