package collector

import (
	"context"
	"sync"
	"time"
)

const (
	// rememberedOrder is how many requests are remembered that have counted.
	rememberedOrder = 256
	// maxBehind is for how long a request waits until the one has counted behind which it is to count.
	maxBehind = 10 * time.Second
	// maxWaiting bounds the requests that wait so, whose lines are read and in memory.
	maxWaiting = 16
)

// order lets requests of one sender count one behind the other although several are on their way and are read at the same time. Its zero
// value is ready.
type order struct {
	mu      sync.Mutex
	last    [rememberedOrder]orderKey // that have counted
	next    int                       // index in last
	changed chan struct{}             // is closed when one counts, nil if none waits for that
	waiting int
}

// orderKey tells requests apart by their idempotency keys.
type orderKey struct{ organization, key string }

// note says that a request has counted.
func (o *order) note(k orderKey) {
	if k.key == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last[o.next] = k
	o.next = (o.next + 1) % len(o.last)
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// wait returns true when a request has counted. It returns false if that takes too long, if too many wait already, or when ctx is done.
func (o *order) wait(ctx context.Context, k orderKey) bool {
	ctx, cancel := context.WithTimeout(ctx, maxBehind)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting == maxWaiting {
		return o.has(k)
	}
	o.waiting++
	defer func() { o.waiting-- }()
	for !o.has(k) {
		if o.changed == nil {
			o.changed = make(chan struct{})
		}
		changed := o.changed
		o.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		o.mu.Lock()
		if ctx.Err() != nil {
			return o.has(k)
		}
	}
	return true
}

func (o *order) has(k orderKey) bool {
	for i := range o.last {
		if o.last[i] == k {
			return true
		}
	}
	return false
}
