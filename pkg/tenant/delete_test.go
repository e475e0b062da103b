package tenant_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// TestDeleteTransport deletes everything that it can through the transport of acme: what others have must still be there.
func TestDeleteTransport(t *testing.T) {
	base := vmtest.Start(t)
	samples := func() {
		vmtest.Import(t, base, "m{org=\"acme\"} 1\nm{org=\"other\"} 2\nm 3\n")
	}
	has := func() (found []string) {
		resp, err := http.PostForm(base+"/api/v1/series", url.Values{"match[]": {"m"}, "start": {"1"}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, series := range []string{`"org":"acme"`, `"org":"other"`, `{"__name__":"m"}`} {
			if strings.Contains(string(answer), series) {
				found = append(found, series)
			}
		}
		return found
	}
	transport, err := tenant.NewDeleteTransport(base, "acme", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/api/v1/admin/tsdb/delete_series"
	tests := []struct {
		name, method, path, parameters, body string
		refused                              bool
	}{
		{"everything", "POST", path, "", `match[]={__name__!=""}`, false},
		{"the other by name", "POST", path, "", `match[]=m{org="other"}`, false},
		{"without organisation", "POST", path, "", `match[]=m{org=""}`, false},
		{"alternatives", "POST", path, "", `match[]={org="acme" or org="other"}`, false},
		{"another label in the URL", "POST", path, "extra_label=org=other", `match[]=m`, false},
		{"another label in the body", "POST", path, "", `match[]=m&extra_label=org=other`, false},
		{"a filter in the body", "POST", path, "", `match[]=m&extra_filters[]={org="other"}`, false},
		{"two matches", "POST", path, `match[]=m{org="other"}`, `match[]=m`, false},
		{"another method", "GET", path, `match[]=m`, "", true},
		{"a query", "POST", "/api/v1/query", "", "query=m", true},
		{"a snapshot", "POST", "/snapshot/delete_all", "", "", true},
		{"a way up", "POST", "/api/v1/query/../admin/tsdb/delete_series", "", `match[]=m`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			samples()
			if before := has(); len(before) != 3 {
				t.Fatalf("before, there are %v", before)
			}
			req, err := http.NewRequestWithContext(t.Context(), tt.method, base+tt.path, strings.NewReader(escapeForm(tt.body)))
			if err != nil {
				t.Fatal(err)
			}
			req.URL.RawQuery = escapeForm(tt.parameters)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := transport.RoundTrip(req)
			var refused tenant.RefusedError
			if errors.As(err, &refused) != tt.refused {
				t.Errorf("refused: %v", err)
			}
			if err == nil {
				resp.Body.Close()
			}
			if left := strings.Join(has(), " "); !strings.Contains(left, "other") || !strings.Contains(left, `{"__name__":"m"}`) {
				t.Errorf("only %s is left", left)
			}
		})
	}
}

func TestReadTransportDeletesNothing(t *testing.T) {
	transport, err := tenant.NewTransport("http://vm", "acme", roundTripperFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a deletion was sent")
		return &http.Response{Body: http.NoBody}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://vm/api/v1/admin/tsdb/delete_series", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
		t.Error("it is not refused")
	}
}
