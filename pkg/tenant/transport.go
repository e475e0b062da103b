package tenant

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// readPaths are what may be asked under the base URL, beside the values of a label.
var readPaths = []string{"/api/v1/query", "/api/v1/query_range", "/api/v1/labels", "/api/v1/series"}

// deletePath deletes series under the base URL.
const deletePath = "/api/v1/admin/tsdb/delete_series"

var labelValuesPath = regexp.MustCompile(`^/api/v1/label/[a-zA-Z_][a-zA-Z0-9_]*/values$`)

// RefusedError is returned for a request that is not sent; its text says why.
type RefusedError string

// Error returns the reason.
func (e RefusedError) Error() string { return string(e) }

// Transport forces an organisation on every request to VictoriaMetrics. It is the one place that does so, and no query,
// filter, header or parameter gets round it: whatever cannot be shown to read this organisation alone is refused.
//
// VictoriaMetrics takes the parameter extra_label from the URL before that of the body, and requires it of every selector.
type Transport struct {
	base         *url.URL
	organization string
	deletes      bool // it deletes series, and does nothing else
	next         http.RoundTripper
}

// NewDeleteTransport is NewTransport for deleting series, which is all that it lets through. On a cluster baseURL is
// …/delete/<tenant>/prometheus.
func NewDeleteTransport(baseURL, organization string, next http.RoundTripper) (*Transport, error) {
	t, err := NewTransport(baseURL, organization, next)
	if err == nil {
		t.deletes = true
	}
	return t, err
}

// NewTransport returns a transport for reads of one organisation at baseURL, which on a cluster includes the tenant's path.
// It refuses an organisation without a valid id, and a URL that has credentials, a query string or the tenant multitenant.
func NewTransport(baseURL, organization string, next http.RoundTripper) (*Transport, error) {
	if organization == "" {
		return nil, errors.New("the organisation is empty")
	}
	if !ValidID(organization) {
		return nil, fmt.Errorf("the organisation %q is no valid id: up to 64 of a-z, 0-9, _ and -", organization)
	}
	base, err := url.Parse(strings.TrimSuffix(baseURL, "/"))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, errors.New("the URL of VictoriaMetrics must begin with http:// or https:// and name a host")
	}
	switch {
	case strings.ContainsAny(baseURL, "?#"):
		return nil, errors.New("the URL of VictoriaMetrics must have no query string or fragment")
	case base.User != nil:
		return nil, errors.New("the URL of VictoriaMetrics must hold no credentials: use the token")
	case base.RawPath != "" || slices.Contains(strings.Split(base.Path, "/"), ".."):
		return nil, errors.New("the path of the URL of VictoriaMetrics must be plain")
	}
	for part := range strings.SplitSeq(base.Path, "/") {
		if tenant, _, _ := strings.Cut(part, ":"); strings.EqualFold(tenant, "multitenant") {
			return nil, errors.New("the URL of VictoriaMetrics must name one tenant, not multitenant")
		}
	}
	return &Transport{base: base, organization: organization, next: next}, nil
}

// RoundTrip sends the request with the organisation forced on it, or returns a RefusedError.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	parameters := req.URL.Query()
	for name := range parameters {
		if strings.HasPrefix(name, "extra_") {
			parameters.Del(name)
		}
	}
	parameters.Set("extra_label", "org="+t.organization)

	forced := req.Clone(req.Context())
	forced.URL.RawQuery = parameters.Encode()
	forced.URL.Fragment, forced.URL.RawFragment = "", ""
	// A cluster can be told to take its tenant from these.
	forced.Header.Del("AccountID")
	forced.Header.Del("ProjectID")
	return t.next.RoundTrip(forced)
}

func (t *Transport) check(req *http.Request) error {
	if t.organization == "" || t.base == nil {
		return RefusedError("no organisation is set")
	}
	if req.Method != http.MethodGet && req.Method != http.MethodPost {
		return RefusedError("only GET and POST are allowed")
	}
	sameHost := req.URL.Scheme == t.base.Scheme && req.URL.Host == t.base.Host && (req.Host == "" || req.Host == t.base.Host)
	if !sameHost || req.URL.User != nil || req.URL.Opaque != "" {
		return RefusedError("only the data source's own VictoriaMetrics may be asked")
	}
	path, under := strings.CutPrefix(req.URL.Path, t.base.Path)
	under = under && req.URL.RawPath == ""
	switch {
	case t.deletes:
		if !under || path != deletePath || req.Method != http.MethodPost {
			return RefusedError("series may be deleted, and nothing else")
		}
	case !under || !(slices.Contains(readPaths, path) || labelValuesPath.MatchString(path)):
		return RefusedError("only queries, labels and series may be read")
	}
	return nil
}
