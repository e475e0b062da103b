// Package vm talks to VictoriaMetrics: it writes batches through a durable queue, asks MetricsQL queries and proves that
// the server keeps samples as Streamlens needs them.
package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// queryTimeout ends every read.
const queryTimeout = 30 * time.Second

// maxAnswer bounds what is read of one answer.
const maxAnswer = 512 << 20

// ErrPartial is returned for an answer that lacks the data of some storage nodes.
var ErrPartial = errors.New("VictoriaMetrics could not read all of its storage nodes, so the answer would be incomplete")

// ErrNotVictoriaMetrics is returned when something else answers at the URL.
var ErrNotVictoriaMetrics = errors.New("the server that answers at this URL is not VictoriaMetrics")

// UnreachableError says that no answer came back. Its text names neither URL nor address; the cause has both.
type UnreachableError struct{ Err error }

// Error says in words why VictoriaMetrics cannot be reached.
func (e *UnreachableError) Error() string {
	var dns *net.DNSError
	var op *net.OpError
	var request *url.Error
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded):
		return "VictoriaMetrics did not answer in time"
	case errors.Is(e.Err, context.Canceled):
		return "the query was cancelled"
	case errors.As(e.Err, &dns):
		return "VictoriaMetrics cannot be reached: the host name of its URL is unknown"
	case errors.As(e.Err, &op):
		return "VictoriaMetrics cannot be reached: " + rootCause(op).Error()
	case errors.As(e.Err, &request):
		return "VictoriaMetrics cannot be reached: " + cleanText(request.Err.Error())
	}
	return "VictoriaMetrics cannot be reached"
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// StatusError is a refusal by VictoriaMetrics.
type StatusError struct {
	Code int    // HTTP status
	Text string // what the server said, without URLs and addresses; may be empty
}

// Error says what VictoriaMetrics answered.
func (e *StatusError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("VictoriaMetrics answered with status %d", e.Code)
	}
	return fmt.Sprintf("VictoriaMetrics answered with status %d: %s", e.Code, e.Text)
}

// Client reads from VictoriaMetrics. It may be used by several goroutines at once.
type Client struct {
	base string
	http *http.Client
}

// NewClient returns a client of the VictoriaMetrics at baseURL, which on a cluster includes the tenant's path
// (…/select/0/prometheus). The HTTP client adds credentials and organisation.
func NewClient(baseURL string, client *http.Client) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("the URL of VictoriaMetrics must begin with http:// or https:// and name a host")
	}
	return &Client{base: strings.TrimSuffix(baseURL, "/"), http: client}, nil
}

// post sends a form and returns the body of the answer, whatever its status.
func (c *Client) post(ctx context.Context, path string, form url.Values) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return roundTrip(c.http, req)
}

func roundTrip(client *http.Client, req *http.Request) (status int, body []byte, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, &UnreachableError{err}
	}
	defer resp.Body.Close()
	var buffer bytes.Buffer
	if _, err := buffer.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
		return 0, nil, &UnreachableError{err}
	}
	if buffer.Len() > maxAnswer {
		return 0, nil, fmt.Errorf("the answer of VictoriaMetrics is longer than %d MB", maxAnswer>>20)
	}
	return resp.StatusCode, buffer.Bytes(), nil
}

func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

var (
	addresses    = regexp.MustCompile(`https?://\S+|\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b|\[[0-9a-fA-F:]+\]:\d+`)
	requestParts = regexp.MustCompile(`(remoteAddr|requestURI): ("[^"]*"|\S+?)[;,]\s*`)
)

// maxErrorText is how much is passed on of what the server says about an error, in bytes.
const maxErrorText = 400

// cleanText takes URLs, addresses and the request's own parameters out of what VictoriaMetrics says.
func cleanText(s string) string {
	s = addresses.ReplaceAllString(requestParts.ReplaceAllString(s, ""), "…")
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return strings.TrimSpace(s)
}
