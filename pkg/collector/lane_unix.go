//go:build unix

package collector

import (
	"bufio"
	"io"
	"sync"
	"syscall"
)

// waiter is what a laneConnection needs to wait.
type waiter struct {
	raw     syscall.RawConn
	try     func(descriptor uintptr) (read bool)
	readers *sync.Pool // of *bufio.Reader
	reader  *bufio.Reader
	err     error

	trying     bool
	descriptor int // while it tries

	trySend func(descriptor uintptr) (done bool)
	unsent  []byte
}

// receive waits for a request, without holding a buffer until some of it is there, and returns a buffer that has it.
func (c *laneConnection) receive(readers *sync.Pool) (*bufio.Reader, error) {
	if c.raw == nil {
		under, ok := c.Conn.(syscall.Conn)
		if !ok {
			return receiveInto(readers, c)
		}
		var err error
		if c.raw, err = under.SyscallConn(); err != nil {
			return nil, err
		}
		c.try, c.trySend, c.readers = c.tryRead, c.tryWrite, readers
	}
	err := c.raw.Read(c.try)
	reader := c.reader
	c.reader = nil
	if err == nil {
		err = c.err
	}
	if err != nil && reader != nil {
		readers.Put(reader)
	}
	return reader, err
}

// tryRead reads what there is, and returns false if that is nothing yet.
func (c *laneConnection) tryRead(descriptor uintptr) bool {
	reader := c.readers.Get().(*bufio.Reader)
	reader.Reset(c)
	c.trying, c.descriptor = true, int(descriptor)
	_, c.err = reader.Peek(1)
	c.trying = false
	if c.err == syscall.EAGAIN { //nolint:errorlint // it is what Read returned, and there are many
		reader.Reset(nil)
		c.readers.Put(reader)
		return false
	}
	c.reader = reader
	return true
}

// Read reads from the connection; while it is tried, it does not wait.
func (c *laneConnection) Read(b []byte) (int, error) {
	if !c.trying {
		return c.Conn.Read(b)
	}
	for {
		n, err := syscall.Read(c.descriptor, b)
		switch {
		case err == syscall.EINTR: //nolint:errorlint // likewise
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// send writes b. It takes no deadline for what the kernel takes at once, which most answers are.
func (c *laneConnection) send(b []byte) error {
	if c.raw != nil {
		c.unsent = b
		err := c.raw.Write(c.trySend)
		b, c.unsent = c.unsent, nil
		if err != nil || len(b) == 0 {
			return err
		}
	}
	return c.sendSlowly(b)
}

// tryWrite writes what the kernel takes at once. Errors come again when the rest is written.
func (c *laneConnection) tryWrite(descriptor uintptr) bool {
	if n, err := syscall.Write(int(descriptor), c.unsent); err == nil {
		c.unsent = c.unsent[n:]
	}
	return true
}
