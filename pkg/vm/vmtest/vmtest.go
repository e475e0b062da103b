// Package vmtest runs a real VictoriaMetrics for tests.
package vmtest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// Variable is the environment variable that names the VictoriaMetrics executable. Without it, bin/victoria-metrics of the
// repository is taken.
const Variable = "VICTORIAMETRICS"

// DefaultFlags are the flags that Streamlens asks for.
var DefaultFlags = []string{"-dedup.minScrapeInterval=1ms", "-retentionPeriod=400d"}

// Start runs VictoriaMetrics with the default flags on an empty folder until the test ends, and returns its base URL. The
// test is skipped if there is no executable.
func Start(t testing.TB) string {
	t.Helper()
	return StartWith(t, DefaultFlags...)
}

// StartWith is Start with other flags.
func StartWith(t testing.TB, flags ...string) string {
	t.Helper()
	return StartServer(t, flags...).URL
}

// StartServer is StartWith, and returns the server.
func StartServer(t testing.TB, flags ...string) *processtest.Database {
	t.Helper()
	return processtest.StartDatabase(t, Variable, "bin/victoria-metrics", flags...)
}

// Import writes lines in the Prometheus text format, with timestamps in ms, and returns when they can be read.
func Import(t testing.TB, url string, lines string) {
	t.Helper()
	resp, err := http.Post(url+"/api/v1/import/prometheus", "text/plain", strings.NewReader(lines))
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("import: status %d, %s, %v", resp.StatusCode, answer, err)
	}
	Flush(t, url)
}

// Flush makes everything readable that was written.
func Flush(t testing.TB, url string) {
	t.Helper()
	if err := processtest.GetOK(url + "/internal/force_flush"); err != nil {
		t.Fatalf("flush: %v", err)
	}
}
