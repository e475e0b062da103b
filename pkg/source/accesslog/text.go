package accesslog

import (
	"bytes"
	"hash/maphash"
	"strings"
)

// texts are strings that were seen lately, so that the same bytes need no new string: paths, user agents and referrers of a
// log repeat. Each has one possible place, a later one takes it over.
type texts struct {
	seed  maphash.Seed
	slots [4096]string
}

// maxText is the greatest length of a string that is kept for its next use: 2 MB at most in all.
const maxText = 512

func newTexts() *texts { return &texts{seed: maphash.MakeSeed()} }

// text returns the bytes as a string; what is no UTF-8 becomes U+FFFD.
func (t *texts) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > maxText {
		return validText(b)
	}
	slot := &t.slots[maphash.Bytes(t.seed, b)%uint64(len(t.slots))]
	if *slot != string(b) {
		*slot = validText(b)
	}
	return *slot
}

// validText returns the bytes as a new string; what is no UTF-8 becomes U+FFFD.
func validText(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// unescaped returns what a backslash and a character mean that stand for one byte in JSON (RFC 8259, section 7), and in nginx and Apache, too.
func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return c
}

// appendUnescaped appends the text without the backslash escapes of nginx (\xHH, or those of JSON) and Apache (\", \\, \n,
// \xHH). A backslash that begins no escape stays.
func appendUnescaped(to, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+1 == len(b) {
			return append(to, b...)
		}
		to, b = append(to, b[:i]...), b[i:]
		used := 2
		switch c := b[1]; c {
		case '"', '\\', '/', 'n', 't', 'r', 'b', 'f':
			to = append(to, unescaped(c))
		case 'v':
			to = append(to, '\v')
		case 'x':
			if value, ok := hexByte(b, 2); ok {
				to, used = append(to, value), 4
			} else {
				to = append(to, b[:2]...)
			}
		case 'u':
			// nginx writes only control characters so.
			if value, ok := hexByte(b, 4); ok && b[2] == '0' && b[3] == '0' && value < 0x80 {
				to, used = append(to, value), 6
			} else {
				to = append(to, b[:2]...)
			}
		default:
			to, used = append(to, '\\'), 1
		}
		b = b[used:]
	}
}

// appendUnquoted appends the text without its percent escapes; a broken one stays.
func appendUnquoted(to, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '%')
		if i < 0 {
			return append(to, b...)
		}
		to = append(to, b[:i]...)
		if value, ok := hexByte(b, i+1); ok {
			to, b = append(to, value), b[i+3:]
		} else {
			to, b = append(to, '%'), b[i+1:]
		}
	}
}

// quoted reports whether the text has a percent escape.
func quoted(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '%')
		if i < 0 {
			return false
		}
		if _, ok := hexByte(b, i+1); ok {
			return true
		}
		b = b[i+1:]
	}
}

// hexByte returns the byte that the two hexadecimal digits at position i are.
func hexByte(b []byte, i int) (byte, bool) {
	if i+1 >= len(b) {
		return 0, false
	}
	high, low := hexDigit(b[i]), hexDigit(b[i+1])
	return high<<4 | low, high < 16 && low < 16
}

// hexDigit returns the value of a hexadecimal digit, and 255 of anything else.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
