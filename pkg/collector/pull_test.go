package collector

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
)

func TestPullFollowsLogsAndPollsServers(t *testing.T) {
	c := start(t, nil)
	folder := t.TempDir()
	file := filepath.Join(folder, "access.log")
	write := func(lines string) {
		log, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if _, err := log.WriteString(lines); err != nil {
			t.Fatal(err)
		}
	}
	write(nginxLine("203.0.113.7", "/live/one/seg0.ts", 200, 99_999, "A"))

	// Stands in for the statistics page of nginx-rtmp, whose publisher sends 1,000 bytes between two looks.
	var looks atomic.Int64
	stat := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := looks.Add(1)
		fmt.Fprintf(w, `<rtmp><nginx_version>1.22.1</nginx_version><pid>7</pid><uptime>%d</uptime><server><application><name>live</name>
<live><stream><name>two</name><time>%d</time><bytes_in>%d</bytes_in><bytes_out>0</bytes_out>
<client><id>1</id><address>203.0.113.9</address><time>%d</time><flashver>FMLE/3.0</flashver><publishing/><active/></client>
<nclients>1</nclients><publishing/><active/></stream><nclients>1</nclients></live></application></server></rtmp>`,
			1000+n, n*1000, n*1000, n*1000)
	}))
	defer stat.Close()

	p, err := newPull(config.Config{
		DataDir: folder,
		Logs:    []config.LogFile{{File: file, Format: "nginx-combined", Organization: "acme"}},
		Servers: []config.MediaServer{{Type: "nginx-rtmp", URL: stat.URL, Interval: 1, Organization: "acme"}},
	}, c.server, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		p.run(ctx)
		close(done)
	}()
	for looks.Load() < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	write(nginxLine("203.0.113.7", "/live/one/seg1.ts", 200, 1000, "A") + "not a line\n")
	time.Sleep(2500 * time.Millisecond) // a follower looks once a second
	cancel()
	<-done
	c.expect(t, map[string]int64{
		`streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="one",direction="playout",protocol="hls"}`:                          1000,
		`streamlens_traffic_ip_bytes_by_stream_country_1h{org="acme",collector="c",stream="two",country="DE",direction="ingest",ip="203.0.113.9"}`: (looks.Load() - 1) * 1000,
	})
}

func TestHooks(t *testing.T) {
	c := start(t, nil)
	if _, err := newPull(config.Config{Servers: []config.MediaServer{
		{Type: "srs", URL: "http://127.0.0.1:1", Interval: 10, HookKey: "hk_1", Organization: "acme"},
		{Type: "lal", URL: "http://127.0.0.1:2", Interval: 10, HookKey: "hk_lal", Organization: "acme"},
		{Type: "node-media-server", URL: "http://127.0.0.1:3", Interval: 10, HookKey: "hk_nms", Organization: "acme"},
		{Type: "livekit", URL: "http://127.0.0.1:4", Username: "key", Password: "secret", Interval: 10, HookKey: "hk_livekit", Organization: "acme"},
	}}, c.server, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path, body string
		status           int
		answer           string
	}{
		{"a hook", "srs/hk_1", `{"action":"on_publish","client_id":"9","ip":"203.0.113.9","vhost":"__defaultVhost__","app":"live","stream":"s"}`, 200, `"code":0`},
		{"a wrong key", "srs/hk_2", `{"action":"on_publish","client_id":"9"}`, 401, "key"},
		{"no hook", "srs/hk_1", `{`, 400, "hook"},
		{"more than a hook", "srs/hk_1", strings.Repeat(" ", maxHookBody+1), 413, "at most"},
		{"the key of a server of another type", "srs/hk_lal", `{}`, 401, "key"},
		{"lal", "lal/hk_lal?event=on_sub_start", `{"server_id":"1","session_id":"RTMPPUBSUB1","stream_name":"s","app_name":"live"}`, 200, ""},
		{"lal without the hook's name", "lal/hk_lal", `{"server_id":"1","session_id":"RTMPPUBSUB1","stream_name":"s","app_name":"live"}`, 400, "?event="},
		{"Node-Media-Server", "node-media-server/hk_nms", `{"id":"a","action":"postPlay","app":"live","name":"s"}`, 200, ""},
		{"no hook of Node-Media-Server", "node-media-server/hk_nms", `{"id":"a"}`, 400, "action"},
		{"a webhook of LiveKit that nobody signed", "livekit/hk_livekit", `{"event":"room_started"}`, 401, "not signed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+"/v1/hooks/"+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != test.status || !strings.Contains(string(body), test.answer) {
				t.Errorf("answered %d %s, %v", response.StatusCode, body, err)
			}
		})
	}
}
