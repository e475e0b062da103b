package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/streamlens/streamlens/pkg/journal"
)

// backlog is samples that cannot change any more and wait on disk for VictoriaMetrics. Its files hold what a Target takes,
// compressed with S2. Run and the goroutine that saves use it.
type backlog struct {
	dir string

	mu    sync.Mutex
	files []backlogFile
}

type backlogFile struct {
	path  string
	bytes int64
	taken int64 // ms since 1970, 0 if VictoriaMetrics has not taken it
}

const backlogSuffix = ".samples"

// open finds what waits in a directory.
func (b *backlog) open(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of waiting samples: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the directory of waiting samples: %w", err)
	}
	b.dir = dir
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("read the directory of waiting samples: %w", err)
		}
		if path := filepath.Join(dir, e.Name()); strings.HasSuffix(path, backlogSuffix) {
			b.files = append(b.files, backlogFile{path: path, bytes: info.Size()})
		}
	}
	return nil
}

// add keeps samples. They are safe when it returns.
func (b *backlog) add(samples []byte, number uint64) error {
	path := filepath.Join(b.dir, fmt.Sprintf("%020d%s", number, backlogSuffix))
	var compressed bytes.Buffer
	z := s2.NewWriter(&compressed)
	if _, err := z.Write(samples); err != nil {
		return fmt.Errorf("compress waiting samples: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress waiting samples: %w", err)
	}
	if err := writeFile(path, compressed.Bytes()); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files = append(b.files, backlogFile{path: path, bytes: int64(compressed.Len())})
	return nil
}

// next returns the oldest file that VictoriaMetrics has not taken, "" if there is none.
func (b *backlog) next() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.files {
		if f.taken == 0 {
			return f.path
		}
	}
	return ""
}

// read hands the samples of a file to write.
func (b *backlog) read(path string, write func([]byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open waiting samples: %w", err)
	}
	defer file.Close()
	lines := bufio.NewReaderSize(s2.NewReader(file), 1<<16)
	batch := make([]byte, 0, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		batch = append(batch, line...)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read waiting samples: %w", err)
		}
		last := err != nil
		if len(batch) > 0 && (last || len(batch) >= 1<<20-1<<16) {
			if err := write(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		if last {
			return nil
		}
	}
}

// taken notes that VictoriaMetrics has taken a file at now, in ms since 1970.
func (b *backlog) taken(path string, now int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.files {
		if b.files[i].path == path {
			b.files[i].taken = now
		}
	}
}

// again lets the files wait again that were taken after since, in ms since 1970.
func (b *backlog) again(since int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.files {
		if b.files[i].taken > since {
			b.files[i].taken = 0
		}
	}
}

// remove removes the files that were taken before the given time, in ms since 1970.
func (b *backlog) remove(before int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	b.files = slices.DeleteFunc(b.files, func(f backlogFile) bool {
		if f.taken == 0 || f.taken >= before {
			return false
		}
		errs = append(errs, os.Remove(f.path))
		return true
	})
	return errors.Join(errs...)
}

// size returns how many bytes are on disk.
func (b *backlog) size() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var sum int64
	for _, f := range b.files {
		sum += f.bytes
	}
	return sum
}

// writeFile writes a file in one step: after a crash it is there whole, or not at all.
func writeFile(path string, content ...[]byte) error {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	for _, piece := range content {
		if err == nil {
			_, err = file.Write(piece)
		}
	}
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err == nil {
		err = journal.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", filepath.Base(path), err), removeIfThere(file.Name()))
	}
	return nil
}
