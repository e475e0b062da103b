package simulate

import (
	"container/heap"
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// liveWorkers is how many requests are under way at most; many more than cores, because most of them wait.
	liveWorkers = 64
	liveBilling = time.Minute
	usageFlush  = time.Second
	stopTimeout = 15 * time.Second
	// meanGap is how long the place of a viewer or publisher who has gone stays empty, in the mean.
	meanGap = 2 * time.Second
)

// Live keeps about Viewers plays and Publishers broadcasts running in real time until ctx is done, and then stops them
// properly. It returns an error if the collector refuses a request for good.
func Live(ctx context.Context, o Options, logger *slog.Logger) (Summary, error) {
	w, err := newWorld(o, logger)
	if err != nil {
		return Summary{}, err
	}
	l := &live{
		world:  w,
		client: newClient(w.options, liveWorkers, logger),
		pace:   pace{w.options.Interval, liveBilling},
		chance: rand.New(w.source(setting, 1)),
	}
	defer l.client.close()
	err = l.run(ctx)
	return l.client.summary(), err
}

// live is a running simulation. A session belongs either to its queue or to the worker that steps it.
type live struct {
	world      *world
	client     *client
	pace       pace
	chance     *rand.Rand
	queue      queue
	plays      uint64 // so many were drawn
	broadcasts uint64 // likewise
}

func (l *live) run(ctx context.Context) error {
	// Work outlives ctx, so that sessions are stopped properly.
	sendCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	group, workCtx := errgroup.WithContext(sendCtx)
	work, stepped := make(chan *session), make(chan *session, liveWorkers)
	for range liveWorkers {
		group.Go(func() error {
			for s := range work {
				if err := l.step(workCtx, s); err != nil {
					return err
				}
				stepped <- s
			}
			return nil
		})
	}
	group.Go(func() error {
		ticker := time.NewTicker(usageFlush)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if err := l.client.flushUsage(workCtx); err != nil {
					return err
				}
			case <-ctx.Done():
				return nil
			case <-workCtx.Done():
				return nil
			}
		}
	})
	l.fill(time.Now())
	l.dispatch(ctx, workCtx, cancel, work, stepped)
	close(work)
	if err := group.Wait(); err != nil {
		return err
	}
	return l.client.flushUsage(sendCtx)
}

// fill begins all sessions, viewers spread over the first interval so that their reports do not come all at once.
func (l *live) fill(now time.Time) {
	o := l.world.options
	for i := range o.Publishers {
		l.addBroadcast(&l.world.streams[i], now)
	}
	for i := range o.Viewers {
		l.addPlay(now.Add(o.Interval * time.Duration(i) / time.Duration(o.Viewers)))
	}
}

// dispatch hands sessions whose step is due to the workers. It returns when ctx is done and all sessions are over, or when
// a worker has failed.
func (l *live) dispatch(ctx, workCtx context.Context, cancel func(), work chan<- *session, stepped <-chan *session) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	ended, stopping, busy := ctx.Done(), false, 0
	for !stopping || busy > 0 || len(l.queue) > 0 {
		var ready chan<- *session
		var next *session
		if len(l.queue) > 0 {
			next = l.queue[0]
			if wait := time.Until(time.UnixMilli(next.due)); wait > 0 {
				timer.Reset(wait)
			} else {
				ready = work
			}
		}
		select {
		case ready <- next:
			heap.Pop(&l.queue)
			busy++
		case s := <-stepped:
			busy--
			l.goOn(s, stopping)
		case <-timer.C:
		case <-ended:
			ended, stopping = nil, true
			defer time.AfterFunc(stopTimeout, cancel).Stop()
			waiting := l.queue
			l.queue = nil
			for _, s := range waiting {
				l.goOn(s, stopping)
			}
		case <-workCtx.Done():
			return
		}
	}
}

// step steps a session and sends what it says.
func (l *live) step(ctx context.Context, s *session) error {
	events, lines := s.step()
	if err := l.client.sendEvents(ctx, l.world, s, events); err != nil {
		return err
	}
	return l.client.addUsage(ctx, lines)
}

// goOn queues a session for its next step, or another in its place when it is over. When the simulation stops, sessions
// that have begun have their stop next.
func (l *live) goOn(s *session, stopping bool) {
	switch {
	case stopping && (s.over || !s.begun):
	case stopping:
		s.stop(time.Now().UnixMilli())
		heap.Push(&l.queue, s)
	case !s.over:
		heap.Push(&l.queue, s)
	default:
		at := time.Now().Add(time.Duration(l.chance.ExpFloat64() * float64(meanGap)))
		if s.broadcast() {
			l.addBroadcast(s.stream, at)
		} else {
			l.addPlay(at)
		}
	}
}

func (l *live) addPlay(at time.Time) {
	var s *session
	for s == nil {
		l.plays++
		s = l.world.newPlay(livePlay, l.plays, at, l.pace)
	}
	heap.Push(&l.queue, s)
}

func (l *live) addBroadcast(onto *stream, at time.Time) {
	l.broadcasts++
	heap.Push(&l.queue, l.world.newBroadcast(liveBroadcast, l.broadcasts, onto, at, l.pace))
}

// queue is a heap of sessions by the time of their next step.
type queue []*session

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(s any)        { *q = append(*q, s.(*session)) }
func (q *queue) Pop() any {
	old := *q
	last := len(old) - 1
	s := old[last]
	old[last] = nil
	*q = old[:last]
	return s
}
