package mediaserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

const (
	// maxPoll is how long a poll may take, unless the interval is shorter.
	maxPoll = 30 * time.Second
	// lastPoll is how long the poll may take that is made when the Poller ends.
	lastPoll = 2 * time.Second
	// minGap is the time between the begins of two polls that hooks ask for, unless the interval is shorter.
	minGap = time.Second
	// maxKept is how much is kept for a sink that refuses it: some 40 MB.
	maxKept = 200_000
	// maxEarly is how many hooks wait for the poll that finds the run of the server that they come from.
	maxEarly = 10_000
)

// Sink takes what a Poller finds out: lines of traffic, what happened to broadcasts, and the position, which says what is counted
// with them and what is not. The sink must keep all of it or nothing, and an error means nothing. The position is no text that can
// be read; it may be a megabyte long if a server has ten thousand connections.
type Sink interface {
	Take(lines []event.Usage, broadcasts []event.Batch, position string) error
}

// Poller polls one server and hands what happens to a sink.
//
// What happens while no Poller runs is found out by the next one, if it is given the position that the sink took last: counters
// go on where they were, and broadcasts that are still on air go on. So a Poller that ends does not end broadcasts. Those that
// nobody polls any more end by their silence. If a clock is set while no Poller runs, nginx-rtmp may look as if it had been
// started anew.
type Poller struct {
	config Config
	server Server
	sink   Sink
	log    *slog.Logger

	wake chan struct{} // asks for a poll soon

	mu     sync.Mutex // guards what follows
	differ *Differ
	early  []Hook // of a run that no poll has seen yet
	status Status

	// Of Run:
	failing  string // what was logged last, "" if the last poll was answered
	slow     bool   // and that was logged
	notice   string // what was logged last
	waiting  Delta  // what the sink refused
	position string // when all that waits counts
	taken    string // position that the sink took last
}

// Status says how polls of a server go.
type Status struct {
	Reason string    // why the last poll failed, one of Reasons; "" if it did not
	Since  time.Time // of the first poll that ended so, zero before the first
	// Answered is when the last poll was made that was answered, zero if none was.
	Answered time.Time
	Took     time.Duration // the last poll
	Failures map[string]int64
	// Connections and Streams are as of the last poll that was answered.
	Connections, Streams int
	LeftOut              int64 // as Delta.LeftOut, in all
	RefusedHooks         int64 // hooks that came from no run of the server that a poll saw
}

// Status returns how polls go.
func (p *Poller) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.status
	s.Failures = maps.Clone(s.Failures)
	return s
}

// NewPoller returns a Poller for a server that New returned for the same configuration. The position is the one that the sink took
// last, "" if it never did.
func NewPoller(c Config, server Server, position string, sink Sink, log *slog.Logger) *Poller {
	if c.Interval <= 0 {
		c.Interval = DefaultInterval
	}
	p := &Poller{
		config: c, server: server, sink: sink, log: log.With("server", c.Type, "url", redacted(c.URL)), position: position, taken: position,
		wake: make(chan struct{}, 1), status: Status{Failures: map[string]int64{}},
	}
	p.restore()
	return p
}

// restore goes back to the position that the sink took last.
func (p *Poller) restore() {
	differ := p.newDiffer()
	if p.taken != "" {
		if err := restore(p.taken, differ, p.server); err != nil {
			p.log.Warn("what was known of the media server cannot be read; what it counted before the next poll is left out", "error", err)
			differ = p.newDiffer()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.differ = differ
}

func (p *Poller) newDiffer() *Differ {
	differ := NewDiffer(p.config.Organization, p.config.URL, p.config.Interval, time.Now())
	differ.relays, differ.logged = p.config.Relays, p.config.Logged
	if p.config.StreamName != nil {
		differ.name = p.config.StreamName
	}
	return differ
}

// Run polls until ctx is done, and then once more, so that what happened since the last poll counts soon. It must be called once
// only.
func (p *Poller) Run(ctx context.Context) {
	var begun, next time.Time
	failures := 0
	for {
		select {
		case <-time.After(time.Until(next)):
		case <-p.wake:
			if soon := begun.Add(min(minGap, p.config.Interval)); time.Now().Before(soon) {
				next = soon
				continue
			}
		case <-ctx.Done():
			p.end(context.WithoutCancel(ctx))
			return
		}
		begun = time.Now()
		if p.poll(ctx, min(p.config.Interval*9/10, maxPoll)) {
			failures = 0
		} else {
			failures++
		}
		next = begun.Add(time.Duration(min(max(failures, 1), 2)) * p.config.Interval)
	}
}

// end makes the last poll.
func (p *Poller) end(ctx context.Context) {
	p.poll(ctx, lastPoll)
	if p.position != p.taken {
		p.log.Warn("what the media server reported is refused; it is found out again with the next start")
	}
}

// poll asks the server, which may take as long as limit, and returns whether it answered.
func (p *Poller) poll(parent context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	begun := time.Now()
	s, err := p.server.Poll(ctx)
	took := time.Since(begun)
	if err != nil {
		if parent.Err() == nil {
			p.failed(err, begun, took, limit)
		}
		p.deliver()
		return false
	}
	p.answered(&s, begun, took)
	p.mu.Lock()
	delta := p.differ.Next(s)
	p.position = position(p.differ, p.server)
	p.takeEarly()
	p.status.LeftOut += delta.LeftOut
	p.mu.Unlock()
	if delta.LeftOut > 0 {
		p.log.Info("bytes in counters of the media server are not counted: they are of the past, of players whose stream no hook told, or cannot be true", "bytes", delta.LeftOut)
	}
	p.waiting.Usage = append(p.waiting.Usage, delta.Usage...)
	p.waiting.Broadcasts = append(p.waiting.Broadcasts, delta.Broadcasts...)
	p.deliver()
	return true
}

// failed notes that a poll failed, and logs every change of the cause.
func (p *Poller) failed(err error, begun time.Time, took, limit time.Duration) {
	reason := reasonOf(err)
	p.mu.Lock()
	if p.status.Reason == "" {
		p.status.Since = begun
	}
	p.status.Reason, p.status.Took = reason, took
	p.status.Failures[reason]++
	p.mu.Unlock()
	cause := reason + " " + root(err)
	if p.failing == cause {
		return
	}
	p.failing = cause
	if reason == ReasonTimeout {
		err = fmt.Errorf("%w; a poll may take %v, so that it ends before the next", err, limit)
	}
	p.log.Error("the media server cannot be polled; polls go on", "reason", reason, "error", err)
}

// root returns the text of the error that caused an error, without what is different each time, such as ports and which address was
// asked.
func root(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// answered notes that a poll was answered, and logs what the operator should know.
func (p *Poller) answered(s *Snapshot, begun time.Time, took time.Duration) {
	p.mu.Lock()
	if p.status.Reason != "" || p.status.Answered.IsZero() {
		p.status.Since = begun
	}
	p.status.Reason, p.status.Answered, p.status.Took = "", begun, took
	p.status.Connections, p.status.Streams = s.size()
	p.mu.Unlock()
	if p.failing != "" {
		p.failing = ""
		p.log.Info("the media server can be polled again")
	}
	if slow := took > p.config.Interval/2; slow != p.slow {
		p.slow = slow
		if slow {
			p.log.Warn("the media server answers slowly: more than half of the interval between two polls", "took", took, "interval", p.config.Interval)
		}
	}
	if s.Notice != p.notice {
		p.notice = s.Notice
		if s.Notice != "" {
			p.log.Warn("the media server: " + s.Notice)
		}
	}
}

// size returns the numbers of connections and of names of streams.
func (s *Snapshot) size() (connections, streams int) {
	names := map[string]bool{}
	for i := range s.Connections {
		if s.Connections[i].Stream != "" {
			connections++
			names[s.Connections[i].Stream] = true
		}
	}
	for i := range s.Streams {
		names[s.Streams[i].Name] = true
	}
	return connections, len(names)
}

// Hook takes what the server posts when something happens to a connection, and returns what is to be answered. It may be called at any
// time. Hooks of a run of the server that no poll has seen wait for one, which is made soon.
//
// A hook is part of the position from the next poll on. If the Poller does not live until then, what it said is lost: its bytes
// still count if the stream's counter has them, and a broadcast ends when it was seen last.
func (p *Poller) Hook(r HookRequest) (HookAnswer, error) {
	taker, ok := p.server.(hooked)
	if !ok {
		return HookAnswer{}, fmt.Errorf("%s has no hooks", p.config.Type)
	}
	hooks, reply, err := taker.hook(r)
	if err != nil {
		return HookAnswer{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, h := range hooks {
		h.At = now
		switch {
		case p.differ.seen && h.of(p.differ.start):
			p.take(h)
		case len(p.early) < maxEarly:
			p.early = append(p.early, h)
			p.pollSoon()
		default:
			p.status.RefusedHooks++
		}
	}
	return reply, nil
}

// pollSoon asks for a poll before the interval is over.
func (p *Poller) pollSoon() {
	select {
	case p.wake <- struct{}{}:
	default: // it is asked for
	}
}

// take takes a hook of the run of the server that the last poll saw.
func (p *Poller) take(h Hook) {
	switch h.Action {
	case Opened:
		c := h.Connection
		if c.Since.IsZero() {
			c.Since = h.At
		}
		p.differ.Opened(c)
	case Closed:
		p.differ.Closed(h.Connection.ID, h.Connection.Received, h.Connection.Sent, h.At)
	case Ended:
		p.differ.Ended(h.Connection.ID, h.At)
	}
	if h.Poll {
		p.pollSoon()
	}
}

// takeEarly takes the hooks that waited for a poll. Those that come from another run even now are of one that has ended.
func (p *Poller) takeEarly() {
	for _, h := range p.early {
		if h.of(p.differ.start) {
			p.take(h)
		} else {
			p.status.RefusedHooks++
		}
	}
	p.early = nil
}

// deliver hands what waits to the sink. What is refused goes on waiting, as long as it is not too much.
func (p *Poller) deliver() {
	if p.position == p.taken {
		return
	}
	err := p.sink.Take(p.waiting.Usage, p.waiting.Broadcasts, p.position)
	if err == nil {
		p.waiting, p.taken = Delta{}, p.position
		return
	}
	kept := len(p.waiting.Usage) + len(p.waiting.Broadcasts)
	p.log.Debug("what the media server reported is refused and kept", "records", kept, "error", err)
	if kept > maxKept {
		p.log.Error("what the media server reported is refused for too long; it will count at the time when it is taken", "error", err)
		p.waiting, p.position = Delta{}, p.taken
		p.restore()
	}
}
