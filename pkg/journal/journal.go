// Package journal makes records durable and then lets them take effect, both in the order in which they come.
//
// Records that come while others are being written are written together, with one fsync, so that many senders share its cost.
// A record either is on disk and takes effect, or does neither, and its sender is told.
//
// The segments in the directory are files that begin with their format and continue with frames: the length of the record and
// its CRC-32C, 4 bytes each, little-endian, and the record. A segment is named by the number of its first record. What follows
// a broken frame never took effect, and neither did a record that a later segment has again.
package journal

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// segmentBytes is how long a segment is before the next one begins.
	segmentBytes = 64 << 20
	frameBytes   = 8
	// maxRecord is the longest record in bytes, far above what a request may hold.
	maxRecord = 256 << 20
	// gather is how long a commit waits for more records, so that a busy journal spends its time on records and not on fsync.
	// Databases know it as group commit delay. A program on one core needs it most: nobody runs while it waits in fsync, so that else
	// each sender would commit alone.
	gather = 10 * time.Millisecond
	// probe is how often a commit gathers where the last ones had one record each: each so many-th one.
	probe  = 16
	prefix = "journal-"
)

// maxFormat is how many bytes of the begin of a file are told that is of another format.
const maxFormat = 100

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Journal is a directory of records, numbered from 1. Its methods may be called by several goroutines, but Replay only before
// the first Write.
type Journal struct {
	// Synced is told how long each write to the disk took; it may be nil, and set before the first Write.
	Synced func(time.Duration)

	dir     string
	format  string    // begins every segment that is written
	formats []string  // and those that are read
	records sync.Pool // of *record, so that a Write takes no memory of its own

	mu         sync.Mutex
	frames     []byte    // of the records that wait to be written
	waiting    []*record // likewise
	spare      []byte    // memory for the next frames
	last       uint64    // number of the last record that is on disk
	committing bool
	segments   []segment // in order

	// Only the one who commits uses them.
	file  *os.File // the last segment, nil if the next commit must begin one
	size  int64    // bytes of it that are on disk
	alone int      // number of commits since one had more than one record
}

// record is on its way to the disk. Its sender waits for what becomes of it: it is written, or it is the first of those that wait, and
// its sender must write them.
type record struct {
	effect func(number uint64)
	became chan became
	err    error
}

type became uint8

const (
	written became = iota
	first
)

type segment struct {
	first uint64 // number of its first record
	bytes int64
}

// Open opens the journal in a directory, which is made if it is missing. The format, a short text, says what the records mean;
// a journal of another one is refused by Replay, unless it is one of the older ones, which can be read.
func Open(dir, format string, older ...string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the journal's directory: %w", err)
	}
	j := &Journal{dir: dir, format: format + "\n", records: sync.Pool{New: func() any { return &record{became: make(chan became, 1)} }}}
	for _, one := range append(older, format) {
		j.formats = append(j.formats, one+"\n")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the journal's directory: %w", err)
	}
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok {
			continue
		}
		first, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the journal has a file of another form, %s: %w", e.Name(), err)
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("read the journal's directory: %w", err)
		}
		j.segments = append(j.segments, segment{first, info.Size()})
	}
	slices.SortFunc(j.segments, func(a, b segment) int { return cmp.Compare(a.first, b.first) })
	return j, nil
}

// Replay hands all records after the given number to take, in order, and stops with its first error. The records are valid only
// until take returns.
func (j *Journal) Replay(after uint64, take func(record []byte) error) error {
	number := after
	for i, s := range j.segments {
		end := uint64(0) // the number of the record that the next segment begins with
		if i+1 < len(j.segments) {
			end = j.segments[i+1].first
		}
		if end > 0 && end <= after+1 {
			continue
		}
		if s.first > number+1 {
			return fmt.Errorf("the journal lacks the records %d to %d", number+1, s.first-1)
		}
		if err := j.read(s, end, func(n uint64, record []byte) error {
			if n <= number {
				return nil
			}
			number = n
			return take(record)
		}); err != nil {
			return fmt.Errorf("%s: %w", j.path(s), err)
		}
	}
	j.last = number
	return nil
}

// read hands the records of a segment to take, up to one that is broken or has the number end.
func (j *Journal) read(s segment, end uint64, take func(number uint64, record []byte) error) error {
	file, err := os.Open(j.path(s))
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 1<<20)
	line, err := r.ReadSlice('\n')
	if begin := string(line[:min(len(line), maxFormat)]); !slices.Contains(j.formats, begin) {
		if errors.Is(err, io.EOF) && slices.ContainsFunc(j.formats, func(format string) bool { return strings.HasPrefix(format, begin) }) {
			return nil // it was never finished
		}
		return fmt.Errorf("it begins with %q; this program reads %q", begin, j.formats)
	}
	var record []byte
	for number := s.first; number != end; number++ {
		var frame [frameBytes]byte
		if _, err := io.ReadFull(r, frame[:]); err != nil {
			return endOfRecords(err)
		}
		length := binary.LittleEndian.Uint32(frame[:])
		if length == 0 || length > maxRecord {
			return nil // a file system that lost power may leave zeros
		}
		record = slices.Grow(record[:0], int(length))[:length]
		if _, err := io.ReadFull(r, record); err != nil {
			return endOfRecords(err)
		}
		if crc32.Checksum(record, castagnoli) != binary.LittleEndian.Uint32(frame[4:]) {
			return nil
		}
		if err := take(number, record); err != nil {
			return err
		}
	}
	return nil
}

// endOfRecords returns nil for the end of a file, also within a frame.
func endOfRecords(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("read: %w", err)
}

func (j *Journal) path(s segment) string {
	return filepath.Join(j.dir, fmt.Sprintf("%s%020d", prefix, s.first))
}

// Write returns when the record, which must not be empty, is on disk and effect was called with its number. Effects are called
// one after the other, in the order of the records, so they should be quick. With an error there is neither record nor effect.
func (j *Journal) Write(data []byte, effect func(number uint64)) error {
	own := j.records.Get().(*record)
	own.effect = effect
	j.mu.Lock()
	j.frames = binary.LittleEndian.AppendUint32(j.frames, uint32(len(data)))
	j.frames = binary.LittleEndian.AppendUint32(j.frames, crc32.Checksum(data, castagnoli))
	j.frames = append(j.frames, data...)
	j.waiting = append(j.waiting, own)
	waits := j.committing
	j.committing = true
	j.mu.Unlock()
	if !waits || <-own.became == first {
		j.commit(own)
	}
	err := own.err
	own.effect, own.err = nil, nil
	j.records.Put(own)
	return err
}

// First returns the number of the first record that is kept, or of the first that will be.
func (j *Journal) First() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segments) == 0 {
		return j.last + 1
	}
	return j.segments[0].first
}

// commit writes what waits, of which the record of the caller is one, and lets it take effect.
func (j *Journal) commit(own *record) {
	if j.alone%probe == 0 {
		time.Sleep(gather)
	}
	j.mu.Lock()
	frames, records, number := j.frames, j.waiting, j.last+1
	j.frames, j.spare, j.waiting = j.spare[:0], nil, nil
	j.mu.Unlock()
	begin := time.Now()
	started, err := j.write(frames, number)
	if j.Synced != nil {
		j.Synced(time.Since(begin))
	}
	if err == nil {
		for i, r := range records {
			r.effect(number + uint64(i))
		}
	}
	if j.alone++; len(records) > 1 {
		j.alone = 0
	}
	j.mu.Lock()
	j.spare = frames
	if n := len(j.segments); started && (n == 0 || j.segments[n-1].first != number) {
		j.segments = append(j.segments, segment{first: number})
	}
	if err == nil {
		j.last += uint64(len(records))
		j.segments[len(j.segments)-1].bytes = j.size
	}
	var next *record
	if j.committing = len(j.waiting) > 0; j.committing {
		next = j.waiting[0]
	}
	j.mu.Unlock()
	for _, r := range records {
		if r.err = err; r != own {
			r.became <- written
		}
	}
	if next != nil {
		next.became <- first
	}
}

// write appends frames to the last segment, or to a new one, and returns whether it is a new one. After an error nobody knows
// what is on disk, also if a later fsync succeeds: so the segment is cut back and given up.
func (j *Journal) write(frames []byte, first uint64) (started bool, err error) {
	if j.file != nil && j.size >= segmentBytes {
		err = j.file.Close()
		j.file = nil
		if err != nil {
			return false, fmt.Errorf("close the journal's segment: %w", err)
		}
	}
	if j.file == nil {
		if err := j.begin(first); err != nil {
			return false, err
		}
		started = true
	}
	_, err = j.file.Write(frames)
	if err == nil {
		err = j.file.Sync()
	}
	if err == nil {
		j.size += int64(len(frames))
		return started, nil
	}
	err = fmt.Errorf("write the journal: %w", err)
	path := j.file.Name()
	err = errors.Join(err, j.file.Truncate(j.size), j.file.Close())
	j.file = nil
	if started {
		err = errors.Join(err, os.Remove(path))
	}
	return false, err
}

// begin begins a segment. One of that name was given up before anything in it was acknowledged.
func (j *Journal) begin(first uint64) error {
	file, err := os.OpenFile(j.path(segment{first: first}), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("begin the journal's next segment: %w", err)
	}
	if _, err = file.WriteString(j.format); err == nil {
		err = SyncDir(j.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("begin the journal's next segment: %w", err), file.Close(), os.Remove(file.Name()))
	}
	j.file, j.size = file, int64(len(j.format))
	return nil
}

// Forget removes the segments all of whose records have a number up to the given one.
func (j *Journal) Forget(number uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.segments) > 1 && j.segments[1].first <= number+1 {
		if err := os.Remove(j.path(j.segments[0])); err != nil {
			return fmt.Errorf("remove the journal's old segment: %w", err)
		}
		j.segments = j.segments[1:]
	}
	return nil
}

// Bytes returns how long all segments together are.
func (j *Journal) Bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	var sum int64
	for _, s := range j.segments {
		sum += s.bytes
	}
	return sum
}

// Close closes the journal. Nothing may be written any more.
func (j *Journal) Close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
