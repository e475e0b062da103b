package accesslog

import (
	"bytes"
	"encoding/binary"
)

// Repeats recognises the lines of a log that say what an earlier one has said, but for when it was, how many bytes it took and which of a
// stream's segments it was for, and remembers a T for what they say. So what they have in common need not be decoded again. It
// must not be used by several goroutines at once.
type Repeats[T any] struct {
	known map[string]*T
	// Since the last count: lines that were looked for, those that were found, and how many more are passed over without looking.
	tried, found, pass int
}

const (
	// maxRepeats is how many lines are remembered; all are forgotten when there is one more.
	maxRepeats = 4096
	// After triedRepeats lines of which less than one in repeatsWorth was found, passedRepeats are not looked for: a log of very many viewers,
	// or of players that report in each request (CMCD), does not repeat itself.
	triedRepeats  = 1024
	repeatsWorth  = 8
	passedRepeats = 16 * triedRepeats
)

// Repeater finds out whether the lines of a log are alike.
type Repeater struct {
	decoder  Decoder
	record   *record
	request  Request
	numbered bool // the key of the last line is without the number of a segment
	usable   bool // the last line has a key
}

// NewRepeater returns a Repeater of lines that the decoder decodes, nil if lines of its format do not repeat themselves.
func NewRepeater(d Decoder) *Repeater {
	r := &Repeater{decoder: d}
	switch known := d.(type) {
	case *templateDecoder:
		r.record = &known.record
	case *jsonDecoder:
		r.record = &known.record
	case *columnDecoder:
		r.record = &known.record
	default:
		return nil
	}
	return r
}

// Find returns what was remembered of a line, the time and the bytes of this one. It returns nil if nothing was, or if the line
// is none of a request that counts for all that can be seen without decoding it.
func (m *Repeats[T]) Find(r *Repeater, line []byte) (said *T, at, size int64) {
	if r == nil {
		return nil, 0, 0
	}
	if m.pass > 0 {
		m.pass--
		r.usable = false
		return nil, 0, 0
	}
	if !r.read(line) {
		m.count(false)
		return nil, 0, 0
	}
	said = m.known[string(r.record.alike.key)]
	m.count(said != nil)
	return said, r.request.Time, r.request.Bytes
}

func (m *Repeats[T]) count(found bool) {
	m.tried++
	if found {
		m.found++
	}
	if m.tried == triedRepeats {
		if m.found < triedRepeats/repeatsWorth {
			m.pass = passedRepeats
		}
		m.tried, m.found = 0, 0
	}
}

// Keep remembers what the line says that Find was asked for last, if lines that are alike say the same whatever the numbers of their
// segments are, or if it has none.
func (m *Repeats[T]) Keep(r *Repeater, anyNumber bool, said *T) {
	if r == nil || !r.usable || r.numbered && !anyNumber {
		return
	}
	if m.known == nil || len(m.known) >= maxRepeats {
		m.known = make(map[string]*T, min(len(m.known), maxRepeats))
	}
	m.known[string(r.record.alike.key)] = said
}

// read finds the key of a line, and reports whether it has one.
func (r *Repeater) read(line []byte) bool {
	a := &r.record.alike
	a.reading, a.unlike, a.numbered, a.key = true, false, false, a.key[:0]
	told, err := r.decoder.Decode(line, &r.request)
	a.reading = false
	r.usable = told && err == nil && !a.unlike
	r.numbered = a.numbered
	if r.usable {
		// What is there and what has a value is all that columns tell that are not in the key by their values.
		a.key = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(a.key, r.record.has), r.record.told)
	}
	return r.usable
}

// alike is how a record reads a line for its key: what tells the time and the bytes is decoded, and values of other columns are put together.
type alike struct {
	reading  bool
	key      []byte
	unlike   bool // the line has what differs from line to line, so it has no key
	numbered bool // the key is without the number of a segment
}

// take takes the value of a column and reports whether that was all: columns that tell when it was and how many bytes are decoded.
func (a *alike) take(c *column, value []byte) bool {
	switch c.field {
	case fieldTime, fieldStart, fieldDuration, fieldDate, fieldOfDay, fieldZone, fieldBytes, fieldBytesIn:
		return false
	case fieldRequest, fieldTarget, fieldPath, fieldStem:
		a.path(c, value)
		return true
	case fieldQuery:
		a.query(value)
		return true
	case fieldCMCDQuery, fieldCMCDObject, fieldCMCDRequest, fieldCMCDSession, fieldCMCDStatus, fieldCMCDKey:
		a.unlike = true
		return true
	case fieldOnly:
		is := byte(0)
		if c.only(value) {
			is = 1
		}
		a.add(c, []byte{is}, nil)
		return true
	}
	a.add(c, value, nil)
	return true
}

// add adds a value in two pieces. The name of its column says which it is, so that no two lines have the same key that are not alike.
func (a *alike) add(c *column, value, rest []byte) {
	a.key = append(append(a.key, c.name...), 0)
	a.key = binary.LittleEndian.AppendUint32(a.key, uint32(len(value)+len(rest)))
	a.key = append(append(a.key, value...), rest...)
}

// query takes a query, which says nothing that counts unless there is CMCD in it.
func (a *alike) query(query []byte) {
	if bytes.Contains(query, []byte("CMCD=")) || bytes.Contains(query, []byte("%25")) {
		a.unlike = true
	}
}

// path takes a value that has a path in it.
func (a *alike) path(c *column, value []byte) {
	if c.field == fieldRequest || c.field == fieldTarget {
		if i := bytes.IndexByte(value, '?'); i >= 0 {
			a.query(value[i+1:])
		}
	}
	value = pathIn(c.field, value)
	begin, end := segmentNumber(value)
	if begin == end {
		a.add(c, value, nil)
		return
	}
	a.numbered = true
	a.add(c, value[:begin], value[end:])
	timely := byte(0)
	if isTimely(string(value[begin:end])) {
		timely = 1
	}
	a.key = append(a.key, byte(end-begin), timely)
}

// segmentNumber returns where a path has the number of a segment that no other part of it can change the meaning of, and the same twice if it
// has none.
func segmentNumber(path []byte) (begin, end int) {
	end = bytes.LastIndexByte(path, '.')
	if end < 0 || len(path) > maxCached || bytes.IndexByte(path, '%') >= 0 || bytes.IndexByte(path, '+') >= 0 || bytes.IndexByte(path, ';') >= 0 {
		return 0, 0
	}
	if extension := path[end+1:]; bytes.EqualFold(extension, []byte("m3u8")) || bytes.EqualFold(extension, []byte("m3u")) ||
		bytes.EqualFold(extension, []byte("mpd")) {
		return 0, 0
	}
	begin = end
	for begin > 0 && isDigit(path[begin-1]) {
		begin--
	}
	return begin, end
}
