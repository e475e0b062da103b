package vm_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamlens/streamlens/pkg/vm"
)

// counter stands in for VictoriaMetrics. It answers each request, a while later, with the number of the request.
type counter struct {
	delay    time.Duration
	status   int
	padding  string // makes the answer long
	requests atomic.Int64
	gone     atomic.Int64 // requests whose client did not wait
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	n := c.requests.Add(1)
	select {
	case <-time.After(c.delay):
	case <-r.Context().Done():
		c.gone.Add(1)
		return nil, r.Context().Err()
	}
	recorder := httptest.NewRecorder()
	recorder.WriteHeader(c.status)
	fmt.Fprintf(recorder, `{"status":"success","padding":"%s","data":{"result":[{"metric":{},"value":[1,"%d"]}]}}`, c.padding, n)
	return recorder.Result(), nil
}

func newShared(t *testing.T, c *counter) *vm.Shared {
	t.Helper()
	client, err := vm.NewClient("http://victoriametrics", &http.Client{Transport: c})
	if err != nil {
		t.Fatal(err)
	}
	return vm.NewShared(client)
}

// ask returns the number of the request that the answer is of, and -1 for an error.
func ask(ctx context.Context, s *vm.Shared, q vm.Question) int64 {
	answer, err := s.Ask(ctx, q)
	if err != nil {
		return -1
	}
	return answer.Series[0].Points[0].Value
}

func TestSharedQuestions(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_000)
	question := vm.Question{Query: "a", Start: at}
	long := strings.Repeat("x", 300<<10)
	tests := []struct {
		name    string
		counter *counter
		after   time.Duration // of the second question
		change  func(*vm.Question)
		second  int64 // request whose answer the second has
	}{
		{"at once", &counter{status: 200}, 0, nil, 1},
		{"while the first is on its way", &counter{status: 200, delay: 2 * time.Second}, 500 * time.Millisecond, nil, 1},
		{"long after the first began", &counter{status: 200, delay: 2 * time.Second}, 1500 * time.Millisecond, nil, 2},
		{"shortly after the answer", &counter{status: 200, delay: 100 * time.Millisecond}, 900 * time.Millisecond, nil, 1},
		{"a second later", &counter{status: 200, delay: 100 * time.Millisecond}, time.Second, nil, 2},
		{"after a long answer", &counter{status: 200, delay: 100 * time.Millisecond, padding: long}, 500 * time.Millisecond, nil, 2},
		{"while a long answer is on its way", &counter{status: 200, delay: time.Second, padding: long}, 500 * time.Millisecond, nil, 1},
		{"another text", &counter{status: 200}, 0, func(q *vm.Question) { q.Query = "b" }, 2},
		{"another time", &counter{status: 200}, 0, func(q *vm.Question) { q.Start = at.Add(time.Millisecond) }, 2},
		{"a range", &counter{status: 200}, 0, func(q *vm.Question) { q.Step, q.End = time.Minute, at }, 2},
		{"other filters", &counter{status: 200}, 0, func(q *vm.Question) { q.Filters = vm.Filters{{Label: "country", Values: []string{"DE"}}} }, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := tt.counter
				shared := newShared(t, c)
				var first int64
				var both sync.WaitGroup
				both.Go(func() { first = ask(t.Context(), shared, question) })
				synctest.Wait()
				time.Sleep(tt.after)
				other := question
				if tt.change != nil {
					tt.change(&other)
				}
				second := ask(t.Context(), shared, other)
				both.Wait()
				if first != 1 || second != tt.second || c.requests.Load() != tt.second {
					t.Errorf("the answers are of %d and %d, of %d requests", first, second, c.requests.Load())
				}
				time.Sleep(time.Minute) // until nothing is kept
			})
		})
	}
}

func TestSharedErrorsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{status: 500}
		shared := newShared(t, c)
		for range 2 {
			if got := ask(t.Context(), shared, vm.Question{Query: "a"}); got != -1 {
				t.Errorf("got %d", got)
			}
		}
		if n := c.requests.Load(); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestSharedCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{status: 200, delay: 10 * time.Second}
		shared := newShared(t, c)
		question := vm.Question{Query: "a"}
		results := make([]int64, 3)
		var all sync.WaitGroup
		var leave []context.CancelFunc
		for i := range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			leave = append(leave, cancel)
			all.Go(func() { results[i] = ask(ctx, shared, question) })
			synctest.Wait()
		}
		leave[0]()
		synctest.Wait()
		if c.gone.Load() != 0 {
			t.Fatal("one who left ended the question of another")
		}
		leave[1]()
		synctest.Wait()
		if c.gone.Load() != 1 {
			t.Fatal("the question goes on for nobody")
		}
		// Whoever comes now must not get the cancelled question.
		all.Go(func() { results[2] = ask(t.Context(), shared, question) })
		all.Wait()
		if results[0] != -1 || results[1] != -1 || results[2] != 2 {
			t.Errorf("the answers are of %v", results)
		}
		time.Sleep(time.Minute)
	})
}
