package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// TestReady asks what stands in for a collector; the real one answers in TestReloadLosesNothing.
func TestReady(t *testing.T) {
	says := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				status = http.StatusNotFound
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
	for _, test := range []struct {
		name    string
		handler http.Handler // nil if nobody listens
		tls     bool
		private bool // the configuration has a private port, and the handler is there
		want    string
	}{
		{"ready", says(http.StatusOK, `{"status":"ready"}`), false, false, ""},
		{"ready with TLS, by a name that is not this machine's", says(http.StatusOK, `{"status":"ready"}`), true, false, ""},
		{"ready on the private port", says(http.StatusOK, `{"status":"ready"}`), false, true, ""},
		{"not ready", says(http.StatusServiceUnavailable, `{"error":"VictoriaMetrics is away"}`), false, false, "VictoriaMetrics is away"},
		{"another program", says(http.StatusNotFound, "404 page not found"), false, false, "404 Not Found, and not as a collector"},
		{"nobody listens", nil, false, false, "ask the collector"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			listen, certificate := processtest.FreeAddress(t), ""
			if test.handler != nil {
				server := httptest.NewUnstartedServer(test.handler)
				if test.tls {
					server.StartTLS()
					certificate = fmt.Sprintf("tls: {certificate: %q, key: %q}\n", filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
					writeCertificate(t, folder, server)
				} else {
					server.Start()
				}
				t.Cleanup(server.Close)
				listen = server.Listener.Addr().String()
			}
			addresses := fmt.Sprintf("listen: %q\n", listen)
			if test.private {
				addresses = fmt.Sprintf("listen: %q\nprivateListen: %q\n", processtest.FreeAddress(t), listen)
			}
			path := filepath.Join(folder, "streamlens.yaml")
			content := addresses + certificate + fmt.Sprintf("dataDir: %q\nvictoriametrics: {url: \"http://127.0.0.1:8428\"}\norganizations: [{id: acme}]\n", folder)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			command := readyCommand()
			var out bytes.Buffer
			command.SetOut(&out)
			command.SetErr(&out)
			command.SetArgs([]string{"--config", path})
			err := command.ExecuteContext(t.Context())
			switch {
			case test.want == "" && (err != nil || out.String() != "ready\n"):
				t.Errorf("%q, %v, want ready", out.String(), err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// writeCertificate writes the certificate of a server, and its key, to files.
func writeCertificate(t *testing.T, folder string, server *httptest.Server) {
	t.Helper()
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
