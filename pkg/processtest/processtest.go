// Package processtest runs real programs for tests: finds them, gives them free addresses, keeps what they say, and ends them.
package processtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// Strict is the environment variable that, set to 1, makes it a failure if a program is missing; otherwise the test is skipped.
const Strict = "TEST_STRICT"

const (
	// readyTimeout is how long a program may take until it answers.
	readyTimeout = time.Minute
	// stopTimeout is how long a program may take to end, before it is killed.
	stopTimeout = time.Minute
	// shown is how many bytes of what a program said last are shown when a test has failed.
	shown = 4000
)

// Executable returns the absolute path of a program: the one that the environment variable names, or that at a path in the repository.
// Without it the test is skipped, or fails if it is strict.
func Executable(t testing.TB, variable, path string) string {
	t.Helper()
	file := os.Getenv(variable)
	if file == "" {
		file = filepath.Join(ModuleRoot(t), filepath.FromSlash(path))
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(absolute); err != nil {
		if os.Getenv(Strict) == "1" {
			t.Fatal(err)
		}
		t.Skipf("there is no %s: build it, or name it in %s", absolute, variable)
	}
	return absolute
}

// ModuleRoot returns the folder of go.mod above the test's working directory.
func ModuleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			err = errors.New("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal(err)
	return ""
}

// FreeAddress returns an address of this machine, with a port on which nothing listens.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return FreeAddressOf(t, "127.0.0.1")
}

// FreeAddressOf returns an address of a host that is this machine, with a port on which nothing listens there.
func FreeAddressOf(t testing.TB, host string) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// FreePort returns a port on which nothing listens, neither at 127.0.0.1 nor at ::1.
func FreePort(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	for range 100 {
		_, port, err := net.SplitHostPort(FreeAddress(t))
		if err != nil {
			t.Fatal(err)
		}
		if listener, err := config.Listen(context.Background(), "tcp", "[::1]:"+port); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free at both 127.0.0.1 and ::1")
	return ""
}

// Output keeps what a program or a logger says. It may be read while it is written.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns all of it.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Process is a program that a test runs, ends and runs again.
type Process struct {
	// Command is the program and its arguments.
	Command []string
	// Dir and Environment are those of the program: the folder it runs in, and what is added to the environment.
	Dir         string
	Environment []string
	// Stdout gets what the program writes there, Output if it is nil.
	Stdout io.Writer
	// Grouped programs run in a process group of their own, and Kill ends whatever they have started, too. Ctrl-C does not reach them.
	Grouped bool
	// Output is what the program has said in all its runs.
	Output Output

	t       testing.TB
	process *exec.Cmd
	ended   chan struct{} // of the last run
	result  error         // of the last run, once it has ended
	killed  bool          // the last run, by Kill
}

// New returns a program that does not run yet. It does not outlive the test, and what it said last is shown if the test has failed.
func New(t testing.TB, command ...string) *Process {
	t.Helper()
	p := &Process{Command: command, t: t}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			said := p.Output.String()
			t.Logf("%s said last:\n%s", p.name(), said[max(0, len(said)-shown):])
		}
	})
	return p
}

// Start is New and Run.
func Start(t testing.TB, command ...string) *Process {
	t.Helper()
	p := New(t, command...)
	p.Run()
	return p
}

func (p *Process) name() string { return filepath.Base(p.Command[0]) }

// Run runs the program, which does not run now: by another, if that is given with its arguments.
func (p *Process) Run(by ...string) {
	p.t.Helper()
	command := slices.Concat(by, p.Command)
	process := exec.Command(command[0], command[1:]...)
	process.Dir, process.Env = p.Dir, append(os.Environ(), p.Environment...)
	process.Stdout, process.Stderr = &p.Output, &p.Output
	if p.Stdout != nil {
		process.Stdout = p.Stdout
	}
	process.WaitDelay = 10 * time.Second // what it has started may keep its output open
	if p.Grouped {
		group(process)
	}
	if err := process.Start(); err != nil {
		p.t.Fatalf("start %s: %v", p.name(), err)
	}
	ended := make(chan struct{})
	p.process, p.ended, p.killed = process, ended, false
	go func() {
		p.result = process.Wait()
		close(ended)
	}()
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.process.Process.Pid }

// Ended is closed once the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Signal sends a signal, which a program that has ended does not get.
func (p *Process) Signal(signal os.Signal) {
	p.t.Helper()
	if err := p.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signal %s: %v", p.name(), err)
	}
}

// Stop sends a signal, waits until the program has ended, and returns how it ended: an *exec.ExitError if its status is not 0, nothing
// if Kill has ended it before. One that does not end within a minute is killed.
func (p *Process) Stop(signal os.Signal) error {
	p.t.Helper()
	if p.process == nil || p.killed {
		return nil
	}
	p.Signal(signal)
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		p.Kill()
		return fmt.Errorf("%s did not end within %s", p.name(), stopTimeout)
	}
	if p.result != nil {
		return fmt.Errorf("%s ended: %w", p.name(), p.result)
	}
	return nil
}

// Kill kills the program, if it runs, as kill -9 does.
func (p *Process) Kill() {
	if p.process == nil {
		return
	}
	// What has ended already cannot be killed, which is fine.
	if p.Grouped {
		_ = killGroup(p.process)
	} else {
		_ = p.process.Process.Kill()
	}
	<-p.ended
	p.killed = true
}

// WaitReady waits until a URL answers 200, and fails if the program ends before.
func (p *Process) WaitReady(url string) {
	p.t.Helper()
	p.WaitUntil("it is ready", func() error { return GetOK(url) })
}

// WaitUntil waits until a check has no error, and fails if the program ends before, or after a minute.
func (p *Process) WaitUntil(what string, check func() error) {
	p.t.Helper()
	var last error
	for deadline := time.Now().Add(readyTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if last = check(); last == nil {
			return
		}
		select {
		case <-p.ended:
			p.t.Fatalf("%s ended before %s: %v\n%s", p.name(), what, p.result, p.Output.String())
		default:
		}
	}
	p.t.Fatalf("%s: not after %s: %s: %v", p.name(), readyTimeout, what, last)
}

// GetOK returns an error unless a URL answers 200.
func GetOK(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("get %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s: %s", url, response.Status, body)
	}
	return nil
}
