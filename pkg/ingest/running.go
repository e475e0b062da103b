package ingest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/session"
)

const (
	// partsInterval is how often is written what is known of the plays that run: of a share of them at a time, so that the load is even.
	partsInterval = time.Minute
	// partsKept is how long what was written is there at least. Nobody reads it after three minutes.
	partsKept = 10 * time.Minute
	// partsRemoved is how often it is removed, and partsRetry how soon again where that did not work.
	partsRemoved = time.Hour
	partsRetry   = time.Minute
	// maxParts is how many may wait.
	maxParts = 20_000
)

// runningPlays writes what is known of the plays that run, each minute, and that they have ended. What is lost of it is replaced within a
// minute, so it is no part of the state, and is not sent twice. None is written while that of an hour before cannot be removed: the store
// would keep it as long as the records of plays.
type runningPlays struct {
	store     PlayStore // nil if it is off
	collector string
	clock     func() time.Time
	logger    *slog.Logger

	turn int64 // the last one whose share was taken; only a tick uses it

	mu      sync.Mutex
	waiting []part

	// Only the goroutine that sends uses these.
	removeAt  time.Time
	unremoved error // why what is old could not be removed
	failed    bool  // whether the last parts could not be written

	written, dropped atomic.Int64
}

// part is what was known of a play at a time in ms since 1970.
type part struct {
	at     int64
	record play.Record
}

// collect takes what is known of the sessions whose turn it is, and of some that have ended, at the time of a tick.
func (r *runningPlays) collect(t *session.Tracker, ended []play.Record) {
	if r.store == nil {
		return
	}
	now := r.clock().UnixMilli()
	turn := now / (partsInterval.Milliseconds() / session.Shares)
	var running []play.Record
	if turn != r.turn {
		count := turn - r.turn
		if count < 0 || count > session.Shares { // at a start, or after the clock was set anew
			count = 1
		}
		running = t.Running(turn-count+1, count)
		r.turn = turn
	}
	if len(running)+len(ended) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range running {
		one.Collector = r.collector
		r.waiting = append(r.waiting, part{now, one})
	}
	for _, one := range ended {
		one.Outcome, one.Timeline = play.Ended, nil
		r.waiting = append(r.waiting, part{now, one})
	}
	if n := len(r.waiting) - maxParts; n > 0 {
		r.dropped.Add(int64(n))
		r.waiting = slices.Clone(r.waiting[n:])
	}
}

// run writes until ctx is done.
func (r *runningPlays) run(ctx context.Context) {
	if r.store == nil {
		return
	}
	ticker := time.NewTicker(playsInterval)
	defer ticker.Stop()
	for {
		r.step(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// step writes what waits, or leaves it out if that does not work.
func (r *runningPlays) step(ctx context.Context) {
	r.mu.Lock()
	parts := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	err := r.remove(ctx)
	if len(parts) == 0 {
		return
	}
	for some := range slices.Chunk(parts, playsAtOnce) {
		if err == nil {
			lines := make([][]byte, len(some))
			for i := range some {
				lines[i] = some[i].record.PartLine(nil, some[i].at)
			}
			err = r.store.Insert(ctx, lines)
		}
		if err != nil {
			r.dropped.Add(int64(len(some)))
			continue
		}
		r.written.Add(int64(len(some)))
	}
	switch {
	case ctx.Err() != nil:
		return // the pipeline ends
	case err != nil && !r.failed:
		r.logger.Error("It cannot be written which plays run, so the list of them is not complete", "error", err)
	case err == nil && r.failed:
		r.logger.Info("It can be written again which plays run")
	}
	r.failed = err != nil
}

// remove removes what is not read any more, when it is time. Its error means that nothing may be written.
func (r *runningPlays) remove(ctx context.Context) error {
	now := r.clock()
	if now.Before(r.removeAt) {
		return r.unremoved
	}
	r.removeAt = now.Add(partsRemoved)
	if r.unremoved = r.store.RemoveParts(ctx, now.Add(-partsKept)); r.unremoved != nil {
		r.removeAt = now.Add(partsRetry)
	}
	return r.unremoved
}
