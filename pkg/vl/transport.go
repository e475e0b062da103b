package vl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// readPaths are what may be asked under the base URL.
var readPaths = []string{"/select/logsql/query", "/select/logsql/facets", "/select/logsql/field_values"}

// parameters are the ones that a question may have.
var parameters = []string{"query", "start", "end", "limit", "field", "max_values_per_field", "max_value_len", "timeout"}

// maxForm bounds the form of a question, in bytes. VictoriaLogs takes queries of 16 KiB.
const maxForm = 256 << 10

// Transport forces an organisation on every question to VictoriaLogs. It is the one place that does so: whatever cannot be shown to read
// this organisation alone is refused, and parameters that are not known are taken away.
//
// VictoriaLogs applies the parameter extra_stream_filters to every part of a query, those within it too. It does so reliably because
// org is a field of the stream (play.StreamFields).
type Transport struct {
	base         *url.URL
	organization string
	token        string
	next         http.RoundTripper
}

// NewTransport returns a transport for reads of one organisation at baseURL, with a bearer token if it is not empty. It refuses an
// organisation without a valid id.
func NewTransport(baseURL, organization, token string, next http.RoundTripper) (*Transport, error) {
	if organization == "" {
		return nil, errors.New("the organisation is empty")
	}
	if !tenant.ValidID(organization) {
		return nil, fmt.Errorf("the organisation %q is no valid id: up to 64 of a-z, 0-9, _ and -", organization)
	}
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	return &Transport{base: base, organization: organization, token: token, next: next}, nil
}

// RoundTrip sends the request with the organisation forced on it, or returns a tenant.RefusedError.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	form, err := t.form(req)
	if req.Body != nil {
		err = errors.Join(err, req.Body.Close())
	}
	if err != nil {
		return nil, err
	}
	kept := url.Values{}
	for name, values := range form {
		if slices.Contains(parameters, name) {
			kept[name] = values[:1]
		}
	}
	body := []byte(kept.Encode())
	forced := &http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: t.base.Scheme, Host: t.base.Host, Path: req.URL.Path},
		Host:   t.base.Host,
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		// No header is kept: some choose another tenant.
		Header:        http.Header{"Content-Type": {formType}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}
	if t.token != "" {
		forced.Header.Set("Authorization", "Bearer "+t.token)
	}
	forced.URL.RawQuery = url.Values{"extra_stream_filters": {`{"org":` + strconv.Quote(t.organization) + `}`}}.Encode()
	return t.next.RoundTrip(forced.WithContext(req.Context()))
}

const formType = "application/x-www-form-urlencoded"

// form returns the parameters of a request, or why it is refused.
func (t *Transport) form(req *http.Request) (url.Values, error) {
	if t.organization == "" || t.base == nil {
		return nil, tenant.RefusedError("no organisation is set")
	}
	if req.Method != http.MethodPost || req.Header.Get("Content-Type") != formType || req.Header.Get("Content-Encoding") != "" {
		return nil, tenant.RefusedError("only questions as forms are allowed")
	}
	sameHost := req.URL.Scheme == t.base.Scheme && req.URL.Host == t.base.Host && (req.Host == "" || req.Host == t.base.Host)
	if !sameHost || req.URL.User != nil || req.URL.Opaque != "" {
		return nil, tenant.RefusedError("only the data source's own VictoriaLogs may be asked")
	}
	path, under := strings.CutPrefix(req.URL.Path, t.base.Path)
	if !under || req.URL.RawPath != "" || !slices.Contains(readPaths, path) {
		return nil, tenant.RefusedError("only questions about plays are allowed")
	}
	if req.Body == nil {
		return nil, tenant.RefusedError("the question is empty")
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxForm+1))
	if err != nil {
		return nil, fmt.Errorf("read the question: %w", err)
	}
	if len(body) > maxForm {
		return nil, tenant.RefusedError("the question is too long")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, tenant.RefusedError("the question cannot be read")
	}
	for _, values := range form {
		if len(values) != 1 {
			return nil, tenant.RefusedError("a parameter of the question is there twice")
		}
	}
	return form, nil
}
