// Package importer sends access logs to a collector, each line once: it goes on where an interrupted import ended, passes over what
// counted before, and tries again what did not.
package importer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
)

const (
	// firstWait and maxWait are how long a collector that cannot take more is waited for before the next try.
	firstWait = time.Second
	maxWait   = 30 * time.Second
	// patience is for how long a request is tried.
	patience = 10 * time.Minute
)

// Stdin is the name of a file that stands for the standard input. It cannot be recognised, so it is always counted.
const Stdin = "-"

// Importer imports the logs of one organisation.
type Importer struct {
	URL          string // of the collector
	Organization string
	SecretKey    string
	// Format is that of all files, or accesslog.Auto: then each file's is found out.
	Format accesslog.Format
	// Paths are the organisation's own rules for paths as text: lines that were no delivery may be one by others.
	Paths string
	// Rules are these rules, by which Learn knows what may tell something; by default those that work for usual servers.
	Rules *accesslog.Rules
	Book  *Book
	// Progress is called with bytes read, as the file has them.
	Progress func(n int)
	client   http.Client
	// pieceBytes is about how much goes with one request, chunkBytes by default.
	pieceBytes int
}

// Summary is what became of the lines of a file.
type Summary struct {
	Found string // the format that was found out and from what, "" if it was given
	// Accepted, Ignored and Refused are the lines that were sent, Repeated those that the collector knew and did not count again.
	Accepted, Ignored, Refused, Repeated int
	Again                                int  // how many of them were sent before and did not count then
	Counted                              bool // whether any line of the file counts, by this import or an earlier one
	Remarks                              []logreader.Remark
	Rejected                             []Rejected // some of the refused lines
	Before                               int64      // bytes of the content that an earlier import sent
	Imported                             time.Time  // of that import
	Shorter                              bool       // the content ends before the end of that
	Open                                 bool       // the last line has no end yet and is left for the next import
}

// Rejected is a line that was refused.
type Rejected struct {
	Line           int // of the file, from 1
	Field, Message string
}

// maxRejected is how many refused lines of a file are named.
const maxRejected = 20

// ErrRefused means that the collector does not take the log at all.
var ErrRefused = errors.New("the collector refuses the log")

// Sort orders files by the time of their first lines, because sessions of viewers reach from one file to the next. Files of
// which no line can be read come first.
func (m *Importer) Sort(files []string) error {
	first := map[string]int64{}
	for _, name := range files {
		if readOnce(name) {
			continue
		}
		at, err := m.firstTime(name)
		if err != nil && !unusable(err) {
			return err
		}
		first[name] = at
	}
	slices.SortStableFunc(files, func(a, b string) int { return cmp.Compare(first[a], first[b]) })
	return nil
}

func (m *Importer) firstTime(name string) (int64, error) {
	source, err := open(name, func(int) {})
	if err != nil {
		return 0, err
	}
	defer source.Close()
	head, err := source.head()
	if err != nil {
		return 0, err
	}
	format, _, err := m.format(head)
	if err != nil {
		return 0, nil // which its import says
	}
	decoder, err := accesslog.NewDecoder(format)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(head) {
		var r accesslog.Request
		if ok, err := decoder.Decode(bytes.TrimRight(line, "\n"), &r); ok && err == nil {
			return r.Time, nil
		}
	}
	return 0, nil
}

// format returns the format of a log by its begin, and how it was found out.
func (m *Importer) format(head []byte) (accesslog.Format, string, error) {
	if m.Format.Name != accesslog.Auto {
		return m.Format, "", nil
	}
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
		head = head[:i+1]
	}
	detected, err := accesslog.Detect(head, m.Format.Location)
	return detected.Format, logreader.Found(detected), err
}

// fileImport is the import of one file.
type fileImport struct {
	*Importer
	name     string
	entry    *Entry
	attempts *attempts // nil of the standard input
	format   accesslog.Format
	alone    bool   // a piece is sent only when the one before it is answered
	reading  string // how lines are read now
	summary  Summary

	at     int64 // offset in the content, behind what is sent
	line   int   // lines before it
	fields []byte
	after  int64    // time of the last request before it whose answer came, ms since 1970
	sent   []*piece // in their order, whose answers are to come
	free   chan<- []byte
}

// File imports a file, which may be compressed, or Stdin.
func (m *Importer) File(ctx context.Context, name string) (Summary, error) {
	source, err := open(name, m.Progress)
	if err != nil {
		return Summary{}, err
	}
	defer source.Close()
	source.pieceBytes = cmp.Or(m.pieceBytes, chunkBytes)
	head, err := source.head()
	if err != nil || len(head) == 0 {
		return Summary{}, err
	}
	entry := &Entry{HeadHash: strconv.FormatInt(time.Now().UnixNano(), 36)}
	if name != Stdin {
		entry = m.Book.entry(m.Organization, name, head)
		if entry == nil && len(head) == maxHead {
			return Summary{}, fmt.Errorf("%s: %w", name, &ReadError{fmt.Errorf("its first line does not end within %d bytes", maxHead)})
		}
		if entry == nil {
			return Summary{}, nil
		}
	}
	format, found, err := m.format(head)
	if err != nil {
		return Summary{}, fmt.Errorf("%s: %w", name, err)
	}
	query := logreader.ParametersOf(format)
	if m.Paths != "" {
		query.Set("paths", hash([]byte(m.Paths))[:16]) // which the collector passes over
	}
	f := &fileImport{
		Importer: m, name: name, entry: entry, format: format, alone: readOnce(name), reading: query.Encode(), summary: Summary{Found: found},
	}
	var sizes []int64
	if name != Stdin {
		// A file that grows is known by its begin as it is now, so that must be kept before anything of it counts.
		if err := m.Book.Save(); err != nil {
			return f.summary, err
		}
		if f.attempts, err = openAttempts(m.Book.attemptsOf(f.entry)); err != nil {
			return f.summary, err
		}
		if end, fields := f.attempts.end(); end > entry.Bytes {
			entry.Bytes, entry.Fields = end, cmp.Or(fields, entry.Fields)
		}
		f.summary.Before, f.summary.Imported = entry.Bytes, entry.Time
		sizes = f.attempts.pieces(f.entry.Bytes, f.reading)
		if sizes == nil {
			if f.summary.Shorter, err = f.skip(source); err != nil {
				return f.summary, fmt.Errorf("%s: %w", name, &ReadError{err})
			}
			f.at, f.line, f.fields, f.after = f.entry.Bytes, f.attempts.lines(), []byte(f.entry.Fields), f.attempts.last()
		}
	}
	err = f.pieces(ctx, source, sizes)
	f.summary.Shorter = f.summary.Shorter || err == nil && f.at < f.summary.Before
	if f.attempts != nil {
		f.summary.Counted = f.attempts.counted()
		err = errors.Join(err, m.Book.Save())
	} else {
		f.summary.Counted = f.summary.Accepted > 0
	}
	return f.summary, err
}

// errChanged means that a file begins like one that was imported, and goes on in another way.
var errChanged = errors.New("it begins like a log that was imported, but is not the same up to where that import ended: " +
	"another log, or one that was changed. Import what is new of it as a file of its own")

// skip passes over what was sent before. A content that is shorter than that has nothing that could be told from it.
func (f *fileImport) skip(source io.Reader) (shorter bool, err error) {
	last, tail := f.attempts.behind(f.entry.Bytes), int64(0)
	if last != nil && last.Tail != "" {
		tail = min(last.Bytes, maxTail)
	}
	_, err = io.CopyN(io.Discard, source, f.entry.Bytes-tail)
	if err == nil && tail > 0 {
		end := make([]byte, tail)
		if _, err = io.ReadFull(source, end); err == nil && tailOf(end) != last.Tail {
			return false, errChanged
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true, nil
	}
	return false, err
}

// pieces imports what a source has, first pieces of the sizes.
func (f *fileImport) pieces(ctx context.Context, source *source, sizes []int64) (err error) {
	ctx, stop := context.WithCancel(ctx)
	ahead := source.readAhead(ctx, sizes)
	f.free = source.free
	defer func() {
		stop()
		for _, p := range f.sent {
			if p.answered != nil {
				<-p.answered
			}
		}
		for range ahead { // the source is closed when nobody reads it any more
		}
	}()
	for {
		next, more := <-ahead
		if !more {
			return ctx.Err()
		}
		if next.err != nil {
			// What was read before it counts.
			return errors.Join(f.takeAnswers(0), fmt.Errorf("%s: %w", f.name, next.err))
		}
		chunk := next.chunk
		if next.end && len(chunk) > 0 && chunk[len(chunk)-1] != '\n' && source.growing {
			f.summary.Open = true
			chunk = chunk[:bytes.LastIndexByte(chunk, '\n')+1]
		}
		if len(chunk) > 0 {
			if err := f.take(ctx, chunk); err != nil {
				return err
			}
		}
		if next.end {
			return f.takeAnswers(0)
		}
	}
}

// inFlight is how many pieces are on their way at most: one of them becomes durable, one is read, and one is transferred.
const inFlight = 3

// piece is some lines of a file that follow each other, and how they are sent.
type piece struct {
	attempt
	lines  int
	before *attempt // nil if it was never tried
	chosen []bool   // the lines that are sent, nil if all are
	fates  []byte   // of the attempt before
	chunk  []byte

	header     bool // whether a header is sent before the lines
	linesAhead int  // of the file
	fields     string

	key      string
	behind   *piece        // must count before, nil if there is none
	answered chan struct{} // is closed when the next fields are final, nil if there is nothing to send
	answer   collector.LogAnswer
	err      error
}

// take sends what of a piece has not counted and may count now, while the ones before it may still be on their way. Where the order of the
// lines decides which time is meant, and where nobody has learnt from the paths of all lines before, they may not.
func (f *fileImport) take(ctx context.Context, chunk []byte) error {
	room := inFlight
	if f.alone || !f.format.Divisible(chunk) {
		room = 1
	}
	if err := f.takeAnswers(room - 1); err != nil {
		return err
	}
	if f.attempts != nil {
		// Nobody knows whether the collector has counted what was sent without an answer, so it is sent again as it was.
		if unanswered := f.attempts.open[f.at]; unanswered != nil {
			if int64(len(chunk)) < unanswered.Bytes {
				return fmt.Errorf("%s: the file has changed since a part of it was sent without an answer", f.name)
			}
			if err := f.takeAnswers(0); err != nil {
				return err
			}
			if err := f.send(ctx, chunk[:unanswered.Bytes], unanswered.Reading); err != nil {
				return err
			}
			if err := f.takeAnswers(0); err != nil {
				return err
			}
		}
	}
	if err := f.send(ctx, chunk, f.reading); err != nil {
		return err
	}
	last := f.sent[len(f.sent)-1]
	last.chunk = chunk
	f.at += int64(len(chunk))
	f.line += last.lines
	if fields := lastFields(chunk); fields != nil {
		f.fields = fields
	}
	last.fields = string(f.fields)
	return nil
}

// send begins to send the lines of a piece that are worth it.
func (f *fileImport) send(ctx context.Context, chunk []byte, reading string) error {
	p := &piece{
		attempt: attempt{Offset: f.at, Bytes: int64(len(chunk)), Reading: reading, After: f.after, Tail: tailOf(chunk)},
		lines:   countLines(chunk), header: len(f.fields) > 0, linesAhead: f.line,
	}
	body := chunk
	if f.attempts != nil {
		p.before = f.attempts.known[f.at]
		if p.before != nil && p.before.Tail != "" && p.before.Bytes == p.Bytes && p.before.Tail != p.Tail {
			return fmt.Errorf("%s: %w", f.name, &ReadError{errChanged})
		}
		if p.before == nil && f.at < f.entry.Bytes || p.before != nil && !p.before.worthAnother(reading) {
			f.sent = append(f.sent, p) // without a known attempt it is of a version that kept none
			return nil
		}
		if p.before != nil {
			p.Last = p.before.Last
			var err error
			if body, err = p.choose(chunk); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		if err := f.attempts.keep(p.attempt); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	p.key = fmt.Sprintf("import-%.32s-%d-%016x", f.entry.HeadHash, f.at, xxhash.Sum64(body))
	if p.header {
		body = slices.Concat(f.fields, []byte("\n"), body)
	}
	if p.After != 0 {
		reading += "&after=" + strconv.FormatInt(p.After, 10)
	}
	for _, other := range slices.Backward(f.sent) {
		if other.answered != nil {
			p.behind = other
			break
		}
	}
	p.answered = make(chan struct{})
	f.sent = append(f.sent, p)
	go func() {
		defer close(p.answered)
		p.answer, p.err = f.Importer.send(ctx, p.key, func() (string, error) {
			behind, err := p.waitsFor()
			if behind != "" {
				return reading + "&behind=" + url.QueryEscape(behind), err
			}
			return reading, err
		}, body)
	}()
	return nil
}

// choose sets which lines of a piece are sent that was tried before, and returns these.
func (p *piece) choose(chunk []byte) ([]byte, error) {
	var err error
	if p.fates, err = logreader.Spell(p.before.Fates, p.lines); err != nil {
		return nil, err
	}
	lines := slices.Collect(bytes.Lines(chunk))
	p.chosen = p.before.choose(lines, p.fates, p.Reading)
	var body []byte
	for i, line := range lines {
		if p.chosen[i] {
			body = append(body, line...)
		}
	}
	return body, nil
}

// waitsFor returns the key of the piece that must count before this one, "" if all before it are answered, and the error of one that
// will not count.
func (p *piece) waitsFor() (key string, err error) {
	if p.behind == nil {
		return "", nil
	}
	select {
	case <-p.behind.answered:
		return "", p.behind.err
	default:
		return p.behind.key, nil
	}
}

// takeAnswers waits until no more than so many pieces are on their way, and takes the answers of the others, in their order.
func (f *fileImport) takeAnswers(left int) error {
	for len(f.sent) > left {
		p := f.sent[0]
		if p.answered != nil {
			<-p.answered
		}
		if err := f.takeAnswer(p); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		f.sent = f.sent[1:]
	}
	return nil
}

// takeAnswer adds what became of the lines of a piece to the summary and keeps it.
func (f *fileImport) takeAnswer(p *piece) error {
	if p.answered != nil {
		if err := f.keepAnswer(p); err != nil {
			return err
		}
	} else if p.before != nil {
		p.Last = p.before.Last
	}
	f.after = cmp.Or(p.Last, f.after)
	if end := p.Offset + p.Bytes; end > f.entry.Bytes && p.chunk != nil {
		f.entry.Bytes, f.entry.Fields, f.entry.Time = end, p.fields, time.Now().UTC().Truncate(time.Second)
	}
	if p.chunk != nil {
		select {
		case f.free <- p.chunk: // nobody reads it any more
		default:
		}
	}
	p.chunk, p.behind = nil, nil
	return nil
}

func (f *fileImport) keepAnswer(p *piece) error {
	if p.err != nil {
		return p.err
	}
	count := p.lines
	if p.chosen != nil {
		count = 0
		for _, is := range p.chosen {
			if is {
				count++
			}
		}
	}
	if p.header {
		count++
	}
	now, err := logreader.Spell(p.answer.Fates, count)
	if err != nil {
		return err
	}
	if p.header {
		now = now[1:]
		p.answer.Ignored--
	}
	p.Last = max(p.Last, p.answer.Last)
	f.summary.add(p.answer, p.chosen, p.header, p.linesAhead)
	if f.attempts == nil {
		return nil
	}
	if p.chosen == nil {
		p.fates = now
	} else {
		next := 0
		for i, is := range p.chosen {
			if is {
				p.fates[i] = now[next]
				next++
			}
		}
	}
	p.Fates, p.Fields = logreader.Runs(p.fates), p.fields
	return f.attempts.keep(p.attempt)
}

// countLines returns how many lines a text has; the last may have no end.
func countLines(text []byte) int {
	n := bytes.Count(text, []byte("\n"))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}

// add adds an answer to lines of a piece of which chosen tells which they are, behind a header or not, and behind a number of lines of
// the file.
func (s *Summary) add(a collector.LogAnswer, chosen []bool, header bool, before int) {
	if a.Repeated {
		s.Repeated += a.Accepted
	} else {
		s.Accepted += a.Accepted
	}
	s.Ignored += a.Ignored
	s.Refused += a.Refused
	if chosen != nil {
		s.Again += a.Accepted + a.Ignored + a.Refused
	}
	s.Remarks = logreader.AddRemarks(s.Remarks, a.Remarks)
	var numbers []int // of the lines that were sent, in the piece
	for i, is := range chosen {
		if is {
			numbers = append(numbers, i+1)
		}
	}
	for _, r := range a.Rejected {
		if len(s.Rejected) == maxRejected {
			return
		}
		line := r.Line
		if header {
			line--
		}
		if line < 1 || numbers != nil && line > len(numbers) {
			continue
		}
		if numbers != nil {
			line = numbers[line-1]
		}
		_, field, _ := strings.Cut(r.Field, ".")
		s.Rejected = append(s.Rejected, Rejected{before + line, field, r.Error})
	}
}

func lastFields(chunk []byte) []byte {
	// Searching forwards for what hardly ever comes is many times faster than searching for lines.
	var last []byte
	for {
		i := bytes.Index(chunk, []byte(accesslog.FieldsPrefix))
		if i < 0 {
			return last
		}
		line, rest, _ := bytes.Cut(chunk[i:], []byte("\n"))
		if i == 0 || chunk[i-1] == '\n' {
			last = bytes.Clone(line)
		}
		chunk = rest
	}
}

// send sends lines until the collector has taken them. The key lets it count them once, however often they come; parameters returns those
// of the next try, or why there is none.
func (m *Importer) send(ctx context.Context, key string, parameters func() (string, error), body []byte) (collector.LogAnswer, error) {
	began := time.Now()
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		with, err := parameters()
		if err != nil {
			return collector.LogAnswer{}, err
		}
		answered, retry, err := m.post(ctx, key, with, body)
		if err == nil || !retry || time.Since(began) > patience {
			return answered, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return answered, ctx.Err()
		}
	}
}

// post sends lines once, and returns whether it is worth trying again.
func (m *Importer) post(ctx context.Context, key, parameters string, body []byte) (answered collector.LogAnswer, retry bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL+"/v1/logs?fates=true&"+parameters, bytes.NewReader(body))
	if err != nil {
		return answered, false, err
	}
	request.Header.Set("Authorization", "Bearer "+m.SecretKey)
	request.Header.Set("Content-Type", "text/plain")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := m.client.Do(request)
	if err != nil {
		return answered, ctx.Err() == nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answered, true, fmt.Errorf("read the collector's answer: %w", err)
	}
	switch {
	case response.StatusCode == http.StatusTooManyRequests, response.StatusCode >= http.StatusInternalServerError:
		return answered, true, fmt.Errorf("the collector answers %s: %s", response.Status, bytes.TrimSpace(text))
	case json.Unmarshal(text, &answered) == nil && (response.StatusCode == http.StatusAccepted || answered.Refused > 0):
		return answered, false, nil
	}
	return answered, false, fmt.Errorf("%w: %s: %s", ErrRefused, response.Status, bytes.TrimSpace(text))
}
