package collector

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/cmcd"
	"github.com/streamlens/streamlens/pkg/tenant"
)

const (
	// maxLogsBody bounds a request with lines of an access log, in bytes.
	maxLogsBody = 32 << 20
	// maxNamedLines is how many refused lines an answer names.
	maxNamedLines = 20
	// maxIdempotencyKey bounds the header by which a request is counted once, in bytes.
	maxIdempotencyKey = 128
	// logInterval is the interval of sessions whose states come with requests for media: segments of live streams last 10 s at
	// most.
	logInterval = 10 * time.Second
)

// LogAnswer is the answer to lines of an access log.
type LogAnswer struct {
	// Accepted is how many lines count, Ignored how many do not because they are no delivery of a stream: headers of the log,
	// paths of other files, refused requests.
	Accepted int `json:"accepted"`
	Ignored  int `json:"ignored"`
	// Refused is how many lines could not be read; the first of them are named.
	Refused  int             `json:"refused"`
	Rejected []event.Refusal `json:"rejected,omitempty"`
	// Repeated means that the request was counted before, by its Idempotency-Key.
	Repeated bool `json:"repeated,omitempty"`
}

// logFormat reads the format of a log from the parameters of a URL.
func logFormat(query url.Values) (accesslog.Format, error) {
	f := accesslog.Format{Name: query.Get("format"), Template: query.Get("template")}
	if fields := query.Get("fields"); fields != "" {
		f.Fields = strings.Split(fields, ",")
	}
	if zone := query.Get("timezone"); zone != "" {
		location, err := time.LoadLocation(zone)
		if err != nil {
			return f, fmt.Errorf("unknown time zone %q", zone)
		}
		f.Location = location
	}
	return f, nil
}

func (s *Server) postLogs(w http.ResponseWriter, r *http.Request) error {
	received := s.Clock().UnixMilli()
	organization, err := s.Directory.BySecretKey(secretKey(r))
	if err != nil {
		return err
	}
	format, err := logFormat(r.URL.Query())
	var decoder accesslog.Decoder
	if err == nil {
		decoder, err = accesslog.NewDecoder(format)
	}
	if err != nil {
		return &refusal{http.StatusBadRequest, event.Refusal{Reason: "format", Field: "format", Error: err.Error()}, 0}
	}
	key := r.Header.Get("Idempotency-Key")
	if !event.ValidText(key, maxIdempotencyKey) {
		return &refusal{http.StatusBadRequest, event.Refusal{Reason: "text", Field: "Idempotency-Key",
			Error: fmt.Sprintf("Idempotency-Key must be text of at most %d bytes", maxIdempotencyKey)}, 0}
	}
	body, err := s.body(r, maxLogsBody, "text/plain", "application/x-ndjson", "application/json", "application/octet-stream",
		"application/x-www-form-urlencoded")
	if err != nil {
		return err
	}
	defer s.bodies.Put(body)
	answered, err := s.countLog(organization, decoder, *body, key, received)
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if answered.Accepted == 0 && answered.Refused > 0 {
		status = http.StatusBadRequest
	}
	answer(w, status, answered)
	return nil
}

// countLog counts lines of an access log. Lines that cannot be read are refused by name, the others count.
func (s *Server) countLog(
	o *tenant.Organization, decoder accesslog.Decoder, text []byte, key string, received int64,
) (LogAnswer, error) {
	log := logReader{
		server: s, organization: o, rules: s.rules[o.ID], received: received, oldest: received - s.MaxUsageAge().Milliseconds(),
		clients: map[netip.Addr]logClient{}, hosts: map[string]string{}, sessions: map[string]int{}, indexes: map[event.Usage]int{},
	}
	number := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		number++
		if len(line) == 0 {
			continue
		}
		if refused := log.read(decoder, line); refused != nil {
			log.answer.Refused++
			s.metrics.refused(refused.Reason, 1)
			if len(log.answer.Rejected) < maxNamedLines {
				refused.Field = fmt.Sprintf("line[%d].%s", number, refused.Field)
				log.answer.Rejected = append(log.answer.Rejected, *refused)
			}
		}
	}
	for _, batch := range log.batches {
		slices.SortStableFunc(batch.Events, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
	}
	counted, err := s.Pipeline.Usage(ingest.Delivery{
		Organization: o.ID, ID: key, Received: received, Lines: log.lines, Sessions: log.batches,
	})
	if err != nil {
		return LogAnswer{}, err
	}
	for _, i := range counted.OverLimit {
		n := log.counts[i]
		log.answer.Accepted -= n
		log.answer.Refused += n
		s.metrics.refused("streams", n)
	}
	if len(counted.OverLimit) > 0 {
		log.answer.Rejected = append(log.answer.Rejected, event.Refusal{Error: ingest.ErrStreams.Error(), Field: "stream"})
	}
	if counted.Repeated > 0 {
		log.answer.Repeated = true
		s.metrics.repeated.Add(log.answer.Accepted)
	}
	s.metrics.accepted.Add(log.answer.Accepted)
	return log.answer, nil
}

// logReader turns the lines of one request into what the pipeline counts. What many lines have in common is looked up once.
type logReader struct {
	server       *Server
	organization *tenant.Organization
	rules        *accesslog.Rules
	received     int64 // ms since 1970
	oldest       int64 // ms since 1970

	clients  map[netip.Addr]logClient
	hosts    map[string]string // of referrers
	sessions map[string]int    // indexes in batches by session id
	request  accesslog.Request

	// lines holds the lines of a log, those together that differ in their bytes only and are of one minute: a player fetches many
	// files a minute. counts holds how many they are, indexes where they are by their line without the bytes.
	lines   []event.Usage
	counts  []int
	indexes map[event.Usage]int
	batches []event.Batch
	answer  LogAnswer
}

// logClient is what is known of an address.
type logClient struct{ country, stored, text string }

// read reads one line.
func (l *logReader) read(decoder accesslog.Decoder, line []byte) *event.Refusal {
	r := &l.request
	told, err := decoder.Decode(line, r)
	if err != nil {
		var known *accesslog.Error
		if errors.As(err, &known) {
			return &event.Refusal{Reason: known.Reason, Field: known.Field, Error: err.Error()}
		}
		return &event.Refusal{Reason: "malformed", Field: "line", Error: err.Error()}
	}
	if !told || r.Status >= http.StatusBadRequest {
		l.answer.Ignored++
		return nil
	}
	// A log that names streams has a line for each session, which says nothing of the minutes in between.
	stream, protocol, media := r.Stream, r.Protocol, false
	if stream == "" {
		var ok bool
		if stream, protocol, media, ok = l.rules.Match(r.Path); !ok {
			l.answer.Ignored++
			return nil
		}
	}
	switch {
	case r.Time > l.received+event.MaxFuture:
		return &event.Refusal{Reason: "future", Field: "time", Error: "the time is more than 60 s in the future"}
	case r.Time < l.oldest:
		return &event.Refusal{Reason: "too_old", Field: "time", Error: "the time is before what the database keeps"}
	case r.Bytes > event.MaxBytes:
		return &event.Refusal{Reason: "range", Field: "bytes", Error: "the number of bytes is too large"}
	}
	client := l.client()
	u := event.Usage{
		Time: r.Time, Stream: stream, Direction: r.Direction, Protocol: protocol, Bytes: r.Bytes,
		Address: client.stored, Country: client.country, Referrer: l.host(),
	}
	if r.Direction == measure.Playout && r.Address.IsValid() {
		u.Client = event.NewViewerKey(l.organization.ID, stream, client.text, r.UserAgent)
		if media {
			u.Viewer = u.Client
		}
	}
	if r.CMCD != (accesslog.CMCD{}) {
		l.cmcd(&u, client, media)
	}
	l.add(u)
	return nil
}

func (l *logReader) add(u event.Usage) {
	l.answer.Accepted++
	size := u.Bytes
	u.Time -= u.Time % time.Minute.Milliseconds()
	u.Bytes = 0
	i, known := l.indexes[u]
	if !known {
		i = len(l.lines)
		l.indexes[u] = i
		l.lines = append(l.lines, u)
		l.counts = append(l.counts, 0)
	}
	l.lines[i].Bytes += size
	l.counts[i]++
}

// cmcd takes what a player tells with its request: of version 2 what it does, of version 1 at least which of several players at
// one address it is. What cannot be read of it is as if it were not there.
func (l *logReader) cmcd(u *event.Usage, client logClient, media bool) {
	r := &l.request
	report, err := cmcd.DecodeRequest(cmcd.Carrier(r.CMCD))
	if err != nil {
		l.server.metrics.refused("cmcd", 1)
		return
	}
	if report.Session == "" {
		return
	}
	u.Session = report.Session
	if media {
		u.Viewer = event.NewViewerKey(l.organization.ID, u.Stream, report.Session)
	}
	e := report.Event
	if e.State == event.StateKept && e.BufferLength == event.Absent && e.Latency == event.Absent {
		return
	}
	e.Time = r.Time
	i, known := l.sessions[report.Session]
	if !known {
		i = len(l.batches)
		l.sessions[report.Session] = i
		viewer := u.Client
		if e.State == event.StateKept {
			viewer = 0 // the player does not say what it does, so servers may count its viewer
		}
		agent := l.server.UserAgents.UserAgent(enrich.UserAgentHeaders{UserAgent: r.UserAgent})
		l.batches = append(l.batches, event.Batch{Logged: true, Session: event.Session{
			Organization: l.organization.ID,
			ID:           report.Session,
			Stream:       cmp.Or(report.Stream, u.Stream),
			Event:        report.EventID,
			Client:       cmp.Or(report.Client, cmcdClient),
			Method:       cmp.Or(report.Method, u.Protocol),
			Interval:     logInterval,
			Viewer: event.Viewer{Country: client.country, OS: agent.OS, Browser: agent.Browser, Address: client.stored,
				Referrer: u.Referrer, Key: viewer},
		}})
	}
	l.batches[i].Events = append(l.batches[i].Events, e)
}

// client looks up the request's address. A hash of it differs from day to day, and lines of one request are mostly of one.
func (l *logReader) client() logClient {
	a := l.request.Address
	if c, ok := l.clients[a]; ok && l.organization.Privacy.IP != tenant.IPHashed {
		return c
	}
	c := logClient{country: l.server.Countries.Country(a), stored: l.server.storedAddress(a, l.organization.Privacy.IP, l.request.Time)}
	if a.IsValid() {
		c.text = a.String()
	}
	l.clients[a] = c
	return c
}

// host returns the host of the request's referrer.
func (l *logReader) host() string {
	referrer := l.request.Referrer
	host, ok := l.hosts[referrer]
	if !ok {
		host = enrich.Host(referrer)
		l.hosts[referrer] = host
	}
	return host
}

// newRules returns the rules by which each organisation's streams are found.
func newRules(organizations []tenant.Organization) (map[string]*accesslog.Rules, error) {
	all := map[string]*accesslog.Rules{}
	for _, o := range organizations {
		var own []accesslog.Rule
		for _, p := range o.StreamPaths {
			expression, err := regexp.Compile(p.Path)
			if err != nil {
				return nil, fmt.Errorf("organisation %s: stream path: %w", o.ID, err)
			}
			own = append(own, accesslog.Rule{Path: expression, Protocol: strings.ToLower(p.Protocol)})
		}
		all[o.ID] = accesslog.NewRules(own)
	}
	return all, nil
}
