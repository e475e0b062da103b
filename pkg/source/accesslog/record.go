package accesslog

import (
	"bytes"
	"regexp"
	"strconv"

	"github.com/streamlens/streamlens/pkg/address"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

// field is something that a log tells of a request.
type field uint8

const (
	fieldNone  field = iota // is passed over
	fieldTime               // in any form that clock reads
	fieldDate               // 2006-01-02
	fieldOfDay              // 15:04:05, of the date
	fieldZone               // of date and time
	fieldAddress
	fieldMethod
	fieldRequest // method, target and protocol version: GET /a?b HTTP/1.1
	fieldTarget  // path and query as they were sent
	fieldPath    // path without percent escapes
	fieldStem    // path as it was sent
	fieldQuery   // as it was sent
	fieldStatus
	fieldBytes
	fieldReferrer
	fieldUserAgent
	fieldCMCDQuery // with percent escapes
	fieldCMCDObject
	fieldCMCDRequest
	fieldCMCDSession
	fieldCMCDStatus
	fieldCMCDKey // one key of CMCD
	// What only Wowza logs.
	fieldCategory
	fieldEvent
	fieldProtocol
	fieldStream
	fieldBytesIn
)

// slot returns the bit of what a field tells. There are several ways to tell the path.
func (f field) slot() uint32 {
	switch f {
	case fieldRequest, fieldPath, fieldStem:
		f = fieldTarget
	}
	return 1 << f
}

// column says what a variable, a key or a column of a log is.
type column struct {
	name  string
	field field
	// fallback means that another column of the log tells the same better; this one counts only where that one is absent.
	fallback bool
	key      string // of fieldCMCDKey
}

// columnsByName makes a map of columns.
func columnsByName(columns ...column) map[string]column {
	m := make(map[string]column, len(columns))
	for _, c := range columns {
		m[c.name] = c
	}
	return m
}

// record collects what a line says of a request.
type record struct {
	*Request
	texts   *texts
	clock   clock
	percent bool // the log adds percent escapes to values
	// The slots of the fields that the line has, and of those that it tells, as bits.
	has, told uint32
	buffer    []byte // of one value at a time
	// The parts of a time, of the line at hand.
	date, ofDay, zone []byte
	cmcd              []byte // keys of CMCD that have columns of their own
	category, event   string // of Wowza
	bytesIn           int64
}

func newRecord(f Format) record { return record{texts: newTexts(), clock: clock{location: f.Location}} }

// reset prepares the record for a line.
func (d *record) reset(r *Request) {
	*r = Request{Direction: measure.Playout, NoAddress: AddressAbsent}
	d.Request = r
	d.has, d.told = 0, 0
	d.date, d.ofDay, d.zone, d.cmcd = nil, nil, nil, d.cmcd[:0]
	d.category, d.event, d.bytesIn = "", "", 0
}

// set takes what a column says; the value has no escapes of the log left, except percent escapes if d.percent. A hyphen is
// how logs write what is absent.
func (d *record) set(c *column, value []byte) error {
	if c.field == fieldNone {
		return nil
	}
	slot := c.field.slot()
	d.has |= slot
	if len(value) == 0 || len(value) == 1 && value[0] == '-' || c.fallback && d.told&slot != 0 {
		return nil
	}
	d.told |= slot
	switch c.field {
	case fieldTime:
		ms, ok := d.clock.read(value)
		if !ok {
			return &Error{c.name, "malformed", "is no time from 1970 to 9999"}
		}
		d.Time = ms
	case fieldDate:
		d.date = value
	case fieldOfDay:
		d.ofDay = value
	case fieldZone:
		d.zone = value
	case fieldAddress:
		d.address(value)
	case fieldMethod:
		d.Method = d.text(value)
	case fieldRequest:
		d.request(value)
	case fieldTarget:
		d.target(value)
	case fieldPath:
		d.Path = d.text(value)
	case fieldStem:
		d.path(value)
	case fieldQuery:
		d.query(value)
	case fieldStatus:
		n, ok := number(value)
		if !ok || n > 999 {
			return &Error{c.name, "range", "is no status of HTTP"}
		}
		d.Status = int(n)
	case fieldBytes, fieldBytesIn:
		n, ok := number(value)
		if !ok || n > event.MaxBytes {
			return &Error{c.name, "range", "is no whole number from 0 to " + strconv.Itoa(event.MaxBytes)}
		}
		if c.field == fieldBytes {
			d.Bytes = n
		} else {
			d.bytesIn = n
		}
	case fieldReferrer:
		d.Referrer = d.text(value)
	case fieldUserAgent:
		d.UserAgent = d.text(value)
	case fieldCMCDQuery:
		d.CMCD.Query = d.cmcdQuery(value)
	case fieldCMCDObject:
		d.CMCD.Object = d.text(value)
	case fieldCMCDRequest:
		d.CMCD.Request = d.text(value)
	case fieldCMCDSession:
		d.CMCD.Session = d.text(value)
	case fieldCMCDStatus:
		d.CMCD.Status = d.text(value)
	case fieldCMCDKey:
		d.cmcdKey(c.key, value)
	case fieldCategory:
		d.category = d.texts.text(value)
	case fieldEvent:
		d.event = d.texts.text(value)
	case fieldProtocol:
		d.Protocol = d.texts.text(value)
	case fieldStream:
		d.Stream = d.texts.text(value)
	}
	return nil
}

// finish checks that the line told all that must be known.
func (d *record) finish() error {
	if d.date != nil && d.ofDay != nil {
		d.buffer = append(append(append(d.buffer[:0], d.date...), ' '), d.ofDay...)
		if d.zone != nil {
			d.buffer = append(append(d.buffer, ' '), d.zone...)
		}
		ms, ok := d.clock.read(d.buffer)
		if !ok {
			return &Error{"time", "malformed", "is no time from 1970 to 9999, or its zone is unknown in the location of the log"}
		}
		d.Time = ms
	}
	switch {
	case d.Time == 0:
		return &Error{"time", "missing", "is missing"}
	case d.has&(fieldTarget.slot()|fieldStream.slot()) == 0:
		return &Error{"path", "missing", "is missing"}
	case d.has&fieldBytes.slot() == 0:
		return &Error{"bytes", "missing", "is missing"}
	}
	if len(d.cmcd) > 0 && d.CMCD == (CMCD{}) {
		d.CMCD.Query = d.texts.text(d.cmcd)
	}
	return nil
}

// address takes the address of a client, in any form.
func (d *record) address(value []byte) {
	text := d.texts.text(value)
	if a, ok := address.Client(text); ok {
		d.Address, d.NoAddress = a, ""
		return
	}
	d.NoAddress = AddressUnreadable
	if hostName.MatchString(text) {
		d.NoAddress = AddressName
	}
}

// hostName matches the names of hosts, and of the sockets by which a server of the same machine comes ("unix:").
var hostName = regexp.MustCompile(`^(unix:.*|[\pL\d_]([\pL\d_.-]*\pL[\pL\d_.-]*)?(:\d+)?)$`)

// text returns a value as a string. The user agents of CloudFront are escaped twice.
func (d *record) text(value []byte) string {
	if d.percent && quoted(value) {
		value = d.unquote(value)
		if quoted(value) {
			value = d.unquote(value)
		}
	}
	return d.texts.text(value)
}

// unquote returns the value without percent escapes, until the next value is unquoted.
func (d *record) unquote(value []byte) []byte {
	// What is read stays ahead of what is written, so the buffer may be the value itself.
	d.buffer = appendUnquoted(d.buffer[:0], value)
	return d.buffer
}

// request takes a request line. What is no HTTP leaves method and path empty.
func (d *record) request(line []byte) {
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return
	}
	if i := bytes.LastIndex(rest, []byte(" HTTP/")); i >= 0 {
		rest = rest[:i]
	}
	d.Method = d.texts.text(method)
	d.target(rest)
}

// target takes a path with its query, or the absolute form of it (RFC 9112, section 3.2).
func (d *record) target(target []byte) {
	if len(target) > 0 && target[0] != '/' {
		_, rest, ok := bytes.Cut(target, []byte("://"))
		slash := bytes.IndexByte(rest, '/')
		if !ok || slash < 0 {
			return
		}
		target = rest[slash:]
	}
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		d.query(target[i+1:])
		target = target[:i]
	}
	d.path(target)
}

func (d *record) path(path []byte) {
	if bytes.IndexByte(path, '%') >= 0 {
		path = d.unquote(path)
		if d.percent && quoted(path) {
			path = d.unquote(path)
		}
	}
	d.Path = d.texts.text(path)
}

func (d *record) query(query []byte) {
	if d.percent && bytes.Contains(query, []byte("%25")) {
		query = d.unquote(query)
	}
	d.Query = validText(query)
	for len(query) > 0 {
		i := bytes.Index(query, []byte("CMCD="))
		if i < 0 {
			return
		}
		value, rest, _ := bytes.Cut(query[i+len("CMCD="):], []byte("&"))
		if i == 0 || query[i-1] == '&' {
			d.CMCD.Query = d.cmcdQuery(value)
			return
		}
		query = rest
	}
}

// cmcdQuery returns the value of the query argument CMCD.
func (d *record) cmcdQuery(value []byte) string {
	return validText(d.unquote(value))
}

// cmcdKey adds a key of CMCD that has a column of its own.
func (d *record) cmcdKey(key string, value []byte) {
	if key == "v" && string(value) == "1" || string(value) == "false" {
		return
	}
	if len(d.cmcd) > 0 {
		d.cmcd = append(d.cmcd, ',')
	}
	d.cmcd = append(d.cmcd, key...)
	switch key {
	case "bs", "su":
	case "cid", "sid", "nor", "nrr":
		text := d.text(value)
		if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
			text = text[1 : len(text)-1]
		}
		d.cmcd = append(append(d.cmcd, '='), quoteCMCD(text)...)
	default:
		d.cmcd = append(append(d.cmcd, '='), value...)
	}
}

// quoteCMCD returns a string of a structured field (RFC 8941, section 3.3.3).
func quoteCMCD(s string) string {
	quoted := []byte{'"'}
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, s[i])
	}
	return string(append(quoted, '"'))
}
