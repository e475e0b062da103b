// Package vltest runs a real VictoriaLogs for tests.
package vltest

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// Variable is the environment variable that names the VictoriaLogs executable. Without it, bin/victoria-logs of the repository is
// taken.
const Variable = "VICTORIALOGS"

// startTimeout is how long VictoriaLogs may take until it answers.
const startTimeout = 20 * time.Second

// Flags are the flags that Streamlens asks for.
var Flags = []string{"-retentionPeriod=100d", "-inmemoryDataFlushInterval=1s", "-delete.enable"}

// Server is a VictoriaLogs that can be killed and started again with what it has kept.
type Server struct {
	URL string

	t       testing.TB
	command []string
	process *exec.Cmd
	exited  chan error
	output  bytes.Buffer
}

// Start runs VictoriaLogs with Flags on an empty folder until the test ends, and returns its base URL. The test is skipped if there is
// no executable.
func Start(t testing.TB) string {
	t.Helper()
	return StartServer(t, Flags...).URL
}

// StartServer is Start with other flags, and returns the server.
func StartServer(t testing.TB, flags ...string) *Server {
	t.Helper()
	path := os.Getenv(Variable)
	if path == "" {
		path = filepath.Join(vmtest.ModuleRoot(t), "bin", "victoria-logs")
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no VictoriaLogs at %s: build it with go tool mage victoriaLogs or set %s", path, Variable)
	}
	address := vmtest.FreeAddress(t)
	s := &Server{
		URL: "http://" + address, t: t,
		command: append([]string{path, "-httpListenAddr=" + address, "-storageDataPath=" + t.TempDir(), "-loggerLevel=ERROR"}, flags...),
	}
	s.Run()
	t.Cleanup(func() {
		if err := s.process.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("stop VictoriaLogs: %v", err)
		}
		<-s.exited
	})
	return s
}

// Run starts the server, which does not run.
func (s *Server) Run() {
	s.t.Helper()
	s.output.Reset()
	s.process = exec.Command(s.command[0], s.command[1:]...)
	s.process.Stdout, s.process.Stderr = &s.output, &s.output
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start VictoriaLogs: %v", err)
	}
	process, exited := s.process, make(chan error, 1)
	s.exited = exited
	go func() { exited <- process.Wait() }()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-exited:
			exited <- err
			s.t.Fatalf("VictoriaLogs ended: %v\n%s", err, s.output.String())
		default:
		}
		if resp, err := http.Get(s.URL + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	s.t.Fatalf("VictoriaLogs does not answer after %s", startTimeout)
}

// Kill kills the server as kill -9 does; Run starts it again.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		s.t.Fatalf("kill VictoriaLogs: %v", err)
	}
	err := <-s.exited
	s.exited <- err
}
