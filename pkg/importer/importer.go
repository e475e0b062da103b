// Package importer sends access logs to a collector, each line once: it goes on where an interrupted import ended, passes over what
// counted before, and tries again what did not.
package importer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

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
	reading  string    // how lines are read now
	summary  Summary

	at     int64 // offset in the content
	line   int   // lines before it
	fields []byte
	after  int64 // time of the last request before it, ms since 1970
}

// File imports a file, which may be compressed, or Stdin.
func (m *Importer) File(ctx context.Context, name string) (Summary, error) {
	source, err := open(name, m.Progress)
	if err != nil {
		return Summary{}, err
	}
	defer source.Close()
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
	f := &fileImport{Importer: m, name: name, entry: entry, reading: query.Encode(), summary: Summary{Found: found}}
	var sizes []int64
	if name != Stdin {
		// A file that grows is known by its begin as it is now, so that must be kept before anything of it counts.
		if err := m.Book.Save(); err != nil {
			return f.summary, err
		}
		if f.attempts, err = openAttempts(m.Book.attemptsOf(f.entry)); err != nil {
			return f.summary, err
		}
		entry.Bytes = max(entry.Bytes, f.attempts.end())
		f.summary.Before, f.summary.Imported = entry.Bytes, entry.Time
		sizes = f.attempts.pieces(f.entry.Bytes, f.reading)
		if sizes == nil {
			if _, err := io.CopyN(io.Discard, source, f.entry.Bytes); err != nil && !errors.Is(err, io.EOF) {
				return f.summary, fmt.Errorf("%s: %w", name, &ReadError{err})
			}
			f.at, f.line, f.fields, f.after = f.entry.Bytes, f.attempts.lines(), []byte(f.entry.Fields), f.attempts.last()
		}
	}
	err = f.pieces(ctx, source, sizes)
	if f.attempts != nil {
		f.summary.Counted = f.attempts.counted()
	} else {
		f.summary.Counted = f.summary.Accepted > 0
	}
	return f.summary, err
}

// pieces imports what a source has, first pieces of the sizes.
func (f *fileImport) pieces(ctx context.Context, source *source, sizes []int64) error {
	reading, stop := context.WithCancel(ctx)
	ahead := source.readAhead(reading, sizes)
	defer func() {
		stop()
		for range ahead { // the source is closed when nobody reads it any more
		}
	}()
	for {
		next, more := <-ahead
		if !more {
			return ctx.Err()
		}
		if next.err != nil {
			return fmt.Errorf("%s: %w", f.name, next.err)
		}
		chunk := next.chunk
		if next.end && len(chunk) > 0 && chunk[len(chunk)-1] != '\n' && source.growing {
			f.summary.Open = true
			chunk = chunk[:bytes.LastIndexByte(chunk, '\n')+1]
		}
		if len(chunk) > 0 {
			if err := f.piece(ctx, chunk); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		if next.end {
			return nil
		}
	}
}

// piece imports what of a piece has not counted and may count now.
func (f *fileImport) piece(ctx context.Context, chunk []byte) error {
	if f.attempts == nil {
		tried := attempt{Reading: f.reading, After: f.after}
		_, err := f.try(ctx, nil, chunk, &tried)
		f.after = cmp.Or(tried.Last, f.after)
		return err
	}
	// Nobody knows whether the collector has counted what was sent without an answer, so it is sent again as it was.
	if unanswered := f.attempts.open[f.at]; unanswered != nil {
		if int64(len(chunk)) < unanswered.Bytes {
			return errors.New("the file has changed since a part of it was sent without an answer")
		}
		if _, err := f.attempt(ctx, chunk[:unanswered.Bytes], unanswered.Reading); err != nil {
			return err
		}
	}
	lines, err := f.attempt(ctx, chunk, f.reading)
	if err != nil {
		return err
	}
	if fields := lastFields(chunk); fields != nil {
		f.fields = fields
	}
	if known := f.attempts.known[f.at]; known != nil {
		f.after = cmp.Or(known.Last, f.after)
	}
	f.at += int64(len(chunk))
	f.line += lines
	if f.at <= f.entry.Bytes {
		return nil
	}
	f.entry.Bytes, f.entry.Fields = f.at, string(f.fields)
	f.entry.Time = time.Now().UTC().Truncate(time.Second)
	return f.Book.Save()
}

// attempt tries a piece in a way of reading, unless there is nothing to try, and returns how many lines it has.
func (f *fileImport) attempt(ctx context.Context, chunk []byte, reading string) (int, error) {
	count := countLines(chunk)
	before := f.attempts.known[f.at]
	switch {
	case before == nil && f.at < f.entry.Bytes:
		return count, nil // of a version that kept no attempts
	case before != nil && !before.worthAnother(reading):
		return count, nil
	}
	body := chunk
	var fates []byte // of the attempt before
	var chosen []bool
	if before != nil {
		lines := slices.Collect(bytes.Lines(chunk))
		var err error
		if fates, err = logreader.Spell(before.Fates, count); err != nil {
			return 0, err
		}
		chosen = before.choose(lines, fates, reading)
		body = nil
		for i, line := range lines {
			if chosen[i] {
				body = append(body, line...)
			}
		}
	}
	tried := attempt{Offset: f.at, Bytes: int64(len(chunk)), Reading: reading, After: f.after}
	if before != nil {
		tried.Last = before.Last
	}
	if err := f.attempts.keep(tried); err != nil {
		return 0, err
	}
	now, err := f.try(ctx, chosen, body, &tried)
	if err != nil {
		return 0, err
	}
	if before == nil {
		fates = now
	} else {
		next := 0
		for i, is := range chosen {
			if is {
				fates[i] = now[next]
				next++
			}
		}
	}
	tried.Fates = logreader.Runs(fates)
	return count, f.attempts.keep(tried)
}

// try sends lines as an attempt has it and adds what became of them to the summary; chosen tells which of the piece they are, nil stands
// for all. It returns the fate of each, and notes the time of the last in the attempt.
func (f *fileImport) try(ctx context.Context, chosen []bool, lines []byte, as *attempt) ([]byte, error) {
	body := lines
	if len(f.fields) > 0 {
		body = slices.Concat(f.fields, []byte("\n"), lines)
	}
	sum := sha256.Sum256(lines)
	key := fmt.Sprintf("import-%.32s-%d-%s", f.entry.HeadHash, f.at, hex.EncodeToString(sum[:8]))
	reading := as.Reading
	if as.After != 0 {
		reading += "&after=" + strconv.FormatInt(as.After, 10)
	}
	a, err := f.send(ctx, key, reading, body)
	if err != nil {
		return nil, err
	}
	as.Last = max(as.Last, a.Last)
	fates, err := logreader.Spell(a.Fates, countLines(body))
	if err != nil {
		return nil, err
	}
	header := len(f.fields) > 0
	if header {
		fates = fates[1:]
		a.Ignored--
	}
	f.summary.add(a, chosen, header, f.line)
	return fates, nil
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

// send sends lines until the collector has taken them. The key lets it count them once, however often they come.
func (m *Importer) send(ctx context.Context, key, reading string, body []byte) (collector.LogAnswer, error) {
	began := time.Now()
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		answered, retry, err := m.post(ctx, key, reading, body)
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
func (m *Importer) post(ctx context.Context, key, reading string, body []byte) (answered collector.LogAnswer, retry bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL+"/v1/logs?fates=true&"+reading, bytes.NewReader(body))
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
