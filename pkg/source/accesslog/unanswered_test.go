package accesslog_test

import (
	"net/http"
	"testing"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// TestUnanswered reads what servers write of clients that left before an answer, spoke TLS to the port of HTTP, or sent half a
// request: none of it is a delivery, and none of it is refused.
func TestUnanswered(t *testing.T) {
	for _, test := range []struct{ format, line string }{
		{"squid", "1795919044.051    519 127.0.1.24 TCP_MISS_ABORTED/000 0 GET http://localhost/hls/cam1/seg-0.ts - FIRSTUP_PARENT/127.0.0.1 -"},
		{"squid", "1795919043.529      0 127.0.1.23 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -"},
		{"squid", "1795919043.025      0 127.0.1.22 NONE_NONE/400 3376 - error:invalid-request - HIER_NONE/- text/html"},
		{"squid-combined", `127.0.1.24 - - [29/Nov/2026:02:24:04 +0000] "GET http://localhost/hls/cam1/seg-0.ts HTTP/1.1" 0 0 "-" "-" TCP_MISS_ABORTED:FIRSTUP_PARENT`},
		{"squid-combined", `127.0.1.23 - - [29/Nov/2026:02:24:03 +0000] "- error:transaction-end-before-headers NONE/0.0" 0 0 "-" "-" NONE_NONE:HIER_NONE`},
		{"squid-combined", `127.0.1.22 - - [29/Nov/2026:02:24:03 +0000] "- error:invalid-request HTTP/1.1" 400 3376 "-" "-" NONE_NONE:HIER_NONE`},
		{"trafficserver", "1795919043.024 504 127.0.1.23 ERR_CLIENT_ABORT/000 0 - / - EMPTY/- -"},
		{"trafficserver", "1795919043.024 0 127.0.1.22 ERR_INVALID_REQ/400 405 - / - NONE/- text/html"},
		{"common", `127.0.1.23 - - [29/Nov/2026:02:24:03 -0000] "- / HTTP/1.0" 000 0`},
		{"haproxy", `127.0.1.24:40025 [29/Nov/2026:02:24:03.517] web origin/o 0/0/0/-1/501 -1 0 - - CH-- 2/2/0/0/0 0/0 "GET /hls/cam1/seg-0.ts HTTP/1.1"`},
		{"haproxy", `127.0.1.22:45695 [29/Nov/2026:02:24:03.016] web web/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"`},
		{"haproxy-clf", `127.0.1.22 - - [29/Nov/2026:02:24:03 +0000] "<BADREQ>" 400 0 "" "" 55067 016 "web" "web" "<NOSRV>" -1 -1 -1 -1 0 PR-- 1 1 0 0 0 0 0 "" "" `},
		{"lighttpd", `127.0.1.22 - - [29/Nov/2026:02:24:02 +0000] "  " 400 345 "-" "-"`},
		{"combined", `127.0.1.22 - - [29/Nov/2026:02:24:03 +0000] "\x16\x03\x01\x02" 400 523 "-" "-"`},
		{"combined", `127.0.1.23 - - [29/Nov/2026:02:24:03 +0000] "GET /hls/cam1/seg-0.ts HTT" 400 0 "-" "-"`},
		{"combined", `127.0.1.23 - - [29/Nov/2026:02:24:03 +0000] "-" 408 0 "-" "-"`},
		{"traefik-json", `{"ClientHost":"127.0.1.24","DownstreamContentSize":0,"DownstreamStatus":0,"Duration":500516200,"RequestMethod":"GET",` +
			`"RequestPath":"/hls/cam1/seg-0.ts","StartUTC":"2026-11-29T02:24:03.5Z"}`},
	} {
		var r accesslog.Request
		told, err := decoder(t, accesslog.Format{Name: test.format}).Decode([]byte(test.line), &r)
		if err != nil || told && r.Status < http.StatusBadRequest || !told && r.Left != accesslog.LeftUnanswered {
			t.Errorf("%s: %s: got %v, %q, status %d, %v", test.format, test.line, told, r.Left, r.Status, err)
		}
	}
}
