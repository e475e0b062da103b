package oracle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
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
	players       map[sessionKey]*player
	usageIDs      map[[2]string]bool // organisation and id
	logKeys       map[[2]string]bool // organisation and idempotency key
	traffic       []Fact             // of usage and access logs
	watching      map[watcher]bool   // players that report themselves
	viewers       map[viewing]bool   // that access logs tell of
}

type sessionKey struct{ organization, id string }

// Verdict is the answer that the collector must give to one request.
type Verdict struct {
	Status   int // HTTP
	Accepted int
	// Rejected are the indexes of the refused events or lines.
	Rejected []int
	// Ignored are the lines of an access log that tell of no media. Repeated
	// says that they were counted before.
	Ignored  int
	Repeated bool
}

// NewBook returns an empty book for the organisations.
func NewBook(organizations []Organization) *Book {
	return &Book{
		organizations: organizations,
		sessions:      map[sessionKey]*session{},
		players:       map[sessionKey]*player{},
		usageIDs:      map[[2]string]bool{},
		logKeys:       map[[2]string]bool{},
		watching:      map[watcher]bool{},
		viewers:       map[viewing]bool{},
	}
}

// Deliver books one request that reached the collector at the given time. The
// error says that the outcome hangs on milliseconds, so that it proves nothing.
func (b *Book) Deliver(request *Request, body []byte, at time.Time) (Verdict, error) {
	switch {
	case request.Envelope != nil:
		return b.deliverEvents(request.Header, body, at)
	case request.Log != nil:
		return b.deliverLog(request.Log, request.Header, body, at)
	case request.Reports != nil:
		return b.deliverReports(request.Reports, request.Header, body, at)
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

	key := sessionKey{organization.ID, envelope.SessionID}
	s := b.sessions[key]
	if s == nil {
		address, ua := clientAddress(header), userAgentOf(header.Get("User-Agent"))
		network := networkOf(address)
		s = &session{
			place: place{
				organization: organization.ID,
				country:      network.country,
				region:       network.region,
				operator:     network.operator,
				cdn:          envelope.CDN,
				user:         envelope.UserID,
				stream:       envelope.Stream,
				event:        envelope.EventID,
				os:           ua.os,
				browser:      ua.browser,
				device:       ua.device,
				version:      envelope.Client.Kind + " " + envelope.Client.Version,
				protocol:     cmp.Or(envelope.Protocol, methodOf(envelope.Client.Kind)),
				ip:           organization.storedAddress(address),
				referrer:     hostOf(cmp.Or(envelope.Referrer, header.Get("Referer"))),
			},
			webcaster:    envelope.Client.Kind == "webcaster",
			timeoutAfter: envelope.timeout(),
			events:       map[int64]event{},
			judge:        organization.judge(),
		}
		if start := envelope.Started; start != nil {
			s.started = &event{seq: start.Seq, ts: start.TS}
		}
		b.sessions[key] = s
		if !s.webcaster {
			b.watching[watcher{organization.ID, s.stream, address.Unmap().String(), header.Get("User-Agent")}] = true
		}
	}
	return verdict, s.receive(accepted, at)
}

// account finds the organisation of a public key. The status is 202 if the
// request may write.
func (b *Book) account(id, key, origin string) (organization Organization, status int) {
	for _, organization := range b.organizations {
		for _, account := range organization.Accounts {
			if account.ID != id || account.Key != key {
				continue
			}
			if len(account.Origins) > 0 && !slices.Contains(account.Origins, origin) {
				return Organization{}, http.StatusForbidden
			}
			return organization, http.StatusAccepted
		}
	}
	return Organization{}, http.StatusUnauthorized
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
	switches := map[string]any{}
	if value, present := raw["switches"]; present {
		if switches, ok = value.(map[string]any); !ok {
			return event{}, false
		}
	}
	const thousandths, units, millionths = 1000, 1, 1_000_000
	for name, field := range map[string]struct {
		target **int64
		scale  float64
	}{
		"height": {&e.height, units}, "stalls": {&e.stalls, units}, "frames": {&e.frames, units}, "droppedFrames": {&e.dropped, units},
		"roundTripTime": {&e.roundTripTime, thousandths}, "packetLoss": {&e.packetLoss, millionths},
		"up": {&e.up, units}, "down": {&e.down, units}, "failed": {&e.failed, units},
		"startTime": {&e.startTime, thousandths}, "played": {&e.played, thousandths}, "playing": {&e.playing, thousandths},
		"buffering": {&e.buffering, thousandths}, "paused": {&e.paused, thousandths},
		"bufferLength": {&e.bufferLength, thousandths}, "latency": {&e.latency, thousandths},
		"videoBitrate": {&e.videoBitrate, units}, "audioBitrate": {&e.audioBitrate, units},
	} {
		from := raw
		if slices.Contains([]string{"up", "down", "failed"}, name) {
			from = switches
		}
		value, present := from[name]
		if !present {
			continue
		}
		x, ok := nonNegative(value)
		if !ok || name == "packetLoss" && x > 1 {
			return event{}, false
		}
		rounded := int64(math.Round(x * field.scale))
		*field.target = &rounded
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
		e.code = fmt.Sprint(raw["code"])
		e.fatal, _ = raw["fatal"].(bool)
		e.business, _ = raw["business"].(bool)
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
	organization := b.organizations[i]

	var verdict Verdict
	for i, line := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n") {
		fact, id, ok := organization.acceptUsage(line, at)
		if !ok {
			verdict.Rejected = append(verdict.Rejected, i)
			continue
		}
		verdict.Accepted++
		key := [2]string{organization.ID, id}
		if id != "" && b.usageIDs[key] {
			continue
		}
		b.usageIDs[key] = true
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
func (o Organization) acceptUsage(line string, at time.Time) (fact Fact, id string, ok bool) {
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
	referrer, _ := raw["referrer"].(string)
	fact = Fact{At: ts, Value: bytes, place: &place{
		organization: o.ID, stream: stream, country: unknownCountry,
		protocol: strings.ToLower(protocol), referrer: hostOf(referrer),
	}}
	switch raw["direction"] {
	case "playout":
		fact.Measure = Sent
	case "ingest":
		fact.Measure = Received
	default:
		return Fact{}, "", false
	}
	if ip, ok := raw["ip"].(string); ok {
		address := netip.MustParseAddr(ip)
		fact.country, fact.ip = countryOf(address), o.storedAddress(address)
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
	for _, p := range b.players {
		facts = append(facts, p.facts()...)
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

// storedAddress is the form in which the organisation keeps an address (rules
// 4 and 27), empty if it keeps none.
func (o Organization) storedAddress(address netip.Addr) string {
	address = address.Unmap()
	switch o.Privacy.IP {
	case "off":
		return ""
	case "truncated":
		bits := 48
		if address.Is4() {
			bits = 24
		}
		return netip.PrefixFrom(address, bits).Masked().Addr().String()
	}
	return address.String()
}

// hostOf is the host of a referrer (rule 5).
func hostOf(referrer string) string {
	if parsed, err := url.Parse(referrer); err == nil && parsed.Hostname() != "" {
		return strings.ToLower(parsed.Hostname())
	}
	return "(none)"
}

// methodOf is the method of delivery of a client that does not name it (rule 12).
func methodOf(kind string) string {
	switch kind {
	case "hlsjs", "html5", "videojs":
		return "hls"
	case "dashjs", "shaka":
		return "dash"
	}
	return kind
}
