package collector

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// Times and bytes that a client may take.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

const (
	// maxConnections is how many connections there are at most, each some 5 KB while it waits in the lane, and 20 KB in net/http.
	maxConnections = 16_384
	// otherFiles is how many of the open files are not for connections of clients.
	otherFiles = 512
)

// newHTTPServer returns the server for a handler that anybody may reach, and its connections.
func (s *Server) newHTTPServer(handler http.Handler) (*http.Server, *connections, error) {
	files, err := openFiles()
	if err != nil {
		return nil, nil, err
	}
	known := newConnections(max(min(maxConnections, files-otherFiles), 1), s.metrics.refused)
	return &http.Server{
		Handler:           s.recovered(known.serve(handler)),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       known.accept,
		ConnState:         known.change,
		// A batch fits into the least buffer, and its connection must not cost more than one of HTTP/1.1 by much.
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: 100, MaxReceiveBufferPerConnection: 64 << 10, MaxReceiveBufferPerStream: 32 << 10},
		ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}, known, nil
}

// recovered logs the panic of a handler as the error that it is; net/http would tell it where it tells what clients do wrong.
func (s *Server) recovered(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if problem := recover(); problem != nil {
				s.metrics.refused("internal", 1)
				s.Logger.ErrorContext(r.Context(), "Answering a request panicked", "pattern", r.Pattern, "panic", problem,
					"stack", string(debug.Stack()))
				panic(http.ErrAbortHandler)
			}
		}()
		handler.ServeHTTP(w, r)
	})
}

// connectionKey is the key of a request's connection in its context.
type connectionKey struct{}

// connection is a connection of a client.
type connection struct {
	net.Conn
	queue          *queue // in which it is, waiting or busy
	earlier, later *connection
	unserved       bool // it has sent something that no handler has got
	inLane         bool // net/http does not know it, or only has it lent
}

// connections keeps the number of connections within a limit. Beyond it the one is closed that waits for longest for its client
// to send a request, so that those who only hold connections lose them to those who use theirs; if none waits, the one with the
// oldest request. It counts both, and requests that net/http refuses by itself.
type connections struct {
	limit   int
	refused func(reason string, n int)

	mu            sync.Mutex
	known         map[net.Conn]*connection
	waiting, busy queue
}

// queue is a list of connections, that which came first in front. It has no elements of its own, which each request would make anew.
type queue struct{ front, back *connection }

func (q *queue) push(c *connection) {
	c.queue, c.earlier = q, q.back
	if q.back == nil {
		q.front = c
	} else {
		q.back.later = c
	}
	q.back = c
}

func (q *queue) remove(c *connection) {
	if c.earlier == nil {
		q.front = c.later
	} else {
		c.earlier.later = c.later
	}
	if c.later == nil {
		q.back = c.earlier
	} else {
		c.later.earlier = c.earlier
	}
	c.queue, c.earlier, c.later = nil, nil, nil
}

func newConnections(limit int, refused func(reason string, n int)) *connections {
	return &connections{limit: limit, refused: refused, known: map[net.Conn]*connection{}}
}

// accept is the http.Server.ConnContext of the connections.
func (c *connections) accept(ctx context.Context, conn net.Conn) context.Context {
	added := &connection{Conn: conn}
	if handed, ok := conn.(interface{ before() *connection }); ok {
		added = handed.before()
		c.leaveLane(added, conn)
	} else {
		c.add(added)
	}
	return context.WithValue(ctx, connectionKey{}, added)
}

// leaveLane notes that net/http has a connection of the lane, for good unless it is lent. One that is lent stays busy, because its request has come.
func (c *connections) leaveLane(served *connection, conn net.Conn) {
	_, lent := conn.(*lentConnection)
	c.mu.Lock()
	defer c.mu.Unlock()
	served.inLane = lent
	if !lent && c.known[served.Conn] == served {
		c.move(served, &c.waiting)
	}
}

// of returns what is known of a connection of net/http, or nil.
func (c *connections) of(conn net.Conn) *connection {
	handed, ok := conn.(interface{ before() *connection })
	if !ok {
		return c.known[conn]
	}
	if served := handed.before(); c.known[served.Conn] == served {
		return served
	}
	return nil
}

// add adds a connection, which waits for its client to send a request.
func (c *connections) add(added *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.known) >= c.limit {
		oldest := c.waiting.front
		if oldest == nil {
			oldest = c.busy.front
		}
		c.remove(oldest)
		oldest.abort()
		c.refused("connections", 1)
	}
	c.known[added.Conn] = added
	c.move(added, &c.waiting)
}

// serve notes that requests come to a handler: of those that come in one piece, http.Server.ConnState tells the first only. It closes
// a connection after a body in chunks, because net/http passes over a Content-Length beside it, by which a proxy in front may take
// the end of the body for another request.
func (c *connections) serve(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if served, ok := r.Context().Value(connectionKey{}).(*connection); ok {
			c.begin(served)
		}
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	})
}

// begin notes that a request of a connection is served, and returns false if the connection was closed meanwhile.
func (c *connections) begin(served *connection) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	served.unserved = false
	if c.known[served.Conn] != served {
		return false
	}
	c.move(served, &c.busy)
	return true
}

// rest notes that a connection waits for its next request.
func (c *connections) rest(served *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known[served.Conn] == served {
		c.move(served, &c.waiting)
	}
}

// forget takes a connection out, which is closed or known as another one from now on.
func (c *connections) forget(served *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known[served.Conn] == served {
		c.remove(served)
	}
}

// closeWaiting closes the connections that wait in the lane.
func (c *connections) closeWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for next := c.waiting.front; next != nil; {
		waits := next
		next = waits.later
		if waits.inLane {
			c.remove(waits)
			waits.abort()
		}
	}
}

// abort closes the connection without a word, for which one of TLS would have to wait.
func (c *connection) abort() {
	under := c.Conn
	if wrapped, ok := under.(interface{ NetConn() net.Conn }); ok {
		under = wrapped.NetConn()
	}
	_ = under.Close() // it may be closed already
}

// change is the http.Server.ConnState of the connections.
func (c *connections) change(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := false // but not the connection
	if lent, ok := conn.(*lentConnection); ok {
		switch state {
		case http.StateIdle:
			lent.idle.Store(true)
		case http.StateClosed:
			ended = lent.ended.Load()
			lent.back <- ended
		}
	}
	changed := c.of(conn)
	if changed == nil || ended {
		return
	}
	switch state {
	case http.StateActive:
		changed.unserved = true
		c.move(changed, &c.busy)
	case http.StateIdle:
		changed.unserved = false
		c.move(changed, &c.waiting)
	case http.StateClosed, http.StateHijacked:
		c.remove(changed)
		if changed.unserved {
			c.refused("http", 1)
		}
	}
}

func (c *connections) move(moved *connection, to *queue) {
	if moved.queue != nil {
		moved.queue.remove(moved)
	}
	to.push(moved)
}

func (c *connections) remove(removed *connection) {
	delete(c.known, removed.Conn)
	removed.queue.remove(removed)
}
