package importer

import (
	"bytes"
	"context"
	"errors"
	"io"

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
		err := readAhead(name, m.Book.sent(m.Organization), m.format, m.Rules, func(format accesslog.Format, lines []byte) error {
			return m.teach(ctx, format, lines)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// LearnFiles lets rules learn from the paths of files, of a format that may be accesslog.Auto.
func LearnFiles(files []string, format accesslog.Format, rules *accesslog.Rules) error {
	m := &Importer{Format: format}
	for _, name := range files {
		if readOnce(name) {
			continue
		}
		err := readAhead(name, nil, m.format, rules, func(accesslog.Format, []byte) error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// readAhead lets rules learn from the paths of a file behind what sent says was sent before, and hands on the lines from which they
// learnt something.
func readAhead(name string, sent func(head []byte) *Entry, formatOf func(head []byte) (accesslog.Format, string, error), rules *accesslog.Rules,
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
	decoder, err := accesslog.NewDecoder(format)
	if err != nil {
		return err
	}
	var header, told []byte
	if sent != nil {
		if entry := sent(head); entry != nil {
			if _, err := io.CopyN(io.Discard, source, entry.Bytes); err != nil && !errors.Is(err, io.EOF) {
				return nil // its import says so
			}
			header = []byte(entry.Fields)
		}
	}
	flush := func() error {
		if len(told) == 0 {
			return nil
		}
		defer func() { told = nil }()
		return teach(format, told)
	}
	var r accesslog.Request
	if len(header) > 0 {
		// A header that cannot be read shows with the lines behind it.
		_, _ = decoder.Decode(header, &r)
	}
	for {
		piece := source.next()
		if piece.err != nil {
			return nil // its import says so
		}
		for line := range bytes.Lines(piece.chunk) {
			if bytes.HasPrefix(line, []byte(accesslog.FieldsPrefix)) {
				header = bytes.TrimRight(bytes.Clone(line), "\r\n")
			}
			if ok, err := decoder.Decode(bytes.TrimSuffix(line, []byte("\n")), &r); err != nil || logreader.LeftOut(&r, ok) != "" || r.Stream != "" {
				continue
			}
			if found, _ := rules.Find(r.Path); found.Settled {
				continue
			}
			rules.Learn(r.Path)
			if len(told) == 0 && len(header) > 0 {
				told = append(append(told, header...), '\n')
			}
			if told = append(told, line...); len(told) > learnBytes {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if piece.end {
			return flush()
		}
	}
}

// teach sends lines that the collector is to learn from, and not to count.
func (m *Importer) teach(ctx context.Context, format accesslog.Format, lines []byte) error {
	_, err := m.send(ctx, "", logreader.ParametersOf(format).Encode()+"&learn=true", lines)
	return err
}
