package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"github.com/streamlens/streamlens/pkg/atomicfile"
)

// MaxMissed is how many periods of a job are made up at most, the latest ones.
const MaxMissed = 31

// Pauses after a delivery that failed: the first, doubled each time up to the last.
const (
	firstPause = time.Minute
	lastPause  = time.Hour
)

// ErrRunning is returned while another process delivers by the same state.
var ErrRunning = errors.New("another process delivers the reports")

// Job is the delivery of a report in one way.
type Job struct {
	Name     string // by which the state knows it; another name is another job
	Calendar Calendar
	// Deliver delivers the report of a period. An error means that nobody has got it.
	Deliver func(ctx context.Context, p Period) error
}

// record is what is kept of a job.
type record struct {
	// Done is the end of the latest period that was delivered, or the begin of the first one to deliver.
	Done time.Time `json:"done,omitzero"`
	// Failures is how often the next period's delivery began without success, and Again when it may begin again.
	Failures int       `json:"failures,omitempty"`
	Again    time.Time `json:"again,omitzero"`
}

// stateFile is the file of a directory that says what was delivered.
const stateFile = "delivered.json"

// Run delivers what is due by now and was not delivered yet, the oldest first: of a new job the last period alone, else every period
// since the last one that was delivered, up to MaxMissed. What was delivered is kept in a file of the directory, which is made if it
// is not there.
//
// A delivery that fails is tried again by a later Run, after a pause that grows. The attempt is noted before it begins and its success
// after it has ended; so a period is delivered twice only if the process or the machine stops between the two, and never because
// nothing can be noted. The errors of all jobs are returned; ErrRunning, at once, while another process runs.
func Run(ctx context.Context, directory string, jobs []Job, now func() time.Time, logger *slog.Logger) (err error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return fmt.Errorf("make the directory of the reports' state: %w", err)
	}
	lock := flock.New(filepath.Join(directory, "lock"), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock the reports' state: %w", err)
	}
	if !locked {
		return ErrRunning
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()

	s := &state{path: filepath.Join(directory, stateFile)}
	if err := s.load(); err != nil {
		return err
	}
	var failed []error
	for _, job := range jobs {
		if err := s.run(ctx, job, now, logger); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", job.Name, err))
		}
		if ctx.Err() != nil || s.broken {
			break
		}
	}
	return errors.Join(failed...)
}

// state is what was delivered of all jobs.
type state struct {
	path    string
	records map[string]record
	broken  bool // nothing can be noted
}

func (s *state) load() error {
	content, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		s.records = map[string]record{}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the reports' state: %w", err)
	}
	if err := json.Unmarshal(content, &s.records); err != nil {
		return fmt.Errorf("read the reports' state: %s: %w", s.path, err)
	}
	return nil
}

func (s *state) note(job string, r record) error {
	s.records[job] = r
	content, err := json.MarshalIndent(s.records, "", "  ")
	if err == nil {
		err = atomicfile.Write(s.path, append(content, '\n'), 0o600)
	}
	if err != nil {
		s.broken = true
		return fmt.Errorf("note the reports' state: %w", err)
	}
	return nil
}

// run delivers what is due of a job, until one period fails.
func (s *state) run(ctx context.Context, job Job, now func() time.Time, logger *slog.Logger) error {
	of := s.records[job.Name]
	if now().Before(of.Again) {
		return nil
	}
	if of.Done.IsZero() {
		of.Done = job.Calendar.Last(now()).From
	}
	for _, p := range due(job.Calendar, of.Done, now()) {
		attempt := of
		attempt.Failures++
		attempt.Again = now().Add(pause(attempt.Failures))
		if err := s.note(job.Name, attempt); err != nil {
			return err
		}
		if err := job.Deliver(ctx, p); err != nil {
			if ctx.Err() != nil {
				// Who stops the process is no failure.
				return errors.Join(err, s.note(job.Name, of))
			}
			logger.Error("Report not delivered", "report", job.Name, "period", p.Name, "attempt", attempt.Failures,
				"again", attempt.Again.Format(time.RFC3339), "error", err)
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		of = record{Done: p.To}
		if err := s.note(job.Name, of); err != nil {
			return err
		}
		logger.Info("Report delivered", "report", job.Name, "period", p.Name)
	}
	return nil
}

// due returns the periods to deliver, the oldest first.
func due(c Calendar, done, now time.Time) []Period {
	p := c.Last(now)
	var periods []Period
	// Half a period is the tolerance for calendars that have changed: the month of another time zone is the same month.
	for len(periods) < MaxMissed && done.Before(p.From.Add(p.To.Sub(p.From)/2)) {
		periods = append(periods, p)
		p = c.Before(p)
	}
	slices.Reverse(periods)
	return periods
}

// pause returns how long to wait after a number of failures.
func pause(failures int) time.Duration {
	d := firstPause
	for range failures - 1 {
		if d *= 2; d >= lastPause {
			return lastPause
		}
	}
	return d
}
