package mediaserver

import (
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// documentedFailure is a row of the table of failures in the documentation.
type documentedFailure struct{ cause, words, reason string }

// documentedFailures reads the table of the page of media servers.
func documentedFailures(t *testing.T) []documentedFailure {
	t.Helper()
	page, err := os.ReadFile("../../../docs/sources/media-servers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(page), "\n| what is wrong |")
	if !ok {
		t.Fatal("the page has no table of failures")
	}
	var rows []documentedFailure
	for i, line := range strings.Split(table, "\n") {
		if i < 2 { // the rest of the head
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 4 {
			break
		}
		rows = append(rows, documentedFailure{cells[0], strings.Trim(strings.TrimPrefix(cells[1], "WARN "), "`"), strings.Trim(cells[2], "`–")})
	}
	return rows
}

// TestFailures brings about each failure that the documentation lists, and checks what the operator sees of it.
func TestFailures(t *testing.T) {
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	after := func(wait time.Duration, then http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(wait):
				then(w, r)
			case <-r.Context().Done():
			}
		}
	}
	serve := func(h http.HandlerFunc) func(*testing.T, *Config) {
		return func(t *testing.T, c *Config) {
			server := httptest.NewServer(h)
			t.Cleanup(server.Close)
			c.URL = server.URL
		}
	}
	overTLS := func(trusted bool, host string) func(*testing.T, *Config) {
		return func(t *testing.T, c *Config) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(healthy))
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.StartTLS()
			t.Cleanup(server.Close)
			c.URL = strings.Replace(server.URL, "127.0.0.1", host, 1)
			if trusted {
				c.CA = filepath.Join(t.TempDir(), "ca.pem")
				certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
				if err := os.WriteFile(c.CA, certificate, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	only := func(serverType string, h http.HandlerFunc) func(*testing.T, *Config) {
		return func(t *testing.T, c *Config) {
			c.Type = serverType
			serve(h)(t, c)
		}
	}
	stat := func(pid int) string {
		return fmt.Sprintf("<rtmp><pid>%d</pid><uptime>1000</uptime></rtmp>", pid)
	}
	causes := map[string]func(*testing.T, *Config){
		"nobody listens": func(t *testing.T, c *Config) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			c.URL = "http://" + l.Addr().String()
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"a host name that nobody knows":                   func(_ *testing.T, c *Config) { c.URL = "http://server.invalid:9997" },
		"a wrong password or token, or no right to ask":   serve(says(http.StatusUnauthorized, "")),
		"a certificate of an authority that is not known": overTLS(false, "127.0.0.1"),
		"a certificate for another name":                  overTLS(true, "localhost"),
		"HTTP where `https://` is configured": func(t *testing.T, c *Config) {
			serve(healthy)(t, c)
			c.URL = strings.Replace(c.URL, "http:", "https:", 1)
		},
		"a redirect to another host": serve(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.invalid/", http.StatusPermanentRedirect)
		}),
		"a redirect on the same host": serve(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/moved") {
				http.Redirect(w, r, "/moved"+r.URL.Path, http.StatusPermanentRedirect)
				return
			}
			healthy(w, r)
		}),
		"no answer before the next poll": func(t *testing.T, c *Config) {
			c.Interval = 100 * time.Millisecond
			serve(after(time.Second, healthy))(t, c)
		},
		"an answer after half of the interval": func(t *testing.T, c *Config) {
			c.Interval = 6 * time.Second // which leaves some seconds to a machine that is busy
			late := after(3010*time.Millisecond, healthy)
			serve(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/login") { // which is asked before the first poll only
					healthy(w, r)
					return
				}
				late(w, r)
			})(t, c)
		},
		"an answer that breaks off": serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"items":[`)
		}),
		"an error of the server, or of a proxy in front of it":       serve(says(http.StatusBadGateway, "")),
		"the API is switched off, or of a version that is not known": serve(says(http.StatusNotFound, "")),
		"a page instead of the API":                                  serve(says(http.StatusOK, "<html></html>")),
		"the API of another product":                                 serve(says(http.StatusOK, `{"status":"ok"}`)),
		"MediaMTX: the API of another product":                       only(TypeMediaMTX, says(http.StatusOK, `{"status":"ok"}`)),
		"lal: the API of another product":                            only(TypeLal, says(http.StatusOK, `{"status":"ok"}`)),
		"Icecast: the API of another product":                        only(TypeIcecast, says(http.StatusOK, `<icestats></icestats>`)),
		"Icecast: a version before 2.4":                              only(TypeIcecast, says(http.StatusOK, icecast23)),
		"go2rtc: a version before 1.9.4":                             only(TypeGo2rtc, says(http.StatusOK, go2rtc18)),
		"Node-Media-Server: the API of another product":              only(TypeNodeMediaServer, says(http.StatusOK, `{"status":"ok"}`)),
		"Node-Media-Server: five wrong passwords":                    only(TypeNodeMediaServer, says(http.StatusTooManyRequests, `{"success":false,"data":{}}`)),
		"datarhei Core: the API of another product":                  only(TypeDatarhei, says(http.StatusOK, `{"status":"ok"}`)),
		"nginx-rtmp: a page that is no `rtmp_stat`":                  only(TypeNginxRTMP, says(http.StatusOK, "no XML")),
		"nginx-rtmp: several workers": func(t *testing.T, c *Config) {
			c.Type = TypeNginxRTMP
			var n atomic.Int64
			serve(func(w http.ResponseWriter, r *http.Request) {
				says(http.StatusOK, stat(int(n.Add(1)%2)))(w, r)
			})(t, c)
		},
		"MediaMTX: metrics of a version before 1.13": func(t *testing.T, c *Config) {
			serve(says(http.StatusOK, "paths 0\nrtmp_conns_bytes_received{id=\"dd36e3f2\",state=\"publish\"} 341840\n"))(t, c)
			c.URL += "/metrics"
		},
		"SRS: a restart between two questions": func(t *testing.T, c *Config) {
			c.Type = TypeSRS
			var run atomic.Int64
			serve(func(w http.ResponseWriter, r *http.Request) {
				says(http.StatusOK, fmt.Sprintf(`{"code":0,"server":"s","service":"%d","pid":"1","streams":[],"clients":[]}`, run.Add(1)))(w, r)
			})(t, c)
		},
		"Ant Media: its IP filter does not let the collector ask":   only(TypeAntMedia, says(http.StatusForbidden, "Not allowed IP")),
		"a newer version, with fields and lists that are not known": serve(newer),
	}
	rows := documentedFailures(t)
	if len(rows) != len(causes) {
		t.Errorf("%d failures are documented, and %d tried", len(rows), len(causes))
	}
	seen := map[string]bool{}
	for _, row := range rows {
		for _, serverType := range Types() {
			if strings.Contains(row.cause, ": ") && serverType != TypeMediaMTX { // of one product
				continue
			}
			t.Run(row.cause+" of "+serverType, func(t *testing.T) {
				bring := causes[row.cause]
				if bring == nil {
					t.Fatal("it is documented, but not tried")
				}
				t.Parallel()
				c := Config{Type: serverType, Interval: 10 * time.Second, Username: "streamlens", Password: "secret"}
				bring(t, &c)
				tryFailure(t, c, row)
			})
		}
		seen[row.reason] = true
	}
	for _, reason := range Reasons() {
		if !seen[reason] {
			t.Errorf("no failure with the reason %s is documented", reason)
		}
	}
}

// healthy answers as each product does that has nothing to tell.
func healthy(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	body := "<rtmp><pid>1</pid><uptime>1000</uptime></rtmp>"
	switch {
	case strings.HasSuffix(path, "/v1/vhosts"):
		body = `{"statusCode":200,"message":"OK","response":[]}`
	case strings.Contains(path, "/broadcasts/list/"):
		body = `[]`
	case strings.HasSuffix(path, "session/active"):
		body = `{"rtmp":[],"srt":[]}`
	case strings.HasSuffix(path, "api/login"):
		body = `{"access_token":"t"}`
	case strings.HasSuffix(path, "api/v1/login"), strings.HasSuffix(path, "api/v1/sessions"), strings.HasSuffix(r.URL.Path, "api/v1/streams"):
		body = `{"success":true,"data":{"token":"t","sessions":[],"streams":[]}}`
	case strings.Contains(path, "/api/v1/"):
		body = `{"code":0,"server":"s","service":"1","pid":"1","streams":[],"clients":[]}`
	case strings.HasSuffix(path, "/lal_info"):
		body = `{"error_code":0,"data":{"server_id":"1","start_time":"2026-11-28 23:44:42.067 Z UTC"}}`
	case strings.HasSuffix(path, "/all_group"):
		body = `{"error_code":0,"data":{"groups":[]}}`
	case strings.HasSuffix(path, "/api/streams"):
		body = `{}`
	case strings.HasSuffix(path, "admin/stats"):
		body = `<icestats><server_id>Icecast 2.4.4</server_id><server_start_iso8601>2026-11-28T23:44:42+0000</server_start_iso8601></icestats>`
	case strings.Contains(path, "/twirp/"):
		body = `{"rooms":[],"participants":[]}`
	case strings.Contains(path, "/v3/"):
		body = `{"itemCount":0,"pageCount":0,"items":[]}`
	}
	_, _ = io.WriteString(w, body)
}

// newer answers as healthy does, with something that is not known.
func newer(w http.ResponseWriter, r *http.Request) {
	recorder := httptest.NewRecorder()
	healthy(recorder, r)
	body := recorder.Body.String()
	switch {
	case body == "{}": // names of streams
		body = `{"cam1":{"news":[1,2],"producers":null,"consumers":null}}`
	case body[0] == '{':
		body = `{"news":[1,2],` + body[1:]
	case body[0] == '<':
		body = strings.Replace(body, ">", "><news/>", 1)
	}
	_, _ = io.WriteString(w, body)
}

// Answers of versions that are not known, by the form of their time.
const (
	icecast23 = `<icestats><server_id>Icecast 2.3.3</server_id><source mount="/radio"><listeners>1</listeners><stream_start>Sat, 28 Nov 2026</stream_start></source></icestats>`
	go2rtc18  = `{"cam1":{"producers":[{"type":"RTSP active producer","url":"rtsp://camera","remote_addr":"192.0.2.1:554","recv":1318628}],"consumers":[]}}`
)

// tryFailure polls a server that fails, and checks what the operator sees.
func tryFailure(t *testing.T, c Config, row documentedFailure) {
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var log processtest.Output
	p := NewPoller(c, server, "", &memorySink{}, slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		p.poll(t.Context(), c.Interval*9/10)
	}
	status := p.Status()
	if status.Reason != row.reason || (row.reason != "") != (status.Failures[row.reason] > 0) {
		t.Errorf("reason %q, failures %v, want %q; log:\n%s", status.Reason, status.Failures, row.reason, log.String())
	}
	said := strings.ReplaceAll(log.String(), `\"`, `"`)
	if !strings.Contains(said, row.words) || row.words == "" && said != "" {
		t.Errorf("the log has no %q:\n%s", row.words, said)
	}
	if n := strings.Count(said, "level=ERROR"); n != min(len(row.reason), 1) {
		t.Errorf("%d errors in the log:\n%s", n, said)
	}
	if strings.Contains(said, "secret") {
		t.Errorf("the password is in the log:\n%s", said)
	}
}

// TestPollerLogsEveryCause checks that another cause is said, and the same one only once.
func TestPollerLogsEveryCause(t *testing.T) {
	type answer struct {
		status int
		body   string
	}
	var now atomic.Pointer[answer]
	stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a := now.Load()
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	defer stub.Close()
	c := Config{Type: TypeMediaMTX, URL: stub.URL, Interval: time.Second}
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var log processtest.Output
	p := NewPoller(c, server, "", &memorySink{}, slog.New(slog.NewTextHandler(&log, nil)))
	for _, step := range []answer{{401, ""}, {401, ""}, {502, ""}, {502, ""}, {200, "<html>"}, {200, "<html>"}, {200, `{"items":[]}`}, {401, ""}} {
		now.Store(&step)
		p.poll(t.Context(), time.Second)
	}
	for text, times := range map[string]int{"401 Unauthorized": 2, "502 Bad Gateway": 1, "invalid character": 1, "can be polled again": 1} {
		if n := strings.Count(log.String(), text); n != times {
			t.Errorf("%q is logged %d times, want %d:\n%s", text, n, times, log.String())
		}
	}
}

// TestFailuresOfAnyAddress checks that a cause is logged once, whichever of a server's addresses shows it first.
func TestFailuresOfAnyAddress(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		words  string
	}{
		{"no right to ask", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "answers 403 Forbidden"},
		{"no such address", http.NotFound, "answers 404 Not Found"},
		{"a proxy without its server", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "answers 502 Bad Gateway"},
		{"another product", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }, "is not that of the API of MediaMTX"},
		{"no API", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "cannot be read"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			web := httptest.NewServer(test.answer)
			defer web.Close()
			a, err := newAPI(Config{Type: TypeMediaMTX, URL: web.URL})
			if err != nil {
				t.Fatal(err)
			}
			server := &scriptedServer{}
			for _, list := range []string{"paths", "rtmpconns", "srtconns", "paths"} {
				server.steps = append(server.steps, func() (Snapshot, error) {
					_, _, err := mediaMTXList(t.Context(), a, list, nil)
					return Snapshot{}, err
				})
			}
			log := runPoller(t, server, &memorySink{}, len(server.steps))
			if strings.Count(log, "cannot be polled") != 1 || !strings.Contains(log, test.words) {
				t.Errorf("the log says\n%s", log)
			}
		})
	}
}
