package plugin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// TestBlockListAway holds the words where the collector tells no block list; that a real one does is held by the tests of tenancy.
func TestBlockListAway(t *testing.T) {
	victoriaMetrics := start(t, "-dedup.minScrapeInterval=1ms", "-retentionPeriod=400d")
	answering := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/blocklist/list.json" || r.Header.Get("Authorization") != "Bearer bt_secret" {
				t.Errorf("asked for %s with %q", r.URL.Path, r.Header.Get("Authorization"))
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	elsewhere := httptest.NewServer(http.RedirectHandler(answering(200, `{"organization":"acme","entries":[]}`), http.StatusFound))
	t.Cleanup(elsewhere.Close)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, `{"organization":"acme","entries":[`)
	}))
	t.Cleanup(broken.Close)
	const cannot = "The block list cannot be read"
	for _, tt := range []struct{ name, url, token, words, says string }{
		{"no token", answering(200, "{}"), "", "No block list is set up", "put a token into blockListTokens"},
		{"no collector", "", "bt_secret", "No block list is set up", "the collector's URL"},
		{"a collector that is away", "http://127.0.0.1:1/", "bt_secret", cannot, "does not answer at its URL"},
		{"a wrong token", answering(401, "{}"), "bt_secret", cannot, "does not know the block list token"},
		{"another organisation", answering(200, `{"organization":"other","entries":[]}`), "bt_secret", cannot, "not of this data source's organisation"},
		{"a collector that does not say whose it is", answering(200, `{"entries":[]}`), "bt_secret", cannot, "not of this data source's organisation"},
		{"a list that is too long", answering(200, `{"organization":"acme","entries":[`+strings.Repeat(" ", maxBlockList)+`]}`), "bt_secret", cannot, "more than 32 MB"},
		{"a list that breaks off", broken.URL, "bt_secret", cannot, "broke off"},
		{"a page", answering(200, "<html>"), "bt_secret", cannot, "leads to something else"},
		{"a broken list", answering(500, "{}"), "bt_secret", cannot, "status 500"},
		{"a redirect", elsewhere.URL, "bt_secret", cannot, "status 302"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := instanceSettings(victoriaMetrics, "acme", tenant.Premium)
			settings.JSONData = []byte(strings.TrimSuffix(strings.Replace(string(settings.JSONData), `"collectorUrl":""`, `"was":""`, 1), "}") + fmt.Sprintf(`,"collectorUrl":%q}`, tt.url))
			settings.DecryptedSecureJSONData["blockListToken"] = tt.token
			answers, err := newDatasource(t, settings).QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{query("blockList", `{"queryType":"blockList"}`)}})
			if err != nil {
				t.Fatal(err)
			}
			a := answers.Responses["blockList"]
			said := ""
			if a.Error != nil {
				said = a.Error.Error()
			}
			if got := wordsOf(a); got != tt.words || !strings.Contains(said, tt.says) || (said == "") != (tt.says == "") {
				t.Errorf("%q, %q", got, said)
			}
			if strings.Contains(said, "bt_secret") || strings.Contains(said, "127.0.0.1") {
				t.Errorf("the error names the token or the address: %s", said)
			}
		})
	}
}
