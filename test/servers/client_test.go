package servers

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// exchange is one request, and what the client counted of its answer.
type exchange struct {
	Name      string `json:"name"`
	Address   string `json:"address"` // of the client; each has its own, so that every line of a log has one true number
	Method    string `json:"method"`
	Target    string `json:"target"` // as it is in the request
	Protocol  string `json:"protocol"`
	TLS       bool   `json:"tls,omitempty"`
	Stream    string `json:"stream"` // "" if the request is for none
	UserAgent string `json:"userAgent,omitempty"`
	Referrer  string `json:"referrer,omitempty"`
	Query     string `json:"cmcdQuery,omitempty"`   // session id of CMCD in the query
	Headers   string `json:"cmcdHeaders,omitempty"` // session id of CMCD in headers

	Status  int       `json:"status"`
	Header  int64     `json:"header"` // bytes of the status line and the header; not known of HTTP/2
	Body    int64     `json:"body"`   // bytes of the body
	Wire    int64     `json:"wire"`   // bytes that the connection brought, those of TLS not counted in HTTP/1.1
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Dropped bool      `json:"dropped,omitempty"` // the client left before the end
}

// endpoints are the addresses of a server, "" where it has none.
type endpoints struct {
	http, http6 string // cleartext
	slow        string // cleartext, of a proxy: its origin takes a second for paths below /late/
	https, h2c  string
}

// request is what the client asks for.
type request struct {
	method, target, protocol string // by default GET, HTTP/1.1
	header                   [][2]string
	drop                     int64         // leave after so many bytes of the body, 0 = at the end
	take                     time.Duration // for the whole body
	wait                     time.Duration // before it
}

// connection is one connection of the client and its requests.
type connection struct {
	name     string
	address  string // of the client
	to       string
	tls, h2  bool
	stream   string
	referrer string
	agent    string // "" sends none
	raw      string // is sent instead of a request; whatever comes is read until the server closes, or for half a second
	query    string // session id of CMCD in the query
	headers  string // session id of CMCD in headers
	requests []request
}

const (
	agent = "LabPlayer/1.0 (X11; Linux x86_64)"
	// dropAfter is how much a client reads that leaves.
	dropAfter = 1_000_000
	// slowBytes is the length of the answer that begins in one minute and ends in the next.
	slowBytes = 30_000_000
)

// cmcdQuery is the query of a player that speaks CMCD, cmcdHeaders are its headers.
func cmcdQuery(session string) string {
	return "CMCD=br%3D3200%2Cbs%2Cd%3D2000%2Cot%3Dv%2Csf%3Dh%2Csid%3D%22" + session + "%22%2Cst%3Dl"
}

func cmcdHeaders(session string) [][2]string {
	return [][2]string{{"CMCD-Object", "br=3200,ot=v,d=2000"}, {"CMCD-Session", fmt.Sprintf("sid=%q,st=l", session)}}
}

const (
	sessionA = "aaaaaaaa-0000-4000-8000-00000000000a"
	sessionB = "bbbbbbbb-0000-4000-8000-00000000000b"
	sessionC = "cccccccc-0000-4000-8000-00000000000c"
	sessionD = "dddddddd-0000-4000-8000-00000000000d"
)

// connections returns what the client does with a server. Of a server without TLS, HTTP/2 or IPv6 these are left out.
func connections(e endpoints, modified time.Time) []connection {
	get := func(target string, header ...[2]string) []request { return []request{{target: target, header: header}} }
	all := []connection{
		{name: "whole", to: e.http, requests: get("/hls/cam1/seg-0.ts")},
		{name: "head", to: e.http, requests: []request{{method: http.MethodHead, target: "/hls/cam1/seg-1.ts"}}},
		{name: "range", to: e.http, requests: get("/hls/cam1/seg-2.ts", [2]string{"Range", "bytes=0-999"})},
		{name: "ranges", to: e.http, requests: get("/hls/cam1/seg-2.ts", [2]string{"Range", "bytes=0-999,5000-5999"})},
		{name: "beyond the end", to: e.http, stream: "-", requests: get("/hls/cam1/seg-2.ts", [2]string{"Range", "bytes=99999999-"})},
		{name: "not modified", to: e.http, requests: get("/hls/cam1/seg-3.ts", [2]string{"If-Modified-Since", modified.UTC().Format(http.TimeFormat)})},
		{name: "not found", to: e.http, stream: "-", requests: get("/hls/cam1/seg-99.ts")},
		{name: "no stream", to: e.http, stream: "-", requests: get("/hello.txt")},
		{name: "HTTP/1.0", to: e.http, requests: []request{{target: "/hls/cam1/seg-4.ts", protocol: "HTTP/1.0"}}},
		{name: "dropped", to: e.http, requests: []request{{target: "/hls/cam1/seg-900.ts", drop: dropAfter}}},
		{name: "kept alive", to: e.http, requests: []request{{target: "/hls/cam1/index.m3u8"}, {target: "/hls/cam1/seg-5.ts", wait: 1200 * time.Millisecond}}},
		{name: "CMCD in the query", to: e.http, query: sessionA, requests: get("/hls/cam1/seg-0.ts?" + cmcdQuery(sessionA))},
		{name: "CMCD in headers", to: e.http, headers: sessionB, requests: get("/hls/cam1/seg-1.ts", cmcdHeaders(sessionB)...)},
		{name: "long query", to: e.http, requests: get("/hls/cam1/seg-1.ts?token=" + strings.Repeat("0123456789abcdef", 100) + "&end=1")},
		{name: "quotes", to: e.http, agent: `Quoted "Player" \n back\slash/1.0 ` + "ünï", referrer: `https://quotes.example/"page"?q=\"x`, requests: get("/hls/cam1/seg-2.ts")},
		{name: "backslash at the end", to: e.http, agent: `Player\`, referrer: `https://backslash.example/dir\`, requests: get("/hls/cam1/seg-2.ts")},
		{name: "referrer", to: e.http, referrer: "https://www.site.example:8443/watch?v=1", requests: get("/hls/cam1/seg-2.ts")},
		{name: "no user agent", to: e.http, agent: "-", requests: get("/hls/cam1/seg-4.ts")},
		{name: "space", to: e.http, stream: "stu dio", requests: get("/hls/stu%20dio/seg-0.ts")},
		{name: "UTF-8", to: e.http, stream: "bühne", requests: get("/hls/b%C3%BChne/seg-1.ts")},
		{name: "slow", to: e.http, requests: []request{{
			target: "/hls/cam1/seg-900.ts", header: [][2]string{{"Range", fmt.Sprintf("bytes=0-%d", slowBytes-1)}}, take: 6 * time.Second,
		}}},
		// What is in every log: clients that speak TLS to the port of HTTP, and such as leave.
		{name: "TLS to the wrong port", to: e.http, stream: "-", raw: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03quite\xffrandom\"\\\r\n\r\n"},
		{name: "half a request", to: e.http, stream: "-", raw: "GET /hls/cam1/seg-0.ts HTT"},
		{name: "left before the answer", to: e.slow, stream: "-", raw: "GET /late/cam1/seg-0.ts HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		// Several viewers behind one address, by user agent and by CMCD.
		{name: "other user agent", address: "127.0.1.200", to: e.http, requests: get("/hls/cam1/seg-0.ts")},
		{name: "other user agent", address: "127.0.1.200", to: e.http, agent: "OtherPlayer/2.0", requests: get("/hls/cam1/seg-1.ts")},
		{name: "other session in the query", address: "127.0.1.201", to: e.http, query: sessionC, requests: get("/hls/cam1/seg-0.ts?" + cmcdQuery(sessionC))},
		{name: "other session in the query", address: "127.0.1.201", to: e.http, query: sessionD, requests: get("/hls/cam1/seg-0.ts?" + cmcdQuery(sessionD))},
		{name: "other session in headers", address: "127.0.1.202", to: e.http, headers: sessionC, requests: get("/hls/cam1/seg-0.ts", cmcdHeaders(sessionC)...)},
		{name: "other session in headers", address: "127.0.1.202", to: e.http, headers: sessionD, requests: get("/hls/cam1/seg-0.ts", cmcdHeaders(sessionD)...)},
		{name: "IPv6", address: "::1", to: e.http6, requests: get("/hls/cam1/seg-4.ts")},
		{name: "TLS", to: e.https, tls: true, requests: get("/hls/cam1/seg-3.ts")},
		{name: "HTTP/2", to: e.https, tls: true, h2: true, requests: get("/hls/cam1/seg-3.ts")},
		{name: "HTTP/2 dropped", to: e.https, tls: true, h2: true, requests: []request{{target: "/hls/cam1/seg-900.ts", drop: dropAfter}}},
		{name: "HTTP/2 in cleartext", to: e.h2c, h2: true, requests: get("/hls/cam1/seg-3.ts")},
		{name: "HTTP/2 in cleartext dropped", to: e.h2c, h2: true, requests: []request{{target: "/hls/cam1/seg-900.ts", drop: dropAfter}}},
	}
	var can []connection
	for i, c := range all {
		if c.to == "" {
			continue
		}
		if c.address == "" {
			c.address = fmt.Sprintf("127.0.1.%d", i+1)
		}
		switch c.agent {
		case "":
			c.agent = agent
		case "-":
			c.agent = ""
		}
		switch c.stream {
		case "":
			c.stream = "cam1"
		case "-":
			c.stream = ""
		}
		can = append(can, c)
	}
	return can
}

// play does all of it, the slow one last and only if the test has the time, and returns what was counted.
func play(t *testing.T, e endpoints, modified time.Time, slow bool) []exchange {
	t.Helper()
	var all []exchange
	for _, c := range connections(e, modified) {
		if c.name == "slow" {
			if !slow {
				continue
			}
			waitForMinuteEnd(3 * time.Second)
		}
		done, err := c.play()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		all = append(all, done...)
	}
	return all
}

// waitForMinuteEnd waits until the minute ends in so long.
func waitForMinuteEnd(before time.Duration) {
	now := time.Now()
	begin := now.Truncate(time.Minute).Add(time.Minute - before)
	if begin.Before(now) {
		begin = begin.Add(time.Minute)
	}
	time.Sleep(time.Until(begin))
}

func (c connection) play() ([]exchange, error) {
	if c.raw != "" {
		return nil, c.sendRaw()
	}
	if c.h2 {
		x, err := c.playHTTP2(c.requests[0])
		return []exchange{x}, err
	}
	read := &counter{}
	conn, err := c.dial(context.Background(), nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close() // a client that leaves has read what it wanted
	if c.tls {
		conn = tls.Client(conn, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
	read.Reader = conn
	answers := bufio.NewReader(read)
	var all []exchange
	for i, r := range c.requests {
		time.Sleep(r.wait)
		x := c.exchange(r)
		before := read.read() - int64(answers.Buffered())
		last := i == len(c.requests)-1
		if _, err := io.WriteString(conn, c.text(x, r, last)); err != nil {
			return nil, err
		}
		response, err := http.ReadResponse(answers, &http.Request{Method: x.Method})
		if err != nil {
			return nil, err
		}
		x.Status, x.Header = response.StatusCode, read.read()-int64(answers.Buffered())-before
		x.Body, err = readBody(response.Body, r)
		x.Wire, x.End = read.read()-int64(answers.Buffered())-before, time.Now()
		if err != nil {
			return nil, err
		}
		if x.Dropped {
			return append(all, x), conn.Close() // closing the body would read the rest of it
		}
		if err := response.Body.Close(); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

// sendRaw sends what is no request.
func (c connection) sendRaw() error {
	conn, err := c.dial(context.Background(), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, c.raw); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, syscall.ECONNRESET) {
		return err
	}
	return nil
}

func (c connection) exchange(r request) exchange {
	x := exchange{
		Name: c.name, Address: c.address, Method: r.method, Target: r.target, Protocol: r.protocol, TLS: c.tls, Stream: c.stream,
		UserAgent: c.agent, Referrer: c.referrer, Query: c.query, Headers: c.headers, Start: time.Now(), Dropped: r.drop > 0,
	}
	if x.Method == "" {
		x.Method = http.MethodGet
	}
	if x.Protocol == "" {
		x.Protocol = "HTTP/1.1"
	}
	return x
}

// text is a request as HTTP/1 has it.
func (c connection) text(x exchange, r request, last bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\nHost: localhost\r\nAccept: */*\r\n", x.Method, x.Target, x.Protocol)
	for _, h := range append([][2]string{{"User-Agent", c.agent}, {"Referer", c.referrer}}, r.header...) {
		if h[1] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		}
	}
	if last {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// readBody reads as much as the request wants, as slowly as it wants.
func readBody(body io.Reader, r request) (int64, error) {
	if r.drop > 0 {
		return io.CopyN(io.Discard, body, r.drop)
	}
	if r.take == 0 {
		return io.Copy(io.Discard, body)
	}
	const parts = 60
	var all int64
	for begun, part := time.Now(), 1; ; part++ {
		n, err := io.CopyN(io.Discard, body, slowBytes/parts)
		all += n
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return all, err
		}
		time.Sleep(time.Until(begun.Add(time.Duration(part) * r.take / parts)))
	}
}

// playHTTP2 sends a request with HTTP/2. A client that leaves resets the stream and keeps the connection for a second.
func (c connection) playHTTP2(r request) (exchange, error) {
	x := c.exchange(r)
	read := &counter{}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(c.tls)
	protocols.SetUnencryptedHTTP2(!c.tls)
	transport := &http.Transport{
		Protocols: protocols, HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 256 << 10, MaxReadFrameSize: 16 << 10},
		TLSClientConfig:    &tls.Config{ServerName: "localhost", InsecureSkipVerify: true},
		DisableCompression: true,
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx, read) },
	}
	defer transport.CloseIdleConnections()
	scheme := "http://"
	if c.tls {
		scheme = "https://"
	}
	q, err := http.NewRequest(x.Method, scheme+c.to+r.target, nil)
	if err != nil {
		return x, err
	}
	q.Host = "localhost"
	q.Header.Set("User-Agent", c.agent)
	if c.referrer != "" {
		q.Header.Set("Referer", c.referrer)
	}
	for _, h := range r.header {
		q.Header.Set(textproto.CanonicalMIMEHeaderKey(h[0]), h[1])
	}
	response, err := transport.RoundTrip(q)
	if err != nil {
		return x, err
	}
	if response.ProtoMajor != 2 {
		return x, fmt.Errorf("the server speaks %s", response.Proto)
	}
	x.Status, x.Protocol = response.StatusCode, response.Proto
	if x.Body, err = readBody(response.Body, r); err != nil {
		return x, err
	}
	if err := response.Body.Close(); err != nil {
		return x, err
	}
	x.End = time.Now()
	if x.Dropped {
		time.Sleep(time.Second)
	}
	x.Wire = read.read()
	return x, nil
}

// dial connects from the client's own address. What it reads is counted, if anybody counts. The kernel holds little of what
// the client has not read.
func (c connection) dial(ctx context.Context, read *counter) (net.Conn, error) {
	dialer := net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.address)}, Timeout: 5 * time.Second,
		Control: func(_, _ string, raw syscall.RawConn) error {
			var set error
			if err := raw.Control(func(fd uintptr) {
				set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10)
			}); err != nil {
				return err
			}
			return set
		},
	}
	conn, err := dialer.DialContext(ctx, "tcp", c.to)
	if err != nil || read == nil {
		return conn, err
	}
	read.Reader = conn
	return countingConn{conn, read}, nil
}

// counter counts what is read.
type counter struct {
	io.Reader
	bytes atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (c *counter) read() int64 { return c.bytes.Load() }

type countingConn struct {
	net.Conn
	read *counter
}

func (c countingConn) Read(p []byte) (int, error) { return c.read.Read(p) }
