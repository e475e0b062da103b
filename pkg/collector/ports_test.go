package collector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
)

// open opens the ports of a configuration for a collector, and serves them until the test ends.
func (c *collector) open(t *testing.T, configuration config.Config) *ports {
	t.Helper()
	c.server.PrivateMetrics = configuration.PrivateListen != ""
	if _, err := c.server.Handler(); err != nil {
		t.Fatal(err)
	}
	opened, err := c.server.openPorts(t.Context(), configuration, unguarded)
	if err != nil {
		t.Fatal(err)
	}
	served := opened.serve()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := opened.shutdown(ctx); err != nil {
			t.Errorf("shut down: %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return opened
}

func TestPrivatePort(t *testing.T) {
	c := start(t, nil)
	both := c.open(t, config.Config{Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0"})
	one := c.open(t, config.Config{Listen: "127.0.0.1:0"})
	const private, public, alone = "private", "public beside it", "public alone"
	urls := map[string]string{
		private: "http://" + both.privateListener.Addr().String(),
		public:  "http://" + both.publicListener.Addr().String(),
		alone:   "http://" + one.publicListener.Addr().String(),
	}
	const yes, no = http.StatusOK, http.StatusNotFound
	for _, test := range []struct {
		path string
		want map[string]int
	}{
		{"/healthz", map[string]int{private: yes, public: yes, alone: yes}},
		{"/readyz", map[string]int{private: yes, public: yes, alone: yes}},
		{"/metrics", map[string]int{private: yes, public: no, alone: yes}},
		{"/debug/pprof/", map[string]int{private: yes, public: no, alone: no}},
		{"/debug/pprof/heap", map[string]int{private: yes, public: no, alone: no}},
		{"/debug/pprof/cmdline", map[string]int{private: yes, public: no, alone: no}},
		{"/debug/pprof/profile?seconds=1", map[string]int{private: yes, public: no, alone: no}},
		{"/debug/pprof/symbol", map[string]int{private: yes, public: no, alone: no}},
		{"/debug/pprof/trace?seconds=0.1", map[string]int{private: yes, public: no, alone: no}},
		{"/v1/streams/a/tags", map[string]int{private: no, public: http.StatusUnauthorized, alone: http.StatusUnauthorized}},
	} {
		for port, want := range test.want {
			response, err := http.Get(urls[port] + test.path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != want {
				t.Errorf("%s of the %s port: %d, %v, want %d", test.path, port, response.StatusCode, err, want)
			}
			if test.path == "/metrics" && want == yes && !strings.Contains(string(body), metricsPrefix+"accepted_total") {
				t.Errorf("no metrics on the %s port: %s", port, body)
			}
		}
	}
}

func TestTLS(t *testing.T) {
	files := certificateFiles(t)
	roots := x509.NewCertPool()
	roots.AddCert(writeCertificate(t, files, 1))
	c := start(t, nil)
	url := "https://" + c.open(t, config.Config{Listen: "127.0.0.1:0", TLS: files}).publicListener.Addr().String() + "/healthz"
	client := func(configuration *tls.Config) *http.Client {
		configuration.RootCAs = roots
		transport := &http.Transport{TLSClientConfig: configuration, ForceAttemptHTTP2: true}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}

	response, err := client(&tls.Config{}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 || response.TLS.Version != tls.VersionTLS13 {
		t.Errorf("status %d, %s, %s; want 200, HTTP/2.0 and TLS 1.3", response.StatusCode, response.Proto,
			tls.VersionName(response.TLS.Version))
	}
	if response, err := client(&tls.Config{MaxVersion: tls.VersionTLS12}).Get(url); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	} else {
		response.Body.Close()
	}
	if response, err := client(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Get(url); err == nil {
		response.Body.Close()
		t.Error("TLS 1.1 was taken")
	} else if !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v", err)
	}
	// Without TLS net/http answers this before any handler.
	plain, err := http.Get(strings.Replace(url, "https", "http", 1))
	if err != nil {
		t.Fatal(err)
	}
	plain.Body.Close()
	if plain.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %d, want 400", plain.StatusCode)
	}
}

func TestOpenPortsRefuses(t *testing.T) {
	c := start(t, nil)
	taken := c.Listener.Addr().String()
	for _, test := range []struct {
		name          string
		configuration config.Config
		want          string
	}{
		{"listen is taken", config.Config{Listen: taken}, "listen: "},
		{"privateListen is taken", config.Config{Listen: "127.0.0.1:0", PrivateListen: taken}, "privateListen: "},
		{"no certificate", config.Config{Listen: "127.0.0.1:0", TLS: certificateFiles(t)}, "tls: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := c.server.Handler(); err != nil {
				t.Fatal(err)
			}
			if _, err := c.server.openPorts(t.Context(), test.configuration, unguarded); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want one that begins with %q", err, test.want)
			}
		})
	}
}

// TestMetricsAreDocumented finds each metric in the table of the document.
func TestMetricsAreDocumented(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, nil)
	c.server.metrics.refused("test", 1)
	response, err := http.Get(c.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, metricsPrefix) {
			continue
		}
		found++
		name := line[:strings.IndexAny(line, "{ ")]
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		if !strings.Contains(string(document), "\n| `"+name) {
			t.Errorf("docs/operations.md does not explain %s", name)
		}
	}
	if found < 10 {
		t.Errorf("%d metrics were found:\n%s", found, body)
	}
}

func unguarded(handler http.Handler) http.Handler { return handler }
