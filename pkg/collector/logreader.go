package collector

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/cmcd"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// logSource decodes the lines of one log. What a header in the log says holds for the lines that come later.
type logSource struct {
	format  accesslog.Format
	decoder accesslog.Decoder
	header  []byte // the last that was read, nil if there was none
}

// newLogSource takes what makes a format.
func newLogSource(format accesslog.Format, err error) (*logSource, error) {
	if err != nil {
		return nil, err
	}
	decoder, err := accesslog.NewDecoder(format)
	if err != nil {
		return nil, err
	}
	return &logSource{format: format, decoder: decoder}, nil
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

// partBytes is the least that is worth a goroutine of its own.
const partBytes = 256 << 10

// headerPrefix begins the header that names the columns of the lines behind it.
const headerPrefix = "#Fields:"

// read reads lines, much of them in several parts at the same time, and returns the readers in the order of the text.
func (l *logSource) read(s *Server, o *tenant.Organization, text []byte, received int64) ([]*logReader, error) {
	var readers []*logReader
	var all sync.WaitGroup
	l.findHeader(text)
	for i, part := range divide(text) {
		decoder := l.decoder
		if i > 0 {
			var err error
			if decoder, err = accesslog.NewDecoder(l.format); err != nil {
				return nil, err
			}
			if _, err := decoder.Decode(l.header, &accesslog.Request{}); err != nil {
				return nil, err
			}
		}
		r := &logReader{
			server: s, organization: o, rules: s.settings.Load().rulesOf(o.ID), decoder: decoder,
			received: received, oldest: received - s.MaxUsageAge().Milliseconds(),
			clients: map[netip.Addr]logClient{}, indexes: map[lineKey]int{}, sessions: map[string]int{}, refused: map[string]int{},
		}
		readers = append(readers, r)
		all.Go(func() { r.readAll(part) })
	}
	all.Wait()
	return readers, nil
}

// skip reads the header among lines that are counted already.
func (l *logSource) skip(lines []byte) {
	l.findHeader(lines)
	if l.header != nil {
		// A header that cannot be read shows with the lines behind it.
		_, _ = l.decoder.Decode(l.header, &accesslog.Request{})
	}
}

// findHeader keeps the last header of a text.
func (l *logSource) findHeader(text []byte) {
	if !bytes.Contains(text, []byte(headerPrefix)) {
		return
	}
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte(headerPrefix)) {
			l.header = bytes.TrimSuffix(bytes.Clone(line), []byte("\n"))
		}
	}
}

// divide divides a text at ends of lines, one part for each processor. A text with a header within it stays whole, and a part
// may be empty.
func divide(text []byte) [][]byte {
	count := min(runtime.GOMAXPROCS(0), len(text)/partBytes)
	if count < 2 || bytes.Contains(text[1:], []byte(headerPrefix)) {
		return [][]byte{text}
	}
	var parts [][]byte
	for left := count; left > 1; left-- {
		begin := len(text) / left
		end := begin + bytes.IndexByte(text[begin:], '\n') + 1
		parts = append(parts, text[:end])
		text = text[end:]
	}
	return append(parts, text)
}

// logReader turns lines into what the pipeline counts. What many lines have in common is looked up once.
type logReader struct {
	server       *Server
	organization *tenant.Organization
	rules        *accesslog.Rules
	decoder      accesslog.Decoder
	received     int64 // ms since 1970
	oldest       int64 // ms since 1970

	clients map[netip.Addr]logClient
	request accesslog.Request

	// lines holds the lines of the log, those together that differ in their bytes only and are of one minute: a player fetches
	// many files a minute. counts holds how many they are, indexes where they are.
	lines   []event.Usage
	counts  []int
	indexes map[lineKey]int

	batches  []event.Batch
	sessions map[string]int // indexes in batches by session id

	number            int // lines
	accepted, ignored int
	refused           map[string]int // numbers of lines by reason
	named             []refusedLine  // the first of them
}

// lineKey is what lines have in common that count together.
type lineKey struct {
	minute                      int64
	address                     netip.Addr
	agent, referrer             string
	stream, protocol, direction string
	media                       bool
	session                     string // of CMCD
}

// refusedLine is a line that could not be read, by its number from 1.
type refusedLine struct {
	event.Refusal
	line int
}

// logClient is what is known of an address.
type logClient struct{ country, stored, text string }

func (l *logReader) readAll(text []byte) {
	for line := range bytes.Lines(text) {
		l.number++
		if line = bytes.TrimSuffix(line, []byte("\n")); len(line) == 0 {
			continue
		}
		if refused := l.read(line); refused != nil {
			l.refused[refused.Reason]++
			if len(l.named) < maxNamedLines {
				l.named = append(l.named, refusedLine{*refused, l.number})
			}
		}
	}
}

func (l *logReader) read(line []byte) *event.Refusal {
	r := &l.request
	told, err := l.decoder.Decode(line, r)
	if err != nil {
		var known *accesslog.Error
		if errors.As(err, &known) {
			return &event.Refusal{Reason: known.Reason, Field: known.Field, Error: err.Error()}
		}
		return &event.Refusal{Reason: "malformed", Field: "line", Error: err.Error()}
	}
	if !told || r.Status >= http.StatusBadRequest || !fetches(r.Method) {
		l.ignored++
		return nil
	}
	// A log that names streams has a line for each session, which says nothing of the minutes in between.
	stream, protocol, media := r.Stream, r.Protocol, false
	if stream == "" {
		var ok bool
		if stream, protocol, media, ok = l.rules.Match(r.Path); !ok {
			l.ignored++
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
	l.accepted++
	media = media && r.Method != http.MethodHead
	key := lineKey{
		minute: r.Time - r.Time%time.Minute.Milliseconds(), address: r.Address, agent: r.UserAgent, referrer: r.Referrer,
		stream: stream, protocol: protocol, direction: r.Direction, media: media,
	}
	var report cmcd.Report
	if r.CMCD != (accesslog.CMCD{}) {
		report = l.decodeCMCD()
		key.session = report.Session
	}
	i, known := l.indexes[key]
	if !known {
		i = len(l.lines)
		l.indexes[key] = i
		l.lines = append(l.lines, l.usage(key))
		l.counts = append(l.counts, 0)
	}
	l.lines[i].Bytes += r.Bytes
	l.counts[i]++
	if report.Session != "" {
		l.observe(report, &l.lines[i])
	}
	return nil
}

// fetches reports whether a method delivers something. Encoders that upload segments and browsers that ask for permission do not;
// of some logs the method is not known.
func fetches(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodHead
}

// mergeSessions returns the sessions of all readers, with the events of each in the order of their times: a log is written in the
// order in which answers end, but for small differences.
func mergeSessions(readers []*logReader) []event.Batch {
	var merged []event.Batch
	indexes := map[string]int{}
	for _, r := range readers {
		for _, batch := range r.batches {
			if i, known := indexes[batch.Session.ID]; known {
				merged[i].Events = append(merged[i].Events, batch.Events...)
				continue
			}
			indexes[batch.Session.ID] = len(merged)
			merged = append(merged, batch)
		}
	}
	for _, batch := range merged {
		slices.SortStableFunc(batch.Events, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
	}
	return merged
}

// usage returns the usage of lines, without their bytes.
func (l *logReader) usage(k lineKey) event.Usage {
	client := l.client(k)
	u := event.Usage{
		Time: k.minute, Stream: k.stream, Direction: k.direction, Protocol: k.protocol,
		Address: client.stored, Country: client.country, Referrer: enrich.Host(k.referrer), Session: k.session,
	}
	if k.direction != measure.Playout {
		return u
	}
	if k.address.IsValid() {
		u.Client = event.NewViewerKey(l.organization.ID, k.stream, client.text, k.agent)
	}
	switch {
	case !k.media:
	case k.session != "":
		u.Viewer = event.NewViewerKey(l.organization.ID, k.stream, k.session)
	default:
		u.Viewer = u.Client
	}
	return u
}

// client looks up an address. The country is that of the address before any of it is taken away.
func (l *logReader) client(k lineKey) logClient {
	// A hash differs from day to day.
	keep := l.organization.Privacy.IP != tenant.IPHashed
	if c, ok := l.clients[k.address]; ok && keep {
		return c
	}
	c := logClient{country: l.server.Countries.Country(k.address), stored: l.server.storedAddress(k.address, l.organization.Privacy.IP, k.minute)}
	if k.address.IsValid() {
		c.text = k.address.String()
	}
	if keep {
		l.clients[k.address] = c
	}
	return c
}

// decodeCMCD decodes what a player tells with its request. What cannot be read of it is as if it were not there.
func (l *logReader) decodeCMCD() cmcd.Report {
	report, err := cmcd.DecodeRequest(cmcd.Carrier(l.request.CMCD))
	if err != nil {
		l.server.metrics.refused("cmcd", 1)
		return cmcd.Report{}
	}
	return report
}

// observe takes what a player tells of its play: by version 2 what it does, by version 1 the length of its buffer.
func (l *logReader) observe(report cmcd.Report, u *event.Usage) {
	e := report.Event
	if e.State == event.StateKept && e.BufferLength == event.Absent && e.Latency == event.Absent {
		return
	}
	e.Time = l.request.Time
	i, known := l.sessions[report.Session]
	if !known {
		i = len(l.batches)
		l.sessions[report.Session] = i
		viewer := u.Client
		if e.State == event.StateKept {
			viewer = 0 // the player does not say what it does, so servers may count its viewer
		}
		agent := l.server.UserAgents.UserAgent(enrich.UserAgentHeaders{UserAgent: l.request.UserAgent})
		l.batches = append(l.batches, event.Batch{Logged: true, Session: event.Session{
			Organization: l.organization.ID,
			ID:           report.Session,
			Stream:       cmp.Or(report.Stream, u.Stream),
			Event:        report.EventID,
			Client:       cmp.Or(report.Client, cmcdClient),
			Method:       cmp.Or(report.Method, u.Protocol),
			Interval:     logInterval,
			Viewer: event.Viewer{Country: u.Country, OS: agent.OS, Browser: agent.Browser, Address: u.Address,
				Referrer: u.Referrer, Key: viewer},
		}})
	}
	l.batches[i].Events = append(l.batches[i].Events, e)
}
