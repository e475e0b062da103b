package importer

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

const (
	// chunkBytes is about how much goes with one request: with a header not more than 4 MiB, up to where the collector's buffers grow before
	// they are four times as large.
	chunkBytes = 4<<20 - 16<<10
	// maxLineBytes is the longest line; a longer one is no access log.
	maxLineBytes = 1 << 20
)

// source is the content of a log.
type source struct {
	*bufio.Reader
	name    string
	close   []func() error
	growing bool        // a server may still write it
	rest    []byte      // begin of the line that did not fit into the last chunk
	free    chan []byte // memory of chunks that nobody needs any more
	// pieceBytes is how much next returns, but for the line that does not fit and the longest one.
	pieceBytes int
}

// counting tells how much is read.
type counting struct {
	io.Reader
	progress func(n int)
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.progress(n)
	return n, err
}

// ErrArchive means that a file has other files in it.
var ErrArchive = errors.New("is an archive: unpack it and import the logs in it")

// ReadError means that a file cannot be read, or not to its end.
type ReadError struct{ err error }

func (e *ReadError) Error() string { return "read log: " + e.err.Error() }

// Unwrap returns the cause.
func (e *ReadError) Unwrap() error { return e.err }

// unusable reports whether an error is that of one file, which its import says, and no reason to leave out others.
func unusable(err error) bool {
	return errors.Is(err, ErrArchive) || errors.As(err, new(*ReadError))
}

// readOnce reports whether a file can be read only once: the standard input, pipes (/dev/stdin, /dev/fd/63) and the like. What is looked
// at before it is imported would be lost.
func readOnce(name string) bool {
	if name == Stdin {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// open opens a log by its first bytes, whatever its name is.
func open(name string, progress func(n int)) (*source, error) {
	s := &source{name: name, growing: !readOnce(name), free: make(chan []byte, inFlight), pieceBytes: chunkBytes}
	var from io.Reader = os.Stdin
	if name != Stdin {
		file, err := os.Open(name)
		if err != nil {
			return nil, &ReadError{err}
		}
		s.close = append(s.close, file.Close)
		from = file
	}
	s.Reader = bufio.NewReaderSize(counting{from, progress}, maxHead)
	if err := s.unpack(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), s.Close())
	}
	return s, nil
}

// unpack puts a decompressor in front of a content that is compressed.
func (s *source) unpack() error {
	magic, err := s.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return &ReadError{err}
	}
	begins := func(with string) bool { return bytes.HasPrefix(magic, []byte(with)) }
	var unpacked io.Reader
	switch {
	case begins("\x1f\x8b"):
		z, err := gzip.NewReader(s.Reader)
		if err != nil {
			return &ReadError{err}
		}
		s.close = append(s.close, z.Close)
		unpacked = z
	case begins("BZh"):
		unpacked = bzip2.NewReader(s.Reader)
	case begins("\xfd7zXZ\x00"):
		if unpacked, err = xz.NewReader(s.Reader); err != nil {
			return &ReadError{err}
		}
	case begins("\x28\xb5\x2f\xfd"):
		z, err := zstd.NewReader(s.Reader)
		if err != nil {
			return &ReadError{err}
		}
		s.close = append(s.close, func() error { z.Close(); return nil })
		unpacked = z
	case begins("PK\x03\x04"), begins("7z\xbc\xaf\x27\x1c"), begins("Rar!"):
		return ErrArchive
	default:
		return s.refuseTar()
	}
	s.Reader = bufio.NewReaderSize(unpacked, maxHead)
	s.growing = false
	return s.refuseTar()
}

// refuseTar refuses archives of tar, which say what they are behind the name of their first file.
func (s *source) refuseTar() error {
	const at, mark = 257, "ustar"
	begin, err := s.Peek(at + len(mark))
	if err != nil && !errors.Is(err, io.EOF) {
		return &ReadError{err}
	}
	if len(begin) == at+len(mark) && string(begin[at:]) == mark {
		return ErrArchive
	}
	return nil
}

// Close closes the file.
func (s *source) Close() error {
	var errs []error
	for _, c := range slices.Backward(s.close) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// head returns the begin of the content, without taking it.
func (s *source) head() ([]byte, error) {
	head, err := s.Peek(maxHead)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", s.name, &ReadError{err})
	}
	return head, nil
}

// content is what is read at once.
type content struct {
	chunk []byte
	end   bool
	err   error
}

// readAhead reads while what was read before is on its way, until the end, an error, or until ctx is done: first pieces of the given
// sizes, then chunks.
func (s *source) readAhead(ctx context.Context, sizes []int64) <-chan content {
	pieces := make(chan content)
	go func() {
		defer close(pieces)
		for {
			var p content
			if len(sizes) > 0 {
				p = s.exactly(sizes[0])
				sizes = sizes[1:]
			} else {
				p = s.next()
			}
			select {
			case pieces <- p:
			case <-ctx.Done():
				return
			}
			if p.end || p.err != nil {
				return
			}
		}
	}()
	return pieces
}

// exactly returns a piece of a size. A content that is shorter than it was when it was imported ends before.
func (s *source) exactly(size int64) content {
	chunk := make([]byte, size)
	switch _, err := io.ReadFull(s, chunk); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return content{end: true}
	case err != nil:
		return content{err: &ReadError{err}}
	}
	return content{chunk: chunk}
}

// next returns some whole lines, and at the end what is left. Where they end depends on where they begin and on nothing else, so that who
// reads a log again sends the same pieces.
func (s *source) next() content {
	var chunk []byte
	select {
	case chunk = <-s.free:
	default:
	}
	most := s.pieceBytes + maxLineBytes
	if cap(chunk) < most {
		chunk = make([]byte, 0, most)
	}
	chunk = append(chunk[:0], s.rest...)
	s.rest = s.rest[:0]
	for _, size := range []int{s.pieceBytes, most} {
		n, err := io.ReadFull(s, chunk[len(chunk):max(size, len(chunk))])
		chunk = chunk[:len(chunk)+n]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return content{chunk: chunk, end: true}
		}
		if err != nil {
			return content{err: &ReadError{err}}
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			s.rest = append(s.rest, chunk[i+1:]...)
			return content{chunk: chunk[:i+1]}
		}
	}
	return content{err: &ReadError{fmt.Errorf("a line is longer than %d bytes: this is no access log", maxLineBytes)}}
}
