package accesslog

import (
	"bytes"
	"errors"
	"fmt"
)

// step reads a variable and the text after it.
type step struct {
	column column
	end    []byte // the text after the variable; the last step's is empty if the variable ends the line
	padded bool   // the text ends with a space: more of them are the padding of the next value
	port   bool   // the variable is an address and the text begins with a colon: a port follows
}

// templateDecoder decodes lines that were made by a template.
type templateDecoder struct {
	record
	start     []byte // the text before the first variable
	steps     []step
	syslog    bool // lines may have a header of syslog
	rules     lineRules
	unescaped []byte
}

// lineRules says what a format has beside the lines of its template.
type lineRules struct {
	// other matches lines that are none of requests, and says what they are.
	other func(line []byte) (left string)
	// cut means that long lines are cut: the last value may have no end, and what a cut query has is not told.
	cut bool
	// forwarded means that the header X-Forwarded-For may follow the template, between quotation marks.
	forwarded bool
}

// template makes a decoder from a format string of a server's configuration.
func template(f Format) (Decoder, error) {
	return newTemplate(f, syntaxOf(f.Template), lineRules{})
}

func newTemplate(f Format, s *syntax, rules lineRules) (*templateDecoder, error) {
	d := &templateDecoder{record: newRecord(f), rules: rules}
	var err error
	if d.start, d.steps, err = s.compile(f.Template); err != nil {
		return nil, err
	}
	d.syslog = len(d.start) == 0 && d.steps[0].column.field != fieldTime && d.steps[0].column.field != fieldStart
	var has uint64
	for i := range d.steps {
		has |= d.steps[i].column.field.slot()
	}
	if has&fieldStart.slot() != 0 {
		has |= fieldTime.slot()
	}
	for _, need := range s.needs {
		if has&need.field.slot() == 0 {
			return nil, errors.New("the template needs " + need.names)
		}
	}
	return d, nil
}

// Decode implements Decoder. What follows the end of the template is passed over: many logs are the combined format and more.
func (d *templateDecoder) Decode(line []byte, r *Request) (bool, error) {
	line, err := trim(line)
	if err != nil || len(line) == 0 {
		*r = Request{Left: LeftBlank}
		return false, err
	}
	if d.syslog && mayHaveSyslog(line) {
		line = afterSyslog(line)
	}
	d.reset(r)
	if err := d.read(line); err != nil {
		if d.rules.other != nil {
			if left := d.rules.other(line); left != "" {
				d.reset(r)
				d.Left = left
				return false, nil
			}
		}
		return false, err
	}
	return d.finish()
}

func (d *templateDecoder) read(line []byte) error {
	rest, ok := bytes.CutPrefix(line, d.start)
	if !ok {
		return &Error{"line", "malformed", fmt.Sprintf("does not begin with %q", d.start)}
	}
	escaped := bytes.IndexByte(line, '\\') >= 0
	for i := range d.steps {
		s := &d.steps[i]
		value := rest
		if len(s.end) > 0 {
			at := d.end(i, rest, escaped)
			if at < 0 && d.rules.cut && i == len(d.steps)-1 {
				d.cutValue(&s.column, rest)
				return nil
			}
			if at < 0 {
				return &Error{s.column.name, "malformed", fmt.Sprintf("is not followed by %q", s.end)}
			}
			value, rest = rest[:at], rest[at+len(s.end):]
			if s.padded {
				for len(rest) > 0 && rest[0] == ' ' {
					rest = rest[1:]
				}
			}
			if escaped && bytes.IndexByte(value, '\\') >= 0 {
				d.unescaped = appendUnescaped(d.unescaped[:0], value)
				value = d.unescaped
			}
		}
		if len(s.end) == 0 && s.column.field == fieldBytes && bytes.IndexByte(value, '"') < 0 {
			// Many logs are the common format and more. Quotation marks would be headers, which must not be lost without a word.
			value, _, _ = bytes.Cut(value, []byte(" "))
		}
		if err := d.set(&s.column, value); err != nil {
			return err
		}
		if d.scout.on && d.scout.paths > 0 {
			return nil
		}
	}
	if d.rules.forwarded {
		if list, ok := bytes.CutPrefix(rest, []byte(` "`)); ok {
			list, _, _ = bytes.Cut(list, []byte{'"'})
			return d.set(&forwardedColumn, list)
		}
	}
	return nil
}

var forwardedColumn = column{name: "X-Forwarded-For", field: fieldForwarded}

// end returns where the text after a value begins, -1 if it does not.
func (d *templateDecoder) end(i int, rest []byte, escaped bool) int {
	s := &d.steps[i]
	if s.port && i+1 < len(d.steps) {
		// An IPv6 address has colons itself: the last one before the end of the port is the port's.
		if next := find(rest, d.steps[i+1].end, escaped); next >= 0 && len(d.steps[i+1].end) > 0 {
			return bytes.LastIndex(rest[:next], s.end)
		}
	}
	at := find(rest, s.end, escaped)
	if at < 0 && escaped {
		// Some servers write a backslash as it is, also before the quotation mark that ends the value.
		at = find(rest, s.end, false)
	}
	return at
}

// cutValue takes a value that the end of the line has cut.
func (d *templateDecoder) cutValue(c *column, value []byte) {
	d.alike.unlike = true
	if c.field != fieldRequest {
		return
	}
	d.has |= c.field.slot()
	if path, _, ok := bytes.Cut(value, []byte("?")); ok {
		d.request(path)
		return
	}
	d.request(value)
}

// find returns where the text that ends a value begins, -1 if it does not. In a line with backslashes, a quotation mark after
// one, as Apache writes it, ends nothing.
func find(b, end []byte, escaped bool) int {
	if len(end) == 0 {
		return -1
	}
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], end[0])
		if i < 0 {
			return -1
		}
		i += from
		if bytes.HasPrefix(b[i:], end) && !(escaped && end[0] == '"' && endsEscaped(b[:i])) {
			return i
		}
		from = i + 1
	}
}

// endsEscaped reports whether the text ends with a backslash that is not itself escaped.
func endsEscaped(b []byte) bool {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}
