// Package importer sends access logs to a collector, each line once: it goes on where an interrupted import ended, and passes
// over what was imported before.
package importer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

const (
	// chunkBytes is about how much goes with one request: with the longest line behind it not more than 4 MiB, up to where the collector's
	// buffers grow before they are four times as large.
	chunkBytes = 3 << 20
	// maxLineBytes is the longest line; a longer one is no access log.
	maxLineBytes = 1 << 20
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
	Format       accesslog.Format
	Book         *Book
	// Progress is called with bytes read, as the file has them.
	Progress func(n int)
	client   http.Client
}

// Summary is what became of the lines of a file.
type Summary struct {
	Accepted, Ignored, Refused int
	Rejected                   []event.Refusal // some of the refused lines
	Before                     int64           // bytes of the content that were counted by an earlier import
	Imported                   time.Time       // of that import
	Open                       bool            // the last line has no end yet and is left for the next import
}

// ErrRefused means that the collector does not take the log at all.
var ErrRefused = errors.New("the collector refuses the log")

// Sort orders files by the time of their first lines, because sessions of viewers reach from one file to the next. Files of
// which no line can be read come first.
func (m *Importer) Sort(files []string) error {
	first := map[string]int64{}
	for _, name := range files {
		if name == Stdin {
			continue
		}
		at, err := m.firstTime(name)
		if err != nil {
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
	decoder, err := accesslog.NewDecoder(m.Format)
	if err != nil {
		return 0, err
	}
	head, err := source.head()
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

// File imports a file, which may be compressed with gzip, or Stdin.
func (m *Importer) File(ctx context.Context, name string) (Summary, error) {
	var s Summary
	source, err := open(name, m.Progress)
	if err != nil {
		return s, err
	}
	defer source.Close()
	entry := &Entry{HeadHash: strconv.FormatInt(time.Now().UnixNano(), 36)}
	if name != Stdin {
		head, err := source.head()
		if err != nil {
			return s, err
		}
		known := m.Book.entry(m.Organization, name, head)
		if known == nil {
			return s, nil
		}
		entry = known
		s.Before, s.Imported = entry.Bytes, entry.Time
		if _, err := io.CopyN(io.Discard, source, entry.Bytes); err != nil && !errors.Is(err, io.EOF) {
			return s, fmt.Errorf("%s: %w", name, err)
		}
	}
	reading, stop := context.WithCancel(ctx)
	ahead := source.readAhead(reading)
	defer func() {
		stop()
		for range ahead { // the source is closed when nobody reads it any more
		}
	}()
	for {
		next, more := <-ahead
		if !more {
			return s, ctx.Err()
		}
		chunk, end := next.chunk, next.end
		if next.err != nil {
			return s, fmt.Errorf("%s: %w", name, next.err)
		}
		if end && len(chunk) > 0 && chunk[len(chunk)-1] != '\n' && source.growing {
			s.Open = true
			chunk = chunk[:bytes.LastIndexByte(chunk, '\n')+1]
		}
		if len(chunk) > 0 {
			answered, err := m.send(ctx, entry, chunk)
			if err != nil {
				return s, fmt.Errorf("%s: %w", name, err)
			}
			s.add(answered)
			entry.Bytes += int64(len(chunk))
			entry.Time = time.Now().UTC().Truncate(time.Second)
			if fields := lastFields(chunk); fields != "" {
				entry.Fields = fields
			}
			if name != Stdin {
				if err := m.Book.Save(); err != nil {
					return s, err
				}
			}
		}
		if end {
			return s, nil
		}
	}
}

func (s *Summary) add(a collector.LogAnswer) {
	s.Accepted += a.Accepted
	s.Ignored += a.Ignored
	s.Refused += a.Refused
	if len(s.Rejected) == 0 {
		s.Rejected = a.Rejected
	}
}

// fieldsPrefix begins the header that names the columns of a W3C log. What follows it needs it.
const fieldsPrefix = "#Fields:"

func lastFields(chunk []byte) string {
	// Searching forwards for what hardly ever comes is many times faster than searching for lines.
	last := ""
	for {
		i := bytes.Index(chunk, []byte(fieldsPrefix))
		if i < 0 {
			return last
		}
		line, rest, _ := bytes.Cut(chunk[i:], []byte("\n"))
		if i == 0 || chunk[i-1] == '\n' {
			last = string(line)
		}
		chunk = rest
	}
}

// send sends a chunk until the collector has taken it. The key lets it count the chunk once, however often it comes.
func (m *Importer) send(ctx context.Context, entry *Entry, chunk []byte) (collector.LogAnswer, error) {
	body := chunk
	if entry.Fields != "" {
		body = slices.Concat([]byte(entry.Fields+"\n"), chunk)
	}
	key := fmt.Sprintf("import-%.32s-%d", entry.HeadHash, entry.Bytes)
	began := time.Now()
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		answered, retry, err := m.try(ctx, key, body)
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

// try sends a chunk once, and returns whether it is worth trying again.
func (m *Importer) try(ctx context.Context, key string, body []byte) (answered collector.LogAnswer, retry bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL+"/v1/logs?"+m.parameters().Encode(), bytes.NewReader(body))
	if err != nil {
		return answered, false, err
	}
	request.Header.Set("Authorization", "Bearer "+m.SecretKey)
	request.Header.Set("Content-Type", "text/plain")
	request.Header.Set("Idempotency-Key", key)
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

func (m *Importer) parameters() url.Values {
	query := url.Values{"format": {m.Format.Name}}
	if m.Format.Template != "" {
		query.Set("template", m.Format.Template)
	}
	if len(m.Format.Fields) > 0 {
		query.Set("fields", strings.Join(m.Format.Fields, ","))
	}
	if m.Format.Location != nil {
		query.Set("timezone", m.Format.Location.String())
	}
	return query
}

// source is the content of a log.
type source struct {
	*bufio.Reader
	close   []io.Closer
	growing bool   // a server may still write it
	rest    []byte // begin of the line that did not fit into the last chunk
}

// counting tells how much is read.
type counting struct {
	io.Reader
	progress func(n int)
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.progress(n)
	return n, err
}

func open(name string, progress func(n int)) (*source, error) {
	s := &source{growing: name != Stdin}
	var from io.Reader = os.Stdin
	if name != Stdin {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open log: %w", err)
		}
		s.close = append(s.close, file)
		from = file
	}
	s.Reader = bufio.NewReaderSize(counting{from, progress}, maxHead)
	magic, err := s.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), s.Close())
	}
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(s.Reader)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", name, err), s.Close())
		}
		s.close = append(s.close, z)
		s.Reader = bufio.NewReaderSize(z, maxHead)
		s.growing = false
	}
	return s, nil
}

// Close closes the file.
func (s *source) Close() error {
	var errs []error
	for _, c := range slices.Backward(s.close) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// head returns the begin of the content, without taking it.
func (s *source) head() ([]byte, error) {
	head, err := s.Peek(maxHead)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read log: %w", err)
	}
	return head, nil
}

// piece is what is read at once.
type piece struct {
	chunk []byte
	end   bool
	err   error
}

// readAhead reads while what was read before is on its way, until the end, an error, or until ctx is done.
func (s *source) readAhead(ctx context.Context) <-chan piece {
	pieces := make(chan piece)
	go func() {
		defer close(pieces)
		for {
			chunk, end, err := s.chunk()
			select {
			case pieces <- piece{chunk, end, err}:
			case <-ctx.Done():
				return
			}
			if end || err != nil {
				return
			}
		}
	}()
	return pieces
}

// chunk returns some whole lines, and at the end what is left.
func (s *source) chunk() (chunk []byte, end bool, err error) {
	chunk = append(make([]byte, 0, chunkBytes+maxLineBytes), s.rest...)
	s.rest = nil
	for len(chunk) < cap(chunk) {
		n, err := s.Read(chunk[len(chunk):cap(chunk)])
		chunk = chunk[:len(chunk)+n]
		if errors.Is(err, io.EOF) {
			return chunk, true, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("read log: %w", err)
		}
		if len(chunk) < chunkBytes {
			continue
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			s.rest = slices.Clone(chunk[i+1:])
			return chunk[:i+1], false, nil
		}
	}
	return nil, false, fmt.Errorf("a line is longer than %d bytes: this is no access log", maxLineBytes)
}
