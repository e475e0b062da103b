package accesslog

import (
	"bytes"
	"math"
	"math/bits"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/streamlens/streamlens/pkg/address"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

// field is something that a log tells of a request.
type field uint8

const (
	fieldNone      field = iota // is passed over
	fieldTime                   // when the answer ended, in any form that clock reads
	fieldStart                  // when the request came, likewise
	fieldDuration               // from the start to the end; the column's unit says in what
	fieldDate                   // 2006-01-02
	fieldOfDay                  // 15:04:05, of the date
	fieldZone                   // of date and time
	fieldAddress                // of the client, in any form that address.Client reads
	fieldForwarded              // the header X-Forwarded-For
	fieldMethod
	fieldRequest // method, target and protocol version: GET /a?b HTTP/1.1
	fieldTarget  // path and query as they were sent, or a URL
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
	fieldOnly    // decides whether the line is left
	// What only Wowza logs.
	fieldCategory
	fieldEvent
	fieldProtocol
	fieldStream
	fieldBytesIn
)

// slot returns the bit of what a field tells. There are several ways to tell the path.
func (f field) slot() uint64 {
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
	// fallback means that another column of the log tells the same better; this one counts only where that one is absent. A time
	// that is a fallback is also worse than a start with a duration.
	fallback bool
	key      string                  // of fieldCMCDKey
	unit     float64                 // of fieldDuration, in ms; 0 if the value names its unit (0.068s)
	only     func(value []byte) bool // of fieldOnly: whether the line tells of a client's request
	left     string                  // of fieldOnly: what the line is if it does not
	shape    string                  // an expression that matches the values, where the field does not tell; only detection uses it
}

// Units of durations, in ms.
const (
	seconds      = 1000.0
	milliseconds = 1.0
	microseconds = 1e-3
	nanoseconds  = 1e-6
)

// columnsByName makes a map of columns.
func columnsByName(columns ...column) map[string]column {
	m := make(map[string]column, len(columns))
	for _, c := range columns {
		m[c.name] = c
	}
	return m
}

// is makes the function of a column of fieldOnly that accepts some texts, in any case.
func is(texts ...string) func([]byte) bool {
	return func(value []byte) bool {
		for _, text := range texts {
			if strings.EqualFold(text, string(value)) {
				return true
			}
		}
		return false
	}
}

// record collects what a line says of a request.
type record struct {
	*Request
	texts   *texts
	clock   clock
	escapes escapes
	// The slots of the fields that the line has, and of those that it tells, as bits.
	has, told uint64
	buffer    []byte // of one value at a time
	// The parts of a time, of the line at hand.
	date, ofDay, zone []byte
	start, duration   int64 // ms since 1970, ms
	rough, roughly    bool  // Time, duration are of a column that is a fallback
	forwarded         string
	left              string
	cmcd              []byte // keys of CMCD that have columns of their own
	category, event   string // of Wowza
	bytesIn           int64
	alike             alike
	scout             scout
}

// escapes says what a log adds to values, beside what belongs to the syntax of its lines.
type escapes struct {
	percent  bool // percent escapes, to all values
	plus     bool // + for spaces, in texts
	plusPath bool // likewise in paths
}

func newRecord(f Format) record {
	return record{texts: newTexts(), clock: clock{location: f.Location, last: f.After}}
}

// reset prepares the record for a line.
func (d *record) reset(r *Request) {
	*r = Request{Direction: measure.Playout, NoAddress: AddressAbsent}
	d.Request = r
	d.has, d.told = 0, 0
	d.date, d.ofDay, d.zone, d.cmcd = d.date[:0], d.ofDay[:0], d.zone[:0], d.cmcd[:0]
	d.start, d.duration, d.rough, d.roughly, d.forwarded, d.left = 0, 0, false, false, "", ""
	d.category, d.event, d.bytesIn = "", "", 0
}

// withoutZone reports whether the log has a time that names no zone.
func (d *record) withoutZone() bool { return d.clock.zoneless }

// known returns how much of a request the last line told.
func (d *record) known() int { return bits.OnesCount64(d.has) }

// set takes what a column says; the value has no escapes of the line's syntax left. A hyphen is how logs write what is absent.
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
	if d.scout.on {
		d.scout.take(c, value)
		return nil
	}
	if d.alike.reading && d.alike.take(c, value) {
		return nil
	}
	switch c.field {
	case fieldTime:
		ms, reason := d.clock.read(value)
		if reason != "" {
			return &Error{c.name, "malformed", reason}
		}
		d.Time, d.rough = ms, c.fallback
	case fieldStart:
		ms, reason := d.clock.read(value)
		if reason != "" {
			return &Error{c.name, "malformed", reason}
		}
		d.start = ms
	case fieldDuration:
		ms, ok := duration(value, c.unit)
		if !ok {
			return &Error{c.name, "range", "is no duration of at most a year"}
		}
		switch {
		case c.fallback:
			d.duration, d.roughly = ms, true
		case d.roughly:
			d.duration, d.roughly = ms, false
		default:
			d.duration += ms // some logs tell of the parts of it
		}
	case fieldDate:
		d.date = append(d.date, value...)
	case fieldOfDay:
		d.ofDay = append(d.ofDay, value...)
	case fieldZone:
		d.zone = append(d.zone, value...)
	case fieldAddress:
		d.address(value)
	case fieldForwarded:
		d.forwarded = d.texts.text(value)
	case fieldMethod:
		d.method(value)
	case fieldRequest:
		d.request(value)
	case fieldTarget:
		d.target(value)
	case fieldPath:
		d.Path = d.text(value)
	case fieldStem:
		d.stem(value)
	case fieldQuery:
		d.query(bytes.TrimPrefix(value, []byte("?")))
	case fieldStatus:
		n, ok := number(value)
		if !ok || n > 999 {
			// HAProxy writes -1 where there was no answer.
			if string(value) != "-1" {
				return &Error{c.name, "range", "is no status of HTTP"}
			}
			n = 0
		}
		d.Status = int(n)
	case fieldBytes, fieldBytesIn:
		if value[0] == '+' && len(value) > 1 {
			value = value[1:] // HAProxy marks so what it logs before the end
		}
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
	case fieldOnly:
		if d.left == "" && !c.only(value) {
			d.left = c.left
		}
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

// finish checks that the line told all that must be known, and reports whether it tells of a request to count.
func (d *record) finish() (bool, error) {
	if d.scout.on {
		return false, nil
	}
	if d.left == "" && d.told&fieldStatus.slot() != 0 && d.Status < 100 && d.Bytes == 0 {
		d.left = LeftUnanswered // Squid, Traffic Server and CloudFront write 000, Google 0, HAProxy -1
	}
	if d.left != "" {
		d.Left = d.left
		return false, nil
	}
	if len(d.date) > 0 && len(d.ofDay) > 0 && (d.Time == 0 || d.rough) {
		d.buffer = append(append(append(d.buffer[:0], d.date...), ' '), d.ofDay...)
		if len(d.zone) > 0 {
			d.buffer = append(append(d.buffer, ' '), d.zone...)
		}
		ms, reason := d.clock.read(d.buffer)
		if reason != "" {
			return false, &Error{"time", "malformed", reason}
		}
		d.Time = ms
	}
	if d.start != 0 && (d.Time == 0 || d.rough && d.told&fieldDuration.slot() != 0) {
		d.Time = d.start + d.duration
	}
	switch {
	case d.Time == 0:
		return false, &Error{"time", "missing", "is missing"}
	case d.has&(fieldTarget.slot()|fieldStream.slot()) == 0:
		return false, &Error{"path", "missing", "is missing"}
	case d.has&fieldBytes.slot() == 0:
		return false, &Error{"bytes", "missing", "is missing"}
	}
	if d.forwarded != "" && (!d.Address.IsValid() || address.Internal(d.Address)) {
		if client, ok := address.Client(d.forwarded); ok {
			d.Address, d.NoAddress = client, ""
		}
	}
	if len(d.cmcd) > 0 && d.CMCD == (CMCD{}) {
		d.CMCD.Query = d.texts.text(d.cmcd)
	}
	return true, nil
}

// address takes the address of a client.
func (d *record) address(value []byte) {
	if a, ok := plainIPv4(value); ok {
		d.Address, d.NoAddress = a, ""
		return
	}
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

// plainIPv4 reads an IPv4 address as it is written most, without anything else.
func plainIPv4(b []byte) (netip.Addr, bool) {
	var octets [4]byte
	n, value, digits := 0, 0, 0
	for _, c := range b {
		switch {
		case c-'0' <= 9 && (digits == 0 || value > 0) && value*10+int(c-'0') <= 255:
			value = value*10 + int(c-'0')
			digits++
		case c == '.' && digits > 0 && n < 3:
			octets[n] = byte(value)
			n++
			value, digits = 0, 0
		default:
			return netip.Addr{}, false
		}
	}
	octets[3] = byte(value)
	return netip.AddrFrom4(octets), n == 3 && digits > 0
}

// hostName matches the names of hosts, and of the sockets by which a server of the same machine comes ("unix:").
var hostName = regexp.MustCompile(`^(unix:.*|[\pL\d_]([\pL\d_.-]*\pL[\pL\d_.-]*)?(:\d+)?)$`)

// text returns a value as a string. The user agents of CloudFront are escaped twice.
func (d *record) text(value []byte) string {
	if d.escapes.plus && bytes.IndexByte(value, '+') >= 0 {
		value = d.spaced(value)
	}
	if d.escapes.percent && quoted(value) {
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

// spaced returns the value with spaces for plus signs, until the next value is unquoted.
func (d *record) spaced(value []byte) []byte {
	d.buffer = append(d.buffer[:0], value...)
	for i, c := range d.buffer {
		if c == '+' {
			d.buffer[i] = ' '
		}
	}
	return d.buffer
}

func (d *record) method(method []byte) {
	switch string(method) {
	case http.MethodGet:
		d.Method = http.MethodGet
	case "PRI":
		d.left = LeftInternal // the preface of HTTP/2, which lighttpd logs with the bytes of the whole connection
	default:
		d.Method = d.texts.text(method)
	}
}

// request takes a request line. What is no HTTP leaves method and path empty.
func (d *record) request(line []byte) {
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return
	}
	if i := bytes.LastIndexByte(rest, ' '); i >= 0 && bytes.HasPrefix(rest[i:], []byte(" HTTP/")) {
		rest = rest[:i]
	}
	d.method(method)
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

// stem takes a path, from which some CDNs take the first slash; others write the whole URL there.
func (d *record) stem(path []byte) {
	if bytes.HasPrefix(path, []byte("http://")) || bytes.HasPrefix(path, []byte("https://")) {
		d.target(path)
		return
	}
	d.path(path)
	if d.Path != "" && d.Path[0] != '/' {
		d.Path = "/" + d.Path
	}
}

// parameter matches parameters in a path (RFC 3986, section 3.3), in which servers in Java keep their sessions.
var parameter = regexp.MustCompile(`;\w+=[^/;]*`)

func (d *record) path(path []byte) {
	if bytes.IndexByte(path, ';') >= 0 {
		path = parameter.ReplaceAll(path, nil)
	}
	if d.escapes.plusPath && bytes.IndexByte(path, '+') >= 0 {
		path = d.spaced(path)
	}
	if bytes.IndexByte(path, '%') >= 0 {
		path = d.unquote(path)
		if d.escapes.percent && quoted(path) {
			path = d.unquote(path)
		}
	}
	d.Path = d.texts.text(path)
}

func (d *record) query(query []byte) {
	if d.escapes.percent && bytes.Contains(query, []byte("%25")) {
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
	// Akamai puts a mark before it.
	return validText(bytes.TrimPrefix(d.unquote(value), []byte("//1.0@V/")))
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

// maxDuration is the longest time that an answer can take, a year, in ms.
const maxDuration = 366 * 24 * 3600 * 1000

// duration reads a duration in a unit, or one that names its unit (0.068s, 250ms), in ms. HAProxy writes -1 for what did not
// happen, and a plus sign before what had not ended yet.
func duration(value []byte, unit float64) (ms int64, ok bool) {
	if unit == 0 {
		digits := bytes.TrimRight(value, "mnusµ")
		switch string(value[len(digits):]) {
		case "s":
			unit = seconds
		case "ms":
			unit = milliseconds
		case "us", "µs":
			unit = microseconds
		case "ns":
			unit = nanoseconds
		default:
			return 0, false
		}
		value = digits
	}
	if len(value) > 0 && value[0] == '+' {
		value = value[1:]
	}
	if n, whole := number(value); whole {
		ms = int64(math.Round(float64(n) * unit))
		return ms, 0 <= ms && ms <= maxDuration
	}
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(n*unit <= maxDuration) {
		return 0, false
	}
	return int64(math.Round(max(0, n*unit))), true
}
