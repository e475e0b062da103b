package tenant_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// FuzzTransport checks what goes through a transport: requests for reads of its own organisation under its own URL, and nothing
// else, whatever URL the data source has and whatever a request asks.
func FuzzTransport(f *testing.F) {
	f.Add("http://vm:8428", "acme", "http://vm:8428/api/v1/query?extra_label=org=victim", "POST")
	f.Add("http://vm/select/0/prometheus/", "acme", "http://vm/select/0/prometheus/api/v1/label/org/values?a;extra_filters[]={}", "GET")
	f.Add("http://vm/select/%6dultitenant", "a,b", "http://vm/select/1/prometheus/api/v1/../../x", "DELETE")
	f.Add("http://[::1]:1/a/./b//", "acme", "http://[::1]:1/a/./b/api/v1/series?%65xtra_label=org%3Dvictim", "GET")
	f.Fuzz(func(t *testing.T, base, organization, target, method string) {
		transport, err := tenant.NewTransport(base, organization, roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			parameters, err := url.ParseQuery(r.URL.RawQuery)
			if err != nil {
				t.Errorf("sent the parameters %s: %v", r.URL.RawQuery, err)
			}
			for name, values := range parameters {
				if strings.HasPrefix(name, "extra_") && (name != "extra_label" || len(values) != 1 || values[0] != "org="+organization) {
					t.Errorf("sent %s=%q", name, values)
				}
			}
			if len(parameters["extra_label"]) != 1 {
				t.Errorf("sent %s", r.URL.RawQuery)
			}
			if path := r.URL.EscapedPath(); strings.Contains(path, "..") || strings.Contains(strings.ToLower(path), "multitenant") || !strings.Contains(path, "/api/v1/") {
				t.Errorf("sent to %s", path)
			}
			if r.URL.User != nil || r.URL.Fragment != "" || r.Method != http.MethodGet && r.Method != http.MethodPost {
				t.Errorf("sent %s %s", r.Method, r.URL)
			}
			return &http.Response{Body: http.NoBody}, nil
		}))
		if err != nil {
			return
		}
		if !tenant.ValidID(organization) {
			t.Errorf("the organisation %q is taken", organization)
		}
		for _, asked := range []string{target, base + "/api/v1/query?" + target} {
			request, err := http.NewRequestWithContext(t.Context(), method, asked, nil)
			if err != nil {
				continue
			}
			if response, err := transport.RoundTrip(request); err == nil {
				response.Body.Close()
			}
		}
	})
}
