package tenant_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

func TestNewTransportRefuses(t *testing.T) {
	tests := []struct{ name, url, organization, want string }{
		{"no organisation", "http://vm:8428", "", "organisation is empty"},
		{"two organisations", "http://vm:8428", "acme|other", "no valid id"},
		{"a second label", "http://vm:8428", "acme&extra_label=org=other", "no valid id"},
		{"upper case", "http://vm:8428", "ACME", "no valid id"},
		{"new line", "http://vm:8428", "acme\n", "no valid id"},
		{"too long", "http://vm:8428", strings.Repeat("a", 65), "no valid id"},
		{"no URL", "", "acme", "must begin with http"},
		{"no host", "http://", "acme", "must begin with http"},
		{"other scheme", "file:///etc/passwd", "acme", "must begin with http"},
		{"query string", "http://vm:8428?extra_label=org=other", "acme", "query string"},
		{"empty query string", "http://vm:8428/?", "acme", "query string"},
		{"fragment", "http://vm:8428/#x", "acme", "fragment"},
		{"credentials", "http://u:p@vm:8428", "acme", "credentials"},
		{"all tenants", "http://vm:8481/select/multitenant/prometheus", "acme", "multitenant"},
		{"all tenants with a project", "http://vm:8481/select/multitenant:0/prometheus", "acme", "multitenant"},
		{"all tenants in capitals", "http://vm:8481/select/MULTITENANT/prometheus", "acme", "multitenant"},
		{"all tenants, escaped", "http://vm:8481/select/%6dultitenant/prometheus", "acme", "plain"},
		{"escaped slash", "http://vm:8481/select%2F0/prometheus", "acme", "plain"},
		{"way up", "http://vm:8481/select/0/../1/prometheus", "acme", "plain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tenant.NewTransport(tt.url, tt.organization, http.DefaultTransport)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// roundTripperFunc lets a function be a round tripper.
type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTransportLeavesTheRequestAlone(t *testing.T) {
	var sent *http.Request
	transport, err := tenant.NewTransport("http://vm/select/0/prometheus/", "acme", roundTripperFunc(
		func(r *http.Request) (*http.Response, error) {
			sent = r
			return &http.Response{Body: http.NoBody}, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	const original = "http://vm/select/0/prometheus/api/v1/query?query=1&extra_filters[]=%7B%7D&extra_label=org%3Dother"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, original, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("AccountID", "7")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := sent.URL.RawQuery; got != "extra_label=org%3Dacme&query=1" {
		t.Errorf("sent %s", got)
	}
	if sent.Header.Get("AccountID") != "" {
		t.Error("a tenant header went through")
	}
	if req.URL.String() != original || req.Header.Get("AccountID") != "7" {
		t.Error("the caller's request was changed, which a round tripper must not do")
	}
}

// The other organisation's series carry a value and a label value that no request of this test names.
const (
	foreignValue = "987654321"
	foreignLabel = "zebra"
	ownValue     = "1234567"
)

func TestTransportShowsNoOtherOrganization(t *testing.T) {
	base := vmtest.Start(t)
	stamp := time.Now().Add(-2 * time.Minute).UnixMilli() // VictoriaMetrics hides the newest 30 s
	vmtest.Import(t, base, fmt.Sprintf(
		"m{org=\"acme\",country=\"DE\"} %s %d\nm{org=\"other\",country=\"%s\",zebra=\"1\"} %s %d\nm{country=\"%s\"} %s %d\n",
		ownValue, stamp, foreignLabel, foreignValue, stamp, foreignLabel, foreignValue, stamp))
	transport, err := tenant.NewTransport(base, "acme", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport}

	const all = `query={__name__!=""}`
	const q, ranged, labels, series = "/api/v1/query", "/api/v1/query_range", "/api/v1/labels", "/api/v1/series"
	values := func(label string) string { return "/api/v1/label/" + label + "/values" }
	tests := []struct {
		name, path, parameters, body string
		header                       [2]string
	}{
		{name: "everything", path: q, parameters: all},
		{name: "everything in the body", path: q, body: all},
		{name: "the other by name", path: q, body: `query=m{org="other"}`},
		{name: "by expression", path: q, body: `query=m{org=~".*"}`},
		{name: "not this one", path: q, body: `query=m{org!="acme"}`},
		{name: "without organisation", path: q, body: `query=m{org=""}`},
		{name: "or inside the selector", path: q, body: `query={org="acme" or org="other"}`},
		{name: "or outside", path: q, body: `query=m or m{org="other"}`},
		{name: "union", path: q, body: `query=union(m,m{org="other"})`},
		{name: "label_set", path: q, body: `query=label_set(m{org="other"},"org","acme")`},
		{name: "template", path: q, body: `query=WITH (x={org="other"}) m{x}`},
		{name: "subquery", path: q, body: `query=max_over_time(m{org="other"}[1h:1m])`},
		{name: "aggregate", path: q, body: `query=sum(m) without (org)`},
		{name: "limits of a group", path: q, body: `query=limitk(10,m)`},
		{name: "bare range", path: q, body: `query=m[1h]`},
		{name: "bare range of the other", path: q, body: `query=m{org="other"}[1h]`},
		{name: "join", path: q, body: `query=m{org="other"} * on() group_left() m`},
		{name: "extra label in the URL", path: q, parameters: "extra_label=org=other", body: all},
		{name: "twice", path: q, parameters: "extra_label=org=other&extra_label=org=acme", body: all},
		{name: "empty extra label", path: q, parameters: "extra_label=", body: all},
		{name: "escaped name", path: q, parameters: "extra%5Flabel=org=other", body: all},
		{name: "extra label in the body", path: q, body: all + "&extra_label=org=other"},
		{name: "extra filter in the URL", path: q, parameters: `extra_filters[]={org="other"}`, body: all},
		{name: "extra filter without brackets", path: q, parameters: `extra_filters={org="other"}`, body: all},
		{name: "extra filter in the body", path: q, body: all + `&extra_filters[]={org="other"}`},
		{name: "two extra filters in the body", path: q, body: all + `&extra_filters[]={org="acme"}&extra_filters[]={org="other"}`},
		{name: "both kinds", path: q, body: all + `&extra_filters={country!=""}&extra_filters[]={org="other"}`},
		{name: "extra filter with or", path: q, body: all + `&extra_filters[]={org="acme" or org="other"}`},
		{name: "extra filter that ends early", path: q, body: all + `&extra_filters[]={country="DE"} or {org="other"}`},
		{name: "in URL and body", path: q, parameters: `extra_filters[]={org=~".*"}`, body: all + `&extra_filters[]={org="other"}`},
		{name: "semicolon", path: q, parameters: "a=1;extra_label=org=other", body: all},
		{name: "broken escape", path: q, parameters: "%zz=1&extra_label=org=other", body: all},
		{name: "tenant headers", path: q, body: all, header: [2]string{"AccountID", "0"}},
		{name: "host header", path: q, body: all, header: [2]string{"X-Forwarded-Host", "other"}},
		{name: "multipart", path: q, body: "--b\r\nContent-Disposition: form-data; name=\"extra_label\"\r\n\r\norg=other\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nm\r\n--b--\r\n",
			header: [2]string{"Content-Type", "multipart/form-data; boundary=b"}},
		{name: "range", path: ranged, body: all + "&start=-1h&step=60"},
		{name: "range of the other", path: ranged, body: `query=m{org="other"}&start=-1h&step=60&extra_label=org=other`},
		{name: "labels", path: labels},
		{name: "labels of the other", path: labels, parameters: `match[]=m{org="other"}`},
		{name: "values of organisations", path: values("org"), parameters: "match[]=m"},
		{name: "values of countries", path: values("country")},
		{name: "values with a filter", path: values("country"), parameters: `extra_filters[]={org="other"}`},
		{name: "series", path: series, parameters: `match[]=m`},
		{name: "series of two", path: series, body: `match[]=m{org="acme"}&match[]=m{org="other"}`},
		{name: "export", path: "/api/v1/export", parameters: `match[]=m`},
		{name: "federate", path: "/federate", parameters: `match[]=m`},
		{name: "status", path: "/api/v1/status/tsdb"},
		{name: "series count", path: "/api/v1/series/count"},
		{name: "graphite", path: "/render", parameters: `target=m`},
		{name: "prometheus prefix", path: "/prometheus/api/v1/query", body: all},
		{name: "way up", path: "/api/v1/query/../export", parameters: `match[]=m`},
		{name: "escaped way up", path: "/api/v1/query%2f..%2fexport", parameters: `match[]=m`},
		{name: "way up in a label", path: "/api/v1/label/../export/values", parameters: `match[]=m`},
		{name: "double slash", path: "//api/v1/export", parameters: `match[]=m`},
		{name: "write", path: "/api/v1/import/prometheus", body: "m{org=\"other\"} 1"},
		{name: "delete", path: "/api/v1/admin/tsdb/delete_series", body: `match[]=m`},
		{name: "user interface", path: "/vmui/"},
		{name: "flags", path: "/flags"},
		{name: "metrics", path: "/metrics"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				parameters, body := tt.parameters, io.Reader(strings.NewReader(escapeForm(tt.body)))
				if method == http.MethodGet {
					parameters, body = strings.Trim(tt.parameters+"&"+tt.body, "&"), nil
				}
				req, err := http.NewRequestWithContext(t.Context(), method, base+tt.path, body)
				if err != nil {
					t.Fatal(err)
				}
				req.URL.RawQuery = escapeForm(parameters)
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if tt.header[0] != "" {
					req.Header.Set(tt.header[0], tt.header[1])
				}
				resp, err := client.Do(req)
				var refused tenant.RefusedError
				if errors.As(err, &refused) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(answer), foreignValue) || strings.Contains(string(answer), foreignLabel) ||
					strings.Contains(string(answer), `["acme","other"]`) {
					t.Errorf("%s: %s", method, answer)
				}
			}
		})
	}

	t.Run("without the transport all of it shows", func(t *testing.T) {
		resp, err := http.PostForm(base+q, url.Values{"query": {`{country!=""}`}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(answer), foreignValue) || !strings.Contains(string(answer), foreignLabel) {
			t.Errorf("%s, %v", answer, err)
		}
	})

	t.Run("the organisation's own data is there", func(t *testing.T) {
		resp, err := client.PostForm(base+q, url.Values{"query": {"m"}, "extra_filters[]": {`{country="DE"}`}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(answer), ownValue) {
			t.Errorf("%s, %v", answer, err)
		}
	})

	t.Run("other methods and hosts are refused", func(t *testing.T) {
		for _, change := range []func(*http.Request){
			func(r *http.Request) { r.Method = http.MethodDelete },
			func(r *http.Request) { r.Host = "other" },
			func(r *http.Request) { r.URL.Host = "other" },
			func(r *http.Request) { r.URL.Scheme = "https" },
			func(r *http.Request) { r.URL.User = url.UserPassword("a", "b") },
			func(r *http.Request) { r.URL.Opaque = "//other/api/v1/query" },
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+q, nil)
			if err != nil {
				t.Fatal(err)
			}
			change(req)
			resp, err := transport.RoundTrip(req)
			var refused tenant.RefusedError
			if !errors.As(err, &refused) {
				if resp != nil {
					resp.Body.Close()
				}
				t.Errorf("%s %s was not refused: %v", req.Method, req.URL, err)
			}
		}
	})
}

// escapeForm escapes what would break a form written by hand, and leaves its = and & alone.
func escapeForm(s string) string {
	if strings.HasPrefix(s, "--") {
		return s
	}
	return strings.NewReplacer(" ", "%20", `"`, "%22", "+", "%2B", "#", "%23").Replace(s)
}
