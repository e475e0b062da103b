package collector

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// reasons counts refusals.
type reasons struct {
	mu sync.Mutex
	n  map[string]int
}

func (r *reasons) refused(reason string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == nil {
		r.n = map[string]int{}
	}
	r.n[reason] += n
}

// wait waits until so many refusals have a reason.
func (r *reasons) wait(t *testing.T, reason string, want int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		r.mu.Lock()
		n := r.n[reason]
		r.mu.Unlock()
		if n == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are refused by %q, want %d", n, reason, want)
		}
		time.Sleep(time.Millisecond)
	}
}

func (q *queue) length() (n int) {
	for c := q.front; c != nil; c = c.later {
		n++
	}
	return n
}

// waitFor waits until so many connections wait for a request and so many have one: the server notes it after its answer.
func (c *connections) waitFor(t *testing.T, waiting, busy int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		c.mu.Lock()
		w, b := c.waiting.length(), c.busy.length()
		c.mu.Unlock()
		if w == waiting && b == busy {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections wait and %d are busy, want %d and %d", w, b, waiting, busy)
		}
		time.Sleep(time.Millisecond)
	}
}

// listen serves with at most limit connections; a request with X-Slow lasts until the test ends.
func listen(t *testing.T, limit int) (address string, known *connections, refused *reasons) {
	t.Helper()
	return listenWith(t, limit, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-Panic") != "":
			panic(http.ErrAbortHandler)
		case r.Header.Get("X-Slow") != "":
			<-t.Context().Done()
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
}

// listenWith serves with a handler.
func listenWith(t *testing.T, limit int, handler http.HandlerFunc) (address string, known *connections, refused *reasons) {
	t.Helper()
	refused = &reasons{}
	known = newConnections(limit, refused.refused)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &ports{
		public:         &http.Server{Handler: known.serve(handler), ConnContext: known.accept, ConnState: known.change, ErrorLog: log.New(io.Discard, "", 0)},
		publicListener: listener,
		lane:           newLane(handler, known, listener.Addr(), slog.New(slog.DiscardHandler)),
	}
	served := p.serve()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := p.shutdown(ctx); err != nil {
			t.Errorf("shut down: %v", err)
		}
		for range 2 {
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("serve: %v", err)
			}
		}
	})
	return listener.Addr().String(), known, refused
}

// way is how a request is served, and a request that is served so.
type way struct{ name, request string }

// ways are by net/http, which keeps the connection or has it lent, and in the lane.
var ways = []way{{"net/http", long}, {"lent", get}, {"lane", post}}

// slow returns a request that lasts until the test ends.
func (w way) slow() string { return strings.Replace(w.request, "\r\n\r\n", "\r\nX-Slow: 1\r\n\r\n", 1) }

// connect opens a connection and sends something.
func connect(t *testing.T, address, text string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() }) // the test may have closed it
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
	return connection
}

var long = strings.Replace(get, "\r\n\r\n", "\r\nX-Long: "+strings.Repeat("a", laneBuffer)+"\r\n\r\n", 1)

const (
	get  = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	post = "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
)

// answers sends a request and reports whether it is answered.
func answers(t *testing.T, connection net.Conn, request string) bool {
	t.Helper()
	if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, request); err != nil {
		return false
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("neither an answer nor an end")
		}
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

func TestConnectionsCloseTheOneThatWaitsLongest(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) { closesTheOneThatWaitsLongest(t, w) })
	}
}

func closesTheOneThatWaitsLongest(t *testing.T, w way) {
	address, known, refused := listen(t, 3)
	busy := connect(t, address, "")
	if !answers(t, busy, w.request) {
		t.Fatal("the first connection is not served")
	}
	known.waitFor(t, 1, 0)
	// net/http does not tell of the second request of a connection if it comes in one piece.
	if _, err := io.WriteString(busy, w.slow()); err != nil {
		t.Fatal(err)
	}
	known.waitFor(t, 0, 1)
	first := connect(t, address, "")
	second := connect(t, address, "")
	for i, c := range []net.Conn{second, first} {
		if !answers(t, c, w.request) {
			t.Fatal("a connection within the limit is not served")
		}
		if i == 0 {
			known.waitFor(t, 2, 1) // both are accepted, and second waits again
		}
	}
	known.waitFor(t, 2, 1)
	// second waits for longer than first.
	third := connect(t, address, "")
	refused.wait(t, "connections", 1)
	if answers(t, second, w.request) {
		t.Error("the connection that waited for longest is open")
	}
	for name, c := range map[string]net.Conn{"first": first, "third": third} {
		if !answers(t, c, w.request) {
			t.Errorf("the %s connection is closed", name)
		}
	}
	if err := busy.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := busy.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection with a request got %v", err)
	}
}

func TestConnectionsCloseTheOldestRequestIfNoneWaits(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			address, known, refused := listen(t, 2)
			for i := range 2 {
				connect(t, address, w.slow())
				known.waitFor(t, 0, i+1)
			}
			if !answers(t, connect(t, address, ""), w.request) {
				t.Error("a new connection is not served")
			}
			refused.wait(t, "connections", 1)
		})
	}
}

func TestRequestsThatNoHandlerGets(t *testing.T) {
	tests := []struct {
		name   string
		pieces []string
		want   int
	}{
		{"a good request", []string{get}, 0},
		{"two good requests", []string{get, get}, 0},
		{"one in the lane", []string{post}, 0},
		{"two in the lane, and another", []string{post, post, get}, 0},
		{"two in one piece", []string{post + post}, 0},
		{"one in the lane and half of one", []string{post, post[:40]}, 1},
		{"one in the lane with half of one", []string{post + post[:40]}, 1},
		{"one in the lane and no HTTP", []string{post, "what?\r\n\r\n"}, 1},
		{"no request", nil, 0},
		{"half a request", []string{"GET / HTTP/1.1\r\nHo"}, 1},
		{"no HTTP", []string{"what?\r\n\r\n"}, 1},
		{"a good one and a bad one in pieces", []string{get, "G\x01T /", " HTTP/1.1\r\n\r\n"}, 1},
		{"a header too large", []string{"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 2<<20) + "\r\n\r\n"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			address, _, refused := listen(t, 10)
			connection, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range test.pieces {
				_, _ = io.WriteString(connection, text) // the server may hang up before it has all
				time.Sleep(50 * time.Millisecond)
			}
			_ = connection.Close()
			refused.wait(t, "http", test.want)
		})
	}
}

func TestConnectionEndsAfterChunks(t *testing.T) {
	address, _, _ := listen(t, 10)
	hidden := "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
	connection := connect(t, address, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s",
		5+len(hidden), hidden))
	if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(connection)
	if n := strings.Count(string(text), "HTTP/1.1 "); n != 1 {
		t.Errorf("%d answers, %v: %s", n, err, text)
	}
}
