// Package ingest is the way from decoded events to stored samples: it tracks sessions, adds up minutes and hours, and
// hands the samples that changed to a writer.
package ingest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/session"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// How often samples are written: those of new series soon, because VictoriaMetrics needs up to 12 s to show a new series,
// but only 4 s for further samples of a known one.
const (
	newSeriesInterval   = time.Second
	knownSeriesInterval = 4 * time.Second
)

// usageRemembered is for how long the idempotency key of a line of usage is known.
const usageRemembered = 7 * 24 * time.Hour

// MaxAge is the greatest age of what can be counted.
const MaxAge = aggregate.MaxAge

// Errors of Pipeline.
var (
	// ErrStreams means that the organisation has as many streams today as it may have.
	ErrStreams = errors.New("the organisation has reached its limit of streams for today")
	// ErrBacklog means that the samples that wait for VictoriaMetrics fill their space.
	ErrBacklog = errors.New("VictoriaMetrics does not take samples and the space for waiting ones is full")
)

// Writer takes samples in Prometheus' text format and writes them to VictoriaMetrics in the order in which they come.
type Writer interface {
	// Enqueue takes over the samples.
	Enqueue(samples []byte)
	// Full reports whether no more should be taken for now.
	Full() bool
}

// Pipeline takes decoded events and usage. Its methods may be called by several goroutines.
type Pipeline struct {
	writer Writer
	limits func(organization string) tenant.Limits
	clock  func() time.Time

	mu       sync.Mutex // of the fields up to forgot
	now      int64      // ms since 1970, never goes back
	ledger   *aggregate.Ledger
	tracker  *session.Tracker
	daily    vocabulary
	hourly   vocabulary
	audience audience
	usageIDs map[usageID]int64 // to the time of receipt, ms since 1970
	forgot   int64             // ms since 1970, at which old usageIDs were last forgotten

	samples *aggregate.Samples // only Run uses them, but for their number
	flushed int64              // ms since 1970, of the last flush of all series
	handed  atomic.Int64       // ms since 1970, up to which all that came is handed to the writer
}

// usageID is the idempotency key of a line, or of a whole delivery.
type usageID struct {
	organization, id string
	delivery         bool
}

// Delivery is some lines of traffic of one organisation that come together.
type Delivery struct {
	Organization string
	ID           string // idempotency key of all lines together, "" if there is none
	Received     int64  // ms since 1970
	Lines        []event.Usage
	Sessions     []event.Batch // of players, as their requests tell; their viewers are described
}

// Counted says what became of a Delivery.
type Counted struct {
	Repeated  int   // lines that were counted before
	OverLimit []int // indexes of lines that were refused because the organisation has too many streams
}

// New returns a pipeline whose series carry the collector's name. limits returns those of an organisation; clock is
// time.Now but in tests.
func New(collector string, writer Writer, limits func(organization string) tenant.Limits, clock func() time.Time) *Pipeline {
	p := &Pipeline{
		writer:   writer,
		limits:   limits,
		clock:    clock,
		ledger:   aggregate.New(collector),
		daily:    vocabulary{length: 24 * time.Hour},
		hourly:   vocabulary{length: time.Hour},
		usageIDs: map[usageID]int64{},
		samples:  aggregate.NewSamples(),
	}
	p.tracker = session.NewTracker(p.ledger, p.churning)
	return p
}

// churning is the session.Hourly of the pipeline.
func (p *Pipeline) churning(organization, dimension, value string, at int64) string {
	return p.hourly.label(organization, dimension, value, at, p.limits(organization).IPsPerHour)
}

// advance sets the time to that of the clock or the given one, whichever is later, and returns it. A clock that steps back
// holds the time, because closed minutes cannot be opened again.
func (p *Pipeline) advance(received int64) int64 {
	p.now = max(p.now, received)
	p.daily.turn(p.now)
	p.hourly.turn(p.now)
	return p.now
}

// Events counts the events of a batch. describe is called for a session that is not known yet, and returns who its viewer
// is.
func (p *Pipeline) Events(b event.Batch, describe func() event.Viewer) (session.Outcome, error) {
	if p.writer.Full() {
		return session.Outcome{}, ErrBacklog
	}
	organization := b.Session.Organization
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.tracker.Known(organization, b.Session.ID) {
		p.mu.Unlock() // looking up an unknown user agent takes a millisecond
		b.Session.Viewer = describe()
		p.mu.Lock()
	}
	b.Received = p.advance(b.Received)
	return p.apply(b)
}

// apply counts the events of a batch whose viewer is described.
func (p *Pipeline) apply(b event.Batch) (session.Outcome, error) {
	organization := b.Session.Organization
	if !p.tracker.Known(organization, b.Session.ID) {
		if !p.daily.admit(organization, measure.LabelStream, b.Session.Stream, p.now, p.limits(organization).Streams) {
			return session.Outcome{}, ErrStreams
		}
		b.Session.Event = p.daily.label(organization, measure.LabelEvent, b.Session.Event, p.now, valuesPerDay)
		b.Session.Client = p.daily.label(organization, measure.DimensionVersion, b.Session.Client, p.now, valuesPerDay)
		b.Session.Method = p.daily.label(organization, measure.DimensionProtocol, b.Session.Method, p.now, valuesPerDay)
	}
	for i := range b.Events {
		e := &b.Events[i]
		e.Reason = p.daily.label(organization, measure.DimensionReason, e.Reason, p.now, valuesPerDay)
		e.Code = p.daily.label(organization, measure.DimensionCode, e.Code, p.now, valuesPerDay)
	}
	return p.tracker.Apply(b), nil
}

// Usage counts a delivery. With an error nothing is counted.
func (p *Pipeline) Usage(d Delivery) (Counted, error) {
	var c Counted
	if p.writer.Full() {
		return c, ErrBacklog
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.advance(d.Received)
	if !p.isFirst(usageID{d.Organization, d.ID, true}, now) {
		c.Repeated = len(d.Lines)
		return c, nil
	}
	// Sessions go first: a viewer whose player reports is not counted by what servers see.
	for _, b := range d.Sessions {
		b.Received = now
		if _, err := p.apply(b); err != nil && !errors.Is(err, ErrStreams) {
			return c, err
		}
	}
	limits := p.limits(d.Organization)
	for i := range d.Lines {
		u := &d.Lines[i]
		switch {
		case !p.daily.admit(d.Organization, measure.LabelStream, u.Stream, now, limits.Streams):
			c.OverLimit = append(c.OverLimit, i)
		case !p.isFirst(usageID{d.Organization, u.ID, false}, now):
			c.Repeated++
		default:
			p.count(d.Organization, u, limits, now)
		}
	}
	return c, nil
}

// isFirst reports whether an idempotency key is not known yet, and keeps it. No key is always the first.
func (p *Pipeline) isFirst(id usageID, now int64) bool {
	if id.id == "" {
		return true
	}
	_, known := p.usageIDs[id]
	if !known {
		p.usageIDs[id] = now
	}
	return !known
}

func (p *Pipeline) count(organization string, u *event.Usage, limits tenant.Limits, now int64) {
	to := p.ledger.Entry(aggregate.Space{Organization: organization, Stream: u.Stream, Country: u.Country}, now)
	protocol := p.daily.label(organization, measure.DimensionProtocol, u.Protocol, p.now, valuesPerDay)
	to.Add(measure.Traffic, u.Time, u.Bytes, aggregate.NewDimensions(measure.Traffic, u.Direction, protocol))
	if u.Address != "" && u.Bytes > 0 {
		address := p.hourly.label(organization, measure.DimensionIP, u.Address, u.Time, limits.IPsPerHour)
		to.Add(measure.TrafficByIP, u.Time, u.Bytes, aggregate.NewDimensions(measure.TrafficByIP, u.Direction, address))
	}
	if u.Direction == measure.Playout && u.Bytes > 0 {
		referrer := p.hourly.label(organization, measure.DimensionReferrer, u.Referrer, u.Time, limits.IPsPerHour)
		to.Add(measure.TrafficByReferrer, u.Time, u.Bytes, aggregate.NewDimensions(measure.TrafficByReferrer, referrer))
	}
	if u.Viewer != 0 && !p.tracker.Reports(organization, u.Session) && !p.tracker.Watches(u.Client) && p.audience.isNew(u.Viewer, u.Time, now) {
		to.Add(measure.ServerViewers, u.Time, 1, "")
	}
}

// Run ends silent sessions and hands changed samples to the writer until ctx is done, and then once more.
func (p *Pipeline) Run(ctx context.Context) {
	ticker := time.NewTicker(newSeriesInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.tick(false)
		case <-ctx.Done():
			p.tick(true)
			return
		}
	}
}

func (p *Pipeline) tick(last bool) {
	now, added := p.expire()
	all := last || now-p.flushed >= knownSeriesInterval.Milliseconds()
	if all {
		p.flushed = now
	}
	p.samples.Flush(added, now, all, p.writer.Enqueue)
	if all {
		p.handed.Store(now)
	}
}

// expire ends what has ended by time and takes what was added.
func (p *Pipeline) expire() (now int64, added aggregate.Additions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now = p.advance(p.clock().UnixMilli())
	p.tracker.Expire(now)
	if now-p.forgot >= time.Hour.Milliseconds() {
		p.forgot = now
		p.audience.forget(now)
		for id, received := range p.usageIDs {
			if now-received >= usageRemembered.Milliseconds() {
				delete(p.usageIDs, id)
			}
		}
	}
	return now, p.ledger.Take(now)
}

// Sessions returns the number of live sessions.
func (p *Pipeline) Sessions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tracker.Live()
}

// Handed returns the time, in ms since 1970, up to which all that came is handed to the writer.
func (p *Pipeline) Handed() int64 { return p.handed.Load() }

// Series returns the number of series with an open minute or hour.
func (p *Pipeline) Series() int { return p.samples.Len() }
