// Package codec writes state in a compact binary form and reads it back. A type lists its fields once, in a function that takes
// a Coder, and that list serves both directions:
//
//	func (p *point) code(c *codec.Coder) {
//		codec.Number(c, &p.x)
//		codec.Number(c, &p.y)
//	}
//
// Nothing in the form says what it holds, so a reader must know who wrote it; files begin with a version.
package codec

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"slices"
)

// ErrDamaged means that what was read is not what was written.
var ErrDamaged = errors.New("the data are damaged or of another version")

// Coder writes or reads, as it was made for. It must not be used by several goroutines at once.
type Coder struct {
	bytes   []byte // written, or left to be read
	to      io.Writer
	reading bool
	err     error

	own        Dictionary
	dictionary *Dictionary
}

// Dictionary numbers texts: a text is written once, and after that its number stands for it. So texts that were shared are shared
// again when they are read. Mostly a Coder has its own.
type Dictionary struct {
	numbers map[string]uint64 // from 1, when writing; empty while there are few
	texts   []string
}

// fewTexts is how many texts are compared one after the other, which takes less time than hashing. Most records have no more.
const fewTexts = 8

// number returns the number of a text, and whether it had one before.
func (d *Dictionary) number(text string) (number uint64, known bool) {
	if len(d.texts) <= fewTexts {
		if i := slices.Index(d.texts, text); i >= 0 {
			return uint64(i) + 1, true
		}
	} else {
		if len(d.numbers) == 0 {
			d.count()
		}
		if number, known = d.numbers[text]; known {
			return number, true
		}
	}
	d.texts = append(d.texts, text)
	number = uint64(len(d.texts))
	if len(d.numbers) > 0 {
		d.numbers[text] = number
	}
	return number, false
}

// count fills numbers.
func (d *Dictionary) count() {
	if d.numbers == nil {
		d.numbers = make(map[string]uint64, len(d.texts))
	}
	for i, t := range d.texts {
		d.numbers[t] = uint64(i) + 1
	}
}

// Code codes the dictionary itself.
func (d *Dictionary) Code(c *Coder) { List(c, &d.texts, c.Unique) }

// Use makes the Coder use a dictionary that other Coders have used and will use. What it writes can then be read only with that.
func (c *Coder) Use(d *Dictionary) { c.dictionary = d }

// NewWriter returns a Coder that appends what it is given to b.
func NewWriter(b []byte) *Coder {
	c := &Coder{bytes: b}
	c.dictionary = &c.own
	return c
}

// streamed is how much a Coder of NewStream collects before it writes.
const streamed = 64 << 10

// NewStream returns a Coder that writes what it is given to w, the last of it with End.
func NewStream(w io.Writer) *Coder {
	c := NewWriter(make([]byte, 0, streamed+streamed/8))
	c.to = w
	return c
}

// flush hands on what a Coder of NewStream has collected.
func (c *Coder) flush() {
	if c.err == nil {
		_, c.err = c.to.Write(c.bytes)
	}
	c.bytes = c.bytes[:0]
}

func (c *Coder) flushIfFull() {
	if c.to != nil && len(c.bytes) >= streamed {
		c.flush()
	}
}

// NewReader returns a Coder that fills what it is given from b.
func NewReader(b []byte) *Coder {
	c := &Coder{bytes: b, reading: true}
	c.dictionary = &c.own
	return c
}

// Reset makes a writing Coder begin anew, with its own dictionary, in the memory that it has.
func (c *Coder) Reset() {
	c.bytes, c.err, c.dictionary = c.bytes[:0], nil, &c.own
	if len(c.own.numbers) > 0 {
		clear(c.own.numbers)
	}
	c.own.texts = c.own.texts[:0]
}

// Reading reports whether the Coder reads.
func (c *Coder) Reading() bool { return c.reading }

// Bytes returns what was written.
func (c *Coder) Bytes() []byte { return c.bytes }

// Err returns ErrDamaged if something could not be read, and the error of a stream.
func (c *Coder) Err() error { return c.err }

// End returns ErrDamaged if something could not be read, or if something is left, and the error of a stream.
func (c *Coder) End() error {
	if c.to != nil {
		c.flush()
	}
	if c.err == nil && c.reading && len(c.bytes) > 0 {
		return ErrDamaged
	}
	return c.err
}

// integer is what Number takes.
type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Number codes a whole number; small ones, also below zero, take little room.
func Number[T integer](c *Coder, v *T) {
	if !c.reading {
		c.bytes = binary.AppendVarint(c.bytes, int64(*v))
		return
	}
	n, length := binary.Varint(c.bytes)
	if length <= 0 || int64(T(n)) != n {
		c.fail()
		*v = 0
		return
	}
	c.bytes = c.bytes[length:]
	*v = T(n)
}

// Numbers codes several whole numbers as Number does.
func (c *Coder) Numbers(all ...*int64) {
	if c.reading {
		for _, v := range all {
			Number(c, v)
		}
		return
	}
	b := c.bytes
	for _, v := range all {
		b = binary.AppendVarint(b, *v)
	}
	c.bytes = b
}

// Byte codes a byte.
func (c *Coder) Byte(v *byte) {
	switch {
	case !c.reading:
		c.bytes = append(c.bytes, *v)
	case len(c.bytes) == 0:
		c.fail()
	default:
		*v, c.bytes = c.bytes[0], c.bytes[1:]
	}
}

// Chunk codes bytes.
func (c *Coder) Chunk(b *[]byte) {
	length := uint64(len(*b))
	c.length(&length)
	if !c.reading {
		c.bytes = append(c.bytes, *b...)
		return
	}
	*b = append([]byte(nil), c.bytes[:length]...)
	c.bytes = c.bytes[length:]
}

// Near codes a number that is near to another that the reader knows by then.
func (c *Coder) Near(v *int64, other int64) {
	distance := *v - other
	Number(c, &distance)
	*v = other + distance
}

// Flags codes at most eight truths.
func (c *Coder) Flags(flags ...*bool) {
	var bits uint8
	if !c.reading {
		for i, f := range flags {
			if *f {
				bits |= 1 << i
			}
		}
	}
	Number(c, &bits)
	if c.reading {
		for i, f := range flags {
			*f = bits&(1<<i) != 0
		}
	}
}

// Text codes a text.
func Text[T ~string](c *Coder, v *T) {
	if c.reading {
		*v = T(c.readText())
		return
	}
	text := string(*v)
	number, known := c.dictionary.number(text)
	switch {
	case known:
		c.bytes = binary.AppendUvarint(c.bytes, number)
	case c.dictionary == &c.own:
		c.bytes = binary.AppendUvarint(c.bytes, 0)
		c.Unique(&text)
	default: // the reader will have the dictionary
		c.bytes = binary.AppendUvarint(c.bytes, number)
	}
}

// Unique codes a text that comes once only.
func (c *Coder) Unique(v *string) {
	if c.reading {
		*v = c.readUnique()
		return
	}
	c.bytes = binary.AppendUvarint(c.bytes, uint64(len(*v)))
	c.bytes = append(c.bytes, *v...)
}

func (c *Coder) readText() string {
	number := c.readUint()
	if number == 0 {
		text := c.readUnique()
		c.own.texts = append(c.own.texts, text)
		return text
	}
	if number > uint64(len(c.dictionary.texts)) {
		c.fail()
		return ""
	}
	return c.dictionary.texts[number-1]
}

func (c *Coder) readUnique() string {
	length := c.readUint()
	if c.err != nil || length > uint64(len(c.bytes)) {
		c.fail()
		return ""
	}
	text := string(c.bytes[:length])
	c.bytes = c.bytes[length:]
	return text
}

func (c *Coder) readUint() uint64 {
	n, length := binary.Uvarint(c.bytes)
	if length <= 0 {
		c.fail()
		return 0
	}
	c.bytes = c.bytes[length:]
	return n
}

// List codes a list. An empty one is read as nil.
func List[T any](c *Coder, list *[]T, item func(*T)) {
	length := uint64(len(*list))
	c.length(&length)
	if c.reading {
		*list = nil
		if length > 0 {
			*list = make([]T, length)
		}
	}
	for i := range *list {
		item(&(*list)[i])
		c.flushIfFull()
	}
}

// Each codes a list of so many items that is nowhere as one: it writes those of all, and calls item with a new one for each that is to be read.
func Each[T any](c *Coder, length int, all iter.Seq[T], item func(*T)) {
	items := uint64(length)
	c.length(&items)
	if !c.reading {
		for one := range all {
			item(&one)
			c.flushIfFull()
		}
		return
	}
	for range items {
		var one T
		if item(&one); c.err != nil {
			return
		}
	}
}

// Map codes a map. An empty one is read as one that can be written to.
func Map[K comparable, V any](c *Coder, m *map[K]V, item func(*K, *V)) {
	length := uint64(len(*m))
	c.length(&length)
	if !c.reading {
		for k, v := range *m {
			item(&k, &v)
			c.flushIfFull()
		}
		return
	}
	*m = make(map[K]V, length)
	for range length {
		var (
			k K
			v V
		)
		item(&k, &v)
		if c.err != nil {
			return
		}
		(*m)[k] = v
	}
}

// length codes a length. Every item takes a byte at least, so a damaged length cannot ask for more memory than a multiple of
// what there is to read.
func (c *Coder) length(n *uint64) {
	if !c.reading {
		c.bytes = binary.AppendUvarint(c.bytes, *n)
		return
	}
	*n = c.readUint()
	if *n > uint64(len(c.bytes)) {
		c.fail()
		*n = 0
	}
}

// fail makes all further reading read nothing.
func (c *Coder) fail() {
	if c.err == nil {
		c.err = ErrDamaged
	}
	c.bytes = nil
}
