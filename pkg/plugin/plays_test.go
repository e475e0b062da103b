package plugin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
	"github.com/streamlens/streamlens/pkg/widget"
)

// TestPlaysAway kills the store of plays, takes it away, and puts another server in its place: every widget, alert and report of sums goes
// on, and the widgets of plays say what is wrong and what to do.
func TestPlaysAway(t *testing.T) {
	victoriaMetrics, killed := start(t, "-dedup.minScrapeInterval=1ms", "-retentionPeriod=400d"), vltest.StartServer(t, vltest.Flags...)
	killed.Kill()
	for _, tt := range []struct{ name, playsURL, words, advice string }{
		{"not configured", "", "There is no store of plays", "set plays in streamlens.yaml"},
		{"killed", killed.URL, "The store of plays does not answer", "see that VictoriaLogs runs"},
		{"missing", "http://nowhere.invalid:9428", "The store of plays does not answer", "see that VictoriaLogs runs"},
		{"another server", victoriaMetrics, "The store of plays refuses", "that the URL of the store of plays leads to it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := instanceSettings(victoriaMetrics, "acme", tenant.Premium)
			settings.JSONData = []byte(strings.TrimSuffix(string(settings.JSONData), "}") + fmt.Sprintf(`,"playsUrl":%q}`, tt.playsURL))
			d := newDatasource(t, settings)
			for _, alert := range []bool{false, true} {
				request := &backend.QueryDataRequest{}
				if alert {
					request.Headers = map[string]string{backend.FromAlertHeaderName: "true"}
				}
				for _, widget := range widget.All() {
					metric := ""
					if names := widget.Metrics(); alert && len(names) > 0 {
						metric = names[0]
					}
					request.Queries = append(request.Queries, query(widget.Type, fmt.Sprintf(`{"queryType":%q,"metric":%q}`, widget.Type, metric)))
				}
				answers, err := d.QueryData(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				for name, a := range answers.Responses {
					if a.Error != nil {
						t.Errorf("%s, of an alert %t: %v", name, alert, a.Error)
					}
				}
				if a := answers.Responses["usageOverview"]; !alert && *a.Frames[0].Fields[0].At(0).(*float64) != 42 {
					t.Errorf("usageOverview: %v", a.Frames[0].Fields[0].At(0))
				}
			}
			if answer := get(t, settings, "report?format=csv&"+rangeOf()); answer.Status != http.StatusOK {
				t.Errorf("the report has status %d: %s", answer.Status, answer.Body)
			}
			request := &backend.QueryDataRequest{}
			for _, of := range widget.OfPlays() {
				if of.Type != "blockList" { // which is the collector's
					request.Queries = append(request.Queries, query(of.Type, fmt.Sprintf(`{"queryType":%q,"session":%q}`, of.Type, map[string]string{"play": "s"}[of.Type])))
				}
			}
			answers, err := d.QueryData(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			for name, a := range answers.Responses {
				if a.Error == nil || wordsOf(a) != tt.words || !strings.Contains(a.Error.Error(), tt.advice) {
					t.Errorf("%s: %v, %q", name, a.Error, wordsOf(a))
				}
			}
			if health, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{}); err != nil || health.Status != backend.HealthStatusOk {
				t.Errorf("the health is %v, %v", health, err)
			}
		})
	}
}

func TestPlaysHealth(t *testing.T) {
	killed := vltest.StartServer(t)
	killed.Kill()
	for _, tt := range []struct{ name, url, want string }{
		{"as it should be", vltest.Start(t), "The store of plays answers: 0 ended in the last day."},
		{"a missing flag", vltest.StartServer(t, "-inmemoryDataFlushInterval=1s").URL, "-delete.enable=false"},
		{"another", vltest.StartServer(t, "-delete.enable").URL, "start it with -inmemoryDataFlushInterval=1s."},
		{"killed", killed.URL, "The store of plays does not work, so that the pages of plays stay empty; all else works: VictoriaLogs cannot be reached"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := instanceSettings("http://127.0.0.1:1", "acme", tenant.Premium)
			settings.JSONData = []byte(strings.TrimSuffix(string(settings.JSONData), "}") + fmt.Sprintf(`,"playsUrl":%q}`, tt.url))
			d := newDatasource(t, settings)
			got := d.playsHealth(t.Context())
			if !strings.Contains(got, tt.want) || strings.Contains(got, "127.0.0.1") || strings.Contains(got, "..") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
