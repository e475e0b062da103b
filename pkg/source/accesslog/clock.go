package accesslog

import (
	"bytes"
	"fmt"
	"time"
)

// clock reads times. It remembers the last minute, so that most times of a log take only the reading of their seconds.
type clock struct {
	location   *time.Location // of times that name no zone; nil: UTC
	last       int64          // the time that was read last, ms since 1970; 0 if there is none
	zoneless   bool           // a time was read that names no zone
	head, tail []byte         // what surrounds the seconds in the last time
	minute     int64          // that time without its seconds, ms since 1970
	reason     string         // why the last time could not be read
}

// maxTime is the end of the year 9999, in ms since 1970; what is beyond is no time.
const maxTime = 253_402_300_799_999

const noTime = "is no time from 1970 to 9999"

// read returns a time in ms since 1970, or why it is none. It knows the forms of the Common Log Format (10/Oct/2000:13:55:36
// -0700), of ISO 8601 and RFC 3339 (2000-10-10T13:55:36Z, also with a space or slashes), both also with a fraction of a second,
// and without a zone or with the name of one; and numbers of seconds, with a fraction or not, milliseconds, microseconds or
// nanoseconds since 1970.
func (c *clock) read(b []byte) (ms int64, reason string) {
	ok := false
	c.reason = noTime
	switch {
	case len(b) >= 20 && b[2] == '/':
		ms, ok = c.calendar(b[:18], b[18:20], b[20:])
	case len(b) >= 19 && (b[4] == '-' || b[4] == '/'):
		ms, ok = c.calendar(b[:17], b[17:19], b[19:])
	default:
		ms, ok = sinceEpoch(b)
	}
	if !ok || ms <= 0 || ms > maxTime {
		return 0, c.reason
	}
	c.last = ms
	return ms, ""
}

// calendar reads the parts of a time: up to the minute, seconds, and fraction and zone.
func (c *clock) calendar(head, second, tail []byte) (int64, bool) {
	var fraction int64
	if len(tail) > 0 && (tail[0] == '.' || tail[0] == ',') {
		fraction, tail = thousandths(tail[1:])
	}
	if !bytes.Equal(head, c.head) || !bytes.Equal(tail, c.tail) {
		minute, reason := c.parse(head, tail)
		if reason != "" {
			c.reason = reason
			return 0, false
		}
		c.minute = minute
		c.head, c.tail = append(c.head[:0], head...), append(c.tail[:0], tail...)
	}
	tens, ones := second[0]-'0', second[1]-'0'
	return c.minute + int64(tens)*10_000 + int64(ones)*1000 + fraction, tens < 6 && ones < 10
}

// parse reads a minute, "10/Oct/2000:13:55:" or "2000-10-10T13:55:", and its zone.
func (c *clock) parse(head, zone []byte) (int64, string) {
	layout := "02/Jan/2006:15:04:"
	if head[2] != '/' {
		layout = "2006-01-02T15:04:"
		head = append([]byte(nil), head...)
		if head[4] == '/' && head[7] == '/' {
			head[4], head[7] = '-', '-'
		}
		if head[10] == ' ' {
			head[10] = 'T'
		}
	}
	t, err := time.Parse(layout, string(head))
	if err != nil {
		return 0, noTime
	}
	zone = bytes.TrimSpace(zone)
	if seconds, ok := offset(zone); ok {
		return t.UnixMilli() - seconds*1000, ""
	}
	c.zoneless = c.zoneless || len(zone) == 0
	if len(zone) > 0 && !isName(zone) {
		return 0, noTime
	}
	if c.location == nil {
		if len(zone) > 0 {
			return 0, fmt.Sprintf("has the zone %.16q, whose name alone has no one meaning: the time zone of the log must be given, such as America/Sao_Paulo", zone)
		}
		return t.UnixMilli(), ""
	}
	return c.local(t, string(zone))
}

// local returns the time at which the clocks of the location show t. Where they show it twice, the name of the zone decides,
// and if it does not, the order of the lines.
func (c *clock) local(t time.Time, zone string) (int64, string) {
	candidates := instants(t, c.location)
	for _, at := range candidates {
		if name, _ := at.Zone(); name == zone {
			return at.UnixMilli(), ""
		}
	}
	if seconds, known := zoneNames[zone]; known {
		for _, at := range candidates {
			if _, ahead := at.Zone(); ahead == seconds {
				return at.UnixMilli(), ""
			}
		}
		return 0, fmt.Sprintf("has the zone %s, which is not that of the time zone of the log, %s", zone, c.location)
	}
	first := candidates[0].UnixMilli()
	if len(candidates) > 1 && first < c.last-disorder.Milliseconds() {
		return candidates[1].UnixMilli(), ""
	}
	return first, ""
}

// disorder is by how much a line may be older than the one before it: logs are written in the order in which answers end.
const disorder = 5 * time.Minute

// instants returns the times at which the clocks of a location show t, the earlier one first. Where they never show it, because
// they are put forward over it, it is the time at which they would.
func instants(t time.Time, location *time.Location) []time.Time {
	var found []time.Time
	for _, near := range [2]time.Time{t.Add(-24 * time.Hour), t.Add(24 * time.Hour)} {
		_, ahead := near.In(location).Zone()
		at := t.Add(-time.Duration(ahead) * time.Second).In(location)
		if _, now := at.Zone(); now == ahead && (len(found) == 0 || !found[0].Equal(at)) {
			found = append(found, at)
		}
	}
	if len(found) == 0 {
		y, m, d := t.Date()
		found = append(found, time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, location))
	}
	return found
}

// zoneNames are names of zones that mean the same everywhere, in seconds ahead of UTC. Other names stand for the local time of
// the log's time zone, because servers in Java have names of their own (BRT, GST, SGT, …).
var zoneNames = map[string]int{
	"EST": -5 * 3600, "EDT": -4 * 3600, "MST": -7 * 3600, "MDT": -6 * 3600, "PST": -8 * 3600, "PDT": -7 * 3600,
	"CET": 3600, "CEST": 7200, "MEZ": 3600, "MESZ": 7200, "MSK": 3 * 3600, "JST": 9 * 3600,
}

// offset reads a zone that is an offset from UTC, in seconds: Z, UTC, GMT, +01:00, -0300, +05, GMT-03:00, UTC+3.
func offset(zone []byte) (seconds int64, ok bool) {
	named := false
	for _, name := range []string{"UTC", "GMT", "Z"} {
		if rest, found := bytes.CutPrefix(zone, []byte(name)); found {
			zone, named = rest, true
			break
		}
	}
	if len(zone) == 0 {
		return 0, named
	}
	sign := int64(1)
	switch zone[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	digits := make([]byte, 0, 4)
	for i, c := range zone[1:] {
		switch {
		case '0' <= c && c <= '9' && len(digits) < 4:
			digits = append(digits, c-'0')
		case c != ':' || i == 0 || len(digits) > 2:
			return 0, false
		}
	}
	switch len(digits) {
	case 1, 2:
		for _, d := range digits {
			seconds = seconds*10 + int64(d)*3600
		}
	case 3, 4:
		minutes := int64(digits[len(digits)-2])*10 + int64(digits[len(digits)-1])
		for _, d := range digits[:len(digits)-2] {
			seconds = seconds*10 + int64(d)*3600
		}
		seconds += minutes * 60
	default:
		return 0, false
	}
	return sign * seconds, seconds <= 18*3600
}

// isName reports whether a zone can be the name of one.
func isName(zone []byte) bool {
	for _, c := range zone {
		if c |= 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// sinceEpoch reads a number of seconds, milliseconds, microseconds or nanoseconds since 1970; which one, its size tells.
func sinceEpoch(b []byte) (int64, bool) {
	whole, fraction, _ := bytes.Cut(b, []byte("."))
	n, ok := number(whole)
	switch {
	case !ok:
		return 0, false
	case n < 1e11:
		ms, rest := thousandths(fraction)
		return n*1000 + ms, len(rest) == 0
	case n < 1e14:
		return n, true
	case n < 1e17:
		return n / 1e3, true
	}
	return n / 1e6, true
}

// thousandths reads the digits of a decimal fraction and returns what follows them.
func thousandths(b []byte) (n int64, rest []byte) {
	unit := int64(100)
	for len(b) > 0 && b[0]-'0' < 10 {
		n += int64(b[0]-'0') * unit
		unit /= 10
		b = b[1:]
	}
	return n, b
}

// number reads a whole number of at most 19 digits.
func number(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, n >= 0
}

// Divisible reports whether the lines of a text may be decoded by several decoders, each a part of them: they may not where the
// order of the lines decides which time is meant, as times without a zone stand in it from an hour that comes twice.
func (f Format) Divisible(text []byte) bool {
	if f.Location == nil {
		return true
	}
	decoder, err := NewDecoder(f)
	if err != nil {
		return true
	}
	// The first and the last line that tell a time; others are few.
	const tries = 100
	var first, last int64
	for rest, n := text, 0; first == 0 && len(rest) > 0 && n < tries; n++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		first = timeOf(decoder, line)
	}
	for rest, n := text, 0; last == 0 && len(rest) > 0 && n < tries; n++ {
		rest = bytes.TrimRight(rest, "\n")
		line := rest[bytes.LastIndexByte(rest, '\n')+1:]
		rest = rest[:len(rest)-len(line)]
		last = timeOf(decoder, line)
	}
	if times, can := decoder.(interface{ withoutZone() bool }); !can || !times.withoutZone() || first == 0 || last == 0 {
		return true
	}
	// The clocks are put back at the end of a period in which they are ahead of the next one.
	at := time.UnixMilli(first).Add(-2 * time.Hour).In(f.Location)
	until := time.UnixMilli(max(first, last)).Add(2 * time.Hour)
	for at.Before(until) {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(until) {
			return true
		}
		_, before := at.Zone()
		if _, after := end.Zone(); after < before {
			return false
		}
		at = end
	}
	return true
}

// timeOf returns the time of a line, 0 if it tells none.
func timeOf(decoder Decoder, line []byte) int64 {
	var r Request
	if ok, err := decoder.Decode(line, &r); !ok || err != nil {
		return 0
	}
	return r.Time
}
