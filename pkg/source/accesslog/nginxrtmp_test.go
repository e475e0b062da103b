package accesslog_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// TestNginxRTMP finds out and reads the access_log that nginx-rtmp 1.2.2 wrote, whose relays have no lines.
func TestNginxRTMP(t *testing.T) {
	log, err := os.ReadFile("testdata/nginx-rtmp/access.log")
	if err != nil {
		t.Fatal(err)
	}
	if found, err := accesslog.Detect(log, nil); err != nil || found.Format.Name != "nginx-rtmp" || found.Notice != "" {
		t.Fatalf("got %+v, %v", found, err)
	}
	type row struct {
		second                                            int
		stream, polled, protocol, address, referrer, left string
		bytes                                             int64
	}
	var got []row
	d := decoder(t, accesslog.Format{Name: "nginx-rtmp"})
	for line := range bytes.Lines(log) {
		var r accesslog.Request
		if told, err := d.Decode(bytes.TrimSpace(line), &r); err != nil || told != (r.Left == "") {
			t.Fatalf("%s: %t %v", line, told, err)
		}
		if r.Left != "" {
			got = append(got, row{left: r.Left})
			continue
		}
		got = append(got, row{time.UnixMilli(r.Time).Second(), r.Stream, r.Polled, r.Protocol, r.Address.String(), r.Referrer, "", r.Bytes})
	}
	publisher := row{left: accesslog.LeftPublisher}
	if want := []row{
		{7, "alpha", "out/alpha", "rtmp", "127.0.0.1", "", "", 172734},
		{8, "nothing", "live/nothing", "rtmp", "127.0.0.1", "", "", 436},
		{8, "größe", "live/größe", "rtmp", "::1", "https://ex.example/a b", "", 236955},
		{8, "m", "vod/m", "rtmp", "127.0.0.1", "", "", 518491},
		{9, "alpha", "live/alpha", "rtmp", "127.0.0.1", "", "", 300796},
		publisher, publisher, publisher, publisher,
	}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestNginxRTMPLines reads lines that are rare, and refuses those that could say anything.
func TestNginxRTMPLines(t *testing.T) {
	line := func(command, name, bytes, page string) string {
		return `192.0.2.1 [29/Nov/2026:09:17:07 +0000] ` + command + ` "live" "` + name + `" "" - 411 ` + bytes + ` "` + page + `" "LNX 9,0,124,2" (1d 3h 0m 3s)`
	}
	for _, c := range []struct {
		name, line string
		left       string // why it does not count
		field      string // what it is refused for
		bytes      int64
	}{
		{name: "the most that nginx-rtmp counts", line: line("PLAY", "a", "4294967295", ""), bytes: 4294967295},
		{name: "played and published", line: line("PLAY+PUBLISH", "a", "9", ""), bytes: 9},
		{name: "neither", line: line("NONE", "", "3073", ""), left: accesslog.LeftUnanswered},
		{name: "played nothing", line: line("PLAY", "", "3073", ""), left: accesslog.LeftUnanswered},
		{name: "a name that says how many bytes there were", line: line("PLAY", `a" "" - 1 4000000000 "" "x" (1s)`, "9", ""), field: "line"},
		{name: "a page that says so", line: line("PLAY", "a", "9", `" "x" (1s) "`), field: "line"},
		{name: "too many bytes", line: line("PLAY", "a", "99999999999", ""), field: "line"},
		{name: "a name that is too long", line: line("PLAY", strings.Repeat("a", 300), "9", ""), field: "name"},
		{name: "no time", line: strings.Replace(line("PLAY", "a", "9", ""), "Nov", "Now", 1), field: "time_local"},
		{name: "nginx's format combined", line: `192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts HTTP/1.1" 200 7 "-" "x"`, field: "line"},
		{name: "a blank line", left: accesslog.LeftBlank},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r accesslog.Request
			told, err := decoder(t, accesslog.Format{Name: "nginx-rtmp"}).Decode([]byte(c.line), &r)
			var refused *accesslog.Error
			if c.field != "" {
				if told || !errors.As(err, &refused) || refused.Field != c.field {
					t.Errorf("got %t %v", told, err)
				}
				return
			}
			if err != nil || told != (c.left == "") || r.Left != c.left || told && r.Bytes != c.bytes {
				t.Errorf("got %t %v %+v", told, err, r)
			}
		})
	}
}
