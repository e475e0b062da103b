package collector

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// TestPathsAfterACrash kills the collector between the playlist of a stream and its segments.
func TestPathsAfterACrash(t *testing.T) {
	c := start(t, nil)
	var told bytes.Buffer
	c.server.Logger = slog.New(slog.NewTextHandler(&told, nil))
	var odd strings.Builder
	for i := range 40 {
		odd.WriteString(nginxLine("203.0.113.7", fmt.Sprintf("/app/hall/take%dof-x%d-1.ts", i, i*7919), 200, 100, "A"))
	}
	post := func(lines string) {
		t.Helper()
		if status, a := c.postLogs(t, "format=nginx-combined", lines); status != http.StatusAccepted || a.Refused != 0 {
			t.Fatalf("%d %+v", status, a)
		}
	}
	post(nginxLine("203.0.113.7", "/hls/cam1.m3u8", 200, 10, "A") + odd.String())
	if n := strings.Count(told.String(), "count as one stream"); n != 1 || !strings.Contains(told.String(), "stream=hall") {
		t.Errorf("told %d times: %s", n, told.String())
	}
	for range 2 {
		c.kill(t)
		handler, err := c.server.Handler()
		if err != nil {
			t.Fatal(err)
		}
		c.Config.Handler = handler
		post(nginxLine("203.0.113.7", "/hls/cam17.ts", 200, 1000, "A") + nginxLine("203.0.113.7", "/app/hall/take7777of-x1-1.ts", 200, 100, "A"))
	}
	if strings.Count(told.String(), "count as one stream") != 1 {
		t.Errorf("told again: %s", told.String())
	}
	c.expect(t, map[string]int64{
		`streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="cam1",direction="playout",protocol="hls"}`: 2010,
		`streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="hall",direction="playout",protocol="hls"}`: 42 * 100,
	})
}
