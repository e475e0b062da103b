package mediaserver

import (
	"context"
	"log/slog"
	"slices"
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

// Sink takes what a Poller finds out. An error means that nothing of the call was taken and that it is worth trying again.
type Sink interface {
	// Usage takes lines of traffic of one stream.
	Usage(lines []event.Usage) error
	Broadcast(b event.Batch) error
}

// Poller polls one server and hands what happens to a sink.
type Poller struct {
	server   Server
	interval time.Duration
	sink     Sink
	log      *slog.Logger

	mu     sync.Mutex // guards differ
	differ *Differ

	// Of Run:
	failing bool
	usage   []event.Usage // what the sink refused
	batches []event.Batch // likewise
}

// NewPoller returns a Poller for a server that New returned for the same configuration.
func NewPoller(c Config, server Server, sink Sink, log *slog.Logger) *Poller {
	interval := c.Interval
	if interval <= 0 {
		interval = DefaultInterval
	}
	differ := NewDiffer(c.Organization, c.URL, interval, time.Now())
	if c.StreamName != nil {
		differ.name = c.StreamName
	}
	return &Poller{
		server: server, interval: interval, sink: sink, log: log.With("server", c.Type, "url", redacted(c.URL)), differ: differ,
	}
}

// Run polls until ctx is done, and then once more, so that what happened since the last poll is not lost. It must be called
// once only.
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
			wait = p.interval
		} else {
			wait = max(p.interval, min(2*max(wait, p.interval), maxBackOff))
		}
	}
}

// end makes the last poll, and ends the broadcasts.
func (p *Poller) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastPoll)
	defer cancel()
	p.poll(ctx)
	p.mu.Lock()
	delta := p.differ.End()
	p.mu.Unlock()
	p.deliver(delta)
	if lost := len(p.usage) + len(p.batches); lost > 0 {
		p.log.Error("what the media server reported is lost, because it is refused", "records", lost)
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
		p.deliver(Delta{})
		return false
	}
	if p.failing {
		p.failing = false
		p.log.Info("the media server can be polled again")
	}
	p.mu.Lock()
	delta := p.differ.Next(s)
	p.mu.Unlock()
	p.deliver(delta)
	return true
}

// Hook takes what the server says of a connection between two polls. It returns false if the hook does not come from the run
// of the server that the last poll saw. It may be called at any time.
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

// deliver hands a delta, and what was refused before, to the sink, and keeps what is refused.
func (p *Poller) deliver(delta Delta) {
	usage, batches := slices.Concat(p.usage, delta.Usage), slices.Concat(p.batches, delta.Broadcasts)
	p.usage, p.batches = nil, nil
	byStream := map[string][]event.Usage{}
	for _, u := range usage {
		byStream[u.Stream] = append(byStream[u.Stream], u)
	}
	for _, lines := range byStream {
		if err := p.sink.Usage(lines); err != nil {
			p.usage = append(p.usage, lines...)
			p.log.Debug("usage is refused and kept", "stream", lines[0].Stream, "lines", len(lines), "error", err)
		}
	}
	refused := map[string]bool{}
	for _, b := range batches {
		if !refused[b.Session.ID] { // the events of a session keep their order
			err := p.sink.Broadcast(b)
			if err == nil {
				continue
			}
			refused[b.Session.ID] = true
			p.log.Debug("a broadcast is refused and kept", "stream", b.Session.Stream, "error", err)
		}
		p.batches = append(p.batches, b)
	}
	if over := len(p.usage) - maxKept; over > 0 {
		p.usage = p.usage[over:]
		p.log.Error("usage is lost, because too much of it is refused", "lines", over)
	}
	if over := len(p.batches) - maxKept; over > 0 {
		p.batches = p.batches[over:]
		p.log.Error("broadcasts are lost, because too many of them are refused", "batches", over)
	}
}
