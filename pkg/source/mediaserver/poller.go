package mediaserver

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

const (
	// maxBackOff is the longest time between two polls of a server that does not answer.
	maxBackOff = time.Minute
	// lastPoll is how long the poll may take that is made when the Poller ends.
	lastPoll = 2 * time.Second
	// maxKept is how much is kept for a sink that refuses it: some 40 MB.
	maxKept = 200_000
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

	mu     sync.Mutex // guards differ
	differ *Differ

	// Of Run:
	failing  bool
	waiting  Delta  // what the sink refused
	position string // when all that waits counts
	taken    string // position that the sink took last
}

// NewPoller returns a Poller for a server that New returned for the same configuration. The position is the one that the sink took
// last, "" if it never did.
func NewPoller(c Config, server Server, position string, sink Sink, log *slog.Logger) *Poller {
	if c.Interval <= 0 {
		c.Interval = DefaultInterval
	}
	p := &Poller{
		config: c, server: server, sink: sink, log: log.With("server", c.Type, "url", redacted(c.URL)), position: position, taken: position,
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
	if p.config.StreamName != nil {
		differ.name = p.config.StreamName
	}
	return differ
}

// Run polls until ctx is done, and then once more, so that what happened since the last poll counts soon. It must be called once
// only.
func (p *Poller) Run(ctx context.Context) {
	wait := time.Duration(0)
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			p.end(context.WithoutCancel(ctx))
			return
		}
		if p.poll(ctx) {
			wait = p.config.Interval
		} else {
			wait = max(p.config.Interval, min(2*max(wait, p.config.Interval), maxBackOff))
		}
	}
}

// end makes the last poll.
func (p *Poller) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastPoll)
	defer cancel()
	p.poll(ctx)
	if p.position != p.taken {
		p.log.Warn("what the media server reported is refused; it is found out again with the next start")
	}
}

// poll returns whether the server answered.
func (p *Poller) poll(ctx context.Context) bool {
	s, err := p.server.Poll(ctx)
	if err != nil {
		if !p.failing && ctx.Err() == nil {
			p.failing = true
			p.log.Error("the media server cannot be polled; polls go on", "error", err)
		}
		p.deliver()
		return false
	}
	if p.failing {
		p.failing = false
		p.log.Info("the media server can be polled again")
	}
	p.mu.Lock()
	delta := p.differ.Next(s)
	p.position = position(p.differ, p.server)
	p.mu.Unlock()
	p.waiting.Usage = append(p.waiting.Usage, delta.Usage...)
	p.waiting.Broadcasts = append(p.waiting.Broadcasts, delta.Broadcasts...)
	p.deliver()
	return true
}

// Hook takes what the server says of a connection between two polls. It returns false if the hook does not come from the run
// of the server that the last poll saw. It may be called at any time.
//
// A hook is part of the position from the next poll on. If the Poller does not live until then, what it said is lost: its bytes
// still count if the stream's counter has them, and a broadcast ends when it was seen last.
func (p *Poller) Hook(h Hook) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.differ.seen || !h.of(p.differ.start) {
		return false
	}
	now := time.Now()
	switch h.Action {
	case OnPublish, OnPlay:
		c := h.Connection
		c.Since = now
		p.differ.Opened(c)
	case OnStop, OnUnpublish:
		if h.last() {
			p.differ.Closed(h.Connection.ID, event.Absent, event.Absent, now)
		}
	case OnClose:
		p.differ.Closed(h.Connection.ID, h.Connection.Received, h.Connection.Sent, now)
	}
	return true
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
