package importer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
)

// TestLearnIsAsDecodingAll compares what is learnt from a log ahead with what decoding each line and learning from each path gives.
func TestLearnIsAsDecodingAll(t *testing.T) {
	pick := func(random *rand.Rand, of ...string) string { return of[random.IntN(len(of))] }
	// path returns one of many that tell something, some with a query, escapes or parameters.
	path := func(random *rand.Rand) string {
		number := random.IntN(300)
		if random.IntN(2) == 0 { // a name that only segments have: each of the first ones tells something
			return fmt.Sprintf("/live/9e3779b97f4a7c1%d/seg%d.ts", random.IntN(2), number)
		}
		return pick(random, "/live/", "/hls/", "/dash/", "/a%20b/", "http://x1.example/live/", "/live;v=1/", "/kQ7xVb2n/") +
			pick(random, fmt.Sprintf("cam%d", number%7), "one", "main", fmt.Sprintf("%x", uint64(number%40)*0x9E3779B97F4A7C15)) +
			pick(random, "/", "_", "") +
			pick(random, "index.m3u8", "manifest.mpd", fmt.Sprintf("seg%d.ts", number), fmt.Sprintf("%d.ts", number), fmt.Sprintf("chunk-%d.m4s", number), "part.mp4", "page.html",
				fmt.Sprintf("2026112%d.ts", number%10)) +
			pick(random, "", "", "?a=1.m3u8", "?CMCD=bl%3D1")
	}
	for _, test := range []struct{ format, header, line string }{ // the line with the method, the path and the status
		{"nginx-combined", "", `192.0.2.1 - - [28/Nov/2026:10:00:00 +0000] "%s %s HTTP/1.1" %s 100 "-" "a \x22b"`},
		{"haproxy", "", `192.0.2.1:50000 [28/Nov/2026:10:00:00.000] in~ back/s1 0/0/1/2/3 {{%[3]s}} 100 - - ---- 1/1/0/0/0 0/0 "%[1]s %[2]s HTTP/1.1"`},
		{"nginx-json", "", `{"msec":"1795859000.000","request":"%s %s HTTP/1.1","status":"%s","bytes_sent":"100","remote_addr":"192.0.2.1"}`},
		{"cloudfront", "#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes\n", "2026-11-28\t10:00:00\t192.0.2.1\t%s\t%s\t%s\t100"},
	} {
		t.Run(test.format, func(t *testing.T) {
			line := strings.NewReplacer("{{", "", "}}", "").Replace(test.line)
			for seed := range uint64(20) {
				random := rand.New(rand.NewPCG(seed, 1))
				text := bytes.NewBufferString(test.header)
				for range 400 {
					fmt.Fprintf(text, line+"\n", pick(random, "GET", "GET", "GET", "PUT"), path(random), pick(random, "200", "206", "404"))
					if random.IntN(50) == 0 {
						text.WriteString("no line of a log " + path(random) + "\n")
					}
				}
				format := accesslog.Format{Name: test.format}
				want, got := accesslog.NewRules(nil), accesslog.NewRules(nil)
				decoder, err := accesslog.NewDecoder(format)
				if err != nil {
					t.Fatal(err)
				}
				var paths []string
				for line := range bytes.Lines(text.Bytes()) {
					var r accesslog.Request
					told, err := decoder.Decode(bytes.TrimSuffix(line, []byte("\n")), &r)
					if err == nil && logreader.LeftOut(&r, told) == "" {
						want.Match(r.Path)
						paths = append(paths, r.Path)
					}
				}
				if len(paths) < 100 {
					t.Fatalf("%d lines can be read", len(paths))
				}
				name := write(t, filepath.Join(t.TempDir(), "access.log"), text.String())
				if err := LearnFiles(t.Context(), []string{name}, format, got); err != nil {
					t.Fatal(err)
				}
				// The lines are few, so one goroutine has read them in their order.
				if got.Changes() != want.Changes() || got.Revision() != want.Revision() || want.Changes() < 50 {
					t.Errorf("seed %d: %d things were learnt, want %d", seed, got.Changes(), want.Changes())
				}
				for _, path := range paths {
					found, _ := got.Find(path)
					if expected, _ := want.Find(path); found != expected {
						t.Fatalf("seed %d: %s is %+v, want %+v", seed, path, found, expected)
					}
				}
			}
		})
	}
}
