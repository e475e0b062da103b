package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func page(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url) //nolint:gosec // the test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s, %v", url, response.Status, err)
	}
	return string(body)
}

// TestMediaServersShow checks what an operator sees of two media servers, of which one refuses the password.
func TestMediaServersShow(t *testing.T) {
	c := start(t, nil)
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		items := ""
		if strings.Contains(r.URL.Path, "/rtmpconns/") {
			items = `{"id":"a","created":"2026-11-24T06:23:24Z","remoteAddr":"203.0.113.9:5000","state":"publish","path":"camera/1","inboundBytes":7}`
		}
		fmt.Fprintf(w, `{"pageCount":1,"items":[%s]}`, items)
	}))
	defer good.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer refusing.Close()
	p, err := newPull(config.Config{Servers: []config.MediaServer{
		{Type: "mediamtx", URL: good.URL, Name: "studio", Interval: 60, Organization: "acme"},
		{Type: "srs", URL: refusing.URL, Name: "stage", Interval: 60, Organization: "acme"},
	}}, c.server, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if shown := page(t, c.URL+"/metrics"); !strings.Contains(shown, `streamlens_collector_server_up{organization="acme",type="mediamtx",server="studio"} 0`) {
		t.Errorf("before the first poll:\n%s", shown)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { p.run(ctx) })
	defer done.Wait()
	defer cancel()
	for deadline := time.Now().Add(10 * time.Second); p.servers[0].poller.Status().Since.IsZero() || p.servers[1].poller.Status().Since.IsZero(); {
		if time.Now().After(deadline) {
			t.Fatal("the servers are not polled")
		}
		time.Sleep(time.Millisecond)
	}
	shown := page(t, c.URL+"/metrics")
	for _, want := range []string{
		`streamlens_collector_server_up{organization="acme",type="mediamtx",server="studio"} 1`,
		`streamlens_collector_server_connections{organization="acme",type="mediamtx",server="studio"} 1`,
		`streamlens_collector_server_streams{organization="acme",type="mediamtx",server="studio"} 1`,
		`streamlens_collector_server_poll_seconds{organization="acme",type="mediamtx",server="studio"} 0.`,
		`streamlens_collector_server_last_poll_timestamp_seconds{organization="acme",type="mediamtx",server="studio"} 1.`,
		`streamlens_collector_server_poll_failures_total{organization="acme",type="mediamtx",server="studio",reason="auth"} 0`,
		`streamlens_collector_server_up{organization="acme",type="srs",server="stage"} 0`,
		`streamlens_collector_server_last_poll_timestamp_seconds{organization="acme",type="srs",server="stage"} 0`,
		`streamlens_collector_server_poll_failures_total{organization="acme",type="srs",server="stage",reason="auth"} 1`,
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	if t.Failed() {
		t.Log(shown)
	}
	var ready struct {
		Status  string          `json:"status"`
		Failing []failingServer `json:"failingServers"`
	}
	body := page(t, c.URL+"/readyz")
	if err := json.Unmarshal([]byte(body), &ready); err != nil {
		t.Fatal(err)
	}
	if f := ready.Failing; ready.Status != "ready" || len(f) != 1 || f[0].Name != "stage" || f[0].Type != "srs" || f[0].Reason != "auth" ||
		time.Since(f[0].Since) > time.Minute || strings.Contains(body, "127.0.0.1") {
		t.Errorf("/readyz answers %s", body)
	}
}

// TestStreamNames checks that a stream of a media server is the same as in access logs.
func TestStreamNames(t *testing.T) {
	c := start(t, func(o *tenant.Organization) {
		o.StreamPaths = []tenant.StreamPath{{Path: `^/vip/(?P<stream>[^/]+)/`}}
	})
	for _, test := range []struct {
		kind, name, want string
		path             string // of an access log, "" for none
	}{
		{mediaserver.TypeMediaMTX, "camera/1", "camera/1", "/camera/1/index.m3u8"},
		{mediaserver.TypeMediaMTX, "camera/2", "camera/2", "/camera/2/video1_stream.m3u8"},
		{mediaserver.TypeMediaMTX, "office/front/main", "office/front/main", "/office/front/main/index.m3u8"},
		{mediaserver.TypeMediaMTX, "office/front/sub", "office/front/sub", "/office/front/sub/index.m3u8"},
		{mediaserver.TypeMediaMTX, "hall/720p", "hall/720p", "/hall/720p/index.m3u8"},
		{mediaserver.TypeMediaMTX, "acme/live", "acme/live", ""},
		{mediaserver.TypeMediaMTX, "x/y/7", "x/y/7", ""},
		{mediaserver.TypeMediaMTX, "live/concert_audio", "concert_audio", "/live/concert_audio/index.m3u8"},
		{mediaserver.TypeMediaMTX, "live/v1", "v1", ""},
		{mediaserver.TypeMediaMTX, "live", "live", ""},
		{mediaserver.TypeMediaMTX, "vip/guest", "guest", "/vip/guest/index.m3u8"},
		{mediaserver.TypeNginxRTMP, "relay/out", "out", ""},
		{mediaserver.TypeNginxRTMP, "live/test_low", "test_low", "/hls/test_low.m3u8"},
		{mediaserver.TypeSRS, "live/livestream", "livestream", "/live/livestream.m3u8"},
		{mediaserver.TypeSRS, "v.example/live/livestream", "v.example/livestream", ""},
	} {
		t.Run(test.kind+" "+test.name, func(t *testing.T) {
			if got := c.server.streamName("acme", test.kind)(test.name); got != test.want {
				t.Errorf("the stream is %q, want %q", got, test.want)
			}
			if test.path == "" {
				return
			}
			if got, _, _, ok := c.server.settings.Load().rulesOf("acme").Match(test.path); !ok || got != test.want {
				t.Errorf("in an access log %s is of %q, %t, want %q", test.path, got, ok, test.want)
			}
		})
	}
}
