package simulate

import (
	"context"
	"iter"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// playerHistory is how far back plays and broadcasts go: collectors refuse player events older than 7 days.
	playerHistory = 3 * 24 * time.Hour
	// usageHistory is how far back usage goes: it covers the whole of the previous month.
	usageHistory = 65 * 24 * time.Hour

	// meanOffAir is how long a stream has no publisher between two broadcasts, in the mean.
	meanOffAir = 20 * time.Minute

	historyWorkers = 8
	// historyBatch is how many events go into one request, of the 1000 that a collector takes.
	historyBatch = 500
	// linesPerHour is how many lines stand for the playout of an hour before playerHistory, at the busiest.
	linesPerHour = 48
)

// historyPace has fewer reports and lines than live sessions, so that days take seconds to send.
var historyPace = pace{interval: time.Minute, billing: 5 * time.Minute}

// broadcastPace has a line each minute: a broadcast of which servers receive nothing for three is inactive.
var broadcastPace = pace{interval: time.Minute, billing: time.Minute}

// History sends the plays, broadcasts and usage from one time to another, both in the past, as fast as the collector takes
// them: sessions of the last 3 days at most, before that only usage, of 65 days at most. Sessions that would go on at the
// end are stopped there. progress, unless nil, is told from one goroutine which part from 0 to 1 is done.
func History(ctx context.Context, o Options, from, to time.Time, logger *slog.Logger, progress func(float64)) (Summary, error) {
	w, err := newWorld(o)
	if err != nil {
		return Summary{}, err
	}
	if progress == nil {
		progress = func(float64) {}
	}
	h := &history{world: w, client: newClient(w.options, historyWorkers, logger), to: to}
	defer h.client.close()
	if earliest := to.Add(-usageHistory); from.Before(earliest) {
		from = earliest
	}
	h.from = from
	if earliest := to.Add(-playerHistory); from.Before(earliest) {
		h.from = earliest
	}
	// Sessions are many more requests than usage, whatever their time.
	const usagePart = 0.1
	if err := h.usage(ctx, from, func(part float64) { progress(part * usagePart) }); err != nil {
		return h.client.summary(), err
	}
	if err := w.log(ctx, h.client, to.Add(-silentHistory), to); err != nil {
		return h.client.summary(), err
	}
	err = h.sessions(ctx, func(part float64) { progress(usagePart + part*(1-usagePart)) })
	return h.client.summary(), err
}

type history struct {
	world    *world
	client   *client
	from, to time.Time // of sessions
}

// usage sends the lines of the hours before the sessions. A line stands for many plays or for an hour of a broadcast.
func (h *history) usage(ctx context.Context, from time.Time, progress func(float64)) error {
	w := h.world
	playsPerLine := float64(w.options.PlaysPerDay) / meanActivity() / (24 * linesPerHour)
	number := uint64(0)
	for hour := from; hour.Before(h.from); hour = hour.Add(time.Hour) {
		var lines []usageLine
		for i := range linesPerHour {
			number++
			at := hour.Add(time.Hour * time.Duration(i) / linesPerHour)
			if s := w.newPlay(pastUsage, number, at, historyPace); s != nil && at.Before(h.from) && playsPerLine > 0 {
				lines = append(lines, s.invoice(at, time.Duration(playsPerLine*float64(meanPlay())))...)
			}
		}
		for i := range w.options.Publishers {
			number++
			s := w.newBroadcast(pastUsage, number, &w.streams[i], hour, historyPace)
			lines = append(lines, s.invoice(hour, time.Hour)...)
		}
		if err := h.client.addUsage(ctx, lines); err != nil {
			return err
		}
		progress(hour.Sub(from).Seconds() / h.from.Sub(from).Seconds())
	}
	return h.client.flushUsage(ctx)
}

// sessions sends all plays and broadcasts in about the order of time.
func (h *history) sessions(ctx context.Context, progress func(float64)) error {
	group, workCtx := errgroup.WithContext(ctx)
	made := make(chan *session)
	for range historyWorkers {
		group.Go(func() error {
			for s := range made {
				if err := h.play(workCtx, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(made)
		var reported time.Time
		for s, at := range h.world.past(h.from, h.to) {
			select {
			case made <- s:
			case <-workCtx.Done():
				return workCtx.Err()
			}
			if at.Sub(reported) >= time.Hour {
				reported = at
				progress(at.Sub(h.from).Seconds() / h.to.Sub(h.from).Seconds())
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	progress(1)
	return h.client.flushUsage(ctx)
}

// play sends all of a session.
func (h *history) play(ctx context.Context, s *session) error {
	var events []wireEvent
	for !s.over {
		said, lines := s.step()
		if err := h.client.addUsage(ctx, lines); err != nil {
			return err
		}
		events = append(events, said...)
		if len(events) < historyBatch && !s.over {
			continue
		}
		if err := h.client.sendEvents(ctx, h.world, s, events); err != nil {
			return err
		}
		events = nil
	}
	return nil
}

// past draws the sessions between two times, each with the time at which it begins.
func (w *world) past(from, to time.Time) iter.Seq2[*session, time.Time] {
	return func(yield func(*session, time.Time) bool) {
		r := rand.New(w.source(setting, 2))
		onAir := make([]time.Time, w.options.Publishers) // until when
		for i := range onAir {
			onAir[i] = from
		}
		var broadcasts uint64
		// Plays begin independently of one another, more than wanted, because newPlay makes none of who sleeps.
		perDay := float64(w.options.PlaysPerDay) / meanActivity()
		at := from
		for number := uint64(1); ; number++ {
			if perDay == 0 {
				at = to
			} else {
				at = at.Add(time.Duration(r.ExpFloat64() / perDay * float64(24*time.Hour)))
			}
			if at.After(to) {
				at = to
			}
			for i := range onAir {
				for onAir[i].Before(at) {
					broadcasts++
					s := w.newBroadcast(pastBroadcast, broadcasts, &w.streams[i], onAir[i], broadcastPace)
					if s.clip(to) && !yield(s, onAir[i]) {
						return
					}
					onAir[i] = time.UnixMilli(s.ends).Add(time.Duration(r.ExpFloat64() * float64(meanOffAir)))
				}
			}
			if !at.Before(to) {
				return
			}
			if s := w.newPlay(pastPlay, number, at, historyPace); s != nil && s.clip(to) && !yield(s, at) {
				return
			}
		}
	}
}
