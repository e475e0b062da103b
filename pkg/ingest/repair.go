package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
)

const (
	// repairFile is the file of the pipeline's directory with records that are taken out of the store and put in again.
	repairFile = "plays-repair"
	// repairInterval is how often is looked for records that are stored twice, and repairPause how soon again where some were found or
	// it did not work.
	repairInterval = time.Hour
	repairPause    = 5 * time.Minute
	// repairAfter is how long an hour must be over: no request can still be on its way.
	repairAfter = 10 * time.Minute
	// repairHours is how many hours are looked at.
	repairHours = 25
)

// repair looks for records of the closed hours that are stored twice, because a request arrived after the collector had given it up and
// had asked, and stores them once. It runs where nothing waits, in the goroutine that sends, so that nothing else is written meanwhile.
// Before they are deleted the records are in a file, with which a start goes on; it stays until they are safe.
func (q *playQueue) repair(ctx context.Context, now time.Time) {
	if q.store == nil || q.repairPath == "" || now.Before(q.repairAt) {
		return
	}
	q.repairAt = now.Add(repairPause)
	if err := q.repairHour(ctx, now); err != nil && ctx.Err() == nil {
		q.repairFailures.Add(1)
		q.logger.Error("It could not be looked for plays that are stored twice, or they could not be mended", "error", err)
	}
}

func (q *playQueue) repairHour(ctx context.Context, now time.Time) error {
	if !q.putBack.IsZero() {
		if now.Sub(q.putBack).Abs() <= playsKept {
			return nil
		}
		q.putBack = time.Time{}
		return removeIfThere(q.repairPath)
	}
	var (
		lines [][]byte
		hour  time.Time
	)
	text, err := os.ReadFile(q.repairPath)
	switch {
	case err == nil:
		lines = slices.Collect(bytes.Lines(text))
		end, err := play.EndOf(lines[0])
		if err != nil {
			return fmt.Errorf("read %s: %w", repairFile, err)
		}
		hour = time.UnixMilli(end).Truncate(time.Hour)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read %s: %w", repairFile, err)
	default:
		to := now.Add(-repairAfter).Truncate(time.Hour)
		from := to.Add(-min(repairHours*time.Hour, q.keep).Truncate(time.Hour))
		if lines, hour, err = q.store.Repeats(ctx, q.collector, from, to); err != nil {
			return err
		}
		if len(lines) == 0 {
			q.repairAt = now.Add(repairInterval)
			return nil
		}
	}
	lines, err = q.store.TakeOut(ctx, q.collector, lines, hour, func(lines [][]byte) error {
		return writeFile(q.repairPath, bytes.Join(lines, nil))
	})
	if err != nil {
		if q.store.Refused(err) {
			err = errors.Join(err, removeIfThere(q.repairPath))
		}
		return err
	}
	batch := make([]playLine, len(lines))
	for i, line := range lines {
		batch[i] = playLine{line: line, end: hour.UnixMilli(), doubt: true}
		if batch[i].end, err = play.EndOf(line); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(batch, playsAtOnce) {
		if err := q.deliver(ctx, part); err != nil {
			return err
		}
	}
	q.landed(batch, nil)
	q.putBack = q.clock()
	q.repaired.Add(int64(len(lines)))
	q.logger.Warn("Plays were stored twice and are stored once again", "hour", hour.UTC().Format(time.RFC3339), "records", len(lines))
	return nil
}
