package vm

import (
	"encoding/json"
	"errors"
	"strings"
)

// errJSON is the error of a text that is no JSON of the expected form.
var errJSON = errors.New("the text is not the JSON that was expected")

// maxDepth is how deep values may lie within each other.
const maxDepth = 100

// jsonReader reads JSON from front to back. Texts that it returns are parts of the one that it reads, which spares an answer with
// 10,000 series the tree and the copies that other decoders make: they took four times as long.
//
// After the first error it is at the end, and err is set.
type jsonReader struct {
	text  string
	at    int
	depth int
	err   error
}

func (r *jsonReader) fail() {
	if r.err == nil {
		r.err = errJSON
	}
	r.at = len(r.text)
}

// next returns the first byte of the next token without taking it, and 0 at the end.
func (r *jsonReader) next() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\n', '\r', '\t':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// take takes the next token if it is c.
func (r *jsonReader) take(c byte) bool {
	if r.next() != c {
		return false
	}
	r.at++
	return true
}

// list reads what lies between open and end, item by item.
func (r *jsonReader) list(open, end byte, item func()) {
	if r.depth++; r.depth > maxDepth || !r.take(open) {
		r.fail()
		return
	}
	for first := true; r.err == nil && !r.take(end); first = false {
		if !first && !r.take(',') {
			r.fail()
			return
		}
		item()
	}
	r.depth--
}

// object reads an object. member must read the value of each key.
func (r *jsonReader) object(member func(key string)) {
	r.list('{', '}', func() {
		key := r.string()
		if !r.take(':') {
			r.fail()
			return
		}
		member(key)
	})
}

// array reads an array. item must read each value.
func (r *jsonReader) array(item func()) { r.list('[', ']', item) }

// string reads a text.
func (r *jsonReader) string() string {
	if !r.take('"') {
		r.fail()
		return ""
	}
	begin, escaped := r.at, false
	for {
		length := strings.IndexByte(r.text[r.at:], '"')
		if length < 0 {
			r.fail()
			return ""
		}
		r.at += length + 1
		if inner := r.text[begin : r.at-1]; !endsEscaped(inner) {
			if !escaped && strings.IndexByte(inner, '\\') < 0 {
				return inner
			}
			return r.unescape(r.text[begin-1 : r.at])
		}
		escaped = true
	}
}

// endsEscaped reports whether what follows text is escaped: it ends with an odd number of backslashes.
func endsEscaped(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

func (r *jsonReader) unescape(quoted string) (text string) {
	if json.Unmarshal([]byte(quoted), &text) != nil {
		r.fail()
	}
	return text
}

// word reads a number, true, false or null, as it is written.
func (r *jsonReader) word() string {
	r.next()
	begin := r.at
	for r.at < len(r.text) && inWord(r.text[r.at]) {
		r.at++
	}
	if r.at == begin {
		r.fail()
	}
	return r.text[begin:r.at]
}

func inWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '.' || c == '-' || c == '+' || c == 'E'
}

// skip reads a value that nobody wants.
func (r *jsonReader) skip() {
	switch r.next() {
	case '{':
		r.object(func(string) { r.skip() })
	case '[':
		r.array(r.skip)
	case '"':
		r.string()
	default:
		r.word()
	}
}

// textOrWord reads a text, or another plain value as it is written.
func (r *jsonReader) textOrWord() string {
	if r.next() == '"' {
		return r.string()
	}
	return r.word()
}
