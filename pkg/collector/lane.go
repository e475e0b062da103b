package collector

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// laneBuffer is how long a header is at most, in bytes, that the lane reads. Those of browsers are some hundred bytes long.
const laneBuffer = 4 << 10

// lanePath is the path of the requests that are served in the lane, and laneLine how they begin.
const (
	lanePath = "/v1/events"
	laneLine = http.MethodPost + " " + lanePath + " HTTP/1.1\r\n"
)

// lingering is for how long a connection is read that is closed before all was read, so that the client reads the answer first.
const lingering = 500 * time.Millisecond

// lane serves what most requests are, reports of players in the usual form, with less memory and work than net/http: what waits for
// a request holds no buffer, and what has one needs no second goroutine that watches the connection. All else it gives to
// net/http, connection and all, before it has taken anything of the request, so that whatever is unusual is decided there:
// other paths, headers that come in pieces or are long, bodies in chunks, and what is wrong. It stays there.
type lane struct {
	handler http.Handler
	known   *connections
	others  *handedOver
	logger  *slog.Logger

	readers, answers sync.Pool // of *bufio.Reader and *laneAnswer
	closing          atomic.Bool
	served           sync.WaitGroup
}

func newLane(handler http.Handler, known *connections, address net.Addr, logger *slog.Logger) *lane {
	return &lane{handler: handler, known: known, others: newHandedOver(address), logger: logger,
		readers: sync.Pool{New: func() any { return bufio.NewReaderSize(nil, laneBuffer) }},
		answers: sync.Pool{New: func() any { return &laneAnswer{header: http.Header{}} }}}
}

// serve serves the connections of a listener until it is closed.
func (l *lane) serve(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return http.ErrServerClosed
		case err != nil: // mostly there are too many open files
			l.logger.Error("Accepting a connection failed, which is tried again", "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		added := &connection{Conn: conn, inLane: true}
		l.known.add(added)
		l.served.Go(func() { l.serveConnection(added) })
	}
}

// shutdown ends the connections that wait, and waits for the others until ctx is done. The listener must be closed.
func (l *lane) shutdown(ctx context.Context) error {
	l.closing.Store(true)
	l.known.closeWaiting()
	done := make(chan struct{})
	go func() {
		l.served.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// laneConnection reads a connection, of which a byte may have been read already.
type laneConnection struct {
	*connection
	from  string // RemoteAddr
	first [1]byte
	begun bool // whether first is still to be read
}

func (c *laneConnection) Read(b []byte) (int, error) {
	if !c.begun || len(b) == 0 {
		return c.Conn.Read(b)
	}
	b[0], c.begun = c.first[0], false
	if len(b) == 1 {
		return 1, nil
	}
	n, _ := c.Conn.Read(b[1:]) // whoever reads on gets the error again
	return n + 1, nil
}

// wait waits for the first byte of a request without holding a buffer.
func (c *laneConnection) wait(timeout time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	_, err := io.ReadFull(c.Conn, c.first[:])
	c.begun = err == nil
	return err
}

func (l *lane) serveConnection(served *connection) {
	other := l.serveRequests(&laneConnection{connection: served, from: served.RemoteAddr().String()})
	l.known.forget(served)
	if other == nil || !l.others.take(other) {
		_ = served.Close() // the client may have closed it
	}
}

// serveRequests serves the requests of a connection until it ends, or one is not usual: then it returns what net/http is to go on with.
func (l *lane) serveRequests(c *laneConnection) *handedConnection {
	timeout := readHeaderTimeout
	for {
		if l.closing.Load() || c.wait(timeout) != nil {
			return nil
		}
		timeout = idleTimeout
		if !l.known.begin(c.connection) {
			return nil
		}
		reader := l.readers.Get().(*bufio.Reader)
		reader.Reset(c)
		last, other := l.serveBuffered(c, reader)
		reader.Reset(nil)
		l.readers.Put(reader)
		if last || other != nil {
			return other
		}
		l.known.rest(c.connection)
	}
}

// serveBuffered serves the requests that have come together.
func (l *lane) serveBuffered(c *laneConnection, reader *bufio.Reader) (last bool, other *handedConnection) {
	for {
		if c.SetReadDeadline(time.Now().Add(readHeaderTimeout)) != nil {
			return true, nil
		}
		if _, err := reader.Peek(1); err != nil {
			return true, nil
		}
		come, err := reader.Peek(reader.Buffered())
		if err != nil {
			return true, nil
		}
		end := headerEnd(come)
		if end < 0 {
			return false, handedOf(c, come)
		}
		if _, err := reader.Discard(len(laneLine)); err != nil {
			return true, nil
		}
		header, err := textproto.NewReader(reader).ReadMIMEHeader()
		length, usual := usualHeader(http.Header(header))
		if err != nil || !usual {
			return false, handedOf(c, come) // which lies in the buffer still, because nothing was read into it
		}
		if !l.answer(c, http.Header(header), length, reader) {
			return true, nil
		}
		if reader.Buffered() == 0 {
			return false, nil
		}
	}
}

// headerEnd returns how long the line and the header of a request are that is served in the lane, and -1 if it is not, or not all has
// come. Lines end as they should, and none goes on in the next.
func headerEnd(come []byte) int {
	if !bytes.HasPrefix(come, []byte(laneLine)) {
		return -1
	}
	end := bytes.Index(come, []byte("\r\n\r\n"))
	if end < 0 {
		return -1
	}
	header := come[:end]
	lines := bytes.Count(header, []byte("\r\n"))
	if bytes.Count(header, []byte("\n")) != lines || bytes.Count(header, []byte("\r")) != lines ||
		bytes.Contains(header, []byte("\n ")) || bytes.Contains(header, []byte("\n\t")) {
		return -1
	}
	return end + 4
}

// usualHeader reports whether a header is one that the lane may take, and how long the body is by it. What net/http refuses, or does
// in another way, is not.
func usualHeader(header http.Header) (length int64, usual bool) {
	for name, values := range header {
		switch name {
		case "Transfer-Encoding", "Expect", "Upgrade", "Trailer":
			return 0, false
		case "Connection":
			if len(values) != 1 || !strings.EqualFold(values[0], "keep-alive") {
				return 0, false
			}
		case "Host", "Content-Length":
			if len(values) != 1 {
				return 0, false
			}
		}
		if !httpguts.ValidHeaderFieldName(name) {
			return 0, false
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return 0, false
			}
		}
	}
	text := header.Get("Content-Length")
	for _, digit := range []byte(text) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
	}
	length, err := strconv.ParseInt(text, 10, 64)
	host := header["Host"]
	return length, err == nil && length <= smallBody && len(host) == 1 && httpguts.ValidHostHeader(host[0])
}

// answer lets the handler answer a request whose body reader has, and returns whether another may follow.
func (l *lane) answer(c *laneConnection, header http.Header, length int64, reader *bufio.Reader) (more bool) {
	host := header.Get("Host")
	delete(header, "Host") // as net/http does
	if length > int64(reader.Buffered()) && c.SetReadDeadline(time.Now().Add(readTimeout)) != nil {
		return false
	}
	body := &io.LimitedReader{R: reader, N: length}
	request := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: lanePath}, RequestURI: lanePath, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Host: host, ContentLength: length, Body: laneBody{body}, RemoteAddr: c.from,
	}
	a := l.answers.Get().(*laneAnswer)
	defer l.answers.Put(a)
	a.reset()
	if !l.handle(a, request) {
		return false
	}
	_, err := io.Copy(io.Discard, body) // what the handler left is not another request
	more = err == nil && body.N == 0 && !l.closing.Load()
	if c.SetWriteDeadline(time.Now().Add(writeTimeout)) != nil {
		return false
	}
	if _, err := c.Write(a.text(time.Now(), more)); err != nil {
		return false
	}
	if !more {
		c.linger()
	}
	return more
}

// handle calls the handler, and returns false if it panicked, which Server.recovered has logged.
func (l *lane) handle(w http.ResponseWriter, r *http.Request) (returned bool) {
	defer func() { _ = recover() }()
	l.handler.ServeHTTP(w, r)
	return true
}

// linger reads on for a moment after all is written: closing what is not read lets the kernel forget the answer.
func (c *laneConnection) linger() {
	half, ok := c.Conn.(closeWriter)
	if !ok || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(lingering)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c.Conn, maxDiscarded) // nothing is expected
}

type closeWriter interface{ CloseWrite() error }

// laneBody is a body that ends too early with an error, as that of net/http does.
type laneBody struct{ *io.LimitedReader }

func (b laneBody) Read(p []byte) (int, error) {
	n, err := b.LimitedReader.Read(p)
	if errors.Is(err, io.EOF) && b.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (laneBody) Close() error { return nil }

// laneAnswer is the http.ResponseWriter of the lane: it keeps what is written until all is.
type laneAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
	all    bytes.Buffer
}

func (a *laneAnswer) reset() {
	clear(a.header)
	a.status = 0
	a.body.Reset()
	a.all.Reset()
}

// Header returns the header to be written.
func (a *laneAnswer) Header() http.Header { return a.header }

// WriteHeader sets the status, once.
func (a *laneAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write adds to the body.
func (a *laneAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// text returns the whole answer, which is used again.
func (a *laneAnswer) text(now time.Time, more bool) []byte {
	a.WriteHeader(http.StatusOK)
	b := &a.all
	fmt.Fprintf(b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nDate: ", a.status, http.StatusText(a.status), a.body.Len())
	b.Write(now.UTC().AppendFormat(b.AvailableBuffer(), http.TimeFormat))
	b.WriteString("\r\n")
	if !more {
		a.header.Set("Connection", "close")
	}
	_ = a.header.Write(b) // memory takes all
	b.WriteString("\r\n")
	b.Write(a.body.Bytes())
	return b.Bytes()
}

// handedConnection is a connection that net/http is to go on with, and what of it was read already.
type handedConnection struct {
	net.Conn
	read []byte
}

func handedOf(c *laneConnection, read []byte) *handedConnection {
	return &handedConnection{c.Conn, bytes.Clone(read)}
}

func (h *handedConnection) Read(b []byte) (int, error) {
	if len(h.read) == 0 {
		return h.Conn.Read(b)
	}
	n := copy(b, h.read)
	if h.read = h.read[n:]; len(h.read) == 0 {
		h.read = nil
	}
	return n, nil
}

// NetConn returns the connection itself.
func (h *handedConnection) NetConn() net.Conn { return h.Conn }

// CloseWrite ends what is sent, so that the client reads all of it.
func (h *handedConnection) CloseWrite() error {
	if half, ok := h.Conn.(closeWriter); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// handedOver is the listener of net/http behind the lane.
type handedOver struct {
	address net.Addr
	next    chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newHandedOver(address net.Addr) *handedOver {
	return &handedOver{address: address, next: make(chan net.Conn), closed: make(chan struct{})}
}

// take takes a connection over, and returns false if nothing is any more.
func (h *handedOver) take(c net.Conn) bool {
	select {
	case h.next <- c:
		return true
	case <-h.closed:
		return false
	}
}

// Accept returns the next connection.
func (h *handedOver) Accept() (net.Conn, error) {
	select {
	case c := <-h.next:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (h *handedOver) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr returns the address of the port.
func (h *handedOver) Addr() net.Addr { return h.address }
