// Package ingest is the way from decoded events to stored samples: it tracks sessions, adds up minutes and hours, and writes
// the samples that changed to VictoriaMetrics.
//
// What it counts is a function of what it was told and when, and of nothing else: not of the configuration, not of the clock,
// not of what VictoriaMetrics says. All of that goes into a journal before it takes effect. So after a crash the journal makes
// the same state again, from the last state that was saved, and the same samples. Sending a sample again is harmless, because
// VictoriaMetrics keeps the greatest value of one timestamp; nothing is in a sample that a crash could take back.
package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/journal"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/session"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// MaxAge is the greatest age of what can be counted.
const MaxAge = aggregate.MaxAge

// Errors of Pipeline.
var (
	// ErrStreams means that the organisation has as many streams today as it may have.
	ErrStreams = errors.New("the organisation has reached its limit of streams for today")
	// ErrSessions means that there are more sessions at the same time than a collector can have.
	ErrSessions = errors.New("the collector has as many sessions at the same time as it can have")
	// ErrBacklog means that what waits for VictoriaMetrics fills the space that it may have on disk.
	ErrBacklog = errors.New("VictoriaMetrics does not take samples and the space for waiting ones is full")
	// ErrDisk means that nothing can be made durable.
	ErrDisk = errors.New("the data directory cannot be written")
)

// maxSessions is how many sessions may live at the same time, some 500 bytes each: anybody who has a public key can make some.
const maxSessions = 1_000_000

// Options is what a Pipeline needs.
type Options struct {
	// Dir is where the pipeline keeps its state. No other may use it.
	Dir string
	// Collector is the name under which sums are stored. It stays the same as long as Dir does.
	Collector string
	Target    Target
	// Plays is where the records of plays go; nil if none are kept.
	Plays PlayStore
	// KeepPlays is how long the store of plays keeps records.
	KeepPlays time.Duration
	// RunningPlays is whether Plays is told which plays run.
	RunningPlays bool
	// Limits returns those of an organisation, zero of one that is unknown.
	Limits func(organization string) tenant.Limits
	// Judgement returns by what an organisation judges attempts to play; nil lets all have the default.
	Judgement func(organization string) tenant.Judgement
	// MaxBytes is how much may be in Dir before nothing more is taken.
	MaxBytes int64
	// Clock is time.Now but in tests.
	Clock  func() time.Time
	Logger *slog.Logger
}

// Observer is told how the pipeline does. Its functions must be quick.
type Observer struct {
	// Synced is told how long one write to the disk took.
	Synced func(time.Duration)
	// Taken is told, when VictoriaMetrics has taken all that waited, how long ago the oldest of it came.
	Taken func(time.Duration)
	// Folded is told that a value of a label counts as measure.Other, because there are too many.
	Folded func(organization, label string)
}

// Observe sets the observer. It must be called before anything is counted.
func (p *Pipeline) Observe(o Observer) {
	p.observer = o
	p.journal.Synced = o.Synced
	p.daily.folded, p.hourly.folded = o.Folded, o.Folded
}

// Pipeline takes decoded events and usage. Its methods may be called by several goroutines.
type Pipeline struct {
	Options
	journal  *journal.Journal
	observer Observer
	full     atomic.Bool // whether Dir holds as much as it may

	// The fields up to number change only in effects of the journal.
	mu         sync.Mutex
	now        int64 // ms since 1970, never goes back
	ledger     *aggregate.Ledger
	tracker    *session.Tracker
	daily      vocabulary
	hourly     vocabulary
	audience   audience
	keys       keys
	cursors    map[string]string
	put        []byte                      // samples of Keep since the last tick
	limits     map[string]tenant.Limits    // of organisations, as the journal has them
	judgements map[string]tenant.Judgement // likewise
	forgot     int64                       // ms since 1970, at which old keys and viewers were last forgotten
	late       int64                       // events and lines whose minute had closed
	number     uint64                      // of the last record that took effect

	defaultJudgement tenant.Judgement // of organisations of which judgements has none

	coders  sync.Pool // of *codec.Coder, that write records
	large   sync.Pool // likewise, for deliveries: few at a time, whose coders keep much memory
	takings sync.Pool // of *taking
	plays   playQueue
	running runningPlays

	delivery
}

// Delivery is some lines of traffic of one organisation that come together.
type Delivery struct {
	Organization string
	ID           string // idempotency key of all lines together, "" if there is none
	Received     int64  // ms since 1970
	Cursor       Cursor // how far the source is when all of it counts
	Lines        []event.Usage
	Sessions     []event.Batch // of players, as their requests tell; their viewers are described
}

// Cursor is how far a source was read. It is kept with what was read, so that after a crash each line counts once.
type Cursor struct {
	Source, Position string // no Source means that there is none
}

// Counted says what became of a Delivery.
type Counted struct {
	Repeated  int   // lines that were counted before
	OverLimit []int // indexes of lines that were refused because the organisation has too many streams
}

// Open returns a pipeline in the state that the last one with the same directory was in when it ended, or was killed.
func Open(o Options) (*Pipeline, error) {
	p := &Pipeline{
		Options:    o,
		ledger:     aggregate.New(o.Collector),
		daily:      vocabulary{length: 24 * time.Hour},
		hourly:     vocabulary{length: time.Hour},
		cursors:    map[string]string{},
		limits:     map[string]tenant.Limits{},
		judgements: map[string]tenant.Judgement{},
		coders:     sync.Pool{New: newCoder},
		large:      sync.Pool{New: newCoder},

		defaultJudgement: tenant.DefaultJudgement(),
	}
	p.takings.New = p.newTaking
	p.tracker = session.NewTracker(p.ledger, p.churning)
	p.tracker.Judge(func(organization string) tenant.Quality { return p.judgement(organization).Quality })
	p.plays.store, p.plays.keep, p.plays.clock, p.plays.logger = o.Plays, o.KeepPlays, o.Clock, o.Logger
	p.plays.collector, p.plays.repairPath = o.Collector, filepath.Join(o.Dir, repairFile)
	p.plays.limit, p.plays.room, p.plays.doubts = o.MaxBytes/playsShare, playsInMemory, true
	p.plays.giveUp() // what the one before may have been sending when it was killed
	p.plays.spilled = p.plays.givenUp
	if p.running.clock, p.running.logger, p.running.collector = o.Clock, o.Logger, o.Collector; o.RunningPlays {
		p.running.store = o.Plays
	}
	p.samples, p.landed, p.save.done = aggregate.NewSamples(p.ledger), make(chan landing, 1), make(chan error, 1)
	if err := p.recover(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Dir, err)
	}
	return p, nil
}

// churning is the session.Hourly of the pipeline.
func (p *Pipeline) churning(organization, dimension, value string, at int64) (string, *session.Period) {
	if value == "" {
		return "", nil
	}
	return p.hourly.labelIn(organization, dimension, value, at, p.limits[organization].IPsPerHour)
}

// judgement returns by what an organisation judges attempts to play.
func (p *Pipeline) judgement(organization string) tenant.Judgement {
	if j, ok := p.judgements[organization]; ok {
		return j
	}
	return p.defaultJudgement
}

// noteRules puts the limits and the judgement of an organisation into the journal if they have changed, because what counts under its own
// name, what as "(other)", and what as good must be the same after a crash.
func (p *Pipeline) noteRules(organization string) error {
	now := p.Limits(organization)
	l := tenant.Limits{Streams: now.Streams, IPsPerHour: now.IPsPerHour}
	j := p.defaultJudgement
	if p.Judgement != nil {
		j = p.Judgement(organization)
	}
	p.mu.Lock()
	known, judged := p.limits[organization], p.judgement(organization)
	p.mu.Unlock()
	if l != known && l != (tenant.Limits{}) {
		if err := p.noteLimits(organization, l); err != nil {
			return err
		}
	}
	if j.Quality == judged.Quality && slices.Equal(j.BusinessCodes, judged.BusinessCodes) {
		return nil
	}
	return p.noteJudgement(organization, j)
}

func (p *Pipeline) noteLimits(organization string, l tenant.Limits) error {
	return p.write(recordLimits, func(c *codec.Coder) { codeLimits(c, &organization, &l) }, func() { p.limits[organization] = l })
}

func (p *Pipeline) noteJudgement(organization string, j tenant.Judgement) error {
	return p.write(recordJudgement, func(c *codec.Coder) { codeJudgement(c, &organization, &j) }, func() { p.judgements[organization] = j })
}

// advance sets the time to that of the clock or the given one, whichever is later, and returns it. A clock that steps back
// holds the time, because closed minutes cannot be opened again.
func (p *Pipeline) advance(received int64) int64 {
	p.now = max(p.now, received)
	p.daily.turn(p.now)
	p.hourly.turn(p.now)
	return p.now
}

// Events counts the events of a batch, and returns when that is durable. describe is called for a session that is not known yet,
// or whose viewer's agent is not, and returns who its viewer is. With an error nothing is counted.
func (p *Pipeline) Events(b event.Batch, describe func() event.Viewer) (session.Outcome, error) {
	if p.full.Load() {
		return session.Outcome{}, ErrBacklog
	}
	if err := p.noteRules(b.Session.Organization); err != nil {
		return session.Outcome{}, err
	}
	t := p.takings.Get().(*taking)
	defer t.release()
	t.batch = b
	for {
		t.kind = recordBatch
		// Another play may begin under the id of a known session, whose record has what the batch says of it.
		if !p.described(b.Session) || b.MayBegin() {
			t.kind = recordOpening
			t.batch.Session.Viewer = describe()
		}
		if err := p.writeNumbered(t.kind, t.code, t.effect); err != nil {
			return session.Outcome{}, err
		}
		if !errors.Is(t.refused, errForgotten) {
			return t.outcome, t.refused
		}
	}
}

// taking is a batch on its way into the journal, used again with its functions so that a request takes no memory for them.
type taking struct {
	of     *Pipeline
	kind   recordKind
	batch  event.Batch
	code   func(*codec.Coder)
	effect func(number uint64)

	outcome session.Outcome
	refused error
}

func (p *Pipeline) newTaking() any {
	t := &taking{of: p}
	t.code = func(c *codec.Coder) { t.batch.Fields(c, t.kind == recordBatch) }
	t.effect = func(number uint64) {
		p.takeEffect(number, func() { t.outcome, t.refused = p.take(t.kind, t.batch) })
	}
	return t
}

func (t *taking) release() {
	t.batch, t.outcome, t.refused = event.Batch{}, session.Outcome{}, nil
	t.of.takings.Put(t)
}

// described reports whether nothing is to be found out about a session any more.
func (p *Pipeline) described(s event.Session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tracker.Named(s.Organization, s.ID)
}

// errForgotten means that a session was forgotten while a batch of it was on its way, so that its record must describe it.
var errForgotten = errors.New("the session is not known any more")

// take is the effect of a record of a batch.
func (p *Pipeline) take(kind recordKind, b event.Batch) (session.Outcome, error) {
	known := p.tracker.Known(b.Session.Organization, b.Session.ID)
	if kind == recordBatch && !known {
		return session.Outcome{}, errForgotten
	}
	b.Received = p.advance(b.Received)
	if !known {
		if err := p.admit(b.Session); err != nil {
			return session.Outcome{}, err
		}
	}
	return p.apply(b, known), nil
}

// admit returns an error if a new session, or its stream, is one too many.
func (p *Pipeline) admit(s event.Session) error {
	switch {
	case p.tracker.Awake() >= maxSessions:
		return ErrSessions
	case !p.daily.admit(s.Organization, measure.LabelStream, s.Stream, p.now, p.limits[s.Organization].Streams):
		return ErrStreams
	}
	return nil
}

// apply counts the events of a batch whose session is known, or admitted and its viewer described.
func (p *Pipeline) apply(b event.Batch, known bool) session.Outcome {
	organization := b.Session.Organization
	if !known {
		b.Session.Event = p.daily.label(organization, measure.LabelEvent, b.Session.Event, p.now, valuesPerDay)
		b.Session.Client = p.daily.label(organization, measure.DimensionVersion, b.Session.Client, p.now, valuesPerDay)
		b.Session.Method = p.daily.label(organization, measure.DimensionProtocol, b.Session.Method, p.now, valuesPerDay)
	}
	for i := range b.Events {
		e := &b.Events[i]
		if e.Code != "" || e.Reason != "" {
			p.excuse(organization, e)
			e.Reason = p.daily.label(organization, measure.DimensionReason, e.Reason, p.now, valuesPerDay)
			e.Code = p.daily.label(organization, measure.DimensionCode, e.Code, p.now, valuesPerDay)
		}
		if aggregate.Late(e.Time, p.now) {
			p.late++
		}
	}
	return p.tracker.Apply(b)
}

// excuse finds out whether an event says that an attempt to play is no fault of the service, by texts that may be folded after that.
func (p *Pipeline) excuse(organization string, e *event.Event) {
	switch {
	case e.Code == event.CodeBlocked || e.Reason == event.ReasonBlocked:
		e.Excuse = event.Blocked
	case e.Fatal && slices.Contains(p.judgement(organization).BusinessCodes, e.Code):
		e.Excuse = event.Business
	}
}

// Usage counts a delivery, and returns when that is durable. With an error nothing is counted.
func (p *Pipeline) Usage(d Delivery) (Counted, error) {
	if p.full.Load() {
		return Counted{}, ErrBacklog
	}
	if err := p.noteRules(d.Organization); err != nil {
		return Counted{}, err
	}
	var counted Counted
	err := p.write(recordDelivery, d.fields, func() { counted = p.count(d) })
	return counted, err
}

// count is the effect of a record of a delivery.
func (p *Pipeline) count(d Delivery) Counted {
	var c Counted
	now := p.advance(d.Received)
	if d.Cursor.Source != "" {
		p.cursors[d.Cursor.Source] = d.Cursor.Position
	}
	if !p.isFirst(d.Organization, "delivery", d.ID, now) {
		c.Repeated = len(d.Lines)
		return c
	}
	// Sessions go first: a viewer whose player reports is not counted by what servers see.
	for _, b := range d.Sessions {
		b.Received = now
		if known := p.tracker.Known(b.Session.Organization, b.Session.ID); known || p.admit(b.Session) == nil {
			p.apply(b, known)
		}
	}
	limits := p.limits[d.Organization]
	for i := range d.Lines {
		u := &d.Lines[i]
		switch {
		case !p.daily.admit(d.Organization, measure.LabelStream, u.Stream, now, limits.Streams):
			c.OverLimit = append(c.OverLimit, i)
		case !p.isFirst(d.Organization, "line", u.ID, now):
			c.Repeated++
		default:
			p.add(d.Organization, u, limits, now)
		}
	}
	return c
}

// isFirst reports whether an idempotency key of a kind is not known yet, and keeps it. No key is always the first.
func (p *Pipeline) isFirst(organization, kind, id string, now int64) bool {
	return id == "" || p.keys.add(newKey(organization, kind, id), now)
}

// add adds the traffic of one line.
func (p *Pipeline) add(organization string, u *event.Usage, limits tenant.Limits, now int64) {
	if aggregate.Late(u.Time, now) {
		p.late++
	}
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

// Keep makes samples durable that something else has written, in Prometheus' text format with timestamps in ms, so that they are
// written again if VictoriaMetrics forgets them. Each series and timestamp may come once only.
func (p *Pipeline) Keep(samples []byte) error {
	text := string(samples)
	return p.write(recordSamples, func(c *codec.Coder) { c.Unique(&text) }, func() { p.put = append(p.put, text...) })
}

// Cursor returns how far a source was read, "" if it never was.
func (p *Pipeline) Cursor(source string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cursors[source]
}

// expire is the effect of the record of a tick at now, in ms since 1970: it ends what has ended and takes what was added; see taken.
func (p *Pipeline) expire(now int64, all bool) addition {
	now = p.advance(now)
	p.tracker.Expire(now)
	ended := p.records()
	p.plays.add(ended)
	if now-p.forgot >= time.Hour.Milliseconds() {
		p.forgot = now
		p.audience.forget(now)
		p.keys.forget(now)
	}
	taken := addition{p.taken(all), p.put, ended}
	p.put = nil
	return taken
}

// taken takes what was added to the ledger, or only what is of series that VictoriaMetrics may not know yet.
func (p *Pipeline) taken(all bool) aggregate.Additions {
	if all {
		return p.ledger.Take(p.now)
	}
	return p.ledger.TakeUnsettled()
}

// records returns the records of plays that have ended since the last time.
func (p *Pipeline) records() []play.Record {
	records := p.tracker.TakeRecords()
	for i := range records {
		records[i].Collector = p.Collector
	}
	return records
}

// addition is what came between two ticks.
type addition struct {
	sums  aggregate.Additions
	put   []byte
	ended []play.Record
}

// addTo adds what came to samples.
func (a addition) addTo(s *aggregate.Samples) error {
	s.Add(a.sums)
	return s.Put(a.put)
}
