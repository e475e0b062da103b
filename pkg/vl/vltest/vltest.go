// Package vltest runs a real VictoriaLogs for tests.
package vltest

import (
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// Variable is the environment variable that names the VictoriaLogs executable. Without it, bin/victoria-logs of the repository is
// taken.
const Variable = "VICTORIALOGS"

// Flags are the flags that Streamlens asks for.
var Flags = []string{"-retentionPeriod=100d", "-inmemoryDataFlushInterval=1s", "-delete.enable"}

// Start runs VictoriaLogs with Flags on an empty folder until the test ends, and returns its base URL. The test is skipped if there is
// no executable.
func Start(t testing.TB) string {
	t.Helper()
	return StartServer(t, Flags...).URL
}

// StartServer is Start with other flags, and returns the server.
func StartServer(t testing.TB, flags ...string) *processtest.Database {
	t.Helper()
	return processtest.StartDatabase(t, Variable, "bin/victoria-logs", flags...)
}
