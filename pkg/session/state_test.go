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
	switch v.Type() {
	case reflect.TypeFor[aggregate.Place](), reflect.TypeFor[*admission](), reflect.TypeFor[*aggregate.Cell](), reflect.TypeFor[*Period]():
		return // is no state
	case reflect.TypeFor[*codes]():
		v.Set(reflect.ValueOf(&codes{fmt.Sprint("second ", r.Int()), &codes{code: fmt.Sprint("first ", r.Int())}}))
		return
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
		var s session
		fill(r, reflect.ValueOf(&s).Elem())
		s.isLive, s.woken = false, false
		s.referrer = written.referrerOf(s.space.Organization, s.referrer.value) // whose dimensions follow
		if added := written.add(s, noon); live {
			written.setLive(added)
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
	all := func(t *Tracker) map[name]session {
		m := map[name]session{}
		for s := range t.awake() {
			m[s.name] = *s
		}
		return m
	}
	if got, want := all(read), all(written); !reflect.DeepEqual(got, want) || len(got) != 3 {
		t.Errorf("read  %+v\nwrote %+v", got, want)
	}
	for of := range written.awake() {
		if _, s := read.ask(of.space.Organization, "another id"); s != nil || !read.Watches(of.viewer) {
			t.Errorf("a session that was not written: %+v; the viewer is known: %v", s, read.Watches(of.viewer))
		}
	}
	if read.Live() != 2 || written.Live() != 2 || read.slept != written.slept {
		t.Errorf("read %d live sessions, wrote %d, want 2; slept at %d and %d", read.Live(), written.Live(), read.slept, written.slept)
	}
}
