package doctor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// answering starts a server that answers everything so, by a clock that is off.
func answering(t *testing.T, status int, body string, off time.Duration) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// shown are findings as text: state and what is said, one a line.
func shown(findings ...Finding) string {
	var lines []string
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("%d %s", f.State, f.Says))
	}
	return strings.Join(lines, "\n")
}

func TestCollector(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		off    time.Duration
		want   string
	}{
		{"ready", http.StatusOK, `{"status":"ready"}`, 0, "0 it is ready\n0 it agrees with that of this machine"},
		{"not ready", http.StatusServiceUnavailable, `{"error":"VictoriaMetrics is away"}`, 0, "2 VictoriaMetrics is away\n0 it agrees with that of this machine"},
		{"another program", http.StatusOK, "<html>", 0, "2 what answers there is no collector (200)"},
		{"warnings", http.StatusOK, `{"status":"ready","warnings":["the database is old"]}`, 0, "0 it is ready\n1 the database is old\n0 it agrees with that of this machine"},
		{"a media server fails", http.StatusOK, `{"status":"ready","failingServers":[{"name":"edge","type":"srs","reason":"refused","since":"2026-11-29T10:00:00Z"}]}`, 0,
			"0 it is ready\n2 it cannot be polled as srs since 2026-11-29 10:00 UTC: refused\n0 it agrees with that of this machine"},
		{"its clock is slow", http.StatusOK, `{"status":"ready"}`, -15 * time.Second, "0 it is ready\n1 it is 1"},
		{"its clock is fast", http.StatusOK, `{"status":"ready"}`, time.Hour, "0 it is ready\n2 it is"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := Installation{Collector: answering(t, test.status, test.body, test.off), Client: http.DefaultClient}
			if got := shown(in.collector(t.Context())...); !strings.HasPrefix(got, test.want) {
				t.Errorf("found\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	in := Installation{Collector: "http://user:secret@127.0.0.1:1", Client: http.DefaultClient}
	if got := shown(in.collector(t.Context())...); !strings.Contains(got, "2 it does not answer") || strings.Contains(got, "secret") {
		t.Errorf("nobody listens: %s", got)
	}
}

func TestVictoriaMetrics(t *testing.T) {
	for _, test := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"a flag is wrong", `flag{name="dedup.minScrapeInterval", value="1m", is_set="true"} 1`, http.StatusOK, "2 VictoriaMetrics runs with -dedup.minScrapeInterval=1m"},
		{"another program", "not found", http.StatusNotFound, "2 it answers a query with 404"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := shown(VictoriaMetrics(t.Context(), answering(t, test.status, test.body, 0))...); !strings.HasPrefix(got, test.want) {
				t.Errorf("found\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestDataSource(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   string
		advice string
	}{
		{"healthy", http.StatusOK, `{"status":"OK","message":"VictoriaMetrics answers."}`, "0 VictoriaMetrics answers.", ""},
		{"unhealthy", http.StatusBadRequest, `{"status":"ERROR","message":"The URL is wrong.","details":{"verboseMessage":"Check the URL."}}`,
			"2 The URL is wrong.", "Check the URL."},
		{"not there", http.StatusNotFound, `{"message":"Data source not found"}`, "2 Data source not found", "Provision the data source"},
		{"no token", http.StatusUnauthorized, `{"message":"Unauthorized"}`, "2 Unauthorized", "GRAFANA_TOKEN"},
		{"another program", http.StatusOK, "<html>", "2 what answers there is no Grafana (200)", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := Installation{Grafana: answering(t, test.status, test.body, 0), DataSource: "streamlens"}
			got := in.dataSource(t.Context())
			if shown(got) != test.want || !strings.Contains(got.Advice, test.advice) {
				t.Errorf("found %s (%s), want %s (%s)", shown(got), got.Advice, test.want, test.advice)
			}
		})
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	for _, address := range []string{answering(t, http.StatusUnauthorized, `{"message":"Unauthorized"}`, 0), "http://127.0.0.1:1"} {
		address = strings.Replace(address, "http://", "http://admin:hunter2@", 1)
		found := append(VictoriaMetrics(t.Context(), address), Installation{Grafana: address, DataSource: "streamlens"}.dataSource(t.Context()))
		if text := fmt.Sprint(found); strings.Contains(text, "hunter2") || !strings.Contains(text, "admin:xxxxx@") {
			t.Errorf("it says %s", text)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, test := range []struct {
		name         string
		known, other float64 // loads with and without a country
		want         string
	}{
		{"all known", 100, 0, ""},
		{"few", 0, 19, ""},
		{"a third unknown", 20, 10, ""},
		{"most unknown", 10, 30, "1 30 of 40 loads of the last 24 hours are from no country"},
	} {
		frame := data.NewFrame("", data.NewField("country", nil, []string{"DE", "ZZ"}), data.NewField("loads", nil, []float64{test.known, test.other}))
		if got := shown(places("acme", data.Frames{frame})...); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
