// Package vltest runs a real VictoriaLogs for tests.
package vltest

import (
	"os"
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// Variable is the environment variable that names the VictoriaLogs executable. Without it, bin/victoria-logs of the repository is
// taken.
const Variable = "VICTORIALOGS"

// Flags are the flags that Streamlens asks for.
var Flags = []string{"-retentionPeriod=100d", "-inmemoryDataFlushInterval=1s", "-delete.enable"}

// Server is a VictoriaLogs that can be killed and started again with what it has kept.
type Server struct {
	*processtest.Process
	URL string
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
	executable, address := processtest.Executable(t, Variable, "bin/victoria-logs"), processtest.FreeAddress(t)
	// Before the process is made, so that the folder is removed after the process has ended.
	folder := t.TempDir()
	s := &Server{URL: "http://" + address, Process: processtest.New(t,
		append([]string{executable, "-httpListenAddr=" + address, "-storageDataPath=" + folder, "-loggerLevel=ERROR"}, flags...)...)}
	s.Start()
	t.Cleanup(func() {
		if err := s.Stop(os.Interrupt); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Start starts the server, which does not run, and returns when it answers.
func (s *Server) Start() {
	s.Run()
	s.WaitReady(s.URL + "/health")
}
