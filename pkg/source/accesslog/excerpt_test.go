package accesslog_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

func TestExcerpt(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"combined", `192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts?token=secret HTTP/1.1" 200 7 "-" "Mozilla/5.0 (X11)"`,
			`[address] - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts?… HTTP/1.1" 200 7 "-" "[user agent]"`},
		{"Squid", `1795906634.273      7 2001:db8::7 TCP_MISS/200 83982 GET http://localhost/hls/cam1/seg-1.ts - HIER_NONE/- video/mp2t`,
			`1795906634.273      7 [address] TCP_MISS/200 83982 GET http://localhost/hls/cam1/seg-1.ts - HIER_…`},
		{"HAProxy", `::1:41224 [28/Nov/2026:22:56:09.969] f_default origin/o 0/0/0/0/0 200 83678 - - ---- 1/1/0/0/0 0/0 "GET /seg-4.ts HTTP/1.1"`,
			`[address] [28/Nov/2026:22:56:09.969] f_default origin/o 0/0/0/0/0 200 83678 - - ---- 1/1/0/0/0 0/…`},
		{"CloudFront", tabs(`2019-12-04  21:02:31  LAX1  392  192.0.2.100  GET  h.example  /a.ts  200  -  Mozilla/5.0%20(X11)%20x  id=5`),
			`2019-12-04 21:02:31 LAX1 392 [address] GET h.example /a.ts 200 - [user agent] [query]`},
		{"a user agent without more", `"x" "curl/7.88.1"`, `"x" "[user agent]"`},
		{"an address of a person", "user jane.doe@example.com 5", "user [address] 5"},
		{"a token in a path", "GET /token/4f3c2b1a0987fedcba9876543210abcd/a.ts", "GET /token/[…]/a.ts"},
		{"IPv6 in brackets", "x [2a00:1:2:3:4:5:6:7]:443 y", "x [address]:443 y"},
		{"times stay", "22:56:09 2026-11-28T22:56:09Z 1::", "22:56:09 2026-11-28T22:56:09Z [address]"},
		{"control characters", "a\x00\x1b[31mb\u0085c", "a  [31mb c"},
		{"no UTF-8", "a\xffb", "a\uFFFDb"},
		{"long", strings.Repeat("ä ", 50), strings.Repeat("ä ", 32) + "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := accesslog.Excerpt([]byte(test.line)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestExcerptKeepsPrivate looks for what is personal in excerpts of lines of every format.
func TestExcerptKeepsPrivate(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, w := range writers {
		for range 100 {
			d := random(r)
			d.target += "?token=secret"
			d.referrer = "-"
			line := w.line(r, d)
			got := accesslog.Excerpt([]byte(line))
			for _, secret := range []string{d.address.String(), "secret", "AppleWebKit", "LibVLC", "like Mac"} {
				if strings.Contains(got, secret) {
					t.Errorf("%s: %q is in the excerpt %s", w.name, secret, got)
				}
			}
			if len(got) > 100 || len(got) < 20 || !utf8.ValidString(got) {
				t.Errorf("%s: got %d bytes: %s", w.name, len(got), got)
			}
			if t.Failed() {
				return
			}
		}
	}
}
