package collector

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// lately sets the times of lines, in which NOW+n is n ms after a time 25 s ago. It is so near that no clock seems wrong.
func lately(lines string) string {
	base := time.Now().Add(-25 * time.Second).UnixMilli()
	for _, n := range []int64{25_000, 20_000, 8000, 6000, 1000, 0} {
		lines = strings.ReplaceAll(lines, fmt.Sprintf("NOW+%d", n), fmt.Sprint(base+n))
	}
	return lines
}

func (c *collector) postCMCD(t *testing.T, path, lines string, headers ...string) (status int, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+path, strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/cmcd")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header
}

// expect ends the pipeline and compares the sums of series over all minutes.
func (c *collector) expect(t *testing.T, want map[string]int64) {
	t.Helper()
	c.stop()
	stored := map[string]map[string]int64{} // value by series and stamp, of which the last holds
	for line := range strings.Lines(c.store.text.String()) {
		series, rest, _ := strings.Cut(strings.TrimSpace(line), "} ")
		value, stamp, _ := strings.Cut(rest, " ")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if stored[series+"}"] == nil {
			stored[series+"}"] = map[string]int64{}
		}
		stored[series+"}"][stamp] = n
	}
	for series, value := range want {
		var sum int64
		for _, n := range stored[series] {
			sum += n
		}
		if sum != value {
			t.Errorf("%s is %d, want %d", series, sum, value)
		}
	}
}

const cmcdPlay = `cid="live",e=ps,sf=h,sid="s1",sn=0,sta=s,ts=NOW+0,v=2
cid="live",e=ps,sf=h,sid="s1",sn=1,sta=p,ts=NOW+1000,v=2
cid="live",e=ps,sf=h,sid="s1",sn=2,sta=r,ts=NOW+6000,v=2
cid="live",e=ps,sf=h,sid="s1",sn=3,sta=p,ts=NOW+8000,v=2
cid="live",e=ps,sf=h,sid="s1",sn=4,sta=e,ts=NOW+20000,v=2
`

func TestCMCDBecomesAPlay(t *testing.T) {
	c := start(t, nil)
	path := "/v1/cmcd/acme/pk_acme?interval=10&client=hlsjs+1.7.4&event=final"
	play := lately(cmcdPlay)
	for range 2 { // players send again what they do not know to have arrived
		if status, _ := c.postCMCD(t, path, play, "X-Forwarded-For", "203.0.113.7"); status != http.StatusNoContent {
			t.Fatalf("answered %d", status)
		}
	}
	c.expect(t, map[string]int64{
		`streamlens_plays_by_event_1m{org="acme",collector="c",stream="live",country="DE",event="final"}`:                                         1,
		`streamlens_loads_1m{org="acme",collector="c"}`:                                                                                           1,
		`streamlens_plays_version_1m{org="acme",collector="c",version="hlsjs 1.7.4"}`:                                                             1,
		`streamlens_start_time_ms_sum_1m{org="acme",collector="c"}`:                                                                               1000,
		`streamlens_playing_ms_1m{org="acme",collector="c",direction="playout",protocol="hls"}`:                                                   17000,
		`streamlens_buffering_ms_1m{org="acme",collector="c"}`:                                                                                    2000,
		`streamlens_stops_1m{org="acme",collector="c",reason="normal"}`:                                                                           1,
		`streamlens_playing_ip_ms_by_stream_country_1h{org="acme",collector="c",stream="live",country="DE",direction="playout",ip="203.0.113.7"}`: 17000,
	})
}

func TestCMCDAnswers(t *testing.T) {
	const line = `cid="live",e=t,sid="s9",sn=0,sta=p,ts=NOW+0,v=2`
	tests := []struct {
		name, path, lines string
		headers           []string
		status            int
	}{
		{"a good line", "/v1/cmcd/acme/pk_acme", line, nil, 204},
		{"of the standard's former type", "/v1/cmcd/acme/pk_acme", line, []string{"Content-Type", "text/cmcd"}, 204},
		{"good and bad ones", "/v1/cmcd/acme/pk_acme", line + "\nnothing at all=\n", nil, 204},
		{"a client of nothing but a space", "/v1/cmcd/acme/pk_acme?client=%20", line, nil, 204},
		{"the stream in the URL", "/v1/cmcd/acme/pk_acme?stream=live", strings.Replace(line, `cid="live",`, "", 1), nil, 204},
		{"no stream", "/v1/cmcd/acme/pk_acme", strings.Replace(strings.Replace(line, `cid="live",`, "", 1), "s9", "s8", 1), nil, 400},
		{"no session", "/v1/cmcd/acme/pk_acme", strings.Replace(line, `sid="s9",`, "", 1), nil, 400},
		{"nothing", "/v1/cmcd/acme/pk_acme", "\n\n", nil, 400},
		{"the future", "/v1/cmcd/acme/pk_acme", line + "\n" + strings.Replace(line, "sn=0,sta=p,ts=NOW+0", "sn=7,sta=p,ts=9999999999999", 1), nil, 204},
		{"an interval of a day", "/v1/cmcd/acme/pk_acme?interval=86400", line, nil, 400},
		{"another type", "/v1/cmcd/acme/pk_acme", line, []string{"Content-Type", "application/json"}, 415},
		{"an unknown account is told to stop", "/v1/cmcd/other/pk_acme", line, nil, 410},
		{"a wrong key is told to stop", "/v1/cmcd/acme/pk_wrong", line, nil, 410},
		{"another site is told to stop", "/v1/cmcd/site/pk_site", line, []string{"Origin", "https://evil.example"}, 410},
		{"a listed site", "/v1/cmcd/site/pk_site", line, []string{"Origin", "https://site.example"}, 204},
	}
	c := start(t, nil)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, header := c.postCMCD(t, test.path, lately(test.lines), test.headers...)
			if status != test.status || header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("answered %d, want %d; %v", status, test.status, header)
			}
		})
	}
}

func TestCMCDAnswersWhenThereIsTooMuch(t *testing.T) {
	c := start(t, func(o *tenant.Organization) { o.Limits.EventsPerSecond = 1 })
	many := lately(strings.TrimSpace(strings.Repeat(`cid="live",e=t,sid="s9",sn=0,sta=p,ts=NOW+0,v=2`+"\n", 1000)))
	if status, _ := c.postCMCD(t, "/v1/cmcd/acme/pk_acme", many); status != http.StatusNoContent {
		t.Fatalf("answered %d", status)
	}
	status, header := c.postCMCD(t, "/v1/cmcd/acme/pk_acme", many)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("answered %d, Retry-After %q", status, header.Get("Retry-After"))
	}
	if status, _ := c.postCMCD(t, "/v1/cmcd/acme/pk_acme", many+"\n"+many); status != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d for 2,000 lines", status)
	}
}

func TestCMCDPreflight(t *testing.T) {
	c := start(t, nil)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, c.URL+"/v1/cmcd/acme/pk_acme", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	h := response.Header
	if response.StatusCode != http.StatusNoContent || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Content-Type") ||
		h.Get("Access-Control-Allow-Methods") != "POST" || h.Get("Access-Control-Max-Age") == "" {
		t.Errorf("answered %d, %v", response.StatusCode, h)
	}
}
