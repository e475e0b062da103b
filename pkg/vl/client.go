// Package vl talks to VictoriaLogs, the store of plays: it writes records, asks about them, forces the organisation on every question
// and says which flags of the server are wrong.
package vl

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
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// requestTimeout ends every request. VictoriaLogs itself ends a query after 30 s.
	requestTimeout = 35 * time.Second
	// maxAnswer bounds what is read of one answer.
	maxAnswer = 256 << 20
)

// ErrLimit is wrapped by errors about a question that exceeds the limits.
var ErrLimit = errors.New("the question about plays is too large")

// ErrCutOff is returned for an answer that ends before its end, as VictoriaLogs ends those that take it too long.
var ErrCutOff = errors.New("VictoriaLogs broke its answer off, so it is not complete: ask for a shorter time range")

// UnreachableError says that no answer came back. Its text names neither URL nor address; the cause has both.
type UnreachableError struct{ Err error }

// Error says in words why VictoriaLogs cannot be reached.
func (e *UnreachableError) Error() string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded):
		return "VictoriaLogs did not answer in time"
	case errors.Is(e.Err, context.Canceled):
		return "the query was cancelled"
	case errors.As(e.Err, &dns):
		return "VictoriaLogs cannot be reached: the host name of its URL is unknown"
	case errors.As(e.Err, &op) && op.Op == "dial":
		return "VictoriaLogs cannot be reached: nothing answers at its URL"
	}
	return "VictoriaLogs cannot be reached"
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// StatusError is a refusal by VictoriaLogs.
type StatusError struct {
	Code int    // HTTP status
	Text string // what the server said, without URLs and addresses; may be empty
}

// Error says what VictoriaLogs answered.
func (e *StatusError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("VictoriaLogs answered with status %d", e.Code)
	}
	return fmt.Sprintf("VictoriaLogs answered with status %d: %s", e.Code, e.Text)
}

// Client reads from VictoriaLogs and writes to it. It may be used by several goroutines at once.
type Client struct {
	base atomic.Pointer[string]
	http *http.Client
}

// NewClient returns a client of the VictoriaLogs at baseURL. The HTTP client adds credentials and organisation.
func NewClient(baseURL string, client *http.Client) (*Client, error) {
	c := &Client{http: client}
	if err := c.Move(baseURL); err != nil {
		return nil, err
	}
	return c, nil
}

// Move lets requests that begin from now on go to another URL of the same VictoriaLogs, or of another one.
func (c *Client) Move(baseURL string) error {
	if _, err := parseBase(baseURL); err != nil {
		return err
	}
	base := strings.TrimSuffix(baseURL, "/")
	c.base.Store(&base)
	return nil
}

func parseBase(baseURL string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSuffix(baseURL, "/"))
	switch {
	case err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "":
		return nil, errors.New("the URL of VictoriaLogs must begin with http:// or https:// and name a host")
	case strings.ContainsAny(baseURL, "?#"):
		return nil, errors.New("the URL of VictoriaLogs must have no query string or fragment")
	case base.User != nil:
		return nil, errors.New("the URL of VictoriaLogs must hold no credentials")
	case base.RawPath != "" || strings.Contains(base.Path, ".."):
		return nil, errors.New("the path of the URL of VictoriaLogs must be plain")
	}
	return base, nil
}

// send sends a request and returns the body of a good answer.
func (c *Client) send(ctx context.Context, method, path, contentType string, body []byte, header ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, *c.base.Load()+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, &UnreachableError{err}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil, &UnreachableError{err}
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", ErrCutOff, err)
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("%w: its answer is longer than %d MB", ErrLimit, maxAnswer>>20)
	case response.StatusCode/100 != 2:
		return nil, &StatusError{response.StatusCode, plainText(answer)}
	}
	return answer, nil
}

var (
	addresses    = regexp.MustCompile(`https?://\S+|\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b|\[[0-9a-fA-F:]+\]:\d+`)
	requestParts = regexp.MustCompile(`(remoteAddr|requestURI): ("[^"]*"|\S+?)[;,]\s*`)
)

// maxErrorText is how much is passed on of what the server says about an error, in bytes.
const maxErrorText = 400

// plainText returns the body of an error if it is text, without URLs, addresses and the request's own parameters.
func plainText(body []byte) string {
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") {
		return ""
	}
	text = addresses.ReplaceAllString(requestParts.ReplaceAllString(text, ""), "…")
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}

var (
	startLine   = regexp.MustCompile(`(?m)^vm_app_start_timestamp (\d+)`)
	writingLine = regexp.MustCompile(`(?m)^vl_insert_processors_count (\d+)`)
	flagLine    = regexp.MustCompile(`(?m)^flag\{name="([^"]+)", value="([^"]*)"`)
)

// Started returns when VictoriaLogs started, in s since 1970, or 0 if it does not say so, as a proxy.
func (c *Client) Started(ctx context.Context) (int64, error) {
	text, err := c.metric(ctx, startLine)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// Writing reports whether VictoriaLogs works on requests that write, or does not say so, as a proxy. It makes the page anew once a second
// only, so an answer may be as old as that.
func (c *Client) Writing(ctx context.Context) (bool, error) {
	text, err := c.metric(ctx, writingLine)
	return text != "0", err
}

// metric returns the value of a metric, "" if VictoriaLogs does not show it.
func (c *Client) metric(ctx context.Context, line *regexp.Regexp) (string, error) {
	body, err := c.send(ctx, http.MethodGet, "/metrics", "", nil)
	if err != nil {
		var status *StatusError
		if errors.As(err, &status) && status.Code/100 == 4 {
			return "", nil
		}
		return "", err
	}
	found := line.FindSubmatch(body)
	if found == nil {
		return "", nil
	}
	return string(found[1]), nil
}

// ErrNotVictoriaLogs is returned when something else answers at the URL.
var ErrNotVictoriaLogs = errors.New("the server that answers at the URL of the store of plays is not VictoriaLogs")

// CheckFlags reads the server's flags, where it shows them, and returns an error that names all that are wrong: records are to be kept for
// the time keep, 0 where that is not known. A server that does not show them, as a proxy, passes; of the front of a cluster only those
// are looked at that are its own.
//
// The flags are those of /metrics, because /flags leaves out the ones that have their default.
func (c *Client) CheckFlags(ctx context.Context, keep time.Duration) error {
	body, err := c.send(ctx, http.MethodGet, "/metrics", "", nil)
	if err != nil {
		var status *StatusError
		if errors.As(err, &status) && status.Code/100 == 4 && status.Code != http.StatusNotFound {
			return nil
		}
		if errors.As(err, &status) && status.Code == http.StatusNotFound {
			return ErrNotVictoriaLogs
		}
		return err
	}
	flags := map[string]string{}
	for _, m := range flagLine.FindAllStringSubmatch(string(body), -1) {
		flags[m[1]] = m[2]
	}
	if _, ok := flags["inmemoryDataFlushInterval"]; !ok {
		return ErrNotVictoriaLogs
	}
	var wrong, right []string
	if flags["storageNode"] == "" {
		retention, err := ParseKeep(flags["retentionPeriod"])
		if err != nil {
			return fmt.Errorf("VictoriaLogs runs with a -retentionPeriod that cannot be read: %w", err)
		}
		if retention < keep {
			wrong = append(wrong, fmt.Sprintf("-retentionPeriod=%s, so that plays are lost before plays.keep is over", flags["retentionPeriod"]))
			right = append(right, fmt.Sprintf("-retentionPeriod=%dd", int(keep.Hours())/24))
		}
		if v := flags["inmemoryDataFlushInterval"]; v != "1s" {
			wrong = append(wrong, fmt.Sprintf("-inmemoryDataFlushInterval=%s, so that a crash takes more of it with it", v))
			right = append(right, "-inmemoryDataFlushInterval=1s")
		}
	}
	if flags["delete.enable"] != "true" {
		wrong = append(wrong, "-delete.enable=false, so that plays are neither deleted on request nor taken out where they are stored twice, nor is what is written of running ones")
		right = append(right, "-delete.enable")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("VictoriaLogs runs with %s; start it with %s", strings.Join(wrong, ", and "), strings.Join(right, " "))
	}
	return nil
}

// ParseKeep reads a time as -retentionPeriod has it: a number with a unit from s to y, or a number of months of 31 days.
func ParseKeep(s string) (time.Duration, error) {
	day := 24 * time.Hour
	unit := 31 * day
	if s != "" {
		if u, ok := map[byte]time.Duration{
			's': time.Second, 'h': time.Hour, 'd': day, 'w': 7 * day, 'M': 31 * day, 'y': 365 * day,
		}[s[len(s)-1]]; ok {
			s, unit = s[:len(s)-1], u
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is no time such as 30d", s)
	}
	return time.Duration(n * float64(unit)), nil
}
