// Package jsonfields reads the fields of JSON objects that come from outside, and says in words what is wrong with them.
package jsonfields

import (
	"fmt"
	"math"

	"github.com/valyala/fastjson"

	"github.com/streamlens/streamlens/pkg/event"
)

// Fields reads the fields of an object and keeps the first refusal; Prefix goes before the field's name in it.
type Fields struct {
	Object  *fastjson.Object
	Prefix  string
	Refusal *event.Refusal
}

// Whether a field must be there.
const (
	Optional = false
	Required = true
)

// Refuse keeps a refusal of the named field, unless there is one already.
func (f *Fields) Refuse(reason, field, message string) {
	if f.Refusal == nil {
		f.Refusal = &event.Refusal{Reason: reason, Error: message, Field: f.Prefix + field}
	}
}

// Get returns the field's value, and nil if it is absent or null.
func (f *Fields) Get(name string, need bool) *fastjson.Value {
	v := f.Object.Get(name)
	if v == nil || v.Type() == fastjson.TypeNull {
		if need {
			f.Refuse("missing", name, name+" is missing")
		}
		return nil
	}
	return v
}

// Text returns a string of at most limit bytes; a required one must not be empty.
func (f *Fields) Text(name string, limit int, need bool) string {
	v := f.Get(name, need)
	if v == nil {
		return ""
	}
	b, err := v.StringBytes()
	s := string(b)
	switch {
	case err != nil:
		f.Refuse("type", name, name+" must be a string")
	case need && s == "":
		f.Refuse("missing", name, name+" is empty")
	case !event.ValidText(s, limit):
		f.Refuse("text", name, fmt.Sprintf("%s must be UTF-8 text of at most %d bytes without control characters", name, limit))
	}
	return s
}

// OneOf returns a required string, without an allocation if it is one of the values.
func (f *Fields) OneOf(name string, limit int, values ...string) string {
	if v := f.Object.Get(name); v != nil && v.Type() == fastjson.TypeString {
		text := v.GetStringBytes()
		for _, value := range values {
			if string(text) == value {
				return value
			}
		}
	}
	return f.Text(name, limit, Required)
}

// Value returns a number from 0 to limit.
func (f *Fields) Value(v *fastjson.Value, name string, limit float64) float64 {
	n, err := v.Float64()
	switch {
	case v.Type() != fastjson.TypeNumber || err != nil || math.IsNaN(n) || math.IsInf(n, 0):
		f.Refuse("type", name, name+" must be a finite number")
	case n < 0:
		f.Refuse("range", name, name+" must not be negative")
	case n > limit:
		f.Refuse("range", name, fmt.Sprintf("%s must be at most %.0f", name, limit))
	}
	return n
}

// Number returns the number times scale, rounded to a whole one that is at most limit, or event.Absent.
func (f *Fields) Number(name string, scale, limit int64) int64 {
	v := f.Get(name, Optional)
	if v == nil {
		return event.Absent
	}
	n := f.Value(v, name, float64(limit/scale))
	if f.Refusal != nil {
		return event.Absent
	}
	return int64(math.Round(n * float64(scale)))
}

// Seconds returns a duration in ms from a number of seconds, or event.Absent.
func (f *Fields) Seconds(name string, limit int64) int64 { return f.Number(name, 1000, limit) }

// Whole returns a whole number from least to limit.
func (f *Fields) Whole(v *fastjson.Value, name string, least, limit float64) int64 {
	n := f.Value(v, name, limit)
	if n != math.Trunc(n) {
		f.Refuse("type", name, name+" must be a whole number")
	}
	if n < least {
		f.Refuse("range", name, fmt.Sprintf("%s must be at least %.0f", name, least))
	}
	if f.Refusal != nil {
		return 0
	}
	return int64(n)
}

// maxTime is the end of the year 9999, in ms since 1970; what is beyond is no time.
const maxTime = 253_402_300_799_999

// Time returns a time in ms since 1970, and false if the field is absent.
func (f *Fields) Time(name string, need bool) (int64, bool) {
	v := f.Get(name, need)
	if v == nil {
		return 0, false
	}
	return f.Whole(v, name, 0, maxTime), true
}

// Array returns the values of an array that must not be empty.
func (f *Fields) Array(name string) []*fastjson.Value {
	v := f.Get(name, Required)
	if v == nil {
		return nil
	}
	a, err := v.Array()
	switch {
	case err != nil:
		f.Refuse("type", name, name+" must be an array")
	case len(a) == 0:
		f.Refuse("missing", name, name+" is empty")
	}
	return a
}

// Flag returns a truth value, false if the field is absent.
func (f *Fields) Flag(name string) bool {
	v := f.Get(name, Optional)
	if v == nil {
		return false
	}
	b, err := v.Bool()
	if err != nil {
		f.Refuse("type", name, name+" must be true or false")
	}
	return b
}
