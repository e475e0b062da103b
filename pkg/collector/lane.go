package collector

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// laneBuffer is how long a header is at most, in bytes, that the lane reads. Those of browsers are some hundred bytes long.
const laneBuffer = 4 << 10

// lanePath is the path of the requests that are served in the lane. Their first line is that with laneMethod before it and laneProtocol behind, and
// mostly a query between, by which balancers choose a collector.
const (
	lanePath     = eventsPath
	laneMethod   = http.MethodPost + " "
	laneProtocol = " HTTP/1.1\r\n"
)

// lingering is for how long a connection is read that is closed before all was read, so that the client reads the answer first.
const lingering = 500 * time.Millisecond

// lane serves what most requests are, reports of players in the usual form, with less memory and work than net/http: what waits for
// a request holds no buffer, and what has one needs no second goroutine that watches the connection. All else it gives to
// net/http, connection and all, before it has taken anything of the request, so that whatever is unusual is decided there. Where
// it is plain how long the request is, it is lent: net/http answers this one, and the connection comes back. Where it is not, as of
// bodies in chunks, headers that come in pieces or are long, and what is wrong, it stays there.
type lane struct {
	handler http.Handler
	known   *connections
	others  *handedOver
	logger  *slog.Logger

	readers, exchanges sync.Pool // of *bufio.Reader and *laneExchange
	dated              atomic.Pointer[dated]
	closing            atomic.Bool
	served             sync.WaitGroup
}

func newLane(handler http.Handler, known *connections, address net.Addr, logger *slog.Logger) *lane {
	return &lane{handler: handler, known: known, others: newHandedOver(address), logger: logger,
		readers:   sync.Pool{New: func() any { return bufio.NewReaderSize(nil, laneBuffer) }},
		exchanges: sync.Pool{New: func() any { return &laneExchange{header: http.Header{}, answer: laneAnswer{header: http.Header{}}} }}}
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

// laneConnection reads a connection.
type laneConnection struct {
	*connection
	waiter
	from  string    // RemoteAddr
	until time.Time // of the read deadline, zero if another one was set
	blank int       // how many bytes that end lines may yet come before the next request
}

// idleSlack is how much sooner than after idleTimeout a connection may be closed: the deadline is not set again for each request.
const idleSlack = 5 * time.Second

// waitUntil sets the deadline of reading, or leaves it if it is a little sooner.
func (c *laneConnection) waitUntil(at time.Time) error {
	if sooner := at.Sub(c.until); 0 <= sooner && sooner <= idleSlack {
		return nil
	}
	c.until = at
	return c.SetReadDeadline(at)
}

// maxBlank is how many bytes that end lines are passed over after a POST, as net/http does: old clients send an empty line behind the body.
const maxBlank = 4

// receiveInto waits for a request with a buffer, which it returns with what has come of it.
func receiveInto(readers *sync.Pool, from io.Reader) (*bufio.Reader, error) {
	reader := readers.Get().(*bufio.Reader)
	reader.Reset(from)
	if _, err := reader.Peek(1); err != nil {
		readers.Put(reader)
		return nil, err
	}
	return reader, nil
}

func (l *lane) serveConnection(served *connection) {
	other := l.serveRequests(&laneConnection{connection: served, from: served.RemoteAddr().String()})
	if other == nil || !l.others.take(other) {
		l.known.forget(served)
		_ = served.Close() // the client may have closed it
	}
}

// serveRequests serves the requests of a connection until it ends, or one is not usual: then it returns what net/http is to go on with.
func (l *lane) serveRequests(c *laneConnection) net.Conn {
	timeout := readHeaderTimeout
	for {
		if l.closing.Load() || c.waitUntil(time.Now().Add(timeout)) != nil {
			return nil
		}
		reader, err := c.receive(&l.readers)
		if err != nil {
			return nil
		}
		timeout = idleTimeout
		if !l.known.begin(c.connection) {
			return nil
		}
		last, other := l.serveBuffered(c, reader)
		reader.Reset(nil)
		l.readers.Put(reader)
		lent, isLent := other.(*lentConnection)
		switch {
		case last:
			return nil
		case isLent:
			if !l.others.take(lent) || !<-lent.back {
				return nil
			}
			c.until = time.Time{}
		case other != nil:
			return other
		default:
			l.known.rest(c.connection)
		}
	}
}

// serveBuffered serves the requests that have come together, of which the first may not be whole.
func (l *lane) serveBuffered(c *laneConnection, reader *bufio.Reader) (last bool, other net.Conn) {
	for {
		come, err := c.afterBlank(reader)
		if err != nil {
			return true, nil
		}
		if len(come) == 0 {
			return false, nil
		}
		more, other := l.serveRequest(c, come, reader)
		if !more {
			return other == nil, other
		}
		c.blank = maxBlank
	}
}

// serveRequest serves the request that has come, if it is for the lane. It returns whether another may follow here, and else what net/http is to go
// on with.
func (l *lane) serveRequest(c *laneConnection, come []byte, reader *bufio.Reader) (more bool, other net.Conn) {
	line, end := headerEnd(come)
	if end < 0 {
		return false, handedOf(c, come)
	}
	e := l.exchanges.Get().(*laneExchange)
	defer l.exchanges.Put(e)
	length, usual := e.readHeader(string(come[line : end-len("\r\n")]))
	switch {
	case !usual:
		return false, handedOf(c, come)
	case isForLane(come[:line], length):
		uri := string(come[len(laneMethod) : line-len(laneProtocol)])
		if _, err := reader.Discard(end); err != nil {
			return false, nil
		}
		return l.answer(c, e, uri, length, reader), nil
	case length > int64(len(come)-end) || max(length, 0) == int64(len(come)-end):
		if bytes.HasPrefix(come, []byte(laneMethod)) {
			c.blank = maxBlank
		}
		return false, lentOf(c, come, int64(end)+max(length, 0))
	}
	return false, handedOf(c, come) // more has come than the request
}

// afterBlank returns what has come of the next request, after the ends of lines that may be before it.
func (c *laneConnection) afterBlank(reader *bufio.Reader) (come []byte, err error) {
	for {
		come, err = reader.Peek(reader.Buffered())
		if err != nil || len(come) == 0 {
			return nil, err
		}
		if c.blank == 0 || come[0] != '\r' && come[0] != '\n' {
			c.blank = 0
			return come, nil
		}
		c.blank--
		if _, err := reader.Discard(1); err != nil {
			return nil, err
		}
	}
}

// headerEnd returns how long the line, and line and header together, of a request of HTTP/1.1 are whose header is usual, and -1 if it is not, or not all
// has come. Lines end as they should, and none goes on in the next.
func headerEnd(come []byte) (line, end int) {
	line = bytes.IndexByte(come, '\n') + 1
	if !bytes.HasSuffix(come[:line], []byte(laneProtocol)) {
		return 0, -1
	}
	end = bytes.Index(come, []byte("\r\n\r\n"))
	if end < 0 {
		return 0, -1
	}
	header := come[:end]
	lines := bytes.Count(header, []byte("\r\n"))
	if bytes.Count(header, []byte("\n")) != lines || bytes.Count(header, []byte("\r")) != lines ||
		bytes.Contains(header, []byte("\n ")) || bytes.Contains(header, []byte("\n\t")) {
		return 0, -1
	}
	return line, end + 4
}

// isForLane reports whether a request with a usual header, whose body has a length or -1, is served in the lane.
func isForLane(line []byte, length int64) bool {
	const begin = laneMethod + lanePath
	if length < 0 || length > smallBody || !bytes.HasPrefix(line, []byte(begin)) {
		return false
	}
	query := line[len(begin) : len(line)-len(laneProtocol)]
	return len(query) == 0 || query[0] == '?' && len(query) > 1 && !bytes.ContainsFunc(query, func(c rune) bool { return c <= ' ' || c > '~' })
}

// laneExchange is a request in the lane and its answer, whose memory is used again. The texts of a header share one, so who keeps one copies it.
type laneExchange struct {
	request http.Request
	url     url.URL
	header  http.Header
	values  []string // of the header, one of each line
	body    laneBody
	answer  laneAnswer
}

// readHeader reads the lines of a header, and reports whether it is one whose request the lane may take or lend, and how long the body is by it, -1
// if it does not say. What net/http refuses, or does in another way, is not. FuzzLane holds it to what net/http reads.
func (e *laneExchange) readHeader(lines string) (length int64, usual bool) {
	clear(e.header)
	e.values = slices.Grow(e.values[:0], strings.Count(lines, "\r\n"))
	length = -1
	for lines != "" {
		line, rest, _ := strings.Cut(lines, "\r\n")
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return 0, false
		}
		lines, name = rest, textproto.CanonicalMIMEHeaderKey(name)
		before := e.header[name]
		switch name {
		case "Transfer-Encoding", "Expect", "Upgrade", "Trailer":
			return 0, false
		case "Connection":
			usual = len(before) == 0 && strings.EqualFold(value, "keep-alive")
		case "Host":
			usual = len(before) == 0 && httpguts.ValidHostHeader(value)
		case "Content-Length":
			length, usual = lengthOf(value)
			usual = usual && len(before) == 0
		default:
			usual = true
		}
		if !usual {
			return 0, false
		}
		if before == nil {
			at := len(e.values)
			e.values = append(e.values, value)
			before = e.values[at:at:len(e.values)]
		}
		e.header[name] = append(before, value)
	}
	return length, e.header["Host"] != nil
}

// lengthOf returns how long a body is by the value of Content-Length, and whether that is a usual one.
func lengthOf(value string) (length int64, usual bool) {
	for _, digit := range []byte(value) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
	}
	length, err := strconv.ParseInt(value, 10, 63) // its sum with the length of the header is one of 64 bits, too
	return length, err == nil
}

// answer lets the handler answer a request whose header e has and whose body reader has, and returns whether another may follow.
func (l *lane) answer(c *laneConnection, e *laneExchange, uri string, length int64, reader *bufio.Reader) (more bool) {
	host := e.header["Host"][0]
	delete(e.header, "Host") // as net/http does
	if length > int64(reader.Buffered()) {
		c.until = time.Time{}
		if c.SetReadDeadline(time.Now().Add(readTimeout)) != nil {
			return false
		}
	}
	body := &e.body.LimitedReader
	body.R, body.N = reader, length
	_, query, _ := strings.Cut(uri, "?")
	e.url = url.URL{Path: lanePath, RawQuery: query}
	e.request = http.Request{
		Method: http.MethodPost, URL: &e.url, RequestURI: uri, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: e.header, Host: host, ContentLength: length, Body: &e.body, RemoteAddr: c.from, Pattern: eventsPattern,
	}
	a := &e.answer
	a.reset()
	if !l.handle(a, &e.request) {
		return false
	}
	var err error
	if body.N > 0 { // what the handler left is not another request
		_, err = io.Copy(io.Discard, body)
	}
	more = err == nil && body.N == 0 && !l.closing.Load()
	if c.send(a.text(l.date(time.Now()), more)) != nil {
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

// sendSlowly writes b, and stops when that takes too long.
func (c *laneConnection) sendSlowly(b []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := c.Write(b); err != nil {
		return err
	}
	return c.SetWriteDeadline(time.Time{})
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
type laneBody struct{ io.LimitedReader }

// whole reads all of a body that has come, where it lies until the next is read, and returns false if not all has come.
func (b *laneBody) whole() ([]byte, bool) {
	from, ok := b.R.(*bufio.Reader)
	if !ok || int64(from.Buffered()) < b.N {
		return nil, false
	}
	all, err := from.Peek(int(b.N))
	if err != nil {
		return nil, false
	}
	if _, err := from.Discard(len(all)); err != nil {
		return nil, false
	}
	b.N = 0
	return all, true
}

func (b *laneBody) Read(p []byte) (int, error) {
	n, err := b.LimitedReader.Read(p)
	if errors.Is(err, io.EOF) && b.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (*laneBody) Close() error { return nil }

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
func (a *laneAnswer) text(date string, more bool) []byte {
	a.WriteHeader(http.StatusOK)
	b := &a.all
	b.WriteString("HTTP/1.1 ")
	b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(a.status), 10))
	b.WriteByte(' ')
	b.WriteString(http.StatusText(a.status))
	b.WriteString("\r\nContent-Length: ")
	b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(a.body.Len()), 10))
	b.WriteString("\r\nDate: ")
	b.WriteString(date)
	b.WriteString("\r\n")
	if !more {
		a.header.Set("Connection", "close")
	}
	for name, values := range a.header { // of which no value is a client's
		for _, value := range values {
			b.WriteString(name)
			b.WriteString(": ")
			b.WriteString(value)
			b.WriteString("\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(a.body.Bytes())
	return b.Bytes()
}

// dated is a second as answers name it.
type dated struct {
	second int64 // since 1970
	text   string
}

// date returns the time as answers name it, which is rendered once a second.
func (l *lane) date(now time.Time) string {
	last := l.dated.Load()
	if last == nil || last.second != now.Unix() {
		last = &dated{now.Unix(), now.UTC().Format(http.TimeFormat)}
		l.dated.Store(last)
	}
	return last.text
}

// handedConnection is a connection that net/http is to go on with, and what of it was read already.
type handedConnection struct {
	net.Conn
	served *connection // in the lane
	read   []byte
}

func handedOf(c *laneConnection, read []byte) *handedConnection {
	return &handedConnection{c.Conn, c.connection, bytes.Clone(read)}
}

// before returns what the connection was in the lane.
func (h *handedConnection) before() *connection { return h.served }

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

// lentConnection is a connection of which net/http answers one request, whose length is known. It seems to end then, and comes back.
type lentConnection struct {
	handedConnection
	left  int64       // bytes of the request that net/http has not read
	idle  atomic.Bool // whether the request is answered, and the next one is waited for
	kept  bool        // whether net/http has read something of the next request, so that the connection stays there
	ended atomic.Bool // whether net/http was told that it ends, to get it back
	back  chan bool   // gets whether the connection is back, or else that it is closed
}

// lentOf returns what net/http gets to answer a request of some bytes, of which the first are read.
func lentOf(c *laneConnection, read []byte, length int64) *lentConnection {
	return &lentConnection{handedConnection: *handedOf(c, read), left: length, back: make(chan bool, 1)}
}

// Read reads no more than the request. After it, net/http reads to learn whether the client goes away or sends more.
func (l *lentConnection) Read(b []byte) (int, error) {
	switch {
	case l.kept || len(b) == 0:
	case l.left > 0:
		b = b[:min(int64(len(b)), l.left)]
	case l.idle.Load():
		l.ended.Store(true)
		return 0, io.EOF
	}
	n, err := l.handedConnection.Read(b)
	l.kept = l.kept || n > 0 && l.left == 0
	l.left -= min(int64(n), l.left)
	return n, err
}

// Close closes the connection, unless it is to come back.
func (l *lentConnection) Close() error {
	if l.ended.Load() {
		return nil
	}
	return l.handedConnection.Close()
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
