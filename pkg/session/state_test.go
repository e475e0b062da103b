package session

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/codec"
)

// fill gives every field that it finds, exported or not, a value of its own.
func fill(r *rand.Rand, v reflect.Value) {
	v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	if v.Type() == reflect.TypeFor[aggregate.Place]() || v.Type() == reflect.TypeFor[admission]() {
		return // is no state
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem())
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text ", r.Int()))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(1 + r.IntN(5)))
	case reflect.Uint32:
		v.SetUint(uint64(1 + r.Uint32N(1<<31)))
	case reflect.Uint64:
		v.SetUint(r.Uint64() | 1)
	case reflect.Int64:
		v.SetInt(1 + r.Int64N(1<<42))
	case reflect.Func: // is not state
	default:
		panic("no value for " + v.Kind().String())
	}
}

// TestEveryFieldIsCoded fills every field of sessions, so that one that is added and not coded is missing in what is read.
func TestEveryFieldIsCoded(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	written := NewTracker(aggregate.New("c"), nil)
	written.slept = 17
	for _, live := range []bool{true, false, true} {
		s := &session{}
		fill(r, reflect.ValueOf(s).Elem())
		written.add(s.name, s)
		s.isLive, s.replaced = false, false
		if live {
			written.setLive(s)
		}
	}

	w := codec.NewWriter(nil)
	written.Code(w)
	read := NewTracker(aggregate.New("c"), nil)
	c := codec.NewReader(w.Bytes())
	read.Code(c)
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read.sessions, written.sessions) {
		t.Errorf("read  %+v\nwrote %+v", read.sessions, written.sessions)
	}
	if !reflect.DeepEqual(read.viewers, written.viewers) || read.slept != written.slept {
		t.Errorf("read the viewers %v, wrote %v", read.viewers, written.viewers)
	}
	all := func(t *Tracker) map[string]int {
		m := map[string]int{}
		for s := range t.live {
			one := codec.NewWriter(nil)
			s.code(one, t)
			m[string(one.Bytes())]++
		}
		return m
	}
	if got, want := all(read), all(written); !reflect.DeepEqual(got, want) || len(got) != 2 {
		t.Errorf("read the live sessions %v\nwrote %v", got, want)
	}
}
