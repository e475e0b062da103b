package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Patience with a collector that does not take something now.
const (
	requestTimeout = 30 * time.Second
	minBackOff     = 200 * time.Millisecond
	maxBackOff     = 5 * time.Second
	longestWait    = time.Minute // that a Retry-After may ask for; more means a limit that does not pass by waiting
)

// maxLines is how many lines of usage go into one request.
const maxLines = 1000

// client sends to a collector and counts what becomes of it. Its methods may be called by several goroutines.
type client struct {
	url       string
	secretKey string
	http      *http.Client
	logger    *slog.Logger

	sessions, events, lines, refused atomic.Int64
	failing                          atomic.Bool
	firstRefusal                     sync.Once

	mu     sync.Mutex
	waited []usageLine
}

// newClient returns a client with as many connections as there are workers.
func newClient(o Options, workers int, logger *slog.Logger) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = workers, workers, workers
	return &client{
		url:       strings.TrimSuffix(o.URL, "/"),
		secretKey: o.SecretKey,
		http:      &http.Client{Transport: transport, Timeout: requestTimeout},
		logger:    logger,
	}
}

func (c *client) close() { c.http.CloseIdleConnections() }

func (c *client) summary() Summary {
	return Summary{Sessions: c.sessions.Load(), Events: c.events.Load(), Lines: c.lines.Load(), Refused: c.refused.Load()}
}

// sendEvents posts what a session says, as its player would.
func (c *client) sendEvents(ctx context.Context, w *world, s *session, events []wireEvent) error {
	if len(events) == 0 {
		return nil
	}
	head := w.head(s)
	head.Events = events
	header := http.Header{
		"Content-Type":    {"text/plain;charset=UTF-8"},
		"User-Agent":      {s.agent.userAgent},
		"X-Forwarded-For": {s.address.String()},
	}
	if s.site != "" {
		header.Set("Origin", s.site)
		header.Set("Referer", s.site+"/")
	}
	accepted, err := c.post(ctx, "/v1/events", header, func() ([]byte, error) {
		head.SentAt = time.Now().UnixMilli()
		return json.Marshal(head)
	})
	c.events.Add(accepted)
	if events[0].Seq == 1 && accepted > 0 {
		c.sessions.Add(1)
	}
	return err
}

// addUsage queues lines of usage, and posts them when there are enough for a request.
func (c *client) addUsage(ctx context.Context, lines []usageLine) error {
	if c.secretKey == "" || len(lines) == 0 {
		return nil
	}
	c.mu.Lock()
	c.waited = append(c.waited, lines...)
	full := len(c.waited) >= maxLines
	c.mu.Unlock()
	if !full {
		return nil
	}
	return c.flushUsage(ctx)
}

// flushUsage posts the lines that wait. They carry no id, so lines whose answer was lost on the way count twice.
func (c *client) flushUsage(ctx context.Context) error {
	c.mu.Lock()
	lines := c.waited
	c.waited = nil
	c.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	header := http.Header{"Content-Type": {"application/x-ndjson"}, "Authorization": {"Bearer " + c.secretKey}}
	accepted, err := c.post(ctx, "/v1/usage", header, func() ([]byte, error) {
		var body bytes.Buffer
		encoder := json.NewEncoder(&body)
		for _, line := range lines {
			if err := encoder.Encode(line); err != nil {
				return nil, err
			}
		}
		return body.Bytes(), nil
	})
	c.lines.Add(accepted)
	return err
}

// post posts a body, which is made anew for each attempt, until the collector takes or refuses it, and returns how many
// events or lines of it were accepted.
func (c *client) post(ctx context.Context, path string, header http.Header, body func() ([]byte, error)) (int64, error) {
	for backOff := minBackOff; ; backOff = min(2*backOff, maxBackOff) {
		content, err := body()
		if err != nil {
			return 0, err
		}
		accepted, wait, err := c.attempt(ctx, path, header, content)
		var passing *passingError
		if !errors.As(err, &passing) {
			if err == nil && c.failing.CompareAndSwap(true, false) {
				c.logger.Info("The collector takes requests again")
			}
			return accepted, err
		}
		// A collector at its limit takes some requests and not others for a moment; only what lasts is worth a word.
		if backOff == maxBackOff && c.failing.CompareAndSwap(false, true) {
			c.logger.Warn("The collector takes no requests, trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("%w, last: %w", ctx.Err(), err)
		case <-time.After(max(wait, backOff)):
		}
	}
}

// passingError is a failure that another attempt may not meet.
type passingError struct{ error }

func (e *passingError) Unwrap() error { return e.error }

// answer is what a collector says to a batch, be it taken or refused.
type answer struct {
	Accepted int64 `json:"accepted"`
	Rejected []struct {
		Error string `json:"error"`
		Field string `json:"field"`
	} `json:"rejected"`
	Error string `json:"error"`
	Field string `json:"field"`
}

func (c *client) attempt(ctx context.Context, path string, header http.Header, body []byte) (int64, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, 0, fmt.Errorf("simulate: %w", err)
	}
	request.Header = header
	response, err := c.http.Do(request)
	if err != nil {
		return 0, 0, &passingError{fmt.Errorf("post %s: %w", path, err)}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, 0, &passingError{fmt.Errorf("answer of %s: %w", path, err)}
	}
	var a answer
	err = json.Unmarshal(text, &a)
	status := response.StatusCode
	switch {
	case status == http.StatusAccepted && err != nil:
		return 0, 0, fmt.Errorf("answer of %s: %w", path, err)
	case status == http.StatusAccepted:
		if n := len(a.Rejected); n > 0 {
			c.refused.Add(int64(n))
			c.firstRefusal.Do(func() {
				c.logger.Warn("The collector refused a part of a request", "path", path, "error", a.Rejected[0].Error, "field", a.Rejected[0].Field)
			})
		}
		return a.Accepted, 0, nil
	}
	refusal := fmt.Errorf("%s answered %s: %s %s", path, response.Status, a.Error, a.Field)
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	wait := time.Duration(seconds) * time.Second
	if (status == http.StatusTooManyRequests || status >= http.StatusInternalServerError) && wait <= longestWait {
		return 0, wait, &passingError{refusal}
	}
	c.refused.Add(1)
	return 0, 0, refusal
}
