package logreader

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/cmcd"
)

// sessionInterval is the interval of sessions whose states come with requests for media: segments of live streams last 10 s at
// most.
const sessionInterval = 10 * time.Second

// clientOfCMCD is the client of sessions whose player does not say what it is.
const clientOfCMCD = "cmcd"

// part reads consecutive lines of a log. What many lines have in common is looked up once.
type part struct {
	*Organization
	span     Span
	decoder  accesslog.Decoder
	repeater *accesslog.Repeater // nil if lines of the format do not repeat themselves
	memory   *memory

	clients map[netip.Addr]client
	day     int64             // of clients, since 1970
	hosts   map[string]string // by referrer
	request accesslog.Request

	lines   []event.Usage // as room has them
	counts  []int
	indexes map[lineKey]int

	said     []saying
	batches  []event.Batch
	sessions map[string]int // indexes in batches by session id

	outcomes outcomes
	first    []Line
	last     int64 // time of the last line that tells one, ms since 1970
	maxFirst int
	waiting  []waiting
}

// waiting is a line whose path tells something about the streams of others, so that all such paths must be known first.
type waiting struct {
	number  int
	line    []byte
	request accesslog.Request
}

// saying is what a player tells of its play in one line.
type saying struct {
	number    int
	report    cmcd.Report
	key       lineKey
	userAgent string
	usage     int // index in lines
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

// client is what is known of an address.
type client struct {
	place        geoip.Place
	stored, text string
}

func newPart(o *Organization, span Span, decoder accesslog.Decoder, memory *memory) *part {
	return &part{
		Organization: o, span: span, decoder: decoder, repeater: accesslog.NewRepeater(decoder), memory: memory, maxFirst: maxFirst,
		clients: map[netip.Addr]client{}, hosts: map[string]string{}, sessions: map[string]int{},
		lines: memory.lines, counts: memory.counts, indexes: memory.indexes, outcomes: outcomes{fates: memory.fates},
	}
}

func (p *part) readAll(text []byte) {
	for line := range bytes.Lines(text) {
		p.read(bytes.TrimSuffix(line, []byte("\n")))
	}
}

// read reads a line and notes what becomes of it, unless it must wait.
func (p *part) read(line []byte) {
	r := &p.request
	number := p.outcomes.begin()
	if p.readRepeated(number, line) {
		return
	}
	revision := p.Rules.Revision()
	told, err := p.decoder.Decode(line, r)
	if err != nil {
		refusal := event.Refusal{Reason: "malformed", Field: "line", Error: err.Error()}
		var known *accesslog.Error
		if errors.As(err, &known) {
			refusal.Reason, refusal.Field = known.Reason, known.Field
		}
		p.outcomes.refuse(number, line, refusal)
		return
	}
	if told {
		p.last = r.Time
	}
	if reason := LeftOut(r, told); reason != "" {
		p.outcomes.ignore(line, reason)
		return
	}
	if r.Stream != "" {
		// A log that names streams has a line for each session, which says nothing of the minutes in between.
		found := accesslog.Found{Stream: r.Stream, Protocol: r.Protocol}
		if r.Polled != "" {
			if stream, _, ok := p.Rules.OwnOf(r.Polled); ok {
				found.Stream = stream
			}
		}
		p.take(number, line, found)
		return
	}
	found, ok := p.Rules.Find(r.Path)
	switch {
	case !found.Settled:
		p.waiting = append(p.waiting, waiting{number, line, *r})
	case !ok:
		p.outcomes.ignore(line, noStream)
	default:
		if key, plain := p.take(number, line, found); plain {
			p.memory.Keep(p.repeater, found.AnyNumber, &repeated{key: key, revision: revision})
		}
	}
}

// repeated is what lines say that are alike.
type repeated struct {
	key      lineKey
	revision uint64 // of the rules by which the stream was found
	reading  uint64 // number of the reading that counted such a line last
	index    int    // in lines of that reading's part
}

// readRepeated counts a line that is like one before it, and reports whether it is.
func (p *part) readRepeated(number int, line []byte) bool {
	said, at, bytes := p.memory.Find(p.repeater, line)
	if said == nil || said.revision != p.Rules.Revision() || at < p.span.Oldest || at > p.span.latest() {
		return false
	}
	if minute := minuteOf(at); said.reading != p.memory.reading || said.key.minute != minute {
		said.key.minute = minute
		said.reading, said.index = p.memory.reading, p.index(&said.key)
	}
	p.last = at
	p.count(number, said.index, at, bytes)
	return true
}

// learn takes what the paths of the lines that wait tell about others.
func (p *part) learn() {
	for i := range p.waiting {
		path := p.waiting[i].request.Path
		if found, _ := p.Rules.Find(path); !found.Settled {
			p.Rules.Learn(path)
		}
	}
}

// takeWaiting takes the lines that wait.
func (p *part) takeWaiting() {
	p.maxFirst += len(p.first) // lines that wait may be before those
	for i := range p.waiting {
		w := &p.waiting[i]
		found, ok := p.Rules.Find(w.request.Path)
		if !ok {
			p.outcomes.ignore(w.line, noStream)
			continue
		}
		p.request = w.request
		p.take(w.number, w.line, found)
	}
	p.waiting = nil
}

// take counts the line of a request whose stream is found, if it may count. It reports whether there is nothing more in it than what lines
// have in common.
func (p *part) take(number int, line []byte, found accesslog.Found) (key lineKey, plain bool) {
	r := &p.request
	switch {
	case r.Time > p.span.latest():
		p.outcomes.refuse(number, line, event.Refusal{Reason: "future", Field: "time", Error: "the time is more than 60 s in the future"})
		return key, false
	case r.Time < p.span.Oldest:
		p.outcomes.refuse(number, line, event.Refusal{Reason: "too_old", Field: "time", Error: "the time is before what the database keeps"})
		return key, false
	case r.Bytes > event.MaxBytes:
		p.outcomes.refuse(number, line, event.Refusal{Reason: "range", Field: "bytes", Error: "the number of bytes is too large"})
		return key, false
	}
	key = lineKey{
		minute: minuteOf(r.Time), address: r.Address, agent: r.UserAgent, referrer: r.Referrer,
		stream: found.Stream, protocol: found.Protocol, direction: r.Direction, media: found.Media,
	}
	plain = r.CMCD == (accesslog.CMCD{})
	var report cmcd.Report
	if !plain {
		var err error
		if report, err = cmcd.DecodeRequest(cmcd.Carrier(r.CMCD)); err != nil {
			// What cannot be read of it is as if it were not there; the bytes count.
			p.outcomes.note(line, badCMCD)
			report = cmcd.Report{}
		}
		key.session = report.Session
	}
	i := p.index(&key)
	p.count(number, i, r.Time, r.Bytes)
	if found.Folded {
		p.outcomes.note(line, folded)
		plain = false
	}
	if r.NoAddress != "" {
		p.outcomes.note(line, "address_"+r.NoAddress)
		plain = false
	}
	if report.Session != "" {
		report.Event.Time = r.Time
		p.said = append(p.said, saying{number, report, key, r.UserAgent, i})
	}
	return key, plain
}

// minuteOf returns the begin of the minute of a time, both in ms since 1970.
func minuteOf(at int64) int64 { return at - at%time.Minute.Milliseconds() }

// index returns where the line is in lines that counts what has a key.
func (p *part) index(key *lineKey) int {
	i, known := p.indexes[*key]
	if !known {
		i = len(p.lines)
		p.indexes[*key] = i
		p.lines = append(p.lines, p.usage(*key))
		p.counts = append(p.counts, 0)
	}
	return i
}

// count counts a line of the log in the line at an index.
func (p *part) count(number, i int, at, bytes int64) {
	u := &p.lines[i]
	u.Bytes += bytes
	p.counts[i]++
	p.outcomes.count(number, i)
	if len(p.first) < p.maxFirst {
		p.first = append(p.first, Line{number, at, u.Stream, u.Protocol, u.Direction, bytes, u.Address, u.Country, u.Viewer})
	}
}

// LeftOut returns why a request is no delivery, whatever its path is, "" if it may be one; told is what its decoder returned.
func LeftOut(r *accesslog.Request, told bool) string {
	switch {
	case !told:
		return cmp.Or(r.Left, "blank")
	case r.Status >= http.StatusBadRequest:
		return "status"
	case r.Method != "" && r.Method != http.MethodGet:
		// Encoders that upload segments, browsers that ask for permission and players that ask for the size of a file deliver nothing;
		// of some logs the method is not known.
		return "method"
	}
	return ""
}

// usage returns the usage of lines, without their bytes.
func (p *part) usage(k lineKey) event.Usage {
	c := p.client(k)
	u := event.Usage{
		Time: k.minute, Stream: k.stream, Direction: k.direction, Protocol: k.protocol,
		Address: c.stored, Country: c.place.Country, Referrer: p.host(k.referrer), Session: k.session,
	}
	if k.direction != measure.Playout {
		return u
	}
	if k.address.IsValid() {
		u.Client = event.NewViewerKey(p.ID, k.stream, c.text, k.agent)
	}
	switch {
	case !k.media:
	case k.session != "":
		u.Viewer = event.NewViewerKey(p.ID, k.stream, k.session)
	default:
		u.Viewer = u.Client
	}
	return u
}

func (p *part) host(referrer string) string {
	host, known := p.hosts[referrer]
	if !known {
		host = enrich.Host(referrer)
		p.hosts[referrer] = host
	}
	return host
}

// client looks up an address. The place is that of the address before any of it is taken away.
func (p *part) client(k lineKey) client {
	// A hash differs from day to day.
	if day := k.minute / (24 * time.Hour).Milliseconds(); day != p.day {
		clear(p.clients)
		p.day = day
	}
	if c, ok := p.clients[k.address]; ok {
		return c
	}
	c := client{place: p.Place(k.address), stored: p.Stored(k.address, k.minute)}
	if k.address.IsValid() {
		c.text = k.address.String()
	}
	p.clients[k.address] = c
	return c
}

// observe takes what players tell of their plays, in the order of the log: the first line of a session says whose it is, also if it had
// to wait.
func (p *part) observe() {
	slices.SortFunc(p.said, func(a, b saying) int { return cmp.Compare(a.number, b.number) })
	for i := range p.said {
		p.hear(&p.said[i])
	}
	p.said = nil
}

// hear takes what a player tells: by version 2 what it does, by version 1 the length of its buffer.
func (p *part) hear(s *saying) {
	e, u, report := s.report.Event, &p.lines[s.usage], &s.report
	if e.State == event.StateKept && e.BufferLength == event.Absent && e.Latency == event.Absent {
		return
	}
	i, known := p.sessions[report.Session]
	if !known {
		i = len(p.batches)
		p.sessions[report.Session] = i
		viewer := u.Client
		if e.State == event.StateKept {
			viewer = 0 // the player does not say what it does, so servers may count its viewer
		}
		agent, place := p.UserAgent(s.userAgent), p.client(s.key).place
		p.batches = append(p.batches, event.Batch{Logged: true, Session: event.Session{
			Organization: p.ID,
			ID:           report.Session,
			Stream:       cmp.Or(report.Stream, u.Stream),
			Event:        report.EventID,
			Client:       cmp.Or(report.Client, clientOfCMCD),
			Method:       cmp.Or(report.Method, u.Protocol),
			CDN:          report.CDN,
			Interval:     sessionInterval,
			Viewer: event.Viewer{Country: place.Country, Region: place.Region, ASN: place.ASN, Operator: place.Operator, OS: agent.OS, Browser: agent.Browser,
				Device: agent.Device, Address: u.Address,
				Referrer: u.Referrer, Key: viewer},
		}})
	}
	p.batches[i].Events = append(p.batches[i].Events, e)
}
