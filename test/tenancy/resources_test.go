package tenancy

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// call calls a resource with the path that its target has.
func (w *world) call(t *testing.T, s source, method, path, target string) answer {
	t.Helper()
	a, err := w.plugin.call(t.Context(), s, method, path, target, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *world) attackResources(t *testing.T) {
	s := w.source(acme)
	a := w.call(t, s, http.MethodGet, "values", w.values("stream", ""))
	w.searched(t, "acme's own values", a)
	if a.status != http.StatusOK || !strings.Contains(a.text, "only-acme") {
		t.Errorf("acme's own values: %d %s", a.status, a.text)
	}

	// Every filter of the resource with every payload.
	for n, label := range labels {
		for i, payload := range payloads {
			if i/6%2 != n%2 {
				continue // the next label has it
			}
			filter := []string{"country", "stream", "tag", "event", "referrer", "label"}[i%6]
			w.searched(t, label+" by "+filter, w.call(t, s, http.MethodGet, "values", w.values(label, "&"+filter+"="+url.QueryEscape(payload))))
		}
	}
	// Labels that are none, and parameters that are none.
	for _, label := range append(slices.Clone(payloads), "org", "__name__", "ip", "collector", "reason", "code", "vmrange") {
		w.searched(t, "label", w.call(t, s, http.MethodGet, "values", w.values(url.QueryEscape(label), "")))
	}
	for _, more := range []string{
		"extra_label=org=victim", "extra_label[]=org=victim", `extra_filters[]={org="victim"}`, "extra_filters={}", "match[]={}", "match={}", "organization=victim",
		"org=victim", "orgId=2", "level=premium", "url=http://127.0.0.1", "query=up", "queryType=usageByIP", "stream[]=only-victim", "Stream=only-victim",
		";extra_label=org=victim", "%65xtra_label=org=victim", "stream=a%00b", "stream=%ff", "stream=%", "&&&=&", "refId=A", "metric=ip", "timezone=../x",
	} {
		w.searched(t, more, w.call(t, s, http.MethodGet, "values", w.values("stream", "&"+more)))
	}
	// Paths, methods and bodies.
	for _, target := range []string{
		"", "/", "/values", "//values", "values/", "values/..", "values/../values", "../values", "./values", "values/%2e%2e/", "%2e%2e/values", "values%2f..%2f",
		"values%00", "VALUES", "values;x=1", `values\..\x`, "http://127.0.0.1/values", "//127.0.0.1:8428/api/v1/export", "/api/v1/export", "api/v1/export?match[]={}",
		"api/v1/query?query=up", "prometheus/api/v1/query", "ingest", "ingest/v1/events", "v1/usage", "v1/streams/shared/tags", "tag-keys", "tag-values",
		"metrics", "debug/pprof/", "flags", "vmui/", "secrets", ".", "..", "*", "?", "#", "%", "\x00", "\r\n", strings.Repeat("a/", 5000),
	} {
		for _, path := range []string{strings.SplitN(target, "?", 2)[0], "values", "../values"} {
			w.searched(t, "path "+path+" of "+target, w.call(t, s, http.MethodGet, path, target))
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "", "G T"} {
		a, err := w.plugin.call(t.Context(), s, method, "values", w.values("stream", ""), `{"organization":"victim","tags":["x"]}`)
		if err != nil {
			t.Fatal(err)
		}
		w.searched(t, "method "+method, a)
		if a.status == http.StatusOK && method != http.MethodHead && method != "" {
			t.Errorf("the method %s is answered with %s", method, a.text)
		}
	}
	// Who asks and by which headers makes no difference.
	for name, value := range hostileHeaders() {
		s := w.source(acme)
		s.headers = map[string]string{name: value}
		w.searched(t, "header "+name, w.call(t, s, http.MethodGet, "values", w.values("stream", "")))
	}
	for _, user := range []*backend.User{nil, {Login: "admin", Role: "Admin"}, {Login: "victim", Role: "Viewer"}} {
		s.user = user
		w.searched(t, "another user", w.call(t, s, http.MethodGet, "values", w.values("stream", "")))
	}
}

// TestHeadersStayInGrafana checks that nothing that a user sends beside the query reaches the database: on the way are
// proxies that choose a tenant by it.
func TestHeadersStayInGrafana(t *testing.T) {
	var (
		mu       sync.Mutex
		received []http.Header
	)
	// Stands in for a proxy before VictoriaMetrics, which records what it gets.
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		received = append(received, r.Header.Clone())
		mu.Unlock()
		if _, err := w.Write([]byte(`{"status":"success","data":{"result":[]}}`)); err != nil {
			t.Error(err)
		}
	}))
	defer proxy.Close()
	plugin := startPlugin(t)
	w := &world{plugin: plugin, now: time.Now()}
	s := w.sourceOf(map[string]any{"url": proxy.URL, "organization": "acme", "level": "premium", "oauthPassThru": true, "keepCookies": []string{"org"},
		"forwardGrafanaIdToken": true})
	s.headers = hostileHeaders()
	w.ask(t, s, "", model("usageByStream", nil))
	w.call(t, s, http.MethodGet, "values", w.values("stream", ""))
	if _, err := plugin.check(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	// Grafana's SDK itself tells whether an alert rule asks.
	expected := []string{"Fromalert", "Accept-Encoding", "Content-Length", "Content-Type", "User-Agent", "Traceparent", "Tracestate", "Baggage"}
	mu.Lock()
	defer mu.Unlock()
	if len(received) < 3 {
		t.Errorf("%d requests came", len(received))
	}
	for _, header := range received {
		for name, values := range header {
			if !slices.Contains(expected, name) {
				t.Errorf("the database gets %s: %q", name, values)
			}
		}
	}
}
