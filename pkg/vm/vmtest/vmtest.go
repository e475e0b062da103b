// Package vmtest runs a real VictoriaMetrics for tests.
package vmtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Variable is the environment variable that names the VictoriaMetrics executable. Without it, bin/victoria-metrics of the
// repository is taken.
const Variable = "VICTORIAMETRICS"

// startTimeout is how long VictoriaMetrics may take until it answers.
const startTimeout = 20 * time.Second

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
	address := FreeAddress(t)
	flags = append([]string{"-httpListenAddr=" + address, "-storageDataPath=" + t.TempDir(), "-loggerLevel=ERROR"}, flags...)
	process := exec.Command(executable(t), flags...)
	var output bytes.Buffer
	process.Stdout, process.Stderr = &output, &output
	if err := process.Start(); err != nil {
		t.Fatalf("start VictoriaMetrics: %v", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- process.Wait() }()
	t.Cleanup(func() {
		if err := process.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("stop VictoriaMetrics: %v", err)
		}
		<-exited
	})
	url := "http://" + address
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("VictoriaMetrics ended: %v\n%s", err, output.String())
		default:
		}
		if resp, err := http.Get(url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return url
			}
		}
	}
	t.Fatalf("VictoriaMetrics does not answer after %s", startTimeout)
	return ""
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
	resp, err := http.Get(url + "/internal/force_flush")
	if err != nil {
		t.Fatalf("flush: %v", err)
	}
	resp.Body.Close()
}

func executable(t testing.TB) string {
	t.Helper()
	path := os.Getenv(Variable)
	if path == "" {
		path = filepath.Join(ModuleRoot(t), "bin", "victoria-metrics")
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no VictoriaMetrics at %s: build it or set %s", path, Variable)
	}
	return path
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
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
