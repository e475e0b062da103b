package logreader

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// repeatedFormats write a line of each kind of log.
var repeatedFormats = map[string]struct {
	header string
	line   func(address, second, method, target, query, status, size, referrer, agent string) string
}{
	"nginx-combined": {"", func(address, second, method, target, query, status, size, referrer, agent string) string {
		return fmt.Sprintf(`%s - - [28/Nov/2026:11:%s +0000] "%s %s HTTP/1.1" %s %s "%s" "%s"`, address, second, method, target+query, status, size, referrer, agent)
	}},
	"json": {"", func(address, second, method, target, query, status, size, referrer, agent string) string {
		return fmt.Sprintf(`{"time":"2026-11-28T11:%sZ","address":%q,"method":%q,"url":%q,"status":%s,"bytes":%s,"referrer":%q,"user_agent":%q}`,
			second, address, method, target+query, status, size, referrer, agent)
	}},
	"w3c": {"#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs(Referer) cs(User-Agent)\n",
		func(address, second, method, target, query, status, size, referrer, agent string) string {
			return strings.Join([]string{"2026-11-28", "11:" + second, address, method, target, strings.TrimPrefix(query, "?"), status, size, referrer, agent}, "\t")
		}},
	"cloudfront": {"#Fields: date time sc-bytes c-ip cs-method cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-forwarded-for\n",
		func(address, second, method, target, query, status, size, referrer, agent string) string {
			return strings.Join([]string{"2026-11-28", "11:" + second, size, address, method, target, status, referrer, url.QueryEscape(agent),
				strings.TrimPrefix(query, "?"), "198.51.100.9"}, "\t")
		}},
}

// repeatingLog makes a log whose lines have much in common, and now and then something that only looks as if it were in common.
func repeatingLog(random *rand.Rand, format string, lines int) string {
	pick := func(usual string, others ...string) string {
		if random.IntN(8) > 0 {
			return usual
		}
		return others[random.IntN(len(others))]
	}
	form := repeatedFormats[format]
	var text strings.Builder
	text.WriteString(form.header)
	for range lines {
		number := pick(fmt.Sprint(1000+random.IntN(50)), "7", "", "1795899601", "20261128", "20261399", "115900", "%31", "99999999999999999999")
		text.WriteString(form.line(
			pick("203.0.113.7", "203.0.113.8", "2001:db8::1", "-", "viewer.example", "10.0.0.1"),
			fmt.Sprintf("%02d:%02d", 55+random.IntN(3), random.IntN(60)),
			pick("GET", "HEAD", "PUT"),
			pick("/live/one/", "/live/two/720p/", "/hls/", "/live/", "/a%20b/", "/x;y=1/", "/c+d/", "/live/one%2F")+pick("seg", "index", "cam1-", "chunk_", "seg%31", "x.")+number+
				pick(".ts", ".m3u8", ".m4s", ".mp4", ".png", ".TS", ".mpd", ".ts/2"),
			pick("", "?a=1", "?CMCD=bl%3D3000%2Csid%3D%22s1%22", "?_HLS_msn=3", "?a=1&CM%2543D=x"),
			pick("200", "206", "404", "000"), pick(fmt.Sprint(1+random.IntN(1000)), "0", "x"),
			pick("https://site.example/watch", "https://other.example/", "-"), pick("A", "B", "-")))
		text.WriteByte('\n')
	}
	return text.String()
}

// TestRepeats compares what lines are that are read one by one, each without anything remembered, with what they are all together, and
// again when all of them are remembered.
func TestRepeats(t *testing.T) {
	own := []accesslog.Rule{{Path: regexp.MustCompile(`^/live/(?P<stream>\w+/?\w*?\d)\.`)}}
	for format, form := range repeatedFormats {
		for name, rules := range map[string][]accesslog.Rule{format: nil, format + " with rules of the user": own} {
			t.Run(name, func(t *testing.T) {
				for seed := range uint64(4) {
					o := acme()
					o.Rules, o.Memory = accesslog.NewRules(rules), &Memory{}
					text := repeatingLog(rand.New(rand.NewPCG(seed, 1)), format, 150)
					whole := func() *Result {
						log, err := New(accesslog.Format{Name: format})
						if err != nil {
							t.Fatal(err)
						}
						r, err := log.Read(o, span(), []byte(text))
						if err != nil {
							t.Fatal(err)
						}
						return r
					}
					first := whole() // from here on the rules know all paths
					alone := acme()
					alone.Rules = o.Rules
					var lines []event.Usage
					header := strings.Repeat("i", strings.Count(form.header, "\n"))
					wantFates := header
					for line := range strings.Lines(strings.TrimPrefix(text, form.header)) {
						log, err := New(accesslog.Format{Name: format})
						if err != nil {
							t.Fatal(err)
						}
						r, err := log.Read(alone, span(), []byte(form.header+line))
						if err != nil {
							t.Fatal(err)
						}
						lines = append(lines, r.Lines...)
						wantFates += spell(t, r.Fates())[len(header):]
					}
					want := sums(lines)
					for _, got := range []*Result{first, whole(), whole()} {
						if gotFates := spell(t, got.Fates()); gotFates != wantFates {
							t.Fatalf("seed %d: fates %s, want %s", seed, gotFates, wantFates)
						}
						for usage, bytes := range sums(got.Lines) {
							if want[usage] != bytes {
								t.Fatalf("seed %d: %+v has %d bytes, want %d", seed, usage, bytes, want[usage])
							}
						}
						if len(sums(got.Lines)) != len(want) {
							t.Fatalf("seed %d: %d different lines, want %d", seed, len(sums(got.Lines)), len(want))
						}
					}
				}
			})
		}
	}
}

// sums returns the bytes of lines by all else that they say.
func sums(lines []event.Usage) map[event.Usage]int64 {
	all := map[event.Usage]int64{}
	for _, u := range lines {
		bytes := u.Bytes
		u.Bytes = 0
		all[u] += bytes
	}
	return all
}

// spell writes fates with a letter for each line.
func spell(t *testing.T, runs string) string {
	t.Helper()
	letters, err := Spell(runs, CountRuns(runs))
	if err != nil {
		t.Fatal(err)
	}
	return string(letters)
}

// TestRepeatedLinesAreRemembered checks that lines are remembered at all: their stream is not looked for again.
func TestRepeatedLinesAreRemembered(t *testing.T) {
	decoder, err := accesslog.NewDecoder(combined)
	if err != nil {
		t.Fatal(err)
	}
	repeater := accesslog.NewRepeater(decoder)
	var known accesslog.Repeats[string]
	said := "one"
	for _, test := range []struct {
		line string
		want bool
	}{
		{line(), false},
		{line("seg1", "seg2", " 1000 ", " 7 ", ":01 ", ":02 "), true},
		{line("seg1", "seg22"), false},
		{line("seg1", "seg"), false},
		{line("one", "two"), false},
		{line(`"A"`, `"B"`), false},
		{line("203.0.113.7", "203.0.113.8"), false},
		{line("seg1.ts", "seg1.ts?token=3"), true},
		{line("seg1.ts", "seg1.ts?CMCD=bl%3D3"), false},
		{line("seg1.ts", "seg%31.ts"), false},
		{line(" 200 ", " 404 "), false},
		{line(" 1000 ", " x "), false},
	} {
		found, at, size := known.Find(repeater, []byte(strings.TrimSuffix(test.line, "\n")))
		if (found != nil) != test.want || found != nil && (at == 0 || size == 0) {
			t.Errorf("%s: found %v, %d, %d", test.line, found, at, size)
		}
		if test.line == line() {
			known.Keep(repeater, true, &said)
		}
	}
}
