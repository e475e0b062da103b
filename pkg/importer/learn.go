package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
)

// learnBytes is about how much goes with one request that only teaches.
const learnBytes = 1 << 20

// Learn reads files ahead and lets the collector know what their paths tell about the streams of others, before any line of them counts:
// so the order of the lines, and of the files, makes no difference. Files that cannot be read are left to their import, which says why.
func (m *Importer) Learn(ctx context.Context, files []string) error {
	if m.Rules == nil {
		m.Rules = accesslog.NewRules(nil)
	}
	for _, name := range files {
		if readOnce(name) {
			continue
		}
		err := readAhead(ctx, name, m.Book.sent(m.Organization), m.format, m.Rules, func(format accesslog.Format, lines []byte) error {
			return m.teach(ctx, format, lines)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// LearnFiles lets rules learn from the paths of files, of a format that may be accesslog.Auto.
func LearnFiles(ctx context.Context, files []string, format accesslog.Format, rules *accesslog.Rules) error {
	m := &Importer{Format: format}
	for _, name := range files {
		if readOnce(name) {
			continue
		}
		err := readAhead(ctx, name, nil, m.format, rules, func(accesslog.Format, []byte) error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// readAhead lets rules learn from the paths of a file behind what sent says was sent before, and hands on the lines from which they
// learnt something.
func readAhead(ctx context.Context, name string, sent func(head []byte) *Entry, formatOf func(head []byte) (accesslog.Format, string, error), rules *accesslog.Rules,
	teach func(format accesslog.Format, lines []byte) error,
) error {
	source, err := open(name, func(int) {})
	if err != nil && unusable(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer source.Close()
	head, err := source.head()
	if err != nil {
		return nil // its import says so
	}
	format, _, err := formatOf(head)
	if err != nil {
		return nil // its import says so
	}
	l := learner{format: format, rules: rules, teach: teach}
	if sent != nil {
		if entry := sent(head); entry != nil {
			if _, err := io.CopyN(io.Discard, source, entry.Bytes); err != nil && !errors.Is(err, io.EOF) {
				return nil // its import says so
			}
			l.header = []byte(entry.Fields)
		}
	}
	reading, stop := context.WithCancel(ctx)
	pieces := source.readAhead(reading, nil)
	defer func() {
		stop()
		for range pieces { // the source is closed when nobody reads it any more
		}
	}()
	for piece := range pieces {
		if piece.err != nil {
			return nil // its import says so
		}
		if err := l.learn(piece.chunk); err != nil {
			return err
		}
		if piece.end {
			return l.flush()
		}
		source.free <- piece.chunk
	}
	return ctx.Err()
}

// learner learns from the paths of a log.
type learner struct {
	format  accesslog.Format
	rules   *accesslog.Rules
	teach   func(format accesslog.Format, lines []byte) error
	header  []byte // that names the columns of the lines, without its end
	readers []*pathReader
	told    []byte // lines from which the rules have learnt, behind their header, and which were not taught yet
}

// learn learns from whole lines.
func (l *learner) learn(lines []byte) error {
	for {
		at := nextHeader(lines)
		if at < 0 {
			return l.read(lines)
		}
		if err := l.read(lines[:at]); err != nil {
			return err
		}
		header, rest, _ := bytes.Cut(lines[at:], []byte("\n"))
		if header = bytes.TrimRight(header, "\r"); !bytes.Equal(header, l.header) {
			if err := l.flush(); err != nil {
				return err
			}
			l.header = bytes.Clone(header)
		}
		lines = rest
	}
}

// nextHeader returns where a line that names columns begins, -1 if none does.
func nextHeader(lines []byte) int {
	for from := 0; ; {
		i := bytes.Index(lines[from:], []byte(accesslog.FieldsPrefix))
		if i < 0 {
			return -1
		}
		if i += from; i == 0 || lines[i-1] == '\n' {
			return i
		}
		from = i + 1
	}
}

// read learns from lines without headers, from much of them with several processors: to what is learnt their order makes no difference.
func (l *learner) read(lines []byte) error {
	var all sync.WaitGroup
	parts := logreader.Divide(lines)
	for len(l.readers) < len(parts) {
		decoder, err := accesslog.NewDecoder(l.format)
		if err != nil {
			return err
		}
		l.readers = append(l.readers, &pathReader{decoder: decoder, paths: accesslog.NewPathKeys(decoder), known: map[string]uint64{}})
	}
	for i, part := range parts {
		r := l.readers[i]
		r.take(l.header)
		all.Go(func() { r.read(part, l.rules) })
	}
	all.Wait()
	for _, r := range l.readers[:len(parts)] {
		if len(r.told) == 0 {
			continue
		}
		if len(l.told) == 0 && len(l.header) > 0 {
			l.told = append(append(l.told, l.header...), '\n')
		}
		l.told, r.told = append(l.told, r.told...), r.told[:0]
		if len(l.told) > learnBytes {
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush hands on the lines from which the rules have learnt.
func (l *learner) flush() error {
	if len(l.told) == 0 {
		return nil
	}
	told := l.told
	l.told = nil
	return l.teach(l.format, told)
}

// pathReader reads the paths of lines.
type pathReader struct {
	decoder accesslog.Decoder
	header  []byte // that was decoded last
	paths   *accesslog.PathKeys
	known   map[string]uint64 // revisions of the rules at which paths had nothing to tell, by their keys
	told    []byte            // lines that had
}

// maxKnown is how many paths are known to have nothing to tell; all are forgotten when there is one more.
const maxKnown = 1 << 14

// take lets a header name the columns of the lines behind it.
func (p *pathReader) take(header []byte) {
	if len(header) == 0 || bytes.Equal(header, p.header) {
		return
	}
	p.header = header
	// A header that cannot be read shows with the lines behind it.
	_, _ = p.decoder.Decode(header, &accesslog.Request{})
}

// read lets rules learn from lines.
func (p *pathReader) read(lines []byte, rules *accesslog.Rules) {
	var r accesslog.Request
	for whole := range bytes.Lines(lines) {
		line := bytes.TrimSuffix(whole, []byte("\n"))
		revision := rules.Revision()
		key, numbered := p.paths.Of(line)
		if at, known := p.known[string(key)]; known && at == revision {
			continue
		}
		told, err := p.decoder.Decode(line, &r)
		if err != nil || !told || r.Stream != "" {
			continue
		}
		found, _ := rules.Find(r.Path)
		switch {
		case found.Settled && key != nil && (found.AnyNumber || !numbered):
			if len(p.known) >= maxKnown {
				clear(p.known)
			}
			p.known[string(key)] = revision
		case found.Settled, logreader.LeftOut(&r, told) != "":
		default:
			rules.Learn(r.Path)
			p.told = append(p.told, whole...)
		}
	}
}

// teach sends lines that the collector is to learn from, and not to count.
func (m *Importer) teach(ctx context.Context, format accesslog.Format, lines []byte) error {
	parameters := logreader.ParametersOf(format).Encode() + "&learn=true"
	_, err := m.send(ctx, "", func() (string, error) { return parameters, nil }, lines)
	return err
}
