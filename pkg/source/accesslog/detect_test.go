package accesslog_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// TestFormats lets every format be written, found out, and read again.
func TestFormats(t *testing.T) {
	for _, w := range writers {
		t.Run(w.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			const count = 1000
			var text strings.Builder
			text.WriteString(w.header)
			deliveries := make([]delivery, count)
			for i := range deliveries {
				deliveries[i] = random(r)
				text.WriteString(w.line(r, deliveries[i]) + "\n")
			}
			if w.found != "-" {
				found, err := accesslog.Detect([]byte(text.String()), nil)
				if err != nil || found.Format.Name != cmp.Or(w.found, w.name) {
					t.Fatalf("got %s, %s, %v for\n%.1000s", found.Format.Name, found.Reason, err, text.String())
				}
			}
			d := decoder(t, w.format())
			i := 0
			for line := range strings.Lines(text.String()) {
				var got accesslog.Request
				ok, err := d.Decode([]byte(strings.TrimSuffix(line, "\n")), &got)
				if !ok && err == nil && got.Left == accesslog.LeftHeader {
					continue
				}
				want := deliveries[i]
				i++
				if !ok || err != nil {
					t.Fatalf("%s: %v %v", line, ok, err)
				}
				if difference := want.end.UnixMilli() - got.Time; difference < 0 && -difference > w.coarse.Milliseconds() || difference > w.coarse.Milliseconds() {
					t.Errorf("%s: got the time %d, want %d", line, got.Time, want.end.UnixMilli())
				}
				path, err := url.PathUnescape(want.path())
				if err != nil {
					t.Fatal(err)
				}
				if got.Address != want.address || got.Bytes != want.bytes || got.Status != want.status || got.Path != path ||
					!w.noMethod && got.Method != want.method || !w.noQuery && orHyphen(got.Query) != want.query() ||
					!w.noAgent && orHyphen(got.UserAgent) != want.agent || !w.noAgent && !w.noReferrer && orHyphen(got.Referrer) != want.referrer {
					t.Errorf("%s: got  %+v\nwant %+v", line, got, want)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// TestDetectLines finds the format out from a single line: it may be too little to tell, but no format is taken for another.
func TestDetectLines(t *testing.T) {
	for _, w := range writers {
		r := rand.New(rand.NewPCG(3, 4))
		told := 0
		const count = 50
		for range count {
			line := w.line(r, random(r))
			found, err := accesslog.Detect([]byte(w.header+line+"\n"), nil)
			switch {
			case err == nil && found.Format.Name == cmp.Or(w.found, w.name):
				told++
			case err == nil:
				t.Fatalf("%s is taken for %s: %s", w.name, found.Format.Name, line)
			}
		}
		if told < count && w.found != "-" && w.name != "akamai-structured" {
			t.Errorf("%s: %d of %d lines were known", w.name, told, count)
		}
	}
}

// TestEveryFormatIsTried checks that no format has been forgotten.
func TestEveryFormatIsTried(t *testing.T) {
	tried := []string{"apache-combined", "apache-common", "h2o", "trafficserver-common", "trafficserver-combined", "fastly", "icecast", "nginx-rtmp", "wowza", "template"}
	for _, w := range writers {
		tried = append(tried, w.name)
	}
	for _, name := range accesslog.Formats() {
		if !slices.Contains(tried, name) || accesslog.Describe(name) == "" {
			t.Errorf("%s is not tried or not described", name)
		}
	}
}

func TestDetect(t *testing.T) {
	const combined = `192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts HTTP/1.1" 200 7 "-" "x"` + "\n"
	const haproxy = `192.0.2.1:4000 [28/Nov/2026:22:56:05.501] front back/server 0/0/0/15/15 200 82926 - - ---- 1/1/0/0/0 0/0 "GET /a.ts HTTP/1.1"` + "\n"
	const caddy = `{"level":"info","ts":1795906776.34,"msg":"handled request","request":{"remote_ip":"192.0.2.1","uri":"/a.ts"},"size":7,"status":200}` + "\n"
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, head     string
		location       *time.Location
		format         string
		reason, notice string
	}{
		{"the last line is cut", combined + combined + combined[:20], nil, "combined", "2 of 2 lines are as the format combined", ""},
		{"one line without its end", combined[:len(combined)-1], nil, "combined", "1 of 1", ""},
		{"blank lines and a mark of Windows", "\xEF\xBB\xBF\r\n" + combined + "\n", nil, "combined", "1 of 1", ""},
		{"zeros of a truncated log", strings.Repeat("\x00", 100) + combined + combined, nil, "combined", "2 of 2", ""},
		{"zeros in the middle, of a crash", combined + strings.Repeat("\x00", 4000) + combined, nil, "combined", "2 of 2", ""},
		{"the common format and more", strings.Replace(combined, ` "-" "x"`, " 12345", 1), nil, "common", "1 of 1", ""},
		{"one of ten lines is odd", strings.Repeat(combined, 9) + "what?\n", nil, "combined", "9 of 10", "other lines are not, such as: what?"},
		{"lines of another kind among JSON", "what?\n" + caddy + caddy, nil, "caddy", "2 of 3", "a line cannot be read: line is no JSON object: what?"},
		{"HAProxy and what it says of itself", "Nov 28 22:00:00 host haproxy[1]: Proxy front started.\n" + "Nov 28 22:00:00 host haproxy[1]: " + haproxy, nil, "haproxy",
			"1 of 2 lines are as HAProxy's option httplog, 1 others tell of no request to count, behind a header of syslog", "no zone"},
		{"a zone is given", haproxy, berlin, "haproxy", "1 of 1", ""},
		{"Caddy and what it says of itself", `{"level":"info","ts":1.1,"msg":"using adjacent Caddyfile"}` + "\n" + caddy, nil, "caddy", "1 of 2", ""},
		{"RFC 5424", `<134>1 2026-11-28T22:56:05.501+00:00 host haproxy 1234 - - ` + haproxy, nil, "haproxy", "syslog", "no zone"},
		{"JSON by syslog", "<30>Nov 28 22:56:05 host caddy[77]: " + caddy, nil, "caddy", "syslog", ""},
		{"a container's file", "2026-11-28T22:56:05.501234Z stdout F " + combined, nil, "combined", "1 of 1", ""},
		{"CloudFront of version 2", "#Version: 1.0\n#Fields: timestamp(ms) x-edge-location sc-bytes c-ip cs-uri-stem sc-status\n" +
			tabs("1731620046814  FRA56-C1  5  192.0.2.1  /a.ts  200") + "\n", nil, "cloudfront", "header", ""},
		{"columns that change", "#Fields: date time c-ip cs-uri-stem sc-status sc-bytes\n" + strings.Repeat("2026-11-28 01:02:03 ::1 /a.ts 200 5\n", 3) +
			"#Fields: date time c-ip sc-bytes cs-uri-stem sc-status\n2026-11-28 01:02:03 ::1 5 /a.ts 200\n", nil, "w3c", "header", ""},
		{"Wowza", "#Fields: x-category\tx-event\tdate\ttime\tc-ip\tc-proto\tx-sname\tsc-stream-bytes\n" +
			tabs("stream  destroy  2026-11-24  06:00:00  192.0.2.3  rtmp  show  7") + "\n", nil, "wowza", "header", "no zone"},
		{"Wowza without a header", wowza("connect", "session", "rtmp", "192.0.2.1", 0, 0, "-") + "\n" + wowza("destroy", "stream", "rtmp", "192.0.2.1", 0, 1, "show") + "\n",
			nil, "wowza", "1 of 2", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := accesslog.Detect([]byte(test.head), test.location)
			if err != nil || found.Format.Name != test.format || !strings.Contains(found.Reason, test.reason) || !strings.Contains(found.Notice, test.notice) ||
				test.notice == "" && found.Notice != "" || found.Format.Location != test.location {
				t.Errorf("got %+v %v", found, err)
			}
		})
	}
}

func TestDetectRefuses(t *testing.T) {
	const combined = `192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts HTTP/1.1" 200 7 "-" "x"` + "\n"
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	wowzaOfBrazil := strings.Replace(wowza("destroy", "stream", "rtmp", "192.0.2.1", 0, 1, "show"), "UTC", "BRT", 1) + "\n"
	for _, test := range []struct {
		name, head string
		message    []string // words in it
		fits, line string
	}{
		{"empty", "", []string{"empty"}, "", ""},
		{"blank lines", "\n\r\n", []string{"no line"}, "", ""},
		{"gzip", "\x1f\x8b\x08\x00abc", []string{"gzip"}, "", ""},
		{"xz", "\xfd7zXZ\x00\x00", []string{"xz"}, "", ""},
		{"zstd", "\x28\xb5\x2f\xfd\x04", []string{"zstd"}, "", ""},
		{"bzip2", "BZh91AY&SY\x00", []string{"bzip2"}, "", ""},
		{"zip", "PK\x03\x04\x14", []string{"zip archive"}, "", ""},
		{"tar", string(tar), []string{"tar archive"}, "", ""},
		{"Parquet", "PAR1\x15\x04", []string{"Parquet"}, "", ""},
		{"Traffic Server", "\xce\xfa\xce\x0a\x02\x00", []string{"traffic_logcat"}, "", ""},
		{"UTF-16", "\xff\xfe1\x009\x00", []string{"UTF-16"}, "", ""},
		{"UTF-16 without a mark", "1\x009\x002\x00", []string{"UTF-16"}, "", ""},
		{"lines that end with CR", strings.ReplaceAll(combined+combined, "\n", "\r"), []string{"CR", "tr "}, "", ""},
		{"headers behind the common format", strings.Replace(combined, ` "-"`, ` 0.003 "-"`, 1), []string{"Common Log Format"}, "common", ""},
		{"bytes", "\x01\x02\x03\x04\x05\x06", []string{"no text"}, "", ""},
		{"HTML", "<!DOCTYPE html>\n<html>", []string{"HTML"}, "", ""},
		{"nginx's error log", `2026/11/28 22:56:05 [error] 1234#1234: *1 open() "/a" failed (2: No such file or directory), client: 192.0.2.1` + "\n",
			[]string{"nginx's error log"}, "", "[error]"},
		{"Apache's error log", `[Sat Nov 28 22:56:05.123456 2026] [core:error] [pid 1] [client 192.0.2.1:4000] AH00126: x` + "\n", []string{"Apache's error log"}, "", ""},
		{"HAProxy's tcplog", `192.0.2.1:33313 [06/Feb/2009:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0` + "\n", []string{"tcplog", "httplog"}, "", ""},
		{"Caddy's console", "2026/11/28 22:56:05.501\tINFO\thttp.log.access.log0\thandled request\t{\"request\": {}}\n", []string{"console", "json"}, "", ""},
		{"Docker's file", `{"log":"192.0.2.1 - - [x]\n","stream":"stdout","time":"2026-11-28T22:56:05Z"}` + "\n", []string{"docker logs"}, "", ""},
		{"a list of records", `{"records": [{"time":"2026-11-28T22:56:05Z","category":"FrontDoorAccessLog"}]}` + "\n", []string{"list", "jq"}, "", ""},
		{"an array", "[\n{\"a\":1}\n]\n", []string{"array", "jq"}, "", ""},
		{"an object over lines", "{\n  \"timestamp\": 1\n}\n", []string{"several lines", "jq"}, "", ""},
		{"CSV", "time,client_ip,url,bytes\n1,192.0.2.1,/a,5\n", []string{"CSV"}, "", ""},
		{"nonsense", "nonsense\n", []string{"no format fits", "nonsense"}, "", "nonsense"},
		{"a header alone", "#Version: 1.0\n#Fields: date time sc-bytes\n", []string{"no line of a request yet"}, "", ""},
		{"IIS as it is installed", "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip " +
			"cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n2026-11-28 22:56:05 10.0.0.1 GET /a.ts - 443 - 192.0.2.1 x - 200 0 0 7\n",
			[]string{"IIS's W3C format", "Bytes Sent (sc-bytes)"}, "", ""},
		{"JSON without bytes", `{"ts":1795906776.3,"msg":"handled request","request":{"remote_ip":"192.0.2.1","method":"GET","uri":"/a.ts"},"status":200}` + "\n",
			[]string{"most like Caddy's JSON", "bytes is missing"}, "", ""},
		{"JSON of something else", `{"a":1,"b":"c"}` + "\n", []string{"no format fits", `{"a":1`}, "", ""},
		{"a zone that must be given", wowzaOfBrazil, []string{"Wowza", "BRT", "time zone"}, "wowza", ""},
		{"a format that changes", strings.Repeat(combined, 3) + strings.Repeat("GET /hls/a.ts 200 7 ms\n", 3), []string{"3 of 6 lines", "GET /hls/a.ts"}, "combined", "GET /hls"},
		{"two meanings", `1795906631.492 123456 192.0.2.1 TCP_MISS/200 83042 GET http://localhost/a.ts - PARENT_HIT/10.0.0.1 video/mp2t` + "\n",
			[]string{"Squid's", "Traffic Server's", "must be given"}, "squid trafficserver", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := accesslog.Detect([]byte(test.head), nil)
			var refused *accesslog.DetectError
			if !errors.As(err, &refused) {
				t.Fatalf("got %+v %v", found, err)
			}
			for _, word := range test.message {
				if !strings.Contains(refused.Message, word) {
					t.Errorf("%q is not in %q", word, refused.Message)
				}
			}
			if strings.Join(refused.Fits, " ") != test.fits || !strings.Contains(refused.Line, test.line) || strings.Contains(refused.Message, "192.0.2.1") {
				t.Errorf("got %+v", refused)
			}
		})
	}
}

func FuzzDetect(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, w := range writers {
		f.Add([]byte(w.header + w.line(r, random(r)) + "\n"))
	}
	f.Add([]byte("#Fields: date time c-ip sc-bytes cs-uri\n2026-11-28 01:02:03 ::1 5 /a\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		found, err := accesslog.Detect(head, nil)
		var refused *accesslog.DetectError
		switch {
		case err != nil && (!errors.As(err, &refused) || refused.Message == "" || len(refused.Line) > 100):
			t.Errorf("got %#v", err)
		case err == nil && (found.Reason == "" || !slices.Contains(accesslog.Formats(), found.Format.Name)):
			t.Errorf("got %+v", found)
		case err == nil:
			// What is found out reads at least one of the lines, or leaves it on purpose.
			d := decoder(t, found.Format)
			for line := range bytes.Lines(head) {
				var request accesslog.Request
				if _, err := d.Decode(bytes.TrimRight(line, "\n"), &request); err == nil {
					return
				}
			}
			t.Errorf("%s reads no line of %q", found.Format.Name, head)
		}
	})
}

func ExampleExcerpt() {
	fmt.Println(accesslog.Excerpt([]byte(`192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts?token=secret HTTP/1.1" 200 7 "-" "Mozilla/5.0 (X11)"`)))
	// Output: [address] - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts?… HTTP/1.1" 200 7 "-" "[user agent]"
}
