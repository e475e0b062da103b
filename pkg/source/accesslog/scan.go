package accesslog

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over a line of JSON and gives the values at some paths; what else the line has is passed over, and its
// syntax is checked only as far as that needs. Numbers and words are given as they stand, so that no digit is lost.
type scanner struct {
	line  []byte
	at    int
	value func(c *column, value []byte) error
	err   error  // of the first value that is refused
	text  []byte // of the value at hand, without escapes
	list  []byte // of the values of an array
}

// give gives a value.
func (s *scanner) give(c *column, value []byte) {
	if err := s.value(c, value); err != nil {
		s.refuse(err)
	}
}

func (s *scanner) refuse(err error) {
	if s.err == nil {
		s.err = err
	}
}

// node is a part of a path: what a key leads to.
type node struct {
	column *column // nil if nothing is wanted here
	keys   map[string]*node
}

// maxDepth bounds how deep objects and arrays may lie in each other.
const maxDepth = 64

var (
	errJSON   = &Error{"line", "malformed", "is no valid JSON"}
	errObject = &Error{"line", "malformed", "is no JSON object"}
)

// scan reads a line that is an object. The error is of its syntax.
func (s *scanner) scan(line []byte, root *node) error {
	s.line, s.at, s.err = line, 0, nil
	if s.space() != '{' {
		return errObject
	}
	if err := s.object(root, 1); err != nil {
		return err
	}
	if s.space() != 0 {
		return errJSON
	}
	return nil
}

// space returns the first byte that is no white space, and 0 at the end.
func (s *scanner) space() byte {
	for s.at < len(s.line) {
		if c := s.line[s.at]; c > ' ' {
			return c
		}
		s.at++
	}
	return 0
}

// object reads an object, from its brace.
func (s *scanner) object(n *node, depth int) error {
	s.at++
	if s.space() == '}' {
		s.at++
		return nil
	}
	for {
		if s.space() != '"' {
			return errJSON
		}
		key, escaped, ok := s.quoted()
		if !ok || s.space() != ':' {
			return errJSON
		}
		s.at++
		if escaped {
			s.text = appendJSONUnescaped(s.text[:0], key)
			key = s.text
		}
		if err := s.any(n.keys[string(key)], depth); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.at++
		case '}':
			s.at++
			return nil
		default:
			return errJSON
		}
	}
}

// any reads a value of any kind.
func (s *scanner) any(n *node, depth int) error {
	switch c := s.space(); {
	case n == nil:
		return s.skip()
	case c == '"':
		text, ok := s.string()
		if !ok {
			return errJSON
		}
		if n.column == nil {
			return nil
		}
		s.give(n.column, text)
		return nil
	case c == '{' && n.keys != nil && depth < maxDepth:
		return s.object(n, depth+1)
	case c == '[' && n.column != nil:
		return s.array(n.column)
	case c == '{' || c == '[':
		if n.column != nil {
			s.refuse(&Error{n.column.name, "malformed", "must be a text or a number"})
		}
		return s.skip()
	}
	word := s.word()
	switch {
	case len(word) == 0:
		return errJSON
	case n.column == nil:
	case string(word) == "null":
		s.give(n.column, nil)
	default:
		s.give(n.column, word)
	}
	return nil
}

// array reads an array of texts: of a header each field line of it, which are one list.
func (s *scanner) array(c *column) error {
	begin := s.at
	s.at++
	s.list = s.list[:0]
	for first := true; ; first = false {
		switch s.space() {
		case ']':
			s.at++
			s.give(c, s.list)
			return nil
		case ',':
			if first {
				return errJSON
			}
			s.at++
			s.list = append(s.list, ',', ' ')
		case '"':
			text, ok := s.string()
			if !ok {
				return errJSON
			}
			s.list = append(s.list, text...)
		default:
			s.refuse(&Error{c.name, "malformed", "must be a text, or a list of texts"})
			s.at = begin
			return s.skip()
		}
	}
}

// string reads a text without its escapes. It is valid until the next text.
func (s *scanner) string() ([]byte, bool) {
	text, escaped, ok := s.quoted()
	if escaped {
		s.text = appendJSONUnescaped(s.text[:0], text)
		text = s.text
	}
	return text, ok
}

// quoted reads a text as it stands between its quotation marks.
func (s *scanner) quoted() (text []byte, escaped, ok bool) {
	s.at++
	begin := s.at
	for {
		i := bytes.IndexByte(s.line[s.at:], '"')
		if i < 0 {
			return nil, false, false
		}
		s.at += i + 1
		text = s.line[begin : s.at-1]
		if len(text) == 0 || text[len(text)-1] != '\\' {
			break
		}
		if !endsEscaped(text) {
			break
		}
	}
	return text, bytes.IndexByte(text, '\\') >= 0, true
}

// word reads a number, true, false or null.
func (s *scanner) word() []byte {
	begin := s.at
	for s.at < len(s.line) {
		c := s.line[s.at]
		if c-'0' >= 10 && (c|0x20)-'a' >= 26 && c != '.' && c != '-' && c != '+' {
			break
		}
		s.at++
	}
	return s.line[begin:s.at]
}

// skip passes over a value.
func (s *scanner) skip() error {
	for depth := 0; s.at < len(s.line); {
		switch c := s.line[s.at]; c {
		case '"':
			if _, _, ok := s.quoted(); !ok {
				return errJSON
			}
		case '{', '[':
			depth++
			s.at++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return errJSON
			}
			s.at++
		case ' ', '\t', ',', ':':
			if depth == 0 && c != ' ' && c != '\t' {
				return errJSON
			}
			s.at++
			continue
		default:
			if len(s.word()) == 0 {
				return errJSON
			}
		}
		if depth == 0 {
			return nil
		}
	}
	return errJSON
}

// appendJSONUnescaped appends the text without the escapes of JSON (RFC 8259, section 7). What is no escape stays.
func appendJSONUnescaped(to, b []byte) []byte {
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
		case 'x':
			// nginx writes so unless its log_format says escape=json.
			if value, ok := hexByte(b, 2); ok {
				to, used = append(to, value), 4
			} else {
				to = append(to, b[:2]...)
			}
		case 'u':
			r, ok := hexRune(b[2:])
			if !ok {
				to = append(to, b[:2]...)
				break
			}
			used = 6
			if utf16.IsSurrogate(r) {
				second, follows := bytes.CutPrefix(b[6:], []byte(`\u`))
				low, ok := hexRune(second)
				if r = utf16.DecodeRune(r, low); follows && ok && r != utf8.RuneError {
					used = 12
				} else {
					r = utf8.RuneError
				}
			}
			to = utf8.AppendRune(to, r)
		default:
			to = append(to, b[:2]...)
		}
		b = b[used:]
	}
}

// hexRune reads four hexadecimal digits.
func hexRune(b []byte) (rune, bool) {
	high, ok := hexByte(b, 0)
	low, okLow := hexByte(b, 2)
	return rune(high)<<8 | rune(low), ok && okLow
}
