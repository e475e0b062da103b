package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Keys of those who read, of which wallKey is another program's of the same organisation.
const (
	floodKey       = "rk_flood"
	wallKey        = "rk_wall"
	viewerToken    = "vt_hostile"
	blockListToken = "bt_hostile"
)

// get asks and returns the status, and 0 if the collector hangs up. An error is one of the attack itself, or an answer that says to come again
// and not when.
func (t *target) get(ctx context.Context, path string, headers ...string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.address+path, nil)
	if err != nil {
		return 0, fmt.Errorf("attack: %w", err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := t.client.Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0, nil // what is refused may be cut off
	}
	later := response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable
	if later && response.Header.Get("Retry-After") == "" {
		return 0, fmt.Errorf("%s: %d does not say when to come again", path, response.StatusCode)
	}
	return response.StatusCode, nil
}

// expect returns an error for a status that is not one of some. None is expected when the attack is over or the collector hangs up.
func expect(ctx context.Context, path string, status int, of ...int) error {
	select {
	case <-ctx.Done():
		return nil
	default:
	}
	if status == 0 || slices.Contains(of, status) {
		return nil
	}
	if len(path) > 200 {
		path = path[:200] + "…"
	}
	return fmt.Errorf("%s answers %d", path, status)
}

// heavyQuestions are those that cost most.
var heavyQuestions = []string{
	"usageByIP?from=now-400d&top=100000", "usageByStream?from=now-400d&form=parts&interval=1h", "worldMap?metric=latency&from=now-400d",
	"concurrentViewers?from=now-30d&form=series&interval=1m", "streamHealth?from=now-7d&compare=week", "statusCodes?from=now-90d&breakdown=stream",
}

// readFlood asks as much as it can with one key, while another program of the same organisation asks now and then.
func readFlood(ctx context.Context, t *target) error {
	var wall atomic.Int64
	err := together(ctx, 32, forever, func(i int) error {
		if i%64 == 0 {
			status, err := t.get(ctx, "/v1/widgets/usageByCountry", "Authorization", "Bearer "+wallKey)
			if status == http.StatusOK {
				wall.Add(1)
			}
			return errors.Join(err, expect(ctx, "the other program", status, http.StatusOK, http.StatusTooManyRequests, http.StatusServiceUnavailable))
		}
		path := "/v1/widgets/" + heavyQuestions[i%len(heavyQuestions)]
		status, err := t.get(ctx, path, "Authorization", "Bearer "+floodKey)
		return errors.Join(err, expect(ctx, path, status, http.StatusOK, http.StatusBadRequest, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout))
	})
	if err == nil && wall.Load() == 0 {
		return errors.New("the other program got no answer")
	}
	return err
}

// oddQuestions asks what no program asks. It must be refused in words, and never be a fault of the collector.
func oddQuestions(ctx context.Context, t *target) error {
	wide := url.Values{"stream": make([]string, 5_000)}
	odd := []string{
		"?from=now&to=now-1d", "?from=-9223372036854775808", "?to=9223372036854775807", "?from=now-99999999999d", "?from=0&to=253402300799999", "?from=NaN", "?top=-1",
		"?top=999999999999999999999", "?page=-1", "?percentile=101", "?interval=0s&form=series", "?interval=-1h&form=series", "?interval=1ns&form=series", "?form=series&from=now-400d&interval=1s",
		"?timezone=../../etc/passwd", "?timezone=%00", "?stream=%ff%fe", "?stream=%00", "?stream=" + strings.Repeat("a", 30_000), "?" + wide.Encode(), "?country=" + url.QueryEscape(`DE"} or {org="victim`),
		"?where=" + url.QueryEscape(`user="a" | stats count()`), "?where=" + url.QueryEscape("_time>=0"), "?sort=" + url.QueryEscape("org) | delete"), "?extra_label=org%3Dvictim", "?org=victim",
		"?format=xml", "?format=json&format=csv", "?widget=plays", "?%zz", "?;=&&&", "?from=now-24h&from=now-1h", "/../../v1/events", "%2f..%2fmetrics", "?breakdown=" + strings.Repeat("x", 10_000),
	}
	widgets := []string{"usageByCountry", "concurrentViewers", "plays", "play", "worstSegments", "statusCodes", "none", "%00", "usageByIP", "retention"}
	return together(ctx, 8, forever, func(i int) error {
		path := "/v1/widgets/" + widgets[rand.IntN(len(widgets))] + odd[i%len(odd)]
		status, err := t.get(ctx, path, "Authorization", "Bearer "+floodKey, "Accept", []string{"text/csv", "*/*", ";q=;", "image/png"}[i%4])
		return errors.Join(err, expect(ctx, path, status, http.StatusOK, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
			http.StatusNotAcceptable, http.StatusRequestURITooLong, http.StatusTooManyRequests, http.StatusRequestHeaderFieldsTooLarge, http.StatusServiceUnavailable))
	})
}

// readKeys guesses keys of those who read, and uses each right one for what it does not open. A server elsewhere goes on with the right one.
func readKeys(ctx context.Context, t *target) error {
	edge := throughProxy(t.address)
	turn := time.NewTicker(250 * time.Millisecond) // the right token has a limit of its own
	defer turn.Stop()
	return together(ctx, 4, forever, func(i int) error {
		select {
		case <-turn.C:
			status, err := edge.get(ctx, "/v1/blocklist/list.json", "Authorization", "Bearer "+blockListToken, "X-Forwarded-For", "203.0.113.78")
			return errors.Join(err, expect(ctx, "the right token", status, http.StatusOK))
		default:
		}
		guess := fmt.Sprintf("%x", rand.Uint64())
		wrong := []struct{ path, key string }{
			{"/v1/widgets/usageByCountry", "rk_" + guess}, {"/v1/public/viewers/live", "vt_" + guess}, {"/v1/blocklist/list.json", "bt_" + guess},
			{"/v1/widgets/usageByCountry", viewerToken}, {"/v1/widgets/usageByCountry", blockListToken}, {"/v1/blocklist/list.json", floodKey},
			{"/v1/blocklist/users.nginx", viewerToken}, {"/v1/public/viewers/live", floodKey}, {"/v1/streams/live/tags", floodKey},
		}[i%9]
		status, err := t.get(ctx, wrong.path, "Authorization", "Bearer "+wrong.key)
		return errors.Join(err, expect(ctx, wrong.path, status, http.StatusUnauthorized, http.StatusTooManyRequests))
	})
}
