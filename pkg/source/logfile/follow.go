// Package logfile follows a log file while a server writes it, through rotation and through restarts of the follower. Who takes
// the lines keeps with them how far the log is read, so that each line counts once, however the follower ends.
package logfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// interval is how often the file is looked at.
	interval = time.Second
	// chunkBytes is the most that is read at once, and the longest line.
	chunkBytes = 1 << 20
	// headBytes is how much of a file's begin identifies it. Logs begin with a time, so no two begin alike.
	headBytes = 1024
	// headerBytes is how much of a file's begin may be a header.
	headerBytes = 16 << 10
	// retry is how soon lines that could not be handed on are handed on again.
	retry = 5 * time.Second
)

// position is how far a file was read. It is kept between restarts.
type position struct {
	Head   int    `json:"head"`   // how many bytes of the file's begin are hashed
	Hash   string `json:"hash"`   // of them, SHA-256, hexadecimal
	Offset int64  `json:"offset"` // bytes that were read
}

// Follower follows one log file.
type Follower struct {
	Path string
	// Restore is the position that Take was given last, "" if it was never called.
	Restore string
	// Take takes some whole lines, and a text that says how far the log is read with them. It must keep both or neither. The
	// first time there are no lines. With an error the same lines come again.
	Take func(ctx context.Context, lines []byte, position string) error
	// Header is shown the first lines of a file in the middle of which the follower goes on: some logs name their columns there. It
	// may be nil.
	Header func(lines []byte)
	Logger *slog.Logger

	begun  bool
	kept   bool // whether Take was ever given a position
	file   *os.File
	at     position
	held   []byte // lines that Take has not taken yet, and the begin of a line behind them
	buffer []byte
}

// Run follows the file until ctx is done. It begins at the position that is restored, also if the file was rotated since and lies
// beside the new one under another name; the first time it begins at the end of the file. It must be called once only.
func (f *Follower) Run(ctx context.Context) {
	defer f.close()
	wait := time.Duration(0)
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		wait = interval
		if err := f.follow(ctx); err != nil && ctx.Err() == nil {
			f.Logger.Error("Following a log failed, it is tried again", "file", f.Path, "error", err)
			wait = retry
		}
	}
}

// follow hands on what is there.
func (f *Follower) follow(ctx context.Context) error {
	if !f.begun {
		if err := f.begin(); err != nil {
			return err
		}
		f.begun = true
	}
	if !f.kept {
		if err := f.take(ctx, nil); err != nil {
			return err
		}
	}
	return f.read(ctx)
}

// begin opens the file in which the position is.
func (f *Follower) begin() error {
	if f.Restore != "" {
		if err := json.Unmarshal([]byte(f.Restore), &f.at); err == nil {
			f.kept = true
			return f.resume()
		}
		f.Logger.Warn("The position in a log cannot be read: what it got while nobody followed is not counted", "file", f.Path)
		f.at = position{}
	}
	rotated, err := f.rotated()
	if err != nil {
		return err
	}
	// Nothing tells an empty file from others; then the position is the end of the one before.
	for _, name := range slices.Backward(append(rotated, f.Path)) {
		if err := f.open(name, 0, io.SeekEnd); err != nil || f.at.Offset > 0 {
			return err
		}
	}
	return nil
}

// resume opens the file in which the position is.
func (f *Follower) resume() error {
	rotated, err := f.rotated()
	if err != nil {
		return err
	}
	files := slices.Concat(rotated, []string{f.Path})
	if f.at.Offset == 0 { // all files were empty then
		return f.open(files[0], 0, io.SeekStart)
	}
	// The newest first: it is mostly the one.
	for _, name := range slices.Backward(files) {
		found, err := f.isAt(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if found {
			return f.open(name, f.at.Offset, io.SeekStart)
		}
	}
	if err := f.open(f.Path, 0, io.SeekStart); err != nil || f.file == nil {
		return err
	}
	f.Logger.Warn("The log was rotated and is gone: what it got while nobody followed is not counted", "file", f.Path)
	return nil
}

// rotated returns the files beside the log whose names begin with its own, the oldest first. Compressed ones are left out.
func (f *Follower) rotated() ([]string, error) {
	names, err := filepath.Glob(f.Path + "?*")
	if err != nil {
		return nil, fmt.Errorf("find rotated logs: %w", err)
	}
	modified := map[string]time.Time{}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && !slices.Contains(compressed, filepath.Ext(name)) {
			modified[name] = info.ModTime()
		}
	}
	return slices.SortedFunc(maps.Keys(modified), func(a, b string) int { return modified[a].Compare(modified[b]) }), nil
}

// compressed are the endings of compressed files.
var compressed = []string{".gz", ".bz2", ".xz", ".zst"}

// isAt reports whether a file is the one of the position.
func (f *Follower) isAt(name string) (bool, error) {
	file, err := os.Open(name)
	if err != nil {
		return false, fmt.Errorf("open log: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() < f.at.Offset {
		return false, err
	}
	hash, err := hashHead(file, f.at.Head)
	return hash == f.at.Hash, err
}

// open goes on with a file, at an offset from its begin, or at its last end of a line if whence is io.SeekEnd. A file that does
// not exist yet is waited for.
func (f *Follower) open(name string, offset int64, whence int) error {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	next := position{Offset: offset}
	if whence == io.SeekEnd {
		if next.Offset, err = lineEnd(file); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if next.Head, next.Hash, err = identify(file, next.Offset); err != nil {
		return errors.Join(err, file.Close())
	}
	if f.Header != nil && next.Offset > 0 {
		header := make([]byte, min(next.Offset, headerBytes))
		if _, err := file.ReadAt(header, 0); err != nil {
			return errors.Join(fmt.Errorf("read log: %w", err), file.Close())
		}
		f.Header(header[:bytes.LastIndexByte(header, '\n')+1])
	}
	f.close()
	f.file, f.at, f.held = file, next, nil
	return nil
}

// lineEnd returns the offset behind the last end of a line.
func lineEnd(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at the log: %w", err)
	}
	from := max(info.Size()-chunkBytes, 0)
	tail := make([]byte, info.Size()-from)
	if _, err := file.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read log: %w", err)
	}
	return from + int64(bytes.LastIndexByte(tail, '\n')+1), nil
}

// read hands on all whole lines that are there, and changes to the newer file when the one that is read was rotated.
func (f *Follower) read(ctx context.Context) error {
	for {
		if f.file == nil {
			if err := f.resume(); err != nil || f.file == nil {
				return err
			}
		}
		// Whether the file was rotated is asked before it is read to its end: what is written in between is read the next time.
		became, err := f.look()
		if err != nil {
			return err
		}
		if became != truncated {
			if err := f.drain(ctx); err != nil {
				return err
			}
		}
		if became == same {
			return nil
		}
		if became == rotated && len(f.held) > 0 {
			f.Logger.Warn("The last line of a rotated log has no end and is left out", "file", f.Path, "bytes", len(f.held))
		}
		if err := f.next(); err != nil {
			return err
		}
	}
}

// next opens the file that was begun after the one that is read. If that was copied and truncated, its rest is in the copy.
func (f *Follower) next() error {
	open, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("look at the log: %w", err)
	}
	rotated, err := f.rotated()
	if err != nil {
		return err
	}
	for i, name := range rotated {
		if named, err := os.Stat(name); err == nil && os.SameFile(open, named) {
			return f.open(append(rotated, f.Path)[i+1], 0, io.SeekStart)
		}
	}
	for _, name := range slices.Backward(rotated) {
		if found, err := f.isAt(name); err == nil && found && f.at.Offset > 0 {
			return f.open(name, f.at.Offset, io.SeekStart)
		}
	}
	if named, err := os.Stat(f.Path); err == nil && os.SameFile(open, named) {
		f.Logger.Warn("The log was truncated, and no copy is beside it that is not compressed: what it got in the moment before is not counted", "file", f.Path)
	}
	return f.open(f.Path, 0, io.SeekStart)
}

// state is what became of the file that is read.
type state uint8

const (
	same      state = iota
	rotated         // the name stands for another file now
	truncated       // it was written anew from its begin, as copytruncate does
)

// look returns what became of the file. One that was truncated may be longer than before by now: then it begins in another way.
func (f *Follower) look() (state, error) {
	open, err := f.file.Stat()
	if err != nil {
		return same, fmt.Errorf("look at the log: %w", err)
	}
	named, err := os.Stat(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return same, nil // the new one is not made yet
	}
	if err != nil {
		return same, fmt.Errorf("look at the log: %w", err)
	}
	switch {
	case !os.SameFile(open, named):
		return rotated, nil
	case named.Size() < f.at.Offset:
		return truncated, nil
	}
	hash, err := hashHead(f.file, f.at.Head)
	if err != nil || hash == f.at.Hash {
		return same, err
	}
	return truncated, nil
}

// drain hands on lines until none is left.
func (f *Follower) drain(ctx context.Context) error {
	if f.buffer == nil {
		f.buffer = make([]byte, chunkBytes)
	}
	for {
		if end := bytes.LastIndexByte(f.held, '\n') + 1; end > 0 {
			if err := f.take(ctx, f.held[:end]); err != nil {
				return err
			}
			f.held = slices.Clone(f.held[end:])
		} else if len(f.held) > chunkBytes {
			f.Logger.Error("A line is too long and left out", "file", f.Path)
			f.at.Offset += int64(len(f.held))
			f.held = nil
		}
		n, err := f.file.ReadAt(f.buffer, f.at.Offset+int64(len(f.held)))
		f.held = append(f.held, f.buffer[:n]...)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read log: %w", err)
		}
		if n == 0 {
			return nil
		}
	}
}

func (f *Follower) close() {
	if f.file == nil {
		return
	}
	if err := f.file.Close(); err != nil {
		f.Logger.Warn("Closing a log failed", "file", f.Path, "error", err)
	}
	f.file = nil
}

// take hands on lines, with the position behind them.
func (f *Follower) take(ctx context.Context, lines []byte) error {
	next := f.at
	next.Offset += int64(len(lines))
	if next.Head < headBytes && len(lines) > 0 {
		var err error
		if next.Head, next.Hash, err = identify(f.file, next.Offset); err != nil {
			return err
		}
	}
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("keep the position in a log: %w", err)
	}
	if err := f.Take(ctx, lines, string(text)); err != nil {
		return err
	}
	f.at, f.kept = next, true
	return nil
}

// identify returns how many bytes of a file's begin identify it, if it is read up to an offset, and their hash.
func identify(file *os.File, offset int64) (head int, hash string, err error) {
	head = int(min(offset, headBytes))
	hash, err = hashHead(file, head)
	return head, hash, err
}

func hashHead(file *os.File, length int) (string, error) {
	head := make([]byte, length)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read log: %w", err)
	}
	sum := sha256.Sum256(head[:n])
	return hex.EncodeToString(sum[:]), nil
}
