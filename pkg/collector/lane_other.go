//go:build !unix

package collector

import (
	"bufio"
	"sync"
)

// waiter is what a laneConnection needs to wait.
type waiter struct{}

// receive waits for a request, and returns a buffer that has what has come of it. Here it holds one while it waits.
func (c *laneConnection) receive(readers *sync.Pool) (*bufio.Reader, error) {
	return receiveInto(readers, c)
}

// send writes b.
func (c *laneConnection) send(b []byte) error { return c.sendSlowly(b) }
