package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	stopTimeout  = 30 * time.Second
	pollInterval = 100 * time.Millisecond
	shownLines   = 20 // of the log of a child that died
	shownBytes   = 16 << 10
)

// child is a process that the demo has started.
type child struct {
	name   string
	log    string // path
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has
	err    error         // why, readable then
}

// children are the processes of the demo, in the order of their start.
type children struct {
	mu   sync.Mutex
	list []*child
	died chan *child
}

// start starts a process whose output goes to a file in the directory.
func (c *children) start(name, directory string, environment []string, path string, arguments ...string) error {
	log, err := os.Create(filepath.Join(directory, name+".log"))
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	cmd := exec.Command(path, arguments...) //nolint:noctx // children are stopped in order, not all at once when a context ends
	cmd.Dir = directory
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = processAttributes()
	err = cmd.Start()
	if closeErr := log.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("demo: start %s: %w", name, err)
	}
	started := &child{name: name, log: log.Name(), cmd: cmd, exited: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.died == nil {
		// Room for all that the demo could start, so that nobody waits for a reader.
		c.died = make(chan *child, 8)
	}
	c.list = append(c.list, started)
	go func() {
		started.err = cmd.Wait()
		close(started.exited)
		c.died <- started
	}()
	return nil
}

// ready waits until the URL answers 200, and returns an error if the child dies first or takes too long.
func (c *children) ready(ctx context.Context, name, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("demo: %s is not ready after %s", name, startTimeout))
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		if response, err := client.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case dead := <-c.died:
			return dead.obituary()
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watch returns when a child dies, which is an error, or when ctx is done, which is none.
func (c *children) watch(ctx context.Context) error {
	select {
	case dead := <-c.died:
		return dead.obituary()
	case <-ctx.Done():
		return nil
	}
}

// obituary says that the child has died, with the end of its log.
func (c *child) obituary() error {
	text, err := os.ReadFile(c.log)
	if err != nil {
		text = []byte(err.Error())
	}
	text = bytes.TrimSpace(text[max(0, len(text)-shownBytes):])
	lines := bytes.Split(text, []byte("\n"))
	lines = lines[max(0, len(lines)-shownLines):]
	why := c.err
	if why == nil {
		why = errors.New("exit status 0")
	}
	return fmt.Errorf("demo: %s ended early (%w), the end of its log:\n%s", c.name, why, bytes.Join(lines, []byte("\n")))
}

// stop ends all children, the last started first, and waits for them. One that does not end when asked is killed.
func (c *children) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for i := len(c.list) - 1; i >= 0; i-- {
		errs = append(errs, c.list[i].stop())
	}
	c.list = nil
	return errors.Join(errs...)
}

func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("demo: stop %s: %w", c.name, err)
	}
	select {
	case <-c.exited:
		return nil
	case <-time.After(stopTimeout):
	}
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("demo: kill %s: %w", c.name, err)
	}
	<-c.exited
	return fmt.Errorf("demo: %s did not end within %s and was killed", c.name, stopTimeout)
}
