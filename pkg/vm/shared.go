package vm

import (
	"context"
	"sync"
	"time"
)

const (
	// sharedFor is how long after it was asked a question is not asked again: the panels of one dashboard, which a browser asks for a
	// few at a time, ask within it. What is new shows so much later, so it must be short: late data changes minutes of any age,
	// so that no answer stays right for longer.
	sharedFor = time.Second
	// maxShared is how long the text of an answer may be, in bytes, to be kept when all who wait for it have it.
	maxShared = 256 << 10
)

// Shared asks through a client what several ask at the same time, or within a second, once. The client has one organisation, and
// so have all who share. It may be used by several goroutines at once.
type Shared struct {
	client  *Client
	mu      sync.Mutex
	flights map[flightKey]*flight
}

// flightKey is all of a Question that decides its answer.
type flightKey struct {
	query, filters string
	start, end     int64
	step           time.Duration
}

// flight is a question that is on its way, or whose answer came shortly ago.
type flight struct {
	begun   time.Time
	cancel  context.CancelFunc
	waiting int           // how many wait for the answer
	done    chan struct{} // closed when there is an answer or an error
	answer  Answer
	err     error
}

// NewShared returns a Shared of a client that nobody else need use.
func NewShared(client *Client) *Shared {
	return &Shared{client: client, flights: map[flightKey]*flight{}}
}

// Query asks for the value of an expression at one time.
func (s *Shared) Query(ctx context.Context, query string, at time.Time, filters Filters) ([]Series, error) {
	answer, err := s.Ask(ctx, Question{Query: query, Filters: filters, Start: at})
	return answer.Series, err
}

// Ask asks for the values of an expression. The question is cancelled when all who asked it have gone.
func (s *Shared) Ask(ctx context.Context, q Question) (Answer, error) {
	key := flightKey{q.Query, q.Filters.String(), q.Start.UnixMilli(), 0, q.Step}
	if q.Step != 0 {
		key.end = q.End.UnixMilli()
	}
	f := s.join(ctx, key, q)
	select {
	case <-f.done:
		return f.answer, f.err
	case <-ctx.Done():
		s.leave(key, f)
		return Answer{}, &UnreachableError{ctx.Err()}
	}
}

// join returns the flight of a question, and begins it if there is none that is fresh.
func (s *Shared) join(ctx context.Context, key flightKey, q Question) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flights[key]; f != nil && time.Since(f.begun) < sharedFor {
		f.waiting++
		return f
	}
	// It goes on without the one who asked first.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{begun: time.Now(), cancel: cancel, waiting: 1, done: make(chan struct{})}
	s.flights[key] = f
	go func() {
		defer cancel()
		f.answer, f.err = s.client.Ask(ctx, q)
		if f.err != nil || f.answer.bytes > maxShared {
			s.forget(key, f)
		} else {
			time.AfterFunc(sharedFor-time.Since(f.begun), func() { s.forget(key, f) })
		}
		close(f.done)
	}()
	return f
}

// leave takes one who waits off a flight, and ends it if that was the last.
func (s *Shared) leave(key flightKey, f *flight) {
	s.mu.Lock()
	f.waiting--
	last := f.waiting == 0
	s.mu.Unlock()
	if last {
		s.forget(key, f)
		f.cancel()
	}
}

// forget lets nobody join the flight any more.
func (s *Shared) forget(key flightKey, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[key] == f {
		delete(s.flights, key)
	}
}
