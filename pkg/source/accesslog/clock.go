package accesslog

import (
	"bytes"
	"errors"
	"strings"
	"time"
)

// clock reads times. It remembers the last minute, so that most times of a log take only the reading of their seconds.
type clock struct {
	location   *time.Location
	head, tail []byte // what surrounds the seconds in the last time
	minute     int64  // that time without its seconds, ms since 1970
}

// maxTime is the end of the year 9999, in ms since 1970; what is beyond is no time.
const maxTime = 253_402_300_799_999

// read returns a time in ms since 1970. It knows the forms of the Common Log Format (10/Oct/2000:13:55:36 -0700), of ISO 8601
// and RFC 3339 (2000-10-10T13:55:36.789Z, also with a space instead of T, and without a zone or with the name of one after a
// space), and numbers of seconds, with a fraction or not, milliseconds, microseconds or nanoseconds since 1970.
func (c *clock) read(b []byte) (ms int64, ok bool) {
	switch {
	case len(b) >= 20 && b[2] == '/':
		ms, ok = c.calendar(b[:18], b[18:20], b[20:])
	case len(b) >= 19 && b[4] == '-':
		var fraction int64
		tail := b[19:]
		if len(tail) > 0 && tail[0] == '.' {
			fraction, tail = thousandths(tail[1:])
		}
		ms, ok = c.calendar(b[:17], b[17:19], tail)
		ms += fraction
	default:
		ms, ok = sinceEpoch(b)
	}
	return ms, ok && 0 < ms && ms <= maxTime
}

func (c *clock) calendar(head, second, tail []byte) (int64, bool) {
	if !bytes.Equal(head, c.head) || !bytes.Equal(tail, c.tail) {
		minute, err := c.parse(string(head) + "00" + string(tail))
		if err != nil {
			return 0, false
		}
		c.minute = minute
		c.head, c.tail = append(c.head[:0], head...), append(c.tail[:0], tail...)
	}
	tens, ones := second[0]-'0', second[1]-'0'
	return c.minute + int64(tens)*10_000 + int64(ones)*1000, tens < 6 && ones < 10
}

var errUnknownZone = errors.New("the location of the log does not know the zone")

func (c *clock) parse(s string) (int64, error) {
	layout := "02/Jan/2006:15:04:05 -0700"
	if s[2] != '/' {
		layout = "2006-01-02" + s[10:11] + "15:04:05"
		switch zone := s[19:]; {
		case zone == "":
		case strings.HasPrefix(zone, " "):
			layout += " MST"
			s = strings.TrimSuffix(s, "GMT") + strings.Repeat("UTC", strings.Count(zone, "GMT"))
		case strings.Contains(zone, ":"):
			layout += "Z07:00"
		default:
			layout += "Z0700"
		}
	}
	location := c.location
	if location == nil {
		location = time.UTC
	}
	t, err := time.ParseInLocation(layout, s, location)
	if err != nil {
		return 0, err
	}
	// Of a name that the location does not know, time.ParseInLocation makes a zone without an offset.
	if strings.HasSuffix(layout, "MST") && t.Location() != location && t.Location() != time.UTC {
		return 0, errUnknownZone
	}
	return t.UnixMilli(), nil
}

// sinceEpoch reads a number of seconds, milliseconds, microseconds or nanoseconds since 1970; which one, its size tells.
func sinceEpoch(b []byte) (int64, bool) {
	whole, fraction, _ := bytes.Cut(b, []byte("."))
	n, ok := number(whole)
	switch {
	case !ok:
		return 0, false
	case n < 1e11:
		ms, _ := thousandths(fraction)
		return n*1000 + ms, true
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
