package schedule

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

var quiet = slog.New(slog.DiscardHandler)

// desk delivers reports at a clock that the test moves.
type desk struct {
	directory string
	clock     time.Time
	jobs      []Job
	delivered []string // periods, in the order of their delivery
	failing   error
	asked     int
}

func newDesk(t *testing.T, now, every string) *desk {
	t.Helper()
	d := &desk{directory: filepath.Join(t.TempDir(), "reports"), clock: at(t, now)}
	d.jobs = []Job{{Name: "job", Calendar: calendar(t, every, "06:00", ""), Deliver: func(_ context.Context, p Period) error {
		d.asked++
		if d.failing == nil {
			d.delivered = append(d.delivered, p.Name)
		}
		return d.failing
	}}}
	return d
}

func (d *desk) run(t *testing.T) error {
	t.Helper()
	return Run(t.Context(), d.directory, d.jobs, func() time.Time { return d.clock }, quiet)
}

// expect runs, and compares what has been delivered since the beginning.
func (d *desk) expect(t *testing.T, want ...string) {
	t.Helper()
	if err := d.run(t); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.delivered, want) {
		t.Fatalf("at %s delivered is %q, want %q", d.clock, d.delivered, want)
	}
}

func TestEachPeriodOnce(t *testing.T) {
	d := newDesk(t, "2026-10-29T07:00:00Z", Day)
	d.expect(t, "2026-10-28") // of a new job the last period alone
	d.expect(t, "2026-10-28")
	d.clock = at(t, "2026-10-30T05:59:00Z")
	d.expect(t, "2026-10-28")
	d.clock = at(t, "2026-10-30T06:00:00Z")
	d.expect(t, "2026-10-28", "2026-10-29")
	// The machine was off for three days.
	d.clock = at(t, "2026-11-02T09:00:00Z")
	d.expect(t, "2026-10-28", "2026-10-29", "2026-10-30", "2026-10-31", "2026-11-01")
	// The clock goes back.
	d.clock = at(t, "2026-10-30T06:00:00Z")
	d.expect(t, "2026-10-28", "2026-10-29", "2026-10-30", "2026-10-31", "2026-11-01")
}

func TestMuchMissed(t *testing.T) {
	d := newDesk(t, "2026-01-02T07:00:00Z", Day)
	d.expect(t, "2026-01-01")
	d.clock = at(t, "2026-10-29T07:00:00Z")
	if err := d.run(t); err != nil {
		t.Fatal(err)
	}
	if missed := d.delivered[1:]; len(missed) != MaxMissed || missed[0] != "2026-09-28" || missed[MaxMissed-1] != "2026-10-28" {
		t.Errorf("made up is %q", missed)
	}
}

func TestCalendarChanges(t *testing.T) {
	d := newDesk(t, "2026-11-01T07:00:00Z", Month)
	d.expect(t, "2026-10")
	d.jobs[0].Calendar = calendar(t, Month, "08:00", "America/New_York") // its October ends four hours later
	d.clock = at(t, "2026-11-02T00:00:00Z")
	d.expect(t, "2026-10")
	d.jobs[0].Calendar = calendar(t, Day, "06:00", "")
	d.clock = at(t, "2026-11-03T07:00:00Z")
	d.expect(t, "2026-10", "2026-11-01", "2026-11-02")
}

func TestFailureIsTriedAgain(t *testing.T) {
	d := newDesk(t, "2026-10-29T07:00:00Z", Day)
	d.failing = errors.New("the server is away")
	began := d.clock
	var attempts []time.Duration
	for d.clock.Before(began.Add(5 * time.Hour)) {
		before := d.asked
		if err := d.run(t); d.asked > before {
			attempts = append(attempts, d.clock.Sub(began).Round(time.Minute))
			if !errors.Is(err, d.failing) || !strings.Contains(err.Error(), "job: 2026-10-28: ") {
				t.Fatalf("the error is %v", err)
			}
		}
		d.clock = d.clock.Add(time.Minute)
	}
	want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}
	for i := range want {
		want[i] *= time.Minute
	}
	if !slices.Equal(attempts, want) {
		t.Errorf("attempts after %v, want %v", attempts, want)
	}
	// Meanwhile another day has become due: both come, the older first.
	d.failing = nil
	d.clock = at(t, "2026-10-30T12:00:00Z")
	d.expect(t, "2026-10-28", "2026-10-29")
}

func TestOneFailureHoldsUpNoOther(t *testing.T) {
	d := newDesk(t, "2026-10-29T07:00:00Z", Day)
	bad := Job{Name: "bad", Calendar: d.jobs[0].Calendar, Deliver: func(context.Context, Period) error { return errors.New("no") }}
	d.jobs = append([]Job{bad}, d.jobs...)
	if err := d.run(t); err == nil || !strings.Contains(err.Error(), "bad: ") {
		t.Errorf("the error is %v", err)
	}
	if !slices.Equal(d.delivered, []string{"2026-10-28"}) {
		t.Errorf("delivered is %q", d.delivered)
	}
}

// TestCrash stops in the middle of a delivery, as if the process had been killed.
func TestCrash(t *testing.T) {
	d := newDesk(t, "2026-10-29T07:00:00Z", Day)
	deliver := d.jobs[0].Deliver
	d.jobs[0].Deliver = func(context.Context, Period) error { panic("killed") }
	func() {
		defer func() { _ = recover() }()
		_ = d.run(t)
	}()
	d.jobs[0].Deliver = deliver
	d.expect(t) // the attempt was noted, so that a crash is no loop
	d.clock = d.clock.Add(time.Minute)
	d.expect(t, "2026-10-28")
}

func TestStopIsNoFailure(t *testing.T) {
	d := newDesk(t, "2026-10-29T07:00:00Z", Day)
	ctx, cancel := context.WithCancel(t.Context())
	deliver := d.jobs[0].Deliver
	d.jobs[0].Deliver = func(ctx context.Context, _ Period) error {
		cancel()
		return ctx.Err()
	}
	if err := Run(ctx, d.directory, d.jobs, func() time.Time { return d.clock }, quiet); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	d.jobs[0].Deliver = deliver
	d.expect(t, "2026-10-28")
}

// TestNothingNoted delivers nothing of which it could not note that it did.
func TestNothingNoted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the test makes a file system entry that Windows treats in another way")
	}
	d := newDesk(t, "2026-10-29T07:00:00Z", Day)
	// A folder in the place of the file cannot be replaced by a file.
	if err := os.MkdirAll(filepath.Join(d.directory, stateFile, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.run(t); err == nil || d.asked > 0 {
		t.Errorf("%d deliveries, %v", d.asked, err)
	}
	broken := newDesk(t, "2026-10-29T07:00:00Z", Day)
	if err := os.MkdirAll(broken.directory, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken.directory, stateFile), []byte(`{"job": `), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := broken.run(t); err == nil || broken.asked > 0 {
		t.Errorf("%d deliveries, %v", broken.asked, err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	d := newDesk(t, "2026-10-29T07:00:00Z", Day)
	d.expect(t, "2026-10-28")
	other := flock.New(filepath.Join(d.directory, "lock"))
	if locked, err := other.TryLock(); err != nil || !locked {
		t.Fatal(locked, err)
	}
	d.clock = d.clock.AddDate(0, 0, 1)
	if err := d.run(t); !errors.Is(err, ErrRunning) {
		t.Errorf("the error is %v", err)
	}
	if err := other.Unlock(); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "2026-10-28", "2026-10-29")
}

// TestRandomTroubles runs at random times, with failures and crashes between: each period since the first is delivered once, in order.
func TestRandomTroubles(t *testing.T) {
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 1))
		d := newDesk(t, "2026-10-29T07:00:00Z", Day)
		deliver := d.jobs[0].Deliver
		d.jobs[0].Deliver = func(ctx context.Context, p Period) error {
			switch random.IntN(4) {
			case 0:
				return errors.New("failed")
			case 1:
				panic("killed")
			}
			return deliver(ctx, p)
		}
		for range 100 {
			func() {
				defer func() { _ = recover() }()
				_ = d.run(t)
			}()
			d.clock = d.clock.Add(time.Duration(random.ExpFloat64() * float64(3*time.Hour)))
		}
		d.jobs[0].Deliver = deliver
		d.clock = d.clock.Add(lastPause)
		if err := d.run(t); err != nil {
			t.Fatal(err)
		}
		var want []string
		for day := at(t, "2026-10-28T00:00:00Z"); !day.AddDate(0, 0, 1).Add(6 * time.Hour).After(d.clock); day = day.AddDate(0, 0, 1) {
			want = append(want, day.Format(time.DateOnly))
		}
		if !slices.Equal(d.delivered, want) {
			t.Fatalf("seed %d: delivered is %q, want %q", seed, d.delivered, want)
		}
	}
}
