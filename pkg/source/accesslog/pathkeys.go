package accesslog

import "bytes"

// PathKeys tells the paths of lines apart without decoding all of the lines. It must not be used by several goroutines at once.
type PathKeys struct {
	decoder Decoder
	record  *record
	request Request
}

// NewPathKeys returns PathKeys for lines that the decoder decodes, nil if there are none for its format.
func NewPathKeys(d Decoder) *PathKeys {
	switch known := d.(type) {
	case *templateDecoder:
		paths := 0
		for i := range known.steps {
			if known.steps[i].column.field.slot() == fieldTarget.slot() {
				paths++
			}
		}
		if paths == 1 { // with several it takes the whole line to know which counts
			return &PathKeys{decoder: d, record: &known.record}
		}
	case *jsonDecoder:
		return &PathKeys{decoder: d, record: &known.record}
	case *columnDecoder:
		return &PathKeys{decoder: d, record: &known.record}
	}
	return nil
}

// Of returns a key that all lines have whose paths are the same, but perhaps for the number of a segment; numbered says that they may
// differ in it. It returns nil if the line has no path, or several. The key is valid until the next call.
func (p *PathKeys) Of(line []byte) (key []byte, numbered bool) {
	if p == nil {
		return nil, false
	}
	s := &p.record.scout
	s.on, s.paths, s.numbered, s.key = true, 0, false, s.key[:0]
	_, _ = p.decoder.Decode(line, &p.request) // what is wrong with the line, its decoding tells
	s.on = false
	if s.paths != 1 {
		return nil, false
	}
	return s.key, s.numbered
}

// scout is how a record reads a line for its path alone.
type scout struct {
	on       bool
	paths    int // columns that tell a path
	key      []byte
	numbered bool
}

// take takes the value of a column.
func (s *scout) take(c *column, value []byte) {
	if c.field.slot() != fieldTarget.slot() {
		return
	}
	s.paths++
	path := pathIn(c.field, value)
	begin, end := segmentNumber(path)
	s.key = append(s.key, byte(c.field), byte(end-begin))
	if s.numbered = begin < end; s.numbered {
		timely := byte(0)
		if isTimely(string(path[begin:end])) {
			timely = 1
		}
		s.key = append(s.key, timely)
	}
	s.key = append(append(s.key, path[:begin]...), path[end:]...)
}

// pathIn returns the value of a column that tells a path without the version of HTTP and the query.
func pathIn(f field, value []byte) []byte {
	if f == fieldRequest {
		if i := bytes.LastIndexByte(value, ' '); i >= 0 && bytes.HasPrefix(value[i:], []byte(" HTTP/")) {
			value = value[:i]
		}
	}
	if f == fieldRequest || f == fieldTarget {
		value, _, _ = bytes.Cut(value, []byte{'?'})
	}
	return value
}
