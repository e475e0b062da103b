package event

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
)

// fill gives every field that it finds a value of its own.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text ", r.Int()))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(1 + r.IntN(3)))
	case reflect.Uint32:
		v.SetUint(uint64(1 + r.Uint32N(1<<31)))
	case reflect.Uint64:
		v.SetUint(r.Uint64() | 1)
	case reflect.Int64:
		v.SetInt(r.Int64N(1<<42) - 1<<41)
	default:
		panic("no value for " + v.Kind().String())
	}
}

// TestEveryFieldIsCoded fills every field, so that one that is added and not coded is missing in what is read.
func TestEveryFieldIsCoded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tests := []struct {
		name  string
		value any
		code  func(any, *codec.Coder)
	}{
		{"event", new(Event), func(v any, c *codec.Coder) { v.(*Event).Fields(c, time.Now().UnixMilli()/1e9) }},
		{"batch", new(Batch), func(v any, c *codec.Coder) { v.(*Batch).Fields(c, false) }},
		{"usage", new(Usage), func(v any, c *codec.Coder) { v.(*Usage).Fields(c, 7) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fill(r, reflect.ValueOf(test.value).Elem())
			w := codec.NewWriter(nil)
			test.code(test.value, w)
			got := reflect.New(reflect.TypeOf(test.value).Elem()).Interface()
			reader := codec.NewReader(w.Bytes())
			test.code(got, reader)
			if err := reader.End(); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.value) {
				t.Errorf("read  %+v\nwrote %+v", got, test.value)
			}
		})
	}
}

// TestEventsOfVersion5AreRead writes events as version 5 did, with their texts in front of the flags.
func TestEventsOfVersion5AreRead(t *testing.T) {
	plain := New(7, 1_763_800_000_000, Stats)
	plain.Playing, plain.Latency = 9000, 1200
	coded := New(8, 1_763_800_001_000, Status)
	coded.Code, coded.Fatal, coded.Excuse = "2002", true, Business
	stop := New(9, 1_763_800_002_000, Stop)
	stop.Reason, stop.Height, stop.Stalls = "normal", 1080, 3
	want := []Event{plain, coded, stop, plain}
	const near = 1_763_800_000_500
	w := codec.NewWriter(nil)
	for _, e := range want {
		codec.Number(w, &e.Seq)
		w.Near(&e.Time, near)
		codec.Number(w, &e.Type)
		codec.Number(w, &e.State)
		w.Numbers(&e.StartTime, &e.Playing, &e.Buffering, &e.Paused, &e.BufferLength, &e.Latency, &e.VideoBitrate, &e.AudioBitrate, &e.Played)
		codec.Text(w, &e.Reason)
		codec.Text(w, &e.Code)
		excused, more := e.Excuse != NoExcuse, e.Height != Absent
		w.Flags(&e.Fatal, &excused, &more)
		if excused {
			codec.Number(w, &e.Excuse)
		}
		if all := e.more(); more {
			w.Numbers(all[:]...)
		}
	}
	for round, c := range []*codec.Coder{codec.NewReader(w.Bytes()), codec.NewWriter(nil)} {
		if round == 1 { // and as they are written now
			for i := range want {
				want[i].Fields(c, near)
			}
			c = codec.NewReader(c.Bytes())
		}
		for i := range want {
			var got Event
			got.Fields(c, near)
			if !reflect.DeepEqual(got, want[i]) {
				t.Errorf("read  %+v\nwrote %+v", got, want[i])
			}
		}
		if err := c.End(); err != nil {
			t.Error(err)
		}
	}
}
