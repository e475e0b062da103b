package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/codec"
)

const (
	// Samples are handed out this often: those of new series soon, because VictoriaMetrics needs up to 12 s to show a new series,
	// but only 4 s for further samples of a known one.
	newSeriesInterval   = time.Second
	knownSeriesInterval = 4 * time.Second
	// probeInterval is how often it is asked whether VictoriaMetrics was started anew.
	probeInterval = 5 * time.Second
	pruneInterval = time.Minute
	minRetryDelay = 500 * time.Millisecond
	maxRetryDelay = 10 * time.Second
	// drainTimeout is how long the last samples are tried to be written when the pipeline ends. What is left is kept.
	drainTimeout = 10 * time.Second
)

// Target is VictoriaMetrics, or what stands in front of it.
type Target interface {
	// Write returns when the samples, in Prometheus' text format with timestamps in ms, are taken.
	Write(ctx context.Context, samples []byte) error
	// Started returns when the process started that keeps the samples, 0 if that cannot be known.
	Started(ctx context.Context) (int64, error)
}

// delivery is how samples go to VictoriaMetrics, one handful after the other. Only Run uses it, but for the atomic numbers.
type delivery struct {
	samples *aggregate.Samples
	backlog backlog

	landed    chan landing // what became of the handful that is on its way
	flying    bool
	round     int64     // ms since 1970, when the round of samples began that is handed out, or was last
	begun     time.Time // likewise, by the clock: unlike the pipeline's time it goes on after it was set back
	over      bool      // whether all of the round is handed out
	retryAt   int64     // ms since 1970, 0 if the last handful was taken
	delay     time.Duration
	probed    int64     // ms since 1970, of the last probe
	started   int64     // of VictoriaMetrics, 0 if it is unknown
	pruned    int64     // ms since 1970
	added     time.Time // when all that came was added up last
	stuck     bool      // whether the journal could not be written
	confirmed int64     // ms since 1970: what was taken a minute before is safe

	save saving

	handed   atomic.Int64 // ms since 1970, up to which all that came is handed out
	clean    atomic.Int64 // ms since 1970, up to which all that came is taken
	written  atomic.Int64 // samples
	bytes    atomic.Int64 // of them
	failures atomic.Int64
}

// handful is what goes to VictoriaMetrics at once.
type handful struct {
	batches [][]byte
	backlog string // a file, "" if none goes
	probe   bool
	at      int64 // ms since 1970
	left    bool  // whether more is to be sent after it
	round   int64 // ms since 1970, when the round began that ends with it, 0 if none does
}

// landing is what became of a handful.
type landing struct {
	handful
	started int64 // by the probe
	err     error
}

// Run ends silent sessions and writes samples until ctx is done; then it writes what is left, or keeps it.
func (p *Pipeline) Run(ctx context.Context) error {
	ticker := time.NewTicker(newSeriesInterval)
	defer ticker.Stop()
	// A write that has begun goes on when ctx is done.
	writing := context.WithoutCancel(ctx)
	var plays sync.WaitGroup
	plays.Go(func() { p.plays.run(ctx) })
	plays.Go(func() { p.running.run(ctx) })
	for {
		select {
		case <-ticker.C:
			p.tick(writing)
		case l := <-p.landed:
			p.land(l)
			if l.left {
				p.send(writing, p.Clock().UnixMilli())
			}
		case err := <-p.save.done:
			p.saved(err)
		case <-ctx.Done():
			plays.Wait()
			return p.end(writing)
		}
	}
}

// tick adds up what came since the last one, and sends what is to be sent.
func (p *Pipeline) tick(ctx context.Context) { p.send(ctx, p.addUp()) }

// addUp ends silent sessions, adds up what was added since the last time, and begins to save the state if it is time. It returns the
// time, in ms since 1970. What goes into series that VictoriaMetrics knows is added up when it is needed: before a round, and before samples are
// pruned or saved.
func (p *Pipeline) addUp() (now int64) {
	clock := p.Clock()
	now = clock.UnixMilli()
	var (
		added addition
		state *image
		due   = p.save.due(now, p.journal.Bytes())
		prune = now-p.pruned >= pruneInterval.Milliseconds()
		round = p.over && clock.Sub(p.begun).Abs() >= knownSeriesInterval
		all   = due || prune || round || clock.Sub(p.added).Abs() >= knownSeriesInterval
	)
	err := p.write(recordTick, func(c *codec.Coder) { codec.Number(c, &now) }, func() {
		added = p.expire(now, all)
		p.running.collect(p.tracker, added.ended)
		now = p.now
		if due {
			state = p.state()
		}
	})
	if err != nil {
		p.mu.Lock()
		added.sums = p.taken(all)
		p.mu.Unlock()
	}
	p.report(errors.Join(err, added.addTo(p.samples)))
	if all {
		p.added = clock
	}
	if prune {
		p.pruned = now
		p.samples.Prune(now, p.confirmed)
	}
	if state != nil {
		p.begin(state, now)
	}
	p.full.Store(p.journal.Bytes()+p.backlog.size() >= p.MaxBytes)
	if round {
		p.samples.Begin()
		p.round, p.begun, p.over = now, clock, false
	}
	return now
}

// report tells when the journal cannot be written, and when it can again.
func (p *Pipeline) report(err error) {
	switch {
	case err != nil && !p.stuck:
		p.Logger.Error("The journal cannot be written: nothing more is taken until it can", "error", err)
	case err == nil && p.stuck:
		p.Logger.Info("The journal can be written again")
	}
	p.stuck = err != nil
}

// send sends a handful, if none is on its way and it is time.
func (p *Pipeline) send(ctx context.Context, now int64) {
	if p.flying || now < p.retryAt {
		return
	}
	h := handful{at: now, probe: now-p.probed >= probeInterval.Milliseconds() || p.delay > 0}
	var over bool
	if over, h.left = p.samples.Flush(func(batch []byte) { h.batches = append(h.batches, batch) }); over && !p.over {
		p.over, h.round = true, p.round
		p.handed.Store(p.round)
	}
	h.backlog = p.backlog.next()
	if len(h.batches) == 0 && h.backlog == "" && !h.probe {
		p.land(landing{handful: h})
		return
	}
	p.flying = true
	go func() {
		started, err := p.deliver(ctx, h)
		p.landed <- landing{h, started, err}
	}()
}

// deliver returns when VictoriaMetrics has taken a handful. The probe goes first: if VictoriaMetrics dies afterwards, the next one
// sees it.
func (p *Pipeline) deliver(ctx context.Context, h handful) (started int64, err error) {
	if h.probe {
		if started, err = p.Target.Started(ctx); err != nil {
			return 0, err
		}
	}
	write := func(batch []byte) error {
		if err := p.Target.Write(ctx, batch); err != nil {
			return err
		}
		p.written.Add(int64(bytes.Count(batch, []byte("\n"))))
		p.bytes.Add(int64(len(batch)))
		return nil
	}
	for _, batch := range h.batches {
		if err := write(batch); err != nil {
			return started, err
		}
	}
	if h.backlog != "" {
		return started, p.backlog.read(h.backlog, write)
	}
	return started, nil
}

// land notes what became of a handful.
func (p *Pipeline) land(l landing) {
	p.flying = false
	if l.err != nil {
		p.samples.Refused()
		p.over = false
		p.failures.Add(1)
		p.delay = min(max(2*p.delay, minRetryDelay), maxRetryDelay)
		p.retryAt = p.Clock().UnixMilli() + p.delay.Milliseconds()
		p.Logger.Error("VictoriaMetrics does not take samples, they wait", "error", l.err, "samples", p.samples.Waiting(),
			"retryAfter", p.delay)
		return
	}
	failed := p.retryAt != 0
	p.delay, p.retryAt = 0, 0
	p.samples.Taken(l.at)
	p.backlog.taken(l.backlog, l.at)
	if l.round != 0 {
		if p.observer.Taken != nil && len(l.batches) > 0 {
			p.observer.Taken(time.Duration(p.Clock().UnixMilli()-p.clean.Load()) * time.Millisecond)
		}
		p.clean.Store(l.round)
	}
	if !l.probe {
		return
	}
	p.probed = l.at
	// Where the start cannot be known, a failure may have been one.
	if l.started != p.started && p.started != 0 || failed && l.started == 0 {
		p.Logger.Warn("VictoriaMetrics was started anew, or was away: what it may have forgotten is written again")
		p.samples.Again(l.at, p.confirmed-aggregate.Kept)
		p.backlog.again(p.confirmed - aggregate.Kept)
	}
	p.started, p.confirmed = l.started, l.at
	if err := p.backlog.remove(p.confirmed - aggregate.Kept); err != nil {
		p.Logger.Error("Removing samples that are written failed", "error", err)
	}
}

// end writes what is left, for a while, and saves the state.
func (p *Pipeline) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for first := true; ; first = false {
		if p.flying {
			p.land(<-p.landed)
		}
		if !first && (p.retryAt != 0 || p.samples.Waiting() == 0 || ctx.Err() != nil) {
			break
		}
		p.begun, p.added, p.retryAt = time.Time{}, time.Time{}, 0
		p.tick(ctx)
	}
	p.plays.drain(ctx)
	if left := p.samples.Waiting(); left > 0 {
		p.Logger.Warn("VictoriaMetrics has not taken all samples; the others are kept and written with the next start", "samples", left)
	}
	if p.save.running {
		p.saved(<-p.save.done)
	}
	p.save.bytes, p.save.at = 0, 0 // it is time
	p.tick(ctx)
	if p.flying {
		p.land(<-p.landed)
	}
	if !p.save.running {
		return fmt.Errorf("%w: the state could not be saved", ErrDisk)
	}
	err := <-p.save.done
	return errors.Join(err, p.journal.Close(), p.keys.journal.Close())
}

// Stats tells how far a Pipeline is.
type Stats struct {
	Sessions     int   // live
	Series       int   // with a sample in memory
	Late         int64 // events and lines whose minute was closed when they came
	Waiting      int   // samples in memory that VictoriaMetrics has not taken, and sums of which some will be made
	Handed       int64 // ms since 1970, up to which all that came was handed out to be written
	Clean        int64 // ms since 1970, up to which VictoriaMetrics has taken all that came
	Written      int64 // samples that VictoriaMetrics has taken
	WrittenBytes int64
	Failures     int64 // times that it has not
	JournalBytes int64 // on disk
	BacklogBytes int64 // on disk, of samples that wait
}

// Stats returns how far the pipeline is. The numbers count since it was opened.
func (p *Pipeline) Stats() Stats {
	p.mu.Lock()
	sessions, late, pending := p.tracker.Live(), p.late, p.ledger.Pending()
	p.mu.Unlock()
	return Stats{
		Sessions: sessions, Series: p.samples.Len(), Late: late, Waiting: p.samples.Waiting() + pending, Handed: p.handed.Load(), Clean: p.clean.Load(),
		Written: p.written.Load(), WrittenBytes: p.bytes.Load(), Failures: p.failures.Load(),
		JournalBytes: p.journal.Bytes(), BacklogBytes: p.backlog.size(),
	}
}
