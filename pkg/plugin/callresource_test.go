package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// callResource returns status, content type and body of the answer to a request.
func callResource(t *testing.T, settings backend.DataSourceInstanceSettings, method, pathAndQuery string, headers map[string][]string) (int, string, string) {
	t.Helper()
	path, _, _ := strings.Cut(pathAndQuery, "?")
	var got *backend.CallResourceResponse
	err := newDatasource(t, settings).CallResource(t.Context(),
		&backend.CallResourceRequest{Method: method, Path: path, URL: pathAndQuery, Headers: headers},
		backend.CallResourceResponseSenderFunc(func(r *backend.CallResourceResponse) error {
			got = r
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	return got.Status, strings.Join(got.Headers["Content-Type"], ","), strings.TrimSpace(string(got.Body))
}

func TestValuesResource(t *testing.T) {
	server := start(t, vmtest.DefaultFlags...)
	m := measure.Get(measure.Traffic)
	byStream, _ := m.FamilyWith(measure.LabelStream)
	byCountry, _ := m.FamilyWith(measure.LabelCountry)
	both, _ := m.FamilyWith(measure.LabelStream, measure.LabelCountry)
	odd := `a,b&c"d|.*`
	var lines strings.Builder
	add := func(family measure.Family, organization, labels string, bytes int, at time.Time) {
		fmt.Fprintf(&lines, "%s{org=%q,collector=\"a\",direction=\"playout\",protocol=\"hls\",%s} %d %d\n",
			m.Metric(family, measure.Minute), organization, labels, bytes, at.UnixMilli()+1)
	}
	add(byStream, "acme", `stream="one"`, 1, minute())
	add(byStream, "acme", fmt.Sprintf("stream=%q", odd), 2, minute())
	add(byStream, "acme", `stream="later"`, 3, minute().Add(time.Minute))
	add(byStream, "small", `stream="foreign"`, 4, minute())
	add(byCountry, "small", `country="XX"`, 4, minute())
	add(both, "acme", fmt.Sprintf("stream=%q,country=\"DE\"", odd), 2, minute())
	add(both, "acme", `stream="one",country="FR"`, 1, minute())
	vmtest.Import(t, server, lines.String())

	wrongSettings := instanceSettings("", "acme", tenant.Premium)
	away := instanceSettings("http://127.0.0.1:1", "acme", tenant.Default)
	acme := instanceSettings(server, "acme", tenant.Default)
	rangeOf := fmt.Sprintf("&from=%d&to=%d", minute().UnixMilli(), minute().Add(time.Minute).UnixMilli())
	tests := []struct {
		name     string
		settings backend.DataSourceInstanceSettings
		method   string
		query    string // path and query
		status   int
		want     string // the body, or for errors a part of it
	}{
		{"streams of the range", acme, "GET", "values?label=stream" + rangeOf, 200, `["a,b\u0026c\"d|.*","one"]`},
		{"filter", acme, "GET", "values?label=country&stream=" + url.QueryEscape(odd) + rangeOf, 200, `["DE"]`},
		{"filter of two values", acme, "GET", "values?label=country&stream=one&stream=" + url.QueryEscape(odd) + rangeOf, 200, `["DE","FR"]`},
		{"nothing found", acme, "GET", "values?label=event" + rangeOf, 200, `[]`},
		{"another organisation's stream", acme, "GET", "values?label=country&stream=foreign" + rangeOf, 200, `[]`},
		{"unknown label", acme, "GET", "values?label=org" + rangeOf, 400, `the label \"org\" is unknown`},
		{"hostile label", acme, "GET", "values?label=" + url.QueryEscape(`stream) or (x`) + rangeOf, 400, "is unknown"},
		{"hostile parameter", acme, "GET", "values?label=stream&extra_label=org=small" + rangeOf, 400, `the parameter \"extra_label\" is unknown`},
		{"no label", acme, "GET", "values?from=1&to=2", 400, "the parameter label is needed, once"},
		{"two labels", acme, "GET", "values?label=stream&label=country" + rangeOf, 400, "the parameter label is needed, once"},
		{"no range", acme, "GET", "values?label=stream", 400, "the parameter from is needed, once"},
		{"no number", acme, "GET", "values?label=stream&from=now-1h&to=now", 400, "the parameter from must be milliseconds since 1970"},
		{"range of nothing", acme, "GET", "values?label=stream&from=60000&to=60000", 400, "the range must end after it begins"},
		{"before 1970", acme, "GET", "values?label=stream&from=-9223372036854775808&to=0", 400, "1970"},
		{"broken escape", acme, "GET", "values?label=%zz", 400, "invalid URL escape"},
		{"semicolon", acme, "GET", "values?label=stream;x=1" + rangeOf, 400, "invalid semicolon"},
		{"unknown resource", acme, "GET", "secrets", 404, "there is no resource GET /secrets"},
		{"writing", acme, "POST", "values?label=stream" + rangeOf, 404, "there is no resource POST /values"},
		{"wrong settings", wrongSettings, "GET", "values?label=stream" + rangeOf, 400, "URL of VictoriaMetrics is missing"},
		{"VictoriaMetrics away", away, "GET", "values?label=stream" + rangeOf, 502, "VictoriaMetrics cannot be reached: connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, contentType, body := callResource(t, tt.settings, tt.method, tt.query, map[string][]string{"X-Scope-OrgID": {"small"}, "AccountID": {"1"}})
			if status != tt.status || contentType != "application/json" {
				t.Errorf("status %d, type %s", status, contentType)
			}
			if tt.status == http.StatusOK {
				if body != tt.want {
					t.Errorf("got %s, want %s", body, tt.want)
				}
				return
			}
			var answer struct{ Error string }
			if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Error == "" || !strings.Contains(body, tt.want) {
				t.Errorf("got %s, want %s", body, tt.want)
			}
		})
	}
}

func TestValuesResourceIsCancelled(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		// Only then the server notices that the client goes.
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		close(asked)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	var status int
	err := newDatasource(t, instanceSettings(server.URL, "acme", tenant.Default)).CallResource(ctx,
		&backend.CallResourceRequest{Method: "GET", Path: "values", URL: fmt.Sprintf("values?label=stream&from=0&to=%d", time.Now().UnixMilli())},
		backend.CallResourceResponseSenderFunc(func(r *backend.CallResourceResponse) error {
			status = r.Status
			return nil
		}))
	if err != nil || status != int(statusCancelled) {
		t.Errorf("status %d, %v", status, err)
	}
}

// TestResourcesOnlyRead calls every path that could write with every method, as users of all roles: each gets what a Viewer gets.
func TestResourcesOnlyRead(t *testing.T) {
	asked := make(chan string, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		fmt.Fprint(w, `{"status":"success","data":{"result":[]}}`)
	}))
	defer server.Close()
	d := newDatasource(t, instanceSettings(server.URL, "acme", tenant.Premium))
	values := fmt.Sprintf("values?label=stream&from=0&to=%d", time.Now().UnixMilli())
	users := []*backend.User{nil, {Role: ""}, {Role: "None"}, {Role: "Viewer"}, {Role: "Editor"}, {Role: "Admin"}}
	for _, user := range users {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			for _, target := range []string{values, "tags", "ingest/v1/events", "v1/usage", "v1/streams/a/tags", "api/v1/import", "delete"} {
				path, _, _ := strings.Cut(target, "?")
				var status int
				err := d.CallResource(t.Context(), &backend.CallResourceRequest{
					PluginContext: backend.PluginContext{User: user}, Method: method, Path: path, URL: target, Body: []byte(`{"tags":["a"]}`),
				}, backend.CallResourceResponseSenderFunc(func(r *backend.CallResourceResponse) error {
					status = r.Status
					return nil
				}))
				want := http.StatusNotFound
				if target == values && (method == http.MethodGet || method == http.MethodHead) {
					want = http.StatusOK
				}
				if err != nil || status != want {
					t.Errorf("%s %s as %+v: status %d, want %d, %v", method, target, user, status, want, err)
				}
			}
		}
	}
	close(asked)
	if len(asked) == 0 {
		t.Error("nothing was read")
	}
	for request := range asked {
		if request != "POST /api/v1/query" {
			t.Errorf("VictoriaMetrics was asked %s", request)
		}
	}
}
