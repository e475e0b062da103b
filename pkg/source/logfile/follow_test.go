package logfile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// log is a log file that is written and rotated, and a follower of it that can be restarted.
type log struct {
	t      *testing.T
	path   string
	mu     sync.Mutex
	got    strings.Builder
	refuse bool
	stop   func()
}

func newLog(t *testing.T) *log {
	t.Helper()
	return &log{t: t, path: filepath.Join(t.TempDir(), "access.log"), stop: func() {}}
}

func (l *log) follow() {
	l.t.Helper()
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error, 1)
	f := &Follower{Path: l.path, State: l.path + "-position.json.gz", Logger: slog.New(slog.DiscardHandler),
		Take: func(_ context.Context, lines []byte) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.refuse {
				l.refuse = false
				return errors.New("refused")
			}
			l.got.Write(lines)
			return nil
		}}
	go func() { done <- f.Run(ctx) }()
	l.stop = func() {
		cancel()
		if err := <-done; err != nil {
			l.t.Error(err)
		}
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
			want := "first line\nb\n"
			if strings.Contains(test.name, "written on") {
				want = "first line\nlate\nb\n"
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
	l.refuse = true
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
