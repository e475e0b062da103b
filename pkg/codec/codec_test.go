package codec

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"
)

type label string

type record struct {
	small  uint8
	big    int64
	time   int64
	a, b   bool
	name   label
	again  string
	list   []record
	counts map[string]uint64
}

func (r *record) code(c *Coder) {
	Number(c, &r.small)
	Number(c, &r.big)
	c.Near(&r.time, 1_763_800_000_000)
	c.Flags(&r.a, &r.b)
	Text(c, &r.name)
	Text(c, &r.again)
	List(c, &r.list, func(r *record) { r.code(c) })
	Map(c, &r.counts, func(k *string, v *uint64) {
		Text(c, k)
		Number(c, v)
	})
}

func example() record {
	leaf := record{big: -1, name: "a text", again: "a text", counts: map[string]uint64{}}
	return record{
		small: 255, big: math.MinInt64, time: 1_763_800_000_001, b: true, name: "a text", again: "",
		list: []record{leaf, leaf}, counts: map[string]uint64{"x": math.MaxUint64, "": 0},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := example()
	w := NewWriter(nil)
	want.code(w)
	var got record
	r := NewReader(w.Bytes())
	got.code(r)
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	once := len(w.Bytes())
	w.Reset()
	if want.code(w); len(w.Bytes()) != once {
		t.Errorf("written again it takes %d bytes, want %d", len(w.Bytes()), once)
	}
}

func TestDamageIsSeen(t *testing.T) {
	whole := example()
	w := NewWriter(nil)
	whole.code(w)
	for n := range len(w.Bytes()) {
		var got record
		r := NewReader(w.Bytes()[:n])
		if got.code(r); !errors.Is(r.End(), ErrDamaged) {
			t.Errorf("the first %d bytes of %d are read without an error", n, len(w.Bytes()))
		}
	}
	r := NewReader(append(w.Bytes(), 0))
	if whole.code(r); !errors.Is(r.End(), ErrDamaged) {
		t.Error("a byte too many is read without an error")
	}
	var narrow uint8
	wide := int64(256)
	w = NewWriter(nil)
	Number(w, &wide)
	r = NewReader(w.Bytes())
	if Number(r, &narrow); !errors.Is(r.End(), ErrDamaged) {
		t.Errorf("256 is read as %d into a byte", narrow)
	}
}

func FuzzReader(f *testing.F) {
	whole := example()
	w := NewWriter(nil)
	whole.code(w)
	f.Add(w.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var got record
		r := NewReader(data)
		got.code(r)
		if r.End() != nil {
			return
		}
		w := NewWriter(nil)
		got.code(w)
		var again record
		if again.code(NewReader(w.Bytes())); !reflect.DeepEqual(got, again) {
			t.Errorf("%+v is read back as %+v", got, again)
		}
	})
}

// failing is a writer that fails after so many bytes.
type failing struct {
	bytes.Buffer
	left int
}

var errFull = errors.New("full")

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return f.Buffer.Write(b)
}

func TestStream(t *testing.T) {
	list := make([]int64, 100_000)
	for i := range list {
		list[i] = int64(i)
	}
	plain := NewWriter(nil)
	List(plain, &list, func(v *int64) { Number(plain, v) })
	if len(plain.Bytes()) < 2*streamed {
		t.Fatalf("%d bytes are too few to be streamed", len(plain.Bytes()))
	}
	tests := []struct {
		name string
		room int
		want error
	}{
		{"whole", len(plain.Bytes()), nil},
		{"full in the end", len(plain.Bytes()) - 1, errFull},
		{"full early", 10, errFull},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			to := &failing{left: test.room}
			c := NewStream(to)
			List(c, &list, func(v *int64) { Number(c, v) })
			if err := c.End(); !errors.Is(err, test.want) {
				t.Fatalf("got the error %v, want %v", err, test.want)
			}
			if test.want == nil && !bytes.Equal(to.Bytes(), plain.Bytes()) {
				t.Error("a stream differs from what is written at once")
			}
		})
	}
}
