// Package logfile follows a log file while a server writes it, through rotation and through restarts of the follower, so that
// each line is read once.
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
	// State is the file in which the position is kept.
	State string
	// Take takes some whole lines. With an error the same lines come again.
	Take   func(ctx context.Context, lines []byte) error
	Logger *slog.Logger

	file   *os.File
	at     position
	newer  []string // rotated files that follow the one that is read, the oldest first
	held   []byte   // lines that Take has not taken yet, and the begin of a line behind them
	buffer []byte
}

// Run follows the file until ctx is done. It begins where it ended the last time, also if the file was rotated since and lies
// beside the new one under another name; the first time it begins at the end of the file.
func (f *Follower) Run(ctx context.Context) error {
	known, err := f.restore()
	if err != nil {
		return err
	}
	defer f.close()
	if err := f.begin(known); err != nil {
		return err
	}
	wait := time.Duration(0)
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		wait = interval
		if err := f.read(ctx); err != nil {
			f.Logger.Error("Following a log failed, it is tried again", "file", f.Path, "error", err)
			wait = retry
		}
	}
}

// begin opens the file in which the position is.
func (f *Follower) begin(known bool) error {
	if !known {
		if err := f.open(f.Path, io.SeekEnd); err != nil || f.file == nil {
			return err
		}
		return f.save()
	}
	rotated, err := f.rotated()
	if err != nil {
		return err
	}
	// The newest first: it is mostly the one.
	for i, name := range slices.Backward(append(rotated, f.Path)) {
		found, err := f.isAt(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if found {
			f.newer = rotated[min(i+1, len(rotated)):]
			return f.open(name, io.SeekStart)
		}
	}
	f.Logger.Warn("The log was rotated and is gone: what it got while nobody followed is not counted", "file", f.Path)
	f.at = position{}
	return f.open(f.Path, io.SeekStart)
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

// open opens a file at the position, or at its end if whence is io.SeekEnd. A file that does not exist yet is waited for.
func (f *Follower) open(name string, whence int) error {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	offset := f.at.Offset
	if whence == io.SeekEnd {
		offset = 0
	}
	if offset, err = file.Seek(offset, whence); err != nil {
		return errors.Join(fmt.Errorf("find the position in the log: %w", err), file.Close())
	}
	if whence == io.SeekEnd {
		if offset, err = lineEnd(file, offset); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	f.file, f.at.Offset = file, offset
	return nil
}

// lineEnd moves a file's position from the offset back behind the last end of a line.
func lineEnd(file *os.File, offset int64) (int64, error) {
	from := max(offset-chunkBytes, 0)
	tail := make([]byte, offset-from)
	if _, err := file.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read log: %w", err)
	}
	return file.Seek(from+int64(bytes.LastIndexByte(tail, '\n')+1), io.SeekStart)
}

// read hands on all whole lines that are there, and changes to the new file when the old one was rotated.
func (f *Follower) read(ctx context.Context) error {
	for {
		if f.file == nil {
			next := f.Path
			if len(f.newer) > 0 {
				next, f.newer = f.newer[0], f.newer[1:]
			}
			if err := f.open(next, io.SeekStart); err != nil || f.file == nil {
				return err
			}
		}
		// Whether the file was rotated is asked before it is read to its end: what is written in between is read the next time.
		rotated, err := f.isRotated()
		if err != nil {
			return err
		}
		if err := f.drain(ctx); err != nil {
			return err
		}
		if !rotated {
			return nil
		}
		if len(f.held) > 0 {
			f.Logger.Warn("The last line of a rotated log has no end and is left out", "file", f.Path, "bytes", len(f.held))
		}
		f.close()
		f.at, f.held = position{}, nil
	}
}

// isRotated reports whether the name stands for another file now. A file that is truncated and written from the begin, as
// copytruncate does, counts as another one.
func (f *Follower) isRotated() (bool, error) {
	open, err := f.file.Stat()
	if err != nil {
		return false, fmt.Errorf("look at the log: %w", err)
	}
	named, err := os.Stat(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // the new one is not made yet
	}
	if err != nil {
		return false, fmt.Errorf("look at the log: %w", err)
	}
	return !os.SameFile(open, named) || named.Size() < f.at.Offset, nil
}

// drain hands on lines until none is left.
func (f *Follower) drain(ctx context.Context) error {
	if f.buffer == nil {
		f.buffer = make([]byte, chunkBytes)
	}
	for {
		if end := bytes.LastIndexByte(f.held, '\n') + 1; end > 0 {
			if err := f.Take(ctx, f.held[:end]); err != nil {
				return err
			}
			f.at.Offset += int64(end)
			f.held = slices.Clone(f.held[end:])
			if err := f.save(); err != nil {
				return err
			}
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

// restore reads the position, and reports whether there is one.
func (f *Follower) restore() (bool, error) {
	content, err := os.ReadFile(f.State)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the position in a log: %w", err)
	}
	if err := json.Unmarshal(content, &f.at); err != nil {
		return false, fmt.Errorf("read the position in a log: %s: %w", f.State, err)
	}
	return true, nil
}

// save keeps the position, in one step.
func (f *Follower) save() error {
	if f.at.Head < headBytes {
		f.at.Head = int(min(f.at.Offset, headBytes))
		var err error
		if f.at.Hash, err = hashHead(f.file, f.at.Head); err != nil {
			return err
		}
	}
	content, err := json.Marshal(f.at)
	if err != nil {
		return fmt.Errorf("keep the position in a log: %w", err)
	}
	if err := os.WriteFile(f.State+".new", content, 0o644); err != nil {
		return fmt.Errorf("keep the position in a log: %w", err)
	}
	if err := os.Rename(f.State+".new", f.State); err != nil {
		return fmt.Errorf("keep the position in a log: %w", err)
	}
	return nil
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
