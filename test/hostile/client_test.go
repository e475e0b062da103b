package hostile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// batchesPerSecond is how often the good client posts, and eventsPerBatch how much.
const (
	batchesPerSecond = 20
	eventsPerBatch   = 20
)

// answered is what became of a batch.
type answered struct {
	took   time.Duration
	status int // 0 if there was no answer
	err    error
}

// goodClient posts as a page with viewers does, whatever happens around it: the next batch does not wait for the last answer.
type goodClient struct {
	url    string
	client *http.Client

	mu      sync.Mutex
	answers []answered
}

func newGoodClient(url string) *goodClient {
	return &goodClient{url: url, client: &http.Client{Timeout: 10 * time.Second,
		Transport: &http.Transport{DialContext: dialer(goodAddress).DialContext, MaxIdleConnsPerHost: 20}}}
}

// run posts until ctx is done, and then waits for the last answers.
func (g *goodClient) run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	ticker := time.NewTicker(time.Second / batchesPerSecond)
	defer ticker.Stop()
	for number := 0; ; number++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			all.Go(func() { g.post(number) })
		}
	}
}

func (g *goodClient) post(number int) {
	var events []string
	now := time.Now()
	first := 1 + number/batchesPerSecond*eventsPerBatch // of a session, which posts once a second
	for i := range eventsPerBatch {
		events = append(events, fmt.Sprintf(`{"seq":%d,"ts":%d,"type":"stats","playing":0.05}`, first+i, now.UnixMilli()))
	}
	a := answered{}
	response, err := g.send(envelope(fmt.Sprintf("good-%d", number%batchesPerSecond), "good", strings.Join(events, ",")))
	if err == nil {
		a.status = response.StatusCode
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	a.took, a.err = time.Since(now), err
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers = append(g.answers, a)
}

func (g *goodClient) send(body []byte) (*http.Response, error) {
	request, err := http.NewRequest(http.MethodPost, g.url+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	// The server may close a connection that waits just when the client uses it. A browser sends again then, and net/http does if
	// it is told that the request may be repeated.
	request.Header["Idempotency-Key"] = nil
	return g.client.Do(request)
}

// take returns the answers since it was last called.
func (g *goodClient) take() []answered {
	g.mu.Lock()
	defer g.mu.Unlock()
	taken := g.answers
	g.answers = nil
	return taken
}
