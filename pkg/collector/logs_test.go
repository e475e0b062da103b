package collector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// nginxLine returns a line of nginx's log in the middle of the minute before this one.
func nginxLine(address, target string, status, size int, agent string) string {
	at := time.Now().Truncate(time.Minute).Add(-30 * time.Second).UTC().Format("02/Jan/2006:15:04:05 -0700")
	return fmt.Sprintf("%s - - [%s] \"GET %s HTTP/1.1\" %d %d \"https://site.example/watch\" \"%s\"\n", address, at, target, status, size, agent)
}

func (c *collector) postLogs(t *testing.T, query, body string, headers ...string) (int, LogAnswer) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+"/v1/logs?"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_acme")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var a LogAnswer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, a
}

func TestLogsCount(t *testing.T) {
	c := start(t, func(o *tenant.Organization) {
		o.StreamPaths = []tenant.StreamPath{{Path: `^/vod/(?P<stream>[^/]+)/`, Protocol: "HLS"}}
	})
	lines := nginxLine("203.0.113.7", "/live/one/seg1.ts", 200, 1000, "A") +
		nginxLine("203.0.113.7", "/live/one/seg2.ts", 206, 500, "A") +
		nginxLine("203.0.113.7", "/live/one/index.m3u8", 200, 10, "B") + // a playlist makes no viewer
		nginxLine("203.0.113.8", "/live/one/seg2.ts", 200, 500, "A") +
		nginxLine("192.0.2.1", "/vod/two/whatever", 200, 7, "A") +
		nginxLine("192.0.2.1", "/live/one/seg9.ts", 404, 150, "A") +
		nginxLine("192.0.2.1", "/favicon.ico", 200, 150, "A") +
		strings.Replace(nginxLine("192.0.2.2", "/live/one/seg3.ts", 201, 150, "A"), "GET", "PUT", 1) +
		strings.Replace(nginxLine("192.0.2.2", "/live/one/seg3.ts", 200, 0, "A"), "GET", "HEAD", 1) +
		"no line of nginx\n"
	for _, repeated := range []bool{false, true} {
		status, a := c.postLogs(t, "format=nginx-combined", lines, "Idempotency-Key", "k1")
		if status != http.StatusAccepted || a.Accepted != 5 || a.Ignored != 4 || a.Refused != 1 || len(a.Rejected) != 1 ||
			!strings.HasPrefix(a.Rejected[0].Field, "line[10].") || a.Repeated != repeated {
			t.Errorf("answered %d %+v", status, a)
		}
	}
	c.expect(t, map[string]int64{
		`streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="one",direction="playout",protocol="hls"}`:                           2010,
		`streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="two",direction="playout",protocol="hls"}`:                           7,
		`streamlens_traffic_bytes_by_country_1m{org="acme",collector="c",country="DE",direction="playout",protocol="hls"}`:                          2010,
		`streamlens_traffic_ip_bytes_by_stream_country_1h{org="acme",collector="c",stream="one",country="DE",direction="playout",ip="203.0.113.7"}`: 1510,
		`streamlens_traffic_referrer_bytes_by_stream_country_1h{org="acme",collector="c",stream="one",country="DE",referrer="site.example"}`:        2010,
		`streamlens_server_viewers_by_stream_1m{org="acme",collector="c",stream="one"}`:                                                             2,
		`streamlens_server_viewers_by_stream_1m{org="acme",collector="c",stream="two"}`:                                                             1,
	})
}

func TestRefusedLogsDoNotUseUpTheirKey(t *testing.T) {
	c := start(t, nil)
	if status, a := c.postLogs(t, "format=nginx-combined", "garbage\n", "Idempotency-Key", "k1"); status != http.StatusBadRequest {
		t.Errorf("answered %d %+v", status, a)
	}
	line := nginxLine("203.0.113.7", "/live/one/seg1.ts", 200, 1000, "A")
	if status, a := c.postLogs(t, "format=nginx-combined", line, "Idempotency-Key", "k1"); status != http.StatusAccepted || a.Repeated {
		t.Errorf("answered %d %+v", status, a)
	}
}

func TestLogsDoNotCountViewersWhosePlayerReports(t *testing.T) {
	c := start(t, nil)
	// One with the beacon, one with CMCD in event mode, one with CMCD of version 2 in its requests, one of version 1.
	if status, a := c.post(t, "/v1/events", envelope(loadEvent+","+startEvent), "X-Forwarded-For", "203.0.113.1", "User-Agent", "A"); status != http.StatusAccepted {
		t.Fatalf("answered %d %+v", status, a)
	}
	if status, _ := c.postCMCD(t, "/v1/cmcd/acme/pk_acme", lately(strings.ReplaceAll(cmcdPlay, `"s1"`, `"c1"`)), "X-Forwarded-For", "203.0.113.2", "User-Agent", "A"); status != http.StatusNoContent {
		t.Fatalf("answered %d", status)
	}
	carried := func(keys string) string { return "?CMCD=" + url.QueryEscape(keys) }
	lines := nginxLine("203.0.113.1", "/live/live/seg1.ts", 200, 1, "A") +
		nginxLine("203.0.113.2", "/live/live/seg1.ts", 200, 1, "A") +
		nginxLine("203.0.113.99", "/live/live/seg1.ts"+carried(`sid="c1",v=2`), 200, 1, "B") +
		nginxLine("203.0.113.3", "/live/live/seg1.ts"+carried(`bl=(1200;v),sf=h,sid="s3",sta=p,v=2`), 200, 1, "A") +
		nginxLine("203.0.113.4", "/live/live/seg1.ts"+carried(`bl=1300,sid="s4"`), 200, 1, "A") +
		nginxLine("203.0.113.4", "/live/live/seg1.ts"+carried(`bl=1400,sid="s5"`), 200, 1, "A") // two players behind one address
	if status, a := c.postLogs(t, "format=nginx-combined", lines); status != http.StatusAccepted || a.Accepted != 6 {
		t.Fatalf("answered %d %+v", status, a)
	}
	c.expect(t, map[string]int64{
		`streamlens_server_viewers_1m{org="acme",collector="c"}`:       2,
		`streamlens_plays_1m{org="acme",collector="c"}`:                3,
		`streamlens_buffer_length_ms_sum_1m{org="acme",collector="c"}`: 3900,
	})
}

func TestLogsAnswers(t *testing.T) {
	line := nginxLine("203.0.113.7", "/live/one/seg1.ts", 200, 1000, "A")
	tests := []struct {
		name, query, body string
		headers           []string
		status            int
	}{
		{"no key", "format=nginx-combined", line, []string{"Authorization", ""}, 401},
		{"another key", "format=nginx-combined", line, []string{"Authorization", "Bearer sk_other"}, 401},
		{"no format", "", line, nil, 400},
		{"an unknown format", "format=iis", line, nil, 400},
		{"an unknown time zone", "format=wowza&timezone=Mars", line, nil, 400},
		{"no line that can be read", "format=nginx-json", line, nil, 400},
		{"nothing that is a delivery", "format=nginx-combined", nginxLine("203.0.113.7", "/x.png", 200, 1, "A"), nil, 202},
		{"nothing", "format=nginx-combined", "", nil, 202},
		{"more than fits", "format=nginx-combined", strings.Repeat(line, maxLogsBody/len(line)+1), nil, 413},
		{"the future", "format=nginx-combined", strings.Replace(line, "/20", "/29", 1), nil, 400},
		{"before what is kept", "format=nginx-combined", strings.Replace(line, "/20", "/19", 1), nil, 400},
		{"a template", "format=template&template=" + url.QueryEscape(`$msec $remote_addr "$request" $status $bytes_sent`),
			fmt.Sprintf("%d.000 203.0.113.7 \"GET /live/one/1.ts HTTP/1.1\" 200 5\n", time.Now().Unix()), nil, 202},
	}
	c := start(t, nil)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if status, a := c.postLogs(t, test.query, test.body, test.headers...); status != test.status {
				t.Errorf("answered %d %+v", status, a)
			}
		})
	}
}

func TestLogsRefuseStreamsOverTheLimit(t *testing.T) {
	c := start(t, func(o *tenant.Organization) { o.Limits.Streams = 2 })
	var lines bytes.Buffer
	for i := range 4 {
		for range 3 {
			lines.WriteString(nginxLine("203.0.113.7", fmt.Sprintf("/live/stream%d/seg1.ts", i), 200, 10, "A"))
		}
	}
	status, a := c.postLogs(t, "format=nginx-combined", lines.String())
	if status != http.StatusAccepted || a.Accepted != 6 || a.Refused != 6 {
		t.Errorf("answered %d %+v", status, a)
	}
}
