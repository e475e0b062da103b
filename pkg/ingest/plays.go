package ingest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/play"
)

const (
	playsDir = "plays"
	// playsInterval is how often records of plays are handed out, if there are fewer than go at once.
	playsInterval = time.Second
	// playsAtOnce is how many records go at once.
	playsAtOnce = 5_000
	// playsKept is how long records are kept after the store of plays took them: when it is killed, it forgets some seconds.
	playsKept = 60 * time.Second
	// playsGrace is how long after a request was given up the store is not asked what it has of it: what is on the way must reach it
	// first, and what it says of itself is up to a second old.
	playsGrace = 3 * time.Second
	// playsPatience is how long after a request was given up is waited at most, as for a store that always writes or does not tell. None waits
	// longer for its turn there.
	playsPatience = time.Minute
	// playsInMemory is how many records may wait in memory when the state is saved. The others wait on disk.
	playsInMemory = 20_000
	// playsShare of Options.MaxBytes is what records that wait may take of the disk. They must not take it from the sums.
	playsShare = 4
)

// PlayStore is the store of plays. It never notices that it has a record already, so it is asked before any is sent again.
type PlayStore interface {
	// Insert returns when the records are taken. After an error it is unknown which of them are.
	Insert(ctx context.Context, lines [][]byte) error
	// Flush makes all that is taken visible to Have.
	Flush(ctx context.Context) error
	// Writing reports whether the store works on requests of anybody that write, or whether that cannot be known. It may tell how that was
	// a second ago.
	Writing(ctx context.Context) (bool, error)
	// Have returns those of the records that are stored, which ended in a range.
	Have(ctx context.Context, keys []play.Key, from, to time.Time) (map[play.Key]bool, error)
	// Started returns when the process started that keeps the records, 0 if that cannot be known.
	Started(ctx context.Context) (int64, error)
	// Repeats returns, of the first hour in a range that has any, the records of a collector's sessions of which one is stored more than
	// once, each once; no lines if there are none.
	Repeats(ctx context.Context, collector string, from, to time.Time) (lines [][]byte, hour time.Time, err error)
	// TakeOut deletes a collector's records of the sessions of some lines in an hour, and returns them, each once, with those of the lines
	// that were not there. Before anything is deleted it lets them be saved.
	TakeOut(ctx context.Context, collector string, lines [][]byte, hour time.Time, save func(lines [][]byte) error) ([][]byte, error)
	// Refused reports whether an error of TakeOut means that nothing was deleted, nor will be.
	Refused(err error) bool
	// RemoveParts lets be deleted what was written before a time about plays that ran then.
	RemoveParts(ctx context.Context, before time.Time) error
}

// playQueue sends the records of plays so that each is stored once. What waits is a part of the pipeline's state, so that a crash loses
// none; whether those that waited then were stored is unknown, and asked.
type playQueue struct {
	store  PlayStore // nil if plays are off
	keep   time.Duration
	clock  func() time.Time
	logger *slog.Logger
	limit  int64 // bytes on disk
	room   int   // records that may wait in memory when the state is saved
	files  backlog

	mu      sync.Mutex // of what waits
	waiting []playLine
	flying  []playLine
	taken   []playLine // not yet safe
	doubts  bool       // whether what is added may be stored already: it is added by a replay
	spilled time.Time  // when records went to the disk last

	// Only the goroutine that sends uses these.
	started int64 // of the store, 0 if it is unknown
	probed  time.Time
	retryAt time.Time // zero if the last records were taken
	delay   time.Duration
	failing bool      // whether the last step failed
	givenUp time.Time // when a request was given up last that the store may not have ended with; zero if there is none

	collector  string    // whose records these are
	repairPath string    // of the file with records that are taken out and put in again
	repairAt   time.Time // when to look for such next
	putBack    time.Time // when those of the file were put in; zero if they were not

	repaired, repairFailures                             atomic.Int64
	written, found, failures, tooOld, tooLong, overLimit atomic.Int64
}

// playLine is a record on its way.
type playLine struct {
	line  []byte
	end   int64     // ms since 1970, of the play
	taken time.Time // zero if it waits
	doubt bool      // whether it may be stored already
	since time.Time // when the last request with it was given up, if it was not before a state was read
}

// add adds records that have come to be.
func (q *playQueue) add(records []play.Record) {
	if q.store == nil || len(records) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range records {
		line := records[i].Line(nil)
		if len(line) > play.MaxLine {
			q.tooLong.Add(1)
			q.logger.Error("A record of a play is too long and left out", "bytes", len(line))
			continue
		}
		l := playLine{line: line, end: records[i].End, doubt: q.doubts}
		if l.doubt {
			l.since = q.givenUp
		}
		q.waiting = append(q.waiting, l)
	}
}

// code codes the records that are not safe in the store.
func (q *playQueue) code(c *codec.Coder) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := slices.Concat(q.taken, q.flying, q.waiting)
	codec.List(c, &all, func(l *playLine) {
		c.Chunk(&l.line)
		codec.Number(c, &l.end)
	})
	if !c.Reading() {
		return
	}
	for i := range all {
		all[i].doubt, all[i].since = true, q.givenUp
	}
	q.waiting = all
}

// spill takes the records that are too many to wait in memory.
func (q *playQueue) spill() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.waiting) - q.room
	if n <= 0 {
		return nil
	}
	var lines []byte
	for _, l := range q.waiting[:n] {
		lines = append(lines, l.line...)
	}
	q.waiting, q.spilled = slices.Clone(q.waiting[n:]), q.clock()
	return lines
}

// keepOnDisk lets records that were spilled wait on disk, or leaves them out if there is no room.
func (q *playQueue) keepOnDisk(lines []byte, number uint64) error {
	switch {
	case len(lines) == 0:
		return nil
	case q.files.size() >= q.limit:
		n := bytes.Count(lines, []byte("\n"))
		q.overLimit.Add(int64(n))
		q.logger.Error("VictoriaLogs does not take records of plays, and the space for waiting ones is full: some are left out", "records", n)
		return nil
	}
	return q.files.add(lines, number)
}

// discard leaves out what waits when there is no store any more.
func (q *playQueue) discard() {
	if n := len(q.waiting); n > 0 {
		q.logger.Warn("Plays are not kept any more: records that waited are left out", "records", n)
	}
	q.waiting = nil
}

// run sends records until ctx is done.
func (q *playQueue) run(ctx context.Context) {
	ticker := time.NewTicker(playsInterval)
	defer ticker.Stop()
	for {
		for q.step(ctx) {
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// drain sends what waits in memory, until ctx is done or the store does not take it.
func (q *playQueue) drain(ctx context.Context) {
	q.retryAt = time.Time{}
	for q.length() > 0 && q.retryAt.IsZero() && ctx.Err() == nil {
		if !q.step(ctx) && !q.givenUp.IsZero() {
			if q.clock().Sub(q.givenUp).Abs() > playsGrace+2*playsInterval {
				break // a store that always writes, or does not tell
			}
			time.Sleep(playsInterval / 10)
		}
	}
	if left := q.length(); left > 0 {
		q.logger.Warn("VictoriaLogs has not taken all records of plays; the others are kept and written with the next start", "records", left)
	}
}

func (q *playQueue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// step sends records once, and reports whether there are more to be sent at once.
func (q *playQueue) step(ctx context.Context) (more bool) {
	now := q.clock()
	if q.store == nil || now.Before(q.retryAt) || ctx.Err() != nil {
		return false
	}
	if err := q.probe(ctx, now); err != nil {
		q.failed(ctx, err)
		return false
	}
	until, err := q.sureOf(ctx, now)
	if err != nil {
		q.failed(ctx, err)
		return false
	}
	batch := q.take(now, until)
	path := ""
	if len(batch) > 0 {
		err = q.deliver(ctx, batch)
	} else if path = q.nextFile(until); path != "" {
		err = q.files.read(path, func(lines []byte) error { return q.deliverFile(ctx, lines) })
	}
	q.landed(batch, err)
	if err != nil {
		q.failed(ctx, err)
		return false
	}
	if path != "" {
		q.files.taken(path, q.clock().UnixMilli())
	}
	if q.retryAt, q.failing = (time.Time{}), false; len(batch) > 0 || path != "" { // else it is not known whether it takes records
		q.delay = 0
	}
	more = len(batch) == playsAtOnce || q.nextFile(until) != ""
	if q.givenUp.IsZero() && !more {
		q.repair(ctx, now)
	}
	return more
}

// giveUp notes that it is unknown what becomes of a request.
func (q *playQueue) giveUp() { q.givenUp = q.clock() }

// sureOf returns until when requests were given up with which the store has ended, so that it can be asked what it has of them. It goes on with a
// request when the collector is gone, for seconds where the processor is busy, and answers meanwhile as if it did not have it.
func (q *playQueue) sureOf(ctx context.Context, now time.Time) (time.Time, error) {
	ever := now.Add(1000 * time.Hour) // whatever the clock showed before
	if q.givenUp.IsZero() {
		return ever, nil
	}
	ago := now.Sub(q.givenUp).Abs()
	if ago < playsPatience {
		if ago < playsGrace {
			return now.Add(-playsPatience), nil
		}
		if writing, err := q.store.Writing(ctx); err != nil || writing {
			return now.Add(-playsPatience), err
		}
	}
	q.givenUp = time.Time{}
	return ever, nil
}

// nextFile returns the next file of records that have waited on disk, all of which are doubtful, "" if there is none to be sent.
func (q *playQueue) nextFile(until time.Time) string {
	q.mu.Lock()
	spilled := q.spilled
	q.mu.Unlock()
	if spilled.After(until) {
		return ""
	}
	return q.files.next()
}

// probe finds out whether the store was started anew, when it is time, and forgets what is safe in it.
func (q *playQueue) probe(ctx context.Context, now time.Time) error {
	if now.Sub(q.probed).Abs() < probeInterval && !q.failing {
		return nil
	}
	started, err := q.store.Started(ctx)
	if err != nil {
		return err
	}
	q.probed = now
	// Where the start cannot be known, a failure may have been one.
	again := q.started != 0 && started != q.started || started == 0 && q.failing
	q.started = started
	q.mu.Lock()
	defer q.mu.Unlock()
	if again {
		q.logger.Warn("VictoriaLogs was started anew, or was away: what it may have forgotten is asked for, and written again where it is missing")
		for i := range q.taken {
			q.taken[i].doubt = true
		}
		q.waiting, q.taken = append(q.taken, q.waiting...), nil
		q.files.again(0)
		return nil
	}
	q.taken = slices.DeleteFunc(q.taken, func(l playLine) bool { return now.Sub(l.taken) > playsKept })
	return q.files.remove(now.Add(-playsKept).UnixMilli())
}

// take takes what is to be sent next, of what may be stored already only that with which requests were given up until a time. What is older than the store keeps is
// left out, because the store would drop it and not say so.
func (q *playQueue) take(now, until time.Time) []playLine {
	q.mu.Lock()
	defer q.mu.Unlock()
	var doubtful []playLine
	n := 0
	for ; n < len(q.waiting) && len(q.flying) < playsAtOnce; n++ {
		if l := q.waiting[n]; l.doubt && l.since.After(until) {
			doubtful = append(doubtful, l)
		} else {
			q.flying = append(q.flying, l)
		}
	}
	if q.waiting = q.waiting[n:]; len(doubtful) > 0 {
		q.waiting = append(doubtful, q.waiting...)
	}
	oldest, all := q.oldest(now), len(q.flying)
	q.flying = slices.DeleteFunc(q.flying, func(l playLine) bool { return l.end < oldest })
	q.leaveOutOld(all - len(q.flying))
	return slices.Clone(q.flying)
}

// oldest returns the end of the oldest play that the store keeps, in ms since 1970.
func (q *playQueue) oldest(now time.Time) int64 { return now.Add(-q.keep + time.Hour).UnixMilli() }

// leaveOutOld tells that records were too old.
func (q *playQueue) leaveOutOld(n int) {
	if n == 0 {
		return
	}
	q.tooOld.Add(int64(n))
	q.logger.Warn("Plays that ended before the time for which records are kept are left out", "records", n, "keep", q.keep)
}

// landed notes what became of what was taken.
func (q *playQueue) landed(batch []playLine, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flying = nil
	for i := range batch {
		batch[i].doubt, batch[i].taken = err != nil, q.clock()
		if err != nil {
			batch[i].since = q.givenUp
		}
	}
	if err != nil {
		q.waiting = append(batch, q.waiting...)
		return
	}
	q.taken = append(q.taken, batch...)
}

func (q *playQueue) failed(ctx context.Context, err error) {
	q.failing, q.delay = true, min(max(2*q.delay, minRetryDelay), maxRetryDelay)
	q.retryAt = q.clock().Add(q.delay)
	if ctx.Err() != nil {
		return // the pipeline ends
	}
	q.failures.Add(1)
	q.logger.Error("VictoriaLogs does not take records of plays, they wait", "error", err, "records", q.length(), "retryAfter", q.delay)
}

// deliver sends records, of those that may be stored already only those that are not.
func (q *playQueue) deliver(ctx context.Context, batch []playLine) error {
	lines := make([][]byte, 0, len(batch))
	doubted := map[play.Key][]byte{}
	first, last := int64(1<<62), int64(0)
	for _, l := range batch {
		if !l.doubt {
			lines = append(lines, l.line)
			continue
		}
		key, err := play.KeyOf(l.line)
		if err != nil {
			return err
		}
		doubted[key] = l.line
		first, last = min(first, l.end), max(last, l.end)
	}
	if len(doubted) > 0 {
		if err := q.store.Flush(ctx); err != nil {
			return err
		}
		keys := make([]play.Key, 0, len(doubted))
		for key := range doubted {
			keys = append(keys, key)
		}
		have, err := q.store.Have(ctx, keys, time.UnixMilli(first), time.UnixMilli(last+1))
		if err != nil {
			return err
		}
		for key, line := range doubted {
			if have[key] {
				q.found.Add(1)
				continue
			}
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if err := q.store.Insert(ctx, lines); err != nil {
		q.giveUp()
		return err
	}
	q.written.Add(int64(len(lines)))
	return nil
}

// deliverFile sends records that have waited on disk.
func (q *playQueue) deliverFile(ctx context.Context, text []byte) error {
	var (
		oldest = q.oldest(q.clock())
		old    int
		batch  []playLine
		errs   []error
	)
	for line := range bytes.Lines(text) {
		end, err := play.EndOf(line)
		switch {
		case err != nil:
			errs = append(errs, err)
		case end < oldest:
			old++
		default:
			batch = append(batch, playLine{line: bytes.Clone(line), end: end, doubt: true})
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for part := range slices.Chunk(batch, playsAtOnce) {
		if err := q.deliver(ctx, part); err != nil {
			return err
		}
	}
	q.leaveOutOld(old) // once, although what was not taken is tried again
	return nil
}

// PlayStats tells how far the records of plays are. The numbers of records count since the pipeline was opened.
type PlayStats struct {
	Waiting      int   // records in memory that the store has not taken
	BacklogBytes int64 // on disk, of records that wait
	Written      int64 // records that the store has taken
	Found        int64 // records that the store had already when it was asked
	Failures     int64 // times that it has not taken what it was given
	TooOld       int64 // records left out because the store would not keep them
	TooLong      int64 // records left out because of their length
	OverLimit    int64 // records left out because the space for waiting ones was full
	Repaired     int64 // records that were taken out and put in again because some of them were there twice
	RepairErrors int64 // times that it was not known whether there are such, or that they could not be mended
	Parts        int64 // of plays that run, and of some that have just ended, which the store has taken
	PartsDropped int64 // left out, because the store did not take them, or would keep them
}

// PlayStats returns how far the records of plays are.
func (p *Pipeline) PlayStats() PlayStats {
	q := &p.plays
	return PlayStats{
		Waiting: q.length(), BacklogBytes: q.files.size(), Written: q.written.Load(), Found: q.found.Load(), Failures: q.failures.Load(),
		TooOld: q.tooOld.Load(), TooLong: q.tooLong.Load(), OverLimit: q.overLimit.Load(),
		Repaired: q.repaired.Load(), RepairErrors: q.repairFailures.Load(),
		Parts: p.running.written.Load(), PartsDropped: p.running.dropped.Load(),
	}
}
