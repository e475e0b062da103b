package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// replay opens the journal and returns it with its records after the given number.
func replay(t *testing.T, dir string, after uint64) (*Journal, []string) {
	t.Helper()
	j, err := Open(dir, "test 1")
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	if err := j.Replay(after, func(record []byte) error {
		records = append(records, string(record))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return j, records
}

// keep writes records, one after the other.
func keep(t *testing.T, j *Journal, records ...string) {
	t.Helper()
	for _, r := range records {
		number := uint64(0)
		if err := j.Write([]byte(r), func(n uint64) { number = n }); err != nil {
			t.Fatal(err)
		}
		if number != j.last {
			t.Fatalf("%q took effect as number %d, want %d", r, number, j.last)
		}
	}
}

// refuse writes a record and returns the error that this must give.
func refuse(t *testing.T, j *Journal, record string) error {
	t.Helper()
	err := j.Write([]byte(record), func(uint64) { t.Errorf("%q took effect", record) })
	if err == nil {
		t.Fatalf("%q was written", record)
	}
	return err
}

func TestRecordsAreReplayed(t *testing.T) {
	dir := t.TempDir()
	j, _ := replay(t, dir, 0)
	keep(t, j, "one", "two")
	keep(t, j, "three")
	// No Close: as if killed.
	j, got := replay(t, dir, 0)
	if want := []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Fatalf("replayed %q, want %q", got, want)
	}
	keep(t, j, "four")
	if _, got := replay(t, dir, 2); !slices.Equal(got, []string{"three", "four"}) {
		t.Errorf("replayed %q after the second", got)
	}
	if j.last != 4 {
		t.Errorf("the last is number %d, want 4", j.last)
	}
	if err := j.Forget(3); err != nil {
		t.Fatal(err)
	}
	j, got = replay(t, dir, 3)
	if !slices.Equal(got, []string{"four"}) {
		t.Errorf("replayed %q after the first segment is forgotten", got)
	}
	if err := j.Replay(1, func([]byte) error { return nil }); err == nil || !strings.Contains(err.Error(), "lacks the records 2 to 3") {
		t.Errorf("a hole gives the error %v", err)
	}
}

// TestTornTail cuts the journal at every byte: what is whole before the cut is replayed, and what is appended afterwards
// follows it.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	j, _ := replay(t, dir, 0)
	records := []string{"first", "second", "third"}
	keep(t, j, records...)
	path := j.path(j.segments[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		for _, torn := range [][]byte{whole[:cut], append(slices.Clone(whole[:cut]), make([]byte, len(whole)-cut)...)} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), torn, 0o600); err != nil {
				t.Fatal(err)
			}
			if cut < len(j.format) && len(torn) > cut {
				continue // no crash leaves zeros there: the begin is written before the name is
			}
			var want []string
			for i, at := 0, len(j.format); i < len(records) && at+frameBytes+len(records[i]) <= cut; i++ {
				want = append(want, records[i])
				at += frameBytes + len(records[i])
			}
			j, got := replay(t, dir, 0)
			if !slices.Equal(got, want) {
				t.Fatalf("cut at %d: replayed %q, want %q", cut, got, want)
			}
			keep(t, j, "later")
			if _, got := replay(t, dir, 0); !slices.Equal(got, append(want, "later")) {
				t.Fatalf("cut at %d and gone on: replayed %q", cut, got)
			}
		}
	}
}

func TestAnotherFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, prefix+"00000000000000000001"), []byte("test 9\nxxxxxxxx"), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := Open(dir, "test 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Replay(0, func([]byte) error { return nil }); err == nil || !strings.Contains(err.Error(), "test 9") {
		t.Errorf("the error is %v", err)
	}
}

func TestOlderFormatsAreRead(t *testing.T) {
	dir := t.TempDir()
	before, err := Open(dir, "test 1.9, of before")
	if err != nil {
		t.Fatal(err)
	}
	keep(t, before, "one", "two")
	for range 2 {
		j, err := Open(dir, "test 2", "test 0", "test 1.9, of before")
		if err != nil {
			t.Fatal(err)
		}
		var records []string
		if err := j.Replay(0, func(record []byte) error {
			records = append(records, string(record))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"one", "two", "three"}; !slices.Equal(records, want[:len(records)]) || len(records) < 2 {
			t.Errorf("read %q", records)
		}
		keep(t, j, "three")
	}
}

// TestFullDisk lets the next segment be on a device that is full: what is refused leaves nothing, and it goes on when there is
// room.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	j, _ := replay(t, dir, 0)
	keep(t, j, "one")
	j, _ = replay(t, dir, 0) // begins a segment with the next commit
	if err := os.Symlink("/dev/full", j.path(segment{first: 2})); err != nil {
		t.Fatal(err)
	}
	if err := refuse(t, j, "two"); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the error is %v", err)
	}
	keep(t, j, "three")
	if _, got := replay(t, dir, 0); !slices.Equal(got, []string{"one", "three"}) {
		t.Errorf("replayed %q", got)
	}
}

// TestFailedWrite lets a write fail in the middle of a segment.
func TestFailedWrite(t *testing.T) {
	dir := t.TempDir()
	j, _ := replay(t, dir, 0)
	keep(t, j, "one")
	if err := j.file.Close(); err != nil { // every write fails from now on
		t.Fatal(err)
	}
	if err := refuse(t, j, "two"); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("the error is %v", err)
	}
	keep(t, j, "three")
	if _, got := replay(t, dir, 0); !slices.Equal(got, []string{"one", "three"}) {
		t.Errorf("replayed %q", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	j, _ := replay(t, dir, 0)
	var all sync.WaitGroup
	const senders, each = 16, 200
	var effects []uint64
	for sender := range senders {
		all.Go(func() {
			for n := range each {
				if err := j.Write(fmt.Appendf(nil, "%d %d", sender, n), func(number uint64) { effects = append(effects, number) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if len(effects) != senders*each || !slices.IsSorted(effects) {
		t.Errorf("%d effects, in order: %v; want %d", len(effects), slices.IsSorted(effects), senders*each)
	}
	_, got := replay(t, dir, 0)
	if len(got) != senders*each {
		t.Fatalf("%d records are replayed, want %d", len(got), senders*each)
	}
	next := [senders]int{}
	for _, r := range got {
		var sender, n int
		if _, err := fmt.Sscanf(r, "%d %d", &sender, &n); err != nil {
			t.Fatal(err)
		}
		if n != next[sender] {
			t.Fatalf("record %d of sender %d comes after %d", n, sender, next[sender]-1)
		}
		next[sender]++
	}
}

func TestSegments(t *testing.T) {
	dir := t.TempDir()
	j, _ := replay(t, dir, 0)
	big := strings.Repeat("x", segmentBytes/2)
	for range 5 {
		keep(t, j, big)
	}
	if len(j.segments) != 3 || j.Bytes() < 5*segmentBytes/2 {
		t.Errorf("there are %d segments of %d bytes, want 3", len(j.segments), j.Bytes())
	}
	if err := j.Forget(3); err != nil {
		t.Fatal(err)
	}
	if _, got := replay(t, dir, 3); len(got) != 2 {
		t.Errorf("%d records are replayed, want the last two", len(got))
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkWrite measures records of 200 bytes from 64 senders, each of which waits for its own.
func BenchmarkWrite(b *testing.B) {
	j, err := Open(b.TempDir(), "test 1")
	if err != nil {
		b.Fatal(err)
	}
	record := make([]byte, 200)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := j.Write(record, func(uint64) {}); err != nil {
				b.Error(err)
			}
		}
	})
}
