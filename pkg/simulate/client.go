package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
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
	http      *fasthttp.Client
	logger    *slog.Logger

	sessions, batches, events, lines, refused, repeated atomic.Int64
	answered                                            latencies // of batches of events
	failing                                             atomic.Bool
	firstRefusal                                        sync.Once
	bodies                                              sync.Pool // of *[]byte

	mu     sync.Mutex
	waited []usageLine
}

// newClient returns a client with at most as many connections as there are workers.
func newClient(o Options, workers int, logger *slog.Logger) *client {
	return &client{
		url:       strings.TrimSuffix(o.URL, "/"),
		secretKey: o.SecretKey,
		http: &fasthttp.Client{
			MaxConnsPerHost: workers, MaxConnWaitTimeout: requestTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
			NoDefaultUserAgentHeader: true,
			// A container has another address after a restart.
			Dial: (&fasthttp.TCPDialer{DNSCacheDuration: time.Second}).Dial,
		},
		bodies: sync.Pool{New: func() any { return new([]byte) }},
		logger: logger,
	}
}

func (c *client) close() { c.http.CloseIdleConnections() }

func (c *client) summary() Summary {
	return Summary{
		Sessions: c.sessions.Load(), Batches: c.batches.Load(), Events: c.events.Load(), Lines: c.lines.Load(),
		Refused: c.refused.Load(), Repeated: c.repeated.Load(), Latency: c.answered.take().percentiles(),
	}
}

// sendEvents posts what a session says, as its player would.
func (c *client) sendEvents(ctx context.Context, w *world, s *session, events []wireEvent) error {
	if len(events) == 0 {
		return nil
	}
	head := w.head(s)
	head.Events = events
	accepted, err := c.post(ctx, func(r *fasthttp.Request, body []byte) []byte {
		r.SetRequestURI(c.url + "/v1/events")
		r.URI().QueryArgs().Set("stream", s.stream.name)
		h := &r.Header
		h.SetContentType("text/plain;charset=UTF-8")
		h.SetUserAgent(s.agent.userAgent)
		h.Set("X-Forwarded-For", s.address.String())
		if s.site != "" {
			h.Set("Origin", s.site)
			h.Set("Referer", s.site+"/")
		}
		head.SentAt = time.Now().UnixMilli()
		return head.append(body)
	}, c.answered.add)
	c.events.Add(accepted)
	if err == nil {
		c.batches.Add(1)
	}
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
	accepted, err := c.post(ctx, func(r *fasthttp.Request, body []byte) []byte {
		r.SetRequestURI(c.url + "/v1/usage")
		r.Header.SetContentType("application/x-ndjson")
		r.Header.Set("Authorization", "Bearer "+c.secretKey)
		for i := range lines {
			body = lines[i].append(body)
		}
		return body
	}, func(time.Duration) {})
	c.lines.Add(accepted)
	return err
}

// post posts a request, which fill makes anew for each attempt, appending the body to a buffer, until the collector takes or
// refuses it, and returns how many events or lines of it were accepted. It tells how long each answer took.
func (c *client) post(
	ctx context.Context, fill func(r *fasthttp.Request, body []byte) []byte, answered func(time.Duration),
) (int64, error) {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	body := c.bodies.Get().(*[]byte)
	defer c.bodies.Put(body)
	for backOff := minBackOff; ; backOff = min(2*backOff, maxBackOff) {
		request.Reset()
		request.Header.SetMethod(fasthttp.MethodPost)
		*body = fill(request, (*body)[:0])
		request.SetBodyRaw(*body)
		accepted, wait, err := c.attempt(request, response, answered)
		var passing *passingError
		if !errors.As(err, &passing) {
			if err == nil && c.failing.CompareAndSwap(true, false) {
				c.logger.Info("The collector takes requests again")
			}
			return accepted, err
		}
		c.repeated.Add(1)
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

func (c *client) attempt(request *fasthttp.Request, response *fasthttp.Response, answered func(time.Duration)) (int64, time.Duration, error) {
	begun := time.Now()
	path := string(request.URI().Path())
	if err := c.http.Do(request, response); err != nil {
		return 0, 0, &passingError{fmt.Errorf("post %s: %w", path, err)}
	}
	answered(time.Since(begun))
	var a answer
	err := json.Unmarshal(response.Body(), &a)
	status := response.StatusCode()
	switch {
	case status == fasthttp.StatusAccepted && err != nil:
		return 0, 0, fmt.Errorf("answer of %s: %w", path, err)
	case status == fasthttp.StatusAccepted:
		if n := len(a.Rejected); n > 0 {
			c.refused.Add(int64(n))
			c.firstRefusal.Do(func() {
				c.logger.Warn("The collector refused a part of a request", "path", path, "error", a.Rejected[0].Error, "field", a.Rejected[0].Field)
			})
		}
		return a.Accepted, 0, nil
	}
	refusal := fmt.Errorf("%s answered %d %s: %s %s", path, status, fasthttp.StatusMessage(status), a.Error, a.Field)
	seconds, _ := strconv.Atoi(string(response.Header.Peek("Retry-After")))
	wait := time.Duration(seconds) * time.Second
	if (status == fasthttp.StatusTooManyRequests || status >= fasthttp.StatusInternalServerError) && wait <= longestWait {
		return 0, wait, &passingError{refusal}
	}
	c.refused.Add(1)
	return 0, 0, refusal
}
