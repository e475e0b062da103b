package logfile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// log is a log file that is written and rotated, and a follower of it that can be restarted.
type log struct {
	t        *testing.T
	path     string
	mu       sync.Mutex
	got      strings.Builder
	position string // kept with got
	refuse   bool
	stop     func()
}

func newLog(t *testing.T) *log {
	t.Helper()
	return &log{t: t, path: filepath.Join(t.TempDir(), "access.log"), stop: func() {}}
}

var errRefused = errors.New("refused")

// follower returns a follower that goes on where the last one ended.
func (l *log) follower() *Follower {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Follower{Path: l.path, Restore: l.position, Logger: slog.New(slog.DiscardHandler),
		Take: func(_ context.Context, lines []byte, position string) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.refuse {
				l.refuse = false
				return errRefused
			}
			l.got.Write(lines)
			l.position = position
			return nil
		}}
}

func (l *log) follow() {
	l.t.Helper()
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan struct{})
	f := l.follower()
	go func() {
		f.Run(ctx)
		close(done)
	}()
	l.stop = func() {
		cancel()
		<-done
	}
}

func (l *log) write(text string) {
	l.t.Helper()
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		l.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) rename(to string) {
	l.t.Helper()
	if err := os.Rename(l.path, l.path+to); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) copyAndTruncate(to string) {
	l.t.Helper()
	content, err := os.ReadFile(l.path)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(l.path+to, content, 0o600), os.Truncate(l.path, 0)); err != nil {
		l.t.Fatal(err)
	}
}

// expect waits until the follower has handed on just the text.
func (l *log) expect(text string) {
	l.t.Helper()
	var got string
	for range 100 {
		l.mu.Lock()
		got = l.got.String()
		l.mu.Unlock()
		if got == text {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	l.t.Fatalf("got %q, want %q", got, text)
}

// settle gives the follower the time to look at the file.
func settle() { time.Sleep(interval + interval/2) }

func TestFollowerBeginsAtTheEndAndReadsWholeLines(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.write("old 1\nold 2\nbegun")
	l.follow()
	settle()
	l.write(" line\nnew\nnot ye")
	l.expect("begun line\nnew\n")
	l.write("t ended\n")
	l.expect("begun line\nnew\nnot yet ended\n")
	l.stop()
}

// longer is longer than what TestFollowerFollowsRotation writes before.
const longer = "another line that is the first\nand one behind it\n"

func TestFollowerFollowsRotation(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		rotate func(l *log)
	}{
		{"renamed, and the new file made later", func(l *log) {
			l.rename(".1")
			settle()
			l.write("b\n")
		}},
		{"renamed, and the old file written on", func(l *log) {
			old, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				l.t.Fatal(err)
			}
			defer old.Close()
			l.rename(".1")
			if _, err := old.WriteString("late\n"); err != nil {
				l.t.Fatal(err)
			}
			l.write("b\n")
		}},
		{"truncated", func(l *log) {
			settle()
			if err := os.Truncate(l.path, 0); err != nil {
				l.t.Fatal(err)
			}
			settle()
			l.write("b\n")
		}},
		{"written on, copied and truncated", func(l *log) {
			l.write("late\n")
			l.copyAndTruncate(".1")
			l.write("b\n")
		}},
		{"truncated, and longer than before at once", func(l *log) {
			settle()
			if err := os.WriteFile(l.path, []byte(longer), 0o600); err != nil {
				l.t.Fatal(err)
			}
		}},
		{"written on, copied and truncated, and longer than before at once", func(l *log) {
			l.write("late\n")
			l.copyAndTruncate(".1")
			l.write(longer)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t)
			l.write("")
			l.follow()
			settle()
			l.write("first line\n")
			settle()
			test.rotate(l)
			want := "first line\n"
			if strings.Contains(test.name, "written on") {
				want += "late\n"
			}
			if strings.Contains(test.name, "longer") {
				want += longer
			} else {
				want += "b\n"
			}
			l.expect(want)
			l.write("c\n")
			l.expect(want + "c\n")
			l.stop()
		})
	}
}

func TestFollowerGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.write("")
	l.follow()
	settle()
	l.write("1\n2\n")
	l.expect("1\n2\n")
	l.stop()

	l.write("3\n")
	l.follow()
	l.expect("1\n2\n3\n")
	l.stop()

	// Twice rotated while nobody followed.
	l.write("4\n")
	l.rename(".1")
	time.Sleep(100 * time.Millisecond) // files are ordered by the time of their last change
	l.write("5\n")
	if err := os.Rename(l.path+".1", l.path+".2"); err != nil {
		t.Fatal(err)
	}
	l.rename(".1")
	l.write("6\n")
	l.follow()
	l.expect("1\n2\n3\n4\n5\n6\n")
	l.write("7\n")
	l.expect("1\n2\n3\n4\n5\n6\n7\n")
	l.stop()
}

func TestFollowerHandsOnAgainWhatIsRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.write("")
	l.follow()
	settle()
	l.mu.Lock()
	l.refuse = true
	l.mu.Unlock()
	l.write("1\n")
	l.expect("1\n")
	l.stop()
}

func TestFollowerReadsMuchAtOnce(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.write("")
	l.follow()
	settle()
	var all strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&all, "line %d\n", i)
	}
	l.write(all.String())
	l.expect(all.String())
	l.stop()
}

func TestFollowerBeginsAnewIfThePositionCannotBeRead(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.write("1\n")
	l.position = "nonsense"
	l.follow()
	settle()
	l.write("2\n")
	l.expect("2\n")
	l.stop()
}

// TestFollowerCrashes lets a follower die between any two steps while its log is written and rotated. What was taken is all that
// was written after the first step, once and in order.
func TestFollowerCrashes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, before string
		copied       bool // instead of renamed
	}{
		{name: "a new log"},
		{name: "a log with lines", before: "old 1\nold 2\n"},
		{name: "a log that is copied and truncated", before: "old 1\nold 2\n", copied: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(10) {
				random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test that can be repeated
				l := newLog(t)
				var (
					want    strings.Builder
					f       *Follower
					files   int
					crashes int
				)
				crash := func() {
					if f != nil {
						f.close()
						crashes++
					}
					f = l.follower()
				}
				follow := func() {
					if err := f.follow(t.Context()); err != nil && !errors.Is(err, errRefused) {
						t.Fatal(err)
					}
				}
				if test.before != "" {
					l.write(test.before)
				}
				crash()
				follow()
				for line := range 150 {
					switch random.IntN(8) {
					case 0:
						crash()
					case 1: // dies when its lines count, before it knows
						f.Take = func(ctx context.Context, lines []byte, position string) error {
							if err := l.follower().Take(ctx, lines, position); err != nil {
								return err
							}
							return errRefused
						}
						follow()
						crash()
					case 2:
						l.refuse = true
						follow()
					case 3, 4:
						follow()
					case 5:
						info, err := os.Stat(l.path)
						if err != nil || info.Size() == 0 {
							continue // is not rotated
						}
						if test.copied {
							// A follower knows a copy by what it has read of it.
							l.refuse = false
							follow()
						}
						files++
						to := fmt.Sprintf(".%03d", files)
						if test.copied {
							l.copyAndTruncate(to)
							follow() // what grows beyond the length it had looks as if it went on
						} else {
							l.rename(to)
						}
						// Files are ordered by the time of their last change.
						at := time.Now().Add(time.Duration(files-1000) * time.Minute)
						if err := os.Chtimes(l.path+to, at, at); err != nil {
							t.Fatal(err)
						}
					default:
						text := fmt.Sprintf("seed %d line %d\n", seed, line)
						want.WriteString(text)
						l.write(text)
					}
				}
				l.refuse = false
				l.write("the end\n") // what is rotated is read on when the new file is there
				want.WriteString("the end\n")
				crash()
				follow()
				f.close()
				if got := l.got.String(); got != want.String() {
					t.Fatalf("seed %d, %d crashes, %d rotations: got\n%swant\n%s", seed, crashes, files, got, want.String())
				}
			}
		})
	}
}
