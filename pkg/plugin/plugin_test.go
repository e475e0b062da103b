package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/datasourcetest"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
)

var instances atomic.Int64

func instanceSettings(url, organization string, level tenant.Level) backend.DataSourceInstanceSettings {
	jsonData, err := json.Marshal(Settings{URL: url, Organization: organization, Level: level})
	if err != nil {
		panic(err)
	}
	return backend.DataSourceInstanceSettings{
		// Instances are kept by id.
		ID: instances.Add(1), UID: "test", JSONData: jsonData, DecryptedSecureJSONData: map[string]string{"token": "secret-token"},
	}
}

func newDatasource(t *testing.T, settings backend.DataSourceInstanceSettings) *Datasource {
	t.Helper()
	instance, err := New(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	d := instance.(*Datasource)
	t.Cleanup(d.Dispose)
	return d
}

// start returns a VictoriaMetrics with the organisations acme (premium) and small (default), and some bytes of each.
func start(t *testing.T, flags ...string) string {
	t.Helper()
	url := vmtest.StartWith(t, flags...)
	for organization, level := range map[string]int{"acme": 1, "small": 0} {
		if err := vm.WriteCanary(t.Context(), http.DefaultClient, url, organization, "a", vm.Settings{Level: level, Addresses: true}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	m := measure.Get(measure.Traffic)
	family, _ := m.FamilyWith()
	vmtest.Import(t, url, fmt.Sprintf(
		"%s{org=\"acme\",collector=\"a\",direction=\"playout\",protocol=\"hls\"} 42 %d\n", m.Metric(family, measure.Minute), minute().UnixMilli()+1))
	vmtest.Flush(t, url)
	return url
}

// minute is the one in which the bytes are.
func minute() time.Time { return time.Now().UTC().Truncate(time.Hour).Add(-90 * time.Minute) }

func TestCheckHealth(t *testing.T) {
	good := start(t, vmtest.DefaultFlags...)
	noDeduplication := start(t, "-retentionPeriod=400d")
	shortRetention := start(t, "-dedup.minScrapeInterval=1ms", "-retentionPeriod=3")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer page.Close()
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }))
	defer locked.Close()
	redirect := httptest.NewServer(http.RedirectHandler(good, http.StatusFound))
	defer redirect.Close()

	tests := []struct {
		name, url, organization string
		level                   tenant.Level
		status                  backend.HealthStatus
		message, advice         string
	}{
		{"all is well", good, "acme", tenant.Premium, backend.HealthStatusOk, "VictoriaMetrics answers for the organisation acme.", ""},
		{"without a level", good, "small", "", backend.HealthStatusOk, "VictoriaMetrics answers for the organisation small.", ""},
		{"a lower level here", good, "acme", tenant.Default, backend.HealthStatusOk, "Its level is premium in streamlens.yaml and default here; the lower one, default, holds.", ""},
		{"a higher level here", good, "small", tenant.Premium, backend.HealthStatusOk, "Its level is default in streamlens.yaml and premium here; the lower one, default, holds.", ""},
		{"no URL", "", "acme", "", backend.HealthStatusError, "the URL of VictoriaMetrics is missing", "Set URL"},
		{"no organisation", good, "", "", backend.HealthStatusError, "the organisation is missing", "Set URL"},
		{"invalid organisation", good, "Ac me", "", backend.HealthStatusError, `the organisation "Ac me" is no valid id`, "Set URL"},
		{"unknown level", good, "acme", "gold", backend.HealthStatusError, `the level "gold" is unknown`, "Set URL"},
		{"all tenants", good + "/select/multitenant/prometheus", "acme", "", backend.HealthStatusError, "not multitenant", "Set URL"},
		{"URL with a query string", good + "?x=1", "acme", "", backend.HealthStatusError, "no query string", "Set URL"},
		{"unknown organisation", good, "nobody", "", backend.HealthStatusError, "no collector knows this organisation", `"nobody"`},
		{"nobody listens", "http://127.0.0.1:1", "acme", "", backend.HealthStatusError, "VictoriaMetrics cannot be reached: connection refused", "Check the URL"},
		{"a page", page.URL, "acme", "", backend.HealthStatusError, "is not VictoriaMetrics", "Check the URL"},
		{"a redirect", redirect.URL, "acme", "", backend.HealthStatusError, "status 302", "Check the URL"},
		{"a locked door", locked.URL, "acme", "", backend.HealthStatusError, "VictoriaMetrics answered with status 401: no", "token"},
		{"a wrong path", good + "/select/0/prometheus", "acme", "", backend.HealthStatusError, "VictoriaMetrics answered with status 400", "Check the URL"},
		{"no deduplication", noDeduplication, "acme", "", backend.HealthStatusError, "-dedup.minScrapeInterval=1ms", "restart"},
		{"short retention", shortRetention, "acme", "", backend.HealthStatusError, "-retentionPeriod=400d", "restart"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDatasource(t, instanceSettings(tt.url, tt.organization, tt.level))
			got, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != tt.status || !strings.Contains(got.Message, tt.message) || !strings.Contains(string(got.JSONDetails), strings.ReplaceAll(tt.advice, `"`, `\"`)) {
				t.Errorf("got %s %s %s", got.Status, got.Message, got.JSONDetails)
			}
			if strings.Contains(got.Message, "127.0.0.1") || strings.Contains(got.Message, "secret-token") {
				t.Errorf("the message shows an address or a secret: %s", got.Message)
			}
		})
	}
	d := newDatasource(t, instanceSettings(good, "acme", tenant.Premium))
	d.settings.CollectorURL = "http://127.0.0.1:1"
	got, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
	if said, _ := d.collectorHealth(t.Context()); err != nil || got.Status != backend.HealthStatusError || !strings.HasSuffix(got.Message, said) ||
		!strings.Contains(string(got.JSONDetails), "The panels work without it") {
		t.Errorf("without an answer of the collector: %v, %v", got, err)
	}
}

func TestFixedFiltersOfSettings(t *testing.T) {
	tests := []struct{ name, jsonData, want string }{
		{"none", `{}`, ""},
		{"some", `{"fixedFilters":{"stream":["a","b"],"country":["DE"]}}`, ""},
		{"null", `{"fixedFilters":null}`, ""},
		{"a name that is none", `{"fixedFilters":{"streams":["a"]}}`, `"streams" is unknown`},
		{"an empty list", `{"fixedFilters":{"stream":[]}}`, "has no value"},
		{"null as list", `{"fixedFilters":{"stream":null}}`, "has no value"},
		{"an empty value", `{"fixedFilters":{"stream":[""]}}`, "is empty"},
		{"a number", `{"fixedFilters":{"stream":[1]}}`, "cannot be read"},
		{"a text", `{"fixedFilters":{"stream":"a"}}`, "cannot be read"},
		{"an unset variable", `{"fixedFilters":""}`, "cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			jsonData := `{"url":"http://vm","organization":"acme",` + tt.jsonData[1:]
			if tt.jsonData == "{}" {
				jsonData = `{"url":"http://vm","organization":"acme"}`
			}
			_, err := LoadSettings(backend.DataSourceInstanceSettings{JSONData: []byte(jsonData)})
			if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("a URL outside jsonData", func(t *testing.T) {
		raw := instanceSettings("http://vm", "acme", tenant.Default)
		raw.URL = "http://vm"
		if _, err := LoadSettings(raw); err == nil || !strings.Contains(err.Error(), "any viewer could read") {
			t.Errorf("got %v", err)
		}
	})
}

// TestFixedFilters asks a data source that shows one of two streams, as panels, variables and alert rules do.
func TestFixedFilters(t *testing.T) {
	url := start(t, vmtest.DefaultFlags...)
	m := measure.Get(measure.Traffic)
	byStream, _ := m.FamilyWith(measure.LabelStream)
	for stream, bytes := range map[string]int{"own": 2, "other": 40} {
		vmtest.Import(t, url, fmt.Sprintf("%s{org=\"acme\",collector=\"a\",direction=\"playout\",protocol=\"hls\",stream=%q} %d %d\n",
			m.Metric(byStream, measure.Minute), stream, bytes, minute().UnixMilli()+1))
	}
	vmtest.Flush(t, url)
	settings := instanceSettings(url, "acme", tenant.Premium)
	settings.JSONData = fmt.Appendf(nil, `{"url":%q,"organization":"acme","level":"premium","fixedFilters":{"stream":["own"]}}`, url)
	d := newDatasource(t, settings)
	for model, want := range map[string]float64{
		`{"queryType":"usageOverview"}`:                                              2,
		`{"queryType":"usageOverview","stream":["other"]}`:                           0,
		`{"queryType":"usageOverview","stream":["other","own"]}`:                     2,
		`{"queryType":"usageOverview","stream":[".*"]}`:                              0,
		`{"queryType":"usageOverview","fixedFilters":{"stream":["other"]}}`:          2,
		`{"queryType":"usageOverview","stream":[],"country":[],"tag":[],"event":[]}`: 2,
	} {
		for _, headers := range []map[string]string{nil, {backend.FromAlertHeaderName: "true"}} {
			got, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Headers: headers, Queries: []backend.DataQuery{query("A", model)}})
			if err != nil {
				t.Fatal(err)
			}
			if a := got.Responses["A"]; a.Error != nil || *a.Frames[0].Fields[0].At(0).(*float64) != want {
				t.Errorf("%s: got %+v, want %v", model, a, want)
			}
		}
	}
	health, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
	if err != nil || !strings.HasSuffix(health.Message, "Fixed filters: stream own.") {
		t.Errorf("health: %+v, %v", health, err)
	}
	target := fmt.Sprintf("values?label=stream&from=%d&to=%d", minute().UnixMilli(), minute().Add(time.Minute).UnixMilli())
	if _, _, body := callResource(t, settings, http.MethodGet, target, nil); body != `["own"]` {
		t.Errorf("values: %s", body)
	}
}

func query(refID, model string) backend.DataQuery {
	return backend.DataQuery{RefID: refID, JSON: []byte(model), TimeRange: backend.TimeRange{From: minute(), To: minute().Add(time.Minute)}}
}

// wordsOf returns the words that an answer has for panels in place of numbers, if its field has the same.
func wordsOf(r backend.DataResponse) string {
	if len(r.Frames) != 1 {
		return ""
	}
	custom, _ := r.Frames[0].Meta.Custom.(map[string]any)
	words, _ := custom[widget.CustomNothing].(string)
	if r.Frames[0].Fields[0].Config.NoValue != words {
		return "other words in its field"
	}
	return words
}

// TestQueryData asks through gRPC, as Grafana does.
func TestQueryData(t *testing.T) {
	url := start(t, vmtest.DefaultFlags...)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	served, err := datasourcetest.Manage(New, datasourcetest.ManageOpts{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := served.Shutdown(); err != nil {
			t.Error(err)
		}
	}()
	ask := func(t *testing.T, settings backend.DataSourceInstanceSettings, headers map[string]string, queries ...backend.DataQuery) backend.Responses {
		t.Helper()
		answer, err := served.Client.QueryData(t.Context(), &backend.QueryDataRequest{
			PluginContext: backend.PluginContext{PluginID: ID, DataSourceInstanceSettings: &settings},
			Headers:       headers, Queries: queries,
		})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Responses
	}

	t.Run("each query has its own answer", func(t *testing.T) {
		answers := ask(t, instanceSettings(url, "acme", tenant.Premium), nil,
			query("A", `{"queryType":"usageOverview"}`), query("B", `{"queryType":"nonsense"}`),
			query("C", `{"queryType":"bufferingRatio"}`), query("D", `{"queryType":7}`), query("E", `{"queryType":"usageOverview","referrer":["x"]}`))
		if len(answers) != 5 {
			t.Fatalf("%d answers", len(answers))
		}
		a := answers["A"]
		if a.Error != nil || len(a.Frames) != 1 || a.Frames[0].RefID != "A" || *a.Frames[0].Fields[0].At(0).(*float64) != 42 {
			t.Errorf("A: %+v", a)
		}
		if c := answers["C"]; c.Error != nil || len(c.Frames) != 1 {
			t.Errorf("C: %+v", c)
		}
		for _, refID := range []string{"B", "D", "E"} {
			if r := answers[refID]; r.Error == nil || wordsOf(r) != "The query is not possible" || r.Status != backend.StatusBadRequest || r.ErrorSource != backend.ErrorSourceDownstream {
				t.Errorf("%s: %+v", refID, r)
			}
		}
	})
	t.Run("another organisation sees nothing of it", func(t *testing.T) {
		a := ask(t, instanceSettings(url, "small", tenant.Default), nil, query("A", `{"queryType":"usageOverview","organization":"acme","org":"acme"}`))["A"]
		if a.Error != nil || *a.Frames[0].Fields[0].At(0).(*float64) != 0 {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("the lower level holds", func(t *testing.T) {
		for organization, level := range map[string]tenant.Level{"small": tenant.Premium, "acme": tenant.Default} {
			a := ask(t, instanceSettings(url, organization, level), nil, query("A", `{"queryType":"bufferingRatio"}`))["A"]
			if a.Status != backend.StatusForbidden || wordsOf(a) != "Needs the level premium" || a.Error == nil || !strings.Contains(a.Error.Error(), "needs the level premium") {
				t.Errorf("%s: %+v", organization, a)
			}
		}
	})
	t.Run("an alert rule gets one number", func(t *testing.T) {
		a := ask(t, instanceSettings(url, "acme", tenant.Premium), map[string]string{backend.FromAlertHeaderName: "true"},
			query("A", `{"queryType":"usageOverview","metric":"total"}`))["A"]
		if a.Error != nil || len(a.Frames[0].Fields) != 1 || a.Frames[0].Fields[0].Name != "total" {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("wrong settings", func(t *testing.T) {
		a := ask(t, instanceSettings("", "acme", tenant.Premium), nil, query("A", `{"queryType":"usageOverview"}`))["A"]
		if a.Status != backend.StatusBadRequest || wordsOf(a) != "The settings are wrong" || a.Error == nil || !strings.Contains(a.Error.Error(), "URL of VictoriaMetrics is missing") {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("VictoriaMetrics away", func(t *testing.T) {
		a := ask(t, instanceSettings("http://127.0.0.1:1", "acme", tenant.Default), nil, query("A", `{"queryType":"usageOverview"}`))["A"]
		if a.Status != backend.StatusBadGateway || wordsOf(a) != "The database does not answer" || a.ErrorSource != backend.ErrorSourceDownstream || a.Error == nil ||
			a.Error.Error() != "VictoriaMetrics cannot be reached: connection refused" {
			t.Errorf("got %+v", a)
		}
	})
}

func TestTokenIsSent(t *testing.T) {
	got := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization") + " " + r.URL.Query().Get("extra_label")
		fmt.Fprint(w, `{"status":"success","data":{"result":[]}}`)
	}))
	defer server.Close()
	d := newDatasource(t, instanceSettings(server.URL, "acme", tenant.Default))
	if _, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{query("A", `{"queryType":"usageOverview"}`)}}); err != nil {
		t.Fatal(err)
	}
	if request := <-got; request != "Bearer secret-token org=acme" {
		t.Errorf("got %s", request)
	}
}

// TestPanelsShareAndGo has two panels of a dashboard that ask the same: they are one request, which lives until both have gone.
func TestPanelsShareAndGo(t *testing.T) {
	// Panels share within a second, which a busy machine may miss.
	var err error
	for range 5 {
		if err = panelsShareAndGo(t); err == nil {
			return
		}
	}
	t.Error(err)
}

func panelsShareAndGo(t *testing.T) error {
	asked, ended := make(chan string, 10), make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		// The server notices that its client has gone only when it has read the body.
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		asked <- r.URL.Query().Get("extra_label")
		<-r.Context().Done()
		ended <- struct{}{}
	}))
	defer server.Close()
	now := time.Now()
	source := func(organization string) *Datasource {
		d := newDatasource(t, instanceSettings(server.URL, organization, tenant.Default))
		d.now = func() time.Time { return now }
		return d
	}
	panel := func(d *Datasource) (leave func(), answer <-chan backend.DataResponse) {
		ctx, cancel := context.WithCancel(t.Context())
		answers := make(chan backend.DataResponse, 1)
		go func() {
			response, err := d.QueryData(ctx, &backend.QueryDataRequest{Queries: []backend.DataQuery{query("A", `{"queryType":"monthToDate"}`)}})
			if err != nil {
				t.Error(err)
				response = &backend.QueryDataResponse{}
			}
			answers <- response.Responses["A"]
		}()
		return cancel, answers
	}
	acme := source("acme")
	leaveFirst, first := panel(acme)
	leaveSecond, second := panel(acme)
	leaveOther, other := panel(source("small"))
	defer func() { // no request is left when the server closes
		leaveFirst()
		leaveSecond()
		leaveOther()
	}()
	organizations := []string{<-asked, <-asked}
	slices.Sort(organizations)
	if !slices.Equal(organizations, []string{"org=acme", "org=small"}) {
		return fmt.Errorf("asked were %v", organizations)
	}
	time.Sleep(300 * time.Millisecond) // both panels of acme are there
	leaveFirst()
	if a := <-first; a.Status != statusCancelled {
		return fmt.Errorf("the first panel got %+v", a)
	}
	select {
	case <-asked:
		return errors.New("the same was asked twice")
	case <-ended:
		return errors.New("a panel that went away ended the question of another")
	case a := <-second:
		return fmt.Errorf("the second panel got %+v", a)
	case <-time.After(300 * time.Millisecond):
	}
	leaveSecond()
	if a := <-second; a.Status != statusCancelled {
		return fmt.Errorf("the second panel got %+v", a)
	}
	leaveOther()
	<-other
	for range 2 {
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			return errors.New("VictoriaMetrics goes on for nobody")
		}
	}
	return nil
}

func TestLevelIsReadOnceAMinute(t *testing.T) {
	reads := 0
	var fail error
	cache := levelCache{read: func(ctx context.Context) (tenant.Level, error) { reads++; return tenant.Premium, fail }}
	now := time.Now()
	steps := []struct {
		after time.Duration
		fail  error
		reads int
	}{{0, nil, 1}, {59 * time.Second, nil, 1}, {60 * time.Second, context.Canceled, 2}, {61 * time.Second, nil, 3}, {62 * time.Second, nil, 3}}
	for _, s := range steps {
		fail = s.fail
		level, err := cache.get(t.Context(), now.Add(s.after))
		if reads != s.reads || !errors.Is(err, s.fail) || (err == nil && level != tenant.Premium) {
			t.Errorf("after %s: %d reads, %s, %v", s.after, reads, level, err)
		}
	}
}
