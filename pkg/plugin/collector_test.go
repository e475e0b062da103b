package plugin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCollectorHealth(t *testing.T) {
	answering := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" || r.Header.Get("Authorization") != "" {
				t.Errorf("asked for %s with the credentials %q", r.URL.Path, r.Header.Get("Authorization"))
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	elsewhere := httptest.NewServer(http.RedirectHandler(answering(200, `{"status":"ready"}`), http.StatusFound))
	t.Cleanup(elsewhere.Close)
	for _, test := range []struct {
		name, url, want string
		answers         bool
	}{
		{"none", "", "", true},
		{"a good one", answering(200, `{"status":"ready","geoip":[{"file":"c.mmdb","type":"GeoLite2-City","built":"2026-09-18","kind":"country,region","families":"ipv4,ipv6"},
			{"file":"a.mmdb","type":"GeoLite2-ASN","kind":"operator","families":"ipv4"}]}`) + "/",
			"GeoIP: GeoLite2-City of 2026-09-18 (country, region), GeoLite2-ASN (operator).", true},
		{"a warning", answering(200, `{"status":"ready","geoip":[{"file":"c.mmdb","type":"country ipv4","built":"2026-06-01","kind":"country","families":"ipv4"}],
			"warnings":["c.mmdb: countries of IPv4 addresses alone, none of IPv6"]}`),
			"GeoIP: country ipv4 of 2026-06-01 (country). Warning: c.mmdb: countries of IPv4 addresses alone, none of IPv6.", true},
		{"without a database", answering(200, `{"status":"ready"}`), "The collector has no GeoIP database, so every country is unknown.", true},
		{"a warning without a database", answering(200, `{"status":"ready","warnings":["the store of plays: VictoriaLogs cannot be reached"]}`),
			"The collector has no GeoIP database, so every country is unknown. Warning: the store of plays: VictoriaLogs cannot be reached.", true},
		{"not ready", answering(503, `{"error":"organisation other: no canary"}`), "The collector is not ready; its /readyz says why.", true},
		{"nobody", "http://127.0.0.1:1", "Nobody answers at the collector's URL", false},
		{"a page", answering(200, "<html>"), "The collector's URL leads to something else.", false},
		{"not found", answering(404, `{"status":"ready"}`), "The collector's URL leads to something else.", false},
		{"a redirect", elsewhere.URL, "The collector's URL leads to something else.", false},
		{"no URL", "http://[::1", "The collector's URL is not valid.", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDatasource(t, instanceSettings("http://127.0.0.1:1", "acme", ""))
			d.settings.CollectorURL = test.url
			begun := time.Now()
			got, answers := d.collectorHealth(t.Context())
			if answers != test.answers {
				t.Errorf("answers is %v", answers)
			}
			if got != test.want && (test.want == "" || !strings.HasPrefix(got, test.want)) || strings.Contains(got, "127.0.0.1") {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if time.Since(begun) > 2*collectorTimeout {
				t.Errorf("took %v", time.Since(begun))
			}
		})
	}
}
