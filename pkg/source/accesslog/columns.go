package accesslog

import (
	"bytes"
	"fmt"
	"strings"
)

// FieldsPrefix begins the header of a W3C log that names the columns of the lines behind it.
const FieldsPrefix = "#Fields:"

// columnDecoder decodes lines of values between separators, whose names a header of the log gives (W3C Extended Log File
// Format), or a list.
type columnDecoder struct {
	record
	known   map[string]column
	columns []column // of the log, in their order
	last    int      // position of the last of them that tells something, -1 if none does
	// separator is between two values; 0: a tab if the line has one, else a space.
	separator byte
	quotes    bool // values may stand between quotation marks
}

// columnsOf describes a format of columns.
type columnsOf struct {
	known     map[string]column
	byDefault string // the names of the columns of a log without a header; "": it must have one
	// needsFields means that a log has no header, and every one columns of its own.
	needsFields bool
	separator   byte
	quotes      bool
	escapes     escapes
}

func (o columnsOf) decoder(f Format) (Decoder, error) {
	d, err := newColumnDecoder(f, o)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func newColumnDecoder(f Format, o columnsOf) (*columnDecoder, error) {
	d := &columnDecoder{record: newRecord(f), known: o.known, separator: o.separator, quotes: o.quotes}
	d.escapes = o.escapes
	names := f.Fields
	if len(names) == 0 {
		names = strings.Fields(o.byDefault)
	}
	d.order(names)
	for _, c := range d.columns {
		if c.field == fieldBytes {
			return d, nil
		}
	}
	if len(names) == 0 && !o.needsFields {
		return d, nil // the log has a header
	}
	return nil, fmt.Errorf("the format %q needs the names of the columns (fields), the number of bytes among them", f.Name)
}

// order sets the columns of the log.
func (d *columnDecoder) order(names []string) {
	d.columns, d.last = d.columns[:0], -1
	for i, name := range names {
		c, ok := d.known[name]
		if !ok {
			c, ok = d.known[strings.ToLower(name)]
		}
		if ok {
			d.last = i
		}
		d.columns = append(d.columns, c)
	}
}

// Decode implements Decoder.
func (d *columnDecoder) Decode(line []byte, r *Request) (bool, error) {
	ok, err := d.read(line, r)
	if !ok {
		return false, err
	}
	return d.finish()
}

// read reads the values of a line and reports whether it has any.
func (d *columnDecoder) read(line []byte, r *Request) (bool, error) {
	line, err := trim(line)
	if err != nil || len(line) == 0 {
		*r = Request{Left: LeftBlank}
		return false, err
	}
	if line[0] == '#' {
		*r = Request{Left: LeftHeader}
		if names, ok := bytes.CutPrefix(line, []byte(FieldsPrefix)); ok {
			d.order(strings.Fields(string(names)))
		}
		return false, nil
	}
	d.reset(r)
	if len(d.columns) == 0 {
		return false, &Error{"line", "missing", "has no names of columns before it: the log needs its header #Fields, or the fields must be given"}
	}
	separator := d.separator
	if separator == 0 {
		separator = ' '
		if bytes.IndexByte(line, '\t') >= 0 {
			separator = '\t'
		}
	}
	rest, more := line, true
	for i := 0; i <= d.last && more; i++ {
		var value []byte
		if d.quotes && len(rest) > 0 && rest[0] == '"' {
			value, rest, more = d.quoted(rest, separator)
		} else {
			value = rest
			at := bytes.IndexByte(rest, separator)
			if more = at >= 0; more {
				value, rest = rest[:at], rest[at+1:]
			}
		}
		if separator == ' ' {
			for len(rest) > 0 && rest[0] == ' ' {
				rest = rest[1:]
			}
		}
		if c := &d.columns[i]; c.field != fieldNone {
			if err := d.set(c, value); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// quoted reads a value between quotation marks, and whether another one follows. Within it a quotation mark is doubled, or has
// a backslash before it.
func (d *columnDecoder) quoted(b []byte, separator byte) (value, rest []byte, more bool) {
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '\\':
			i++
		case b[i] != '"':
		case i+1 < len(b) && b[i+1] == '"':
			i++
		default:
			value, rest = b[1:i], b[i+1:]
			if bytes.IndexByte(value, '"') >= 0 || bytes.IndexByte(value, '\\') >= 0 {
				value = bytes.ReplaceAll(appendUnescaped(nil, value), []byte(`""`), []byte(`"`))
			}
			if len(rest) > 0 && rest[0] == separator {
				return value, rest[1:], true
			}
			return value, rest, false
		}
	}
	return b[1:], nil, false
}
