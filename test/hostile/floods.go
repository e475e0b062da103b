package hostile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// throughProxy posts as a proxy that is trusted, for viewers whose addresses differ each time.
func throughProxy(address string) *target {
	return &target{address: address, client: &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

func randomAddress() string {
	return fmt.Sprintf("%d.%d.%d.%d", 11+rand.IntN(100), rand.IntN(256), rand.IntN(256), 1+rand.IntN(254))
}

// sessions begins up to 100,000 sessions of one event each, from as many addresses.
func sessions(ctx context.Context, t *target) error {
	proxy := throughProxy(t.address)
	return together(ctx, 4, 100_000, func(int) error {
		status, err := proxy.post(ctx, "/v1/events", envelope(fmt.Sprintf("%x", rand.Uint64()), "sessions", load()), "X-Forwarded-For", randomAddress())
		if err == nil && status != http.StatusAccepted && ctx.Err() == nil {
			return fmt.Errorf("a session answers %d", status)
		}
		return err
	})
}

// userAgents begins sessions with user agents of which none is known.
func userAgents(ctx context.Context, t *target) error {
	proxy := throughProxy(t.address)
	return together(ctx, 4, forever, func(i int) error {
		agent := fmt.Sprintf("Mozilla/5.0 (X%x; %s) AppleWebKit/%x Chrome/%x", rand.Uint64(), strings.Repeat("a;", 20), rand.Uint64(), i)
		status, err := proxy.post(ctx, "/v1/events", envelope(fmt.Sprintf("agent-%x", rand.Uint64()), "agents", load()),
			"User-Agent", agent, "X-Forwarded-For", randomAddress())
		if err == nil && status != http.StatusAccepted && ctx.Err() == nil {
			return fmt.Errorf("an unknown user agent answers %d", status)
		}
		return err
	})
}

// oneAddress sends more events from one address than may come from one.
func oneAddress(ctx context.Context, t *target) error {
	events := strings.TrimSuffix(strings.Repeat(load()+",", 1000), ",")
	var refused atomic.Int64
	err := together(ctx, 2, forever, func(i int) error {
		status, err := t.post(ctx, "/v1/events", envelope(fmt.Sprintf("address-%d", i%10), "address", events))
		if status == http.StatusTooManyRequests {
			refused.Add(1)
		}
		return err
	})
	if err == nil && refused.Load() == 0 {
		return fmt.Errorf("nothing was refused")
	}
	return err
}

// streams names more streams than the organisation may have.
func streams(ctx context.Context, t *target) error {
	var lines strings.Builder
	for range 11_000 {
		fmt.Fprintf(&lines, `{"ts":%d,"stream":"s%x","direction":"playout","protocol":"hls","bytes":1}`+"\n", time.Now().UnixMilli(), rand.Uint64())
	}
	status, err := t.post(ctx, "/v1/usage", []byte(lines.String()), "Authorization", "Bearer "+secretKey)
	if err != nil || status != http.StatusAccepted {
		return fmt.Errorf("11,000 streams answer %d, %w", status, err)
	}
	proxy := throughProxy(t.address)
	return together(ctx, 4, forever, func(int) error {
		status, err := proxy.post(ctx, "/v1/events", envelope("s", fmt.Sprintf("s%x", rand.Uint64()), load()), "X-Forwarded-For", randomAddress())
		if err == nil && status != http.StatusTooManyRequests && ctx.Err() == nil {
			return fmt.Errorf("a stream beyond the limit answers %d", status)
		}
		return err
	})
}

// keys guesses secret keys and keys of accounts. A server elsewhere goes on with the right one.
func keys(ctx context.Context, t *target) error {
	server := throughProxy(t.address)
	var slowed atomic.Int64
	err := together(ctx, 4, forever, func(i int) error {
		guess := fmt.Sprintf("sk_%x", rand.Uint64())
		switch i % 4 {
		case 0:
			status, err := server.post(ctx, "/v1/usage", fmt.Appendf(nil, `{"ts":%d,"stream":"keys","direction":"playout","protocol":"hls","bytes":1}`,
				time.Now().UnixMilli()), "Authorization", "Bearer "+secretKey, "X-Forwarded-For", "203.0.113.77")
			if err == nil && status != http.StatusAccepted && ctx.Err() == nil {
				return fmt.Errorf("the right key answers %d", status)
			}
			return err
		case 1:
			status, err := t.post(ctx, "/v1/events", []byte(strings.Replace(string(envelope("k", "k", load())), accountKey, "pk_"+guess, 1)))
			if err == nil && status != http.StatusUnauthorized && ctx.Err() == nil {
				return fmt.Errorf("a wrong account key answers %d", status)
			}
			return err
		}
		path := "/v1/usage"
		if i%4 == 3 {
			path = "/v1/hooks/srs/hk_" + guess
		}
		status, err := t.post(ctx, path, []byte("{}"), "Authorization", "Bearer "+guess)
		if status == http.StatusTooManyRequests {
			slowed.Add(1)
		} else if err == nil && status != http.StatusUnauthorized && ctx.Err() == nil {
			return fmt.Errorf("a wrong key answers %d", status)
		}
		return err
	})
	if err == nil && slowed.Load() == 0 {
		return fmt.Errorf("guessing was not slowed")
	}
	return err
}
