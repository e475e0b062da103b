// Package logreader turns the lines of access logs into what the pipeline counts: traffic, viewers, and the sessions of players
// that say in their requests what they do (CMCD).
package logreader

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/useragent"
)

// Log reads one log, whose lines come in their order. What a header in the log says, and the format that was found out, hold for
// the lines that come later. It must not be used by several goroutines at once.
type Log struct {
	format  accesslog.Format
	decoder accesslog.Decoder // nil while the format is not found out
	header  []byte            // the last that was read, nil if there was none
	found   string
}

// New returns a reader of logs of the format, which may be accesslog.Auto. The error says what is wrong with the format.
func New(format accesslog.Format) (*Log, error) {
	l := &Log{format: format}
	if format.Name == accesslog.Auto {
		if format.Template != "" || len(format.Fields) > 0 {
			return nil, fmt.Errorf("the format %q takes neither a template nor fields", accesslog.Auto)
		}
		return l, nil
	}
	var err error
	l.decoder, err = accesslog.NewDecoder(format)
	return l, err
}

// FormatOf reads the format of a log from the parameters of a URL: format, template, fields (with commas), timezone, and after, the time
// of the line before the first in ms since 1970.
func FormatOf(query url.Values) (accesslog.Format, error) {
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
	if after := query.Get("after"); after != "" {
		ms, err := strconv.ParseInt(after, 10, 64)
		if err != nil || ms < 0 {
			return f, fmt.Errorf("after must be a time in ms since 1970, and is %q", after)
		}
		f.After = ms
	}
	return f, nil
}

// ParametersOf is the reverse of FormatOf.
func ParametersOf(f accesslog.Format) url.Values {
	query := url.Values{"format": {f.Name}}
	if f.Template != "" {
		query.Set("template", f.Template)
	}
	if len(f.Fields) > 0 {
		query.Set("fields", strings.Join(f.Fields, ","))
	}
	if f.Location != nil {
		query.Set("timezone", f.Location.String())
	}
	if f.After != 0 {
		query.Set("after", strconv.FormatInt(f.After, 10))
	}
	return query
}

// Found returns the name of the format that was found out and from what, "" if the format was given or is not found out yet.
func (l *Log) Found() string { return l.found }

// Found says in words which format was found out and from what.
func Found(d accesslog.Detection) string {
	found := fmt.Sprintf("%s: %s", d.Format.Name, d.Reason)
	if d.Notice != "" {
		found += "; " + d.Notice
	}
	return found
}

// detect finds out the format from the first lines of a text, unless it is known.
func (l *Log) detect(text []byte) error {
	if l.decoder != nil {
		return nil
	}
	detected, err := accesslog.Detect(text, l.format.Location)
	if err != nil {
		return err
	}
	decoder, err := accesslog.NewDecoder(detected.Format)
	if err != nil {
		return err
	}
	l.format, l.decoder, l.found = detected.Format, decoder, Found(detected)
	return nil
}

// Organization is whose log is read, and what is known of its streams, its viewers and its privacy.
type Organization struct {
	ID    string
	Rules *accesslog.Rules
	// Place returns where an address is.
	Place func(netip.Addr) geoip.Place
	// Stored returns the form in which an address is stored at a time in ms since 1970, "" if it is not. It may change with the UTC
	// day only.
	Stored func(address netip.Addr, at int64) string
	// UserAgent returns what the header User-Agent tells.
	UserAgent func(userAgent string) useragent.Agent
	// Memory is what was remembered of logs that were read by the same Rules; nil if nothing shall be.
	Memory *Memory
}

// Memory remembers lines of an organisation's logs from one text to the next, so that lines like them are read sooner. It makes no
// difference to what is read. Several goroutines may use it at once.
type Memory struct{ pool sync.Pool }

// memory is what one goroutine remembers.
type memory struct {
	format  string // of which the lines are
	reading uint64 // how often it was taken
	accesslog.Repeats[repeated]
	room
}

// room is what a part fills while it reads.
type room struct {
	// lines holds the lines of the log, those together that differ in their bytes only and are of one minute: a player fetches
	// many files a minute. counts holds how many they are, indexes where they are.
	lines   []event.Usage
	counts  []int
	indexes map[lineKey]int
	fates   []int32
}

// take returns memory of lines of a format.
func (m *Memory) take(format accesslog.Format) *memory {
	format.After = 0
	of := ParametersOf(format).Encode()
	var taken *memory
	if m != nil {
		taken, _ = m.pool.Get().(*memory)
	}
	if taken == nil || taken.format != of {
		taken = &memory{format: of, room: room{indexes: map[lineKey]int{}}}
	}
	taken.reading++
	return taken
}

// put takes memory back from a part, of which nothing may be used any more.
func (m *Memory) put(p *part) {
	if m == nil {
		return
	}
	clear(p.indexes)
	p.memory.room = room{p.lines[:0], p.counts[:0], p.indexes, p.outcomes.fates[:0]}
	m.pool.Put(p.memory)
}

// Span is the times that count, in ms since 1970.
type Span struct {
	Received int64 // now; what is more than event.MaxFuture later is refused
	Oldest   int64
}

// latest returns the latest time that counts, in ms since 1970.
func (s Span) latest() int64 { return s.Received + event.MaxFuture }

// partBytes is the least that is worth a goroutine of its own.
const partBytes = 256 << 10

// Read reads whole lines, much of them in several parts at the same time. The error says that the format cannot be found out;
// lines that cannot be read are in the result.
func (l *Log) Read(o *Organization, span Span, text []byte) (*Result, error) {
	if len(text) == 0 {
		return &Result{}, nil
	}
	if err := l.detect(text); err != nil {
		return nil, err
	}
	var parts []*part
	var all sync.WaitGroup
	l.findHeader(text)
	lineParts := [][]byte{text}
	if l.format.Divisible(text) {
		lineParts = Divide(text)
	}
	for i, lines := range lineParts {
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
		p := newPart(o, span, decoder, o.Memory.take(l.format))
		parts = append(parts, p)
		all.Go(func() { p.readAll(lines) })
	}
	all.Wait()
	// What the paths of all lines tell is learnt before any of them counts that others may tell something about, so that the order of
	// lines makes no difference.
	for _, p := range parts {
		p.learn()
	}
	for _, p := range parts {
		p.takeWaiting()
		p.observe()
	}
	result := newResult(parts)
	for _, p := range parts {
		o.Memory.put(p)
	}
	return result, nil
}

// Skip reads the header among lines that are counted already, and finds out the format from them. If that fails, it is found out
// from the lines behind them.
func (l *Log) Skip(lines []byte) {
	l.findHeader(lines)
	if err := l.detect(lines); err == nil && l.header != nil {
		// A header that cannot be read shows with the lines behind it.
		_, _ = l.decoder.Decode(l.header, &accesslog.Request{})
	}
}

// findHeader keeps the last header of a text.
func (l *Log) findHeader(text []byte) {
	if !bytes.Contains(text, []byte(accesslog.FieldsPrefix)) {
		return
	}
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte(accesslog.FieldsPrefix)) {
			l.header = bytes.TrimSuffix(bytes.Clone(line), []byte("\n"))
		}
	}
}

// Divide divides a text at ends of lines, one part for each processor. A text with a header within it stays whole, and a part
// may be empty.
func Divide(text []byte) [][]byte {
	count := min(runtime.GOMAXPROCS(0), len(text)/partBytes)
	if count < 2 || bytes.Contains(text[1:], []byte(accesslog.FieldsPrefix)) {
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

// mergeSessions returns the sessions of all parts, with the events of each in the order of their times: a log is written in the
// order in which answers end, but for small differences.
func mergeSessions(parts []*part) []event.Batch {
	var merged []event.Batch
	indexes := map[string]int{}
	for _, p := range parts {
		for _, batch := range p.batches {
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
