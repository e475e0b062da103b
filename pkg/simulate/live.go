package simulate

import (
	"container/heap"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// liveWorkers is how many requests are under way at most; many more than cores, because most of them wait.
	liveWorkers = 2000
	liveBilling = time.Minute
	usageFlush  = time.Second
	stopTimeout = 15 * time.Second
	// meanGap is how long the place of a viewer or publisher who has gone stays empty, in the mean.
	meanGap = 2 * time.Second
	// round is how often what is due is looked for.
	round          = 2 * time.Millisecond
	statusInterval = 10 * time.Second
	// lateAfter is how much after its time a step is late.
	lateAfter = time.Second
	// Viewers do not come and go all at once.
	maxComing = 2_000 // a second
	maxGoing  = 5_000 // a second, when the simulation stops
)

// Live keeps about Viewers plays and Publishers broadcasts running in real time until ctx is done, and then stops them
// properly. At most 2,000 viewers begin in a second at first, and at most 5,000 stop in one at the end. It returns an error if the
// collector refuses a request for good.
func Live(ctx context.Context, o Options, logger *slog.Logger) (Summary, error) {
	w, err := newWorld(o)
	if err != nil {
		return Summary{}, err
	}
	l := newLive(w, logger)
	defer l.client.close()
	err = l.run(ctx)
	summary := l.client.summary()
	summary.Late = l.late.Load()
	return summary, err
}

// live is a running simulation. A session belongs either to its queue or to the worker that steps it.
type live struct {
	world  *world
	client *client
	pace   pace
	late   atomic.Int64

	mu         sync.Mutex
	chance     *rand.Rand
	queue      queue
	plays      uint64 // so many were drawn
	broadcasts uint64 // likewise
	busy       int    // sessions at workers
	running    int    // sessions that have begun and are not over
	stopping   bool
}

func newLive(w *world, logger *slog.Logger) *live {
	return &live{
		world:  w,
		client: newClient(w.options, liveWorkers, logger),
		pace:   pace{w.options.Interval, liveBilling},
		chance: rand.New(w.source(setting, 1)),
	}
}

func (l *live) run(ctx context.Context) error {
	// Work outlives ctx, so that sessions are stopped properly.
	sendCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	group, workCtx := errgroup.WithContext(sendCtx)
	due := make(chan *session, liveWorkers)
	for range liveWorkers {
		group.Go(func() error {
			for s := range due {
				if err := l.step(workCtx, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	every := func(interval time.Duration, do func() error) func() error {
		return func() error {
			ticker := time.NewTicker(interval)
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					if err := do(); err != nil {
						return err
					}
				case <-ctx.Done():
					return nil
				case <-workCtx.Done():
					return nil
				}
			}
		}
	}
	group.Go(every(usageFlush, func() error { return l.client.flushUsage(workCtx) }))
	if l.world.options.Status != nil {
		group.Go(every(statusInterval, l.reporter()))
	}
	if l.world.options.SilentViewers > 0 {
		logged := time.Now()
		group.Go(every(segment, func() error {
			from := logged
			logged = time.Now()
			return l.world.log(workCtx, l.client, from, logged)
		}))
	}
	l.fill(time.Now())
	l.dispatch(ctx, workCtx, cancel, due)
	close(due)
	if err := group.Wait(); err != nil {
		return err
	}
	return l.client.flushUsage(sendCtx)
}

// reporter returns what tells the status.
func (l *live) reporter() func() error {
	at, batches, answered := time.Now(), int64(0), latencyCounts{}
	return func() error {
		before := at
		at = time.Now()
		counts := l.client.answered.take()
		sum := l.client.summary()
		l.mu.Lock()
		running := l.running
		l.mu.Unlock()
		l.world.options.Status(Status{
			Live: running, BatchesPerSecond: float64(sum.Batches-batches) / at.Sub(before).Seconds(), Latency: counts.since(answered).percentiles(),
			Refused: sum.Refused, Repeated: sum.Repeated, Late: l.late.Load(),
		})
		batches, answered = sum.Batches, counts
		return nil
	}
}

// fill begins all sessions, viewers spread over the first interval, or longer, so that their reports do not come all at once.
func (l *live) fill(now time.Time) {
	o := l.world.options
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range o.Publishers {
		l.addBroadcast(&l.world.streams[i], now)
	}
	spread := max(o.Interval, time.Duration(o.Viewers)*time.Second/maxComing)
	for i := range o.Viewers {
		l.addPlay(now.Add(spread * time.Duration(i) / time.Duration(o.Viewers)))
	}
}

// dispatch hands sessions whose step is due to the workers. It returns when ctx is done and all sessions are over, or when
// a worker has failed.
func (l *live) dispatch(ctx, workCtx context.Context, cancel func(), due chan<- *session) {
	ticker := time.NewTicker(round)
	defer ticker.Stop()
	ended := ctx.Done()
	for {
		select {
		case <-ticker.C:
		case <-ended:
			ended = nil
			timeout := stopTimeout + 2*l.stop(time.Now())
			defer time.AfterFunc(timeout, cancel).Stop()
		case <-workCtx.Done():
			return
		}
		now := time.Now().UnixMilli()
		for {
			s, over := l.take(now)
			if over {
				return
			}
			if s == nil {
				break
			}
			select {
			case due <- s:
			case <-workCtx.Done():
				return
			}
		}
	}
}

// take returns a session that is due, or nil, and whether the simulation is over.
func (l *live) take(now int64) (s *session, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 || l.queue[0].due > now {
		return nil, l.stopping && l.busy == 0 && len(l.queue) == 0
	}
	l.busy++
	return heap.Pop(&l.queue).(*session), false
}

// stop lets sessions that have begun have their stop next, and returns over how long a time.
func (l *live) stop(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
	waiting := l.queue
	l.queue = nil
	for _, s := range waiting {
		if s.begun {
			s.stop(now.Add(time.Duration(len(l.queue)) * time.Second / maxGoing).UnixMilli())
			heap.Push(&l.queue, s)
		}
	}
	return time.Duration(len(l.queue)) * time.Second / maxGoing
}

// step steps a session, sends what it says, and lets it go on.
func (l *live) step(ctx context.Context, s *session) error {
	if time.Now().UnixMilli()-s.due > lateAfter.Milliseconds() {
		l.late.Add(1)
	}
	first := !s.begun
	events, lines := s.step()
	if err := l.client.sendEvents(ctx, l.world, s, events); err != nil {
		return err
	}
	if err := l.client.addUsage(ctx, lines); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	if first {
		l.running++
	}
	if s.over {
		l.running--
	}
	l.goOn(s)
	return nil
}

// goOn queues a session for its next step, or another in its place when it is over. When the simulation stops, sessions
// that have begun have their stop next.
func (l *live) goOn(s *session) {
	switch {
	case l.stopping && s.over:
	case l.stopping:
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
