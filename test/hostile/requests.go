package hostile

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// headerFloods sends headers that are huge, many, and many at the same time.
func headerFloods(ctx context.Context, t *target) error {
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, "X-%d: %d\r\n", i, i)
	}
	floods := []string{
		"X-A: " + strings.Repeat("a", 4<<20) + "\r\n",
		many.String(),
		strings.Repeat("Cookie: a=b\r\n", 20_000),
		"X-Forwarded-For: " + strings.Repeat("203.0.113.1, ", 10_000) + "\r\n",
		strings.Repeat("a", 1<<20) + ": b\r\n",
	}
	return together(ctx, 4, forever, func(i int) error {
		status, _, err := t.raw(ctx, "POST /v1/events HTTP/1.1\r\nHost: a\r\n"+floods[i%len(floods)]+"\r\n")
		if err == nil && status != "" && !strings.Contains(status, " 431 ") {
			return fmt.Errorf("a flood of headers answers %q", status)
		}
		return err
	})
}

// forwarded sends, as a proxy that is trusted, as many addresses as headers hold. All comes from one address then, and may become
// too much.
func forwarded(ctx context.Context, t *target) error {
	header := strings.TrimSuffix(strings.Repeat("127.0.0.1, ", 2500), ", ")
	proxy := &target{address: t.address, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	return together(ctx, 4, forever, func(i int) error {
		status, err := proxy.post(ctx, "/v1/events", envelope(fmt.Sprintf("forwarded-%d", i%100), "forwarded", "7"), "X-Forwarded-For", header)
		if err == nil && status != http.StatusBadRequest && status != http.StatusTooManyRequests && ctx.Err() == nil {
			return fmt.Errorf("a bad batch through many proxies answers %d", status)
		}
		return err
	})
}

// brokenRequest is a request that no good client sends, and how the answer to it must begin if there is one.
type brokenRequest struct{ name, text, status string }

// host ends the first line and a header.
const host = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"

var brokenRequests = []brokenRequest{
	{"two slashes", "POST //v1/events" + host + "Content-Length: 0\r\n\r\n", "3"},
	{"up", "GET /v1/../../../../etc/passwd" + host + "\r\n", "3"},
	{"up, escaped", "GET /v1/%2e%2e/%2e%2e/etc/passwd" + host + "\r\n", "4"},
	{"up, escaped with slashes", "GET /v1%2f..%2f..%2fetc%2fpasswd" + host + "\r\n", "4"},
	{"backslashes", `GET /v1\..\..\etc\passwd` + host + "\r\n", "4"},
	{"a zero byte", "GET /v1/events%00.json" + host + "\r\n", "4"},
	{"a zero byte as it is", "GET /v1/events\x00" + host + "\r\n", "400"},
	{"a path of 30 KB", "GET /" + strings.Repeat("a/", 15_000) + host + "\r\n", "4"},
	{"a bad escape", "GET /%zz" + host + "\r\n", "400"},
	{"a line end in the path", "GET /%0d%0aSet-Cookie:%20a=b" + host + "\r\n", "4"},
	{"another site as the path", "GET //foreign.example/%2e%2e" + host + "\r\n", "3"},
	{"a whole URL", "GET http://foreign.example/secret" + host + "\r\n", "404"},
	{"another scheme", "GET gopher://foreign.example/secret" + host + "\r\n", "404"},
	{"CONNECT", "CONNECT foreign.example:443" + host + "\r\n", "4"},
	{"TRACE", "TRACE /v1/events" + host + "\r\n", "404"},
	{"DELETE", "DELETE /v1/events" + host + "\r\n", "404"},
	{"a method that is not", "G\x01T /" + host + "\r\n", "400"},
	{"a long method", strings.Repeat("A", 10_000) + " /" + host + "\r\n", "4"},
	{"HTTP/0.9", "GET /healthz\r\n\r\n", "400"},
	{"HTTP/9.9", "GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n", "505"},
	{"HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 200), "400"},
	{"no host", "GET /healthz HTTP/1.1\r\n\r\n", "400"},
	{"two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
	{"a space before the colon", "GET /healthz HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", "400"},
	{"two lengths", "POST /v1/events" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\naaaaaa", "400"},
	{"a negative length", "POST /v1/events" + host + "Content-Length: -1\r\n\r\n", "400"},
	{"a length beyond all", "POST /v1/events" + host + "Content-Length: 99999999999999999999\r\n\r\n", "400"},
	{"an unknown transfer", "POST /v1/events" + host + "Transfer-Encoding: chunked, gzip\r\n\r\n", "501"},
	{"transfer twice", "POST /v1/events" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "501"},
	{"a bad chunk", "POST /v1/events" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
	{"a chunk beyond all", "POST /v1/events" + host + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "400"},
	{"chunks cut short", "POST /v1/events" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nab\r\n0\r\n\r\n", "400"},
	{"an unknown expectation", "POST /v1/events" + host + "Expect: miracles\r\n\r\n", "417"},
	{"a WebSocket", "GET /v1/events HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n", "404"},
	{"an upgrade to HTTP/2", "GET /nothing HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", "404"},
}

// pathTricks sends what breaks HTTP or tries to leave the paths that there are.
func pathTricks(ctx context.Context, t *target) error {
	return together(ctx, 4, forever, func(i int) error {
		b := brokenRequests[i%len(brokenRequests)]
		status, _, err := t.raw(ctx, b.text)
		if err == nil && status != "" && !strings.HasPrefix(status, "HTTP/1.1 "+b.status) && !strings.HasPrefix(status, "HTTP/1.0 "+b.status) {
			return fmt.Errorf("%s: answers %q, want %s", b.name, status, b.status)
		}
		return err
	})
}

// smuggling hides a request in the body of another; whoever reads the lengths in another way than a proxy in front answers two.
func smuggling(ctx context.Context, t *target) error {
	const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
	both := "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nTransfer-Encoding: %s\r\n\r\n0\r\n\r\n" + hidden
	transfers := []string{"chunked", " chunked", "Chunked", "\tchunked", "xchunked", "chunked\r\nTransfer-Encoding: identity"}
	return together(ctx, 4, forever, func(i int) error {
		transfer := transfers[i%len(transfers)]
		status, after, err := t.raw(ctx, fmt.Sprintf(both, 5+len(hidden), transfer))
		if err != nil {
			return err
		}
		// A server that takes the one length and closes the connection is safe; so is one that refuses.
		if strings.Contains(status, " 404 ") || strings.Contains(after, " 404 ") {
			return fmt.Errorf("Transfer-Encoding %q beside Content-Length: the hidden request was answered: %q %q", transfer, status, after)
		}
		return nil
	})
}
