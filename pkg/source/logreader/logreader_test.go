package logreader

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/useragent"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// acme is an organisation with addresses of 203.0.113.0/24 in DE, of which the last part is not stored.
func acme() *Organization {
	return &Organization{
		ID:    "acme",
		Rules: accesslog.NewRules(nil),
		Place: func(a netip.Addr) geoip.Place {
			if netip.MustParsePrefix("203.0.113.0/24").Contains(a) {
				return geoip.Place{Country: "DE", Region: "DE-BY", ASN: 64500, Operator: "Netz"}
			}
			return geoip.Place{Country: "ZZ"}
		},
		Stored: func(a netip.Addr, at int64) string {
			if !a.IsValid() {
				return ""
			}
			return a.String() + " of " + time.UnixMilli(at).UTC().Format(time.DateOnly)
		},
		UserAgent: func(text string) useragent.Agent {
			return useragent.Agent{OS: "OS of " + text, Browser: "browser of " + text}
		},
	}
}

func span() Span {
	return Span{Received: now.UnixMilli(), Oldest: now.AddDate(0, -13, 0).UnixMilli()}
}

// line returns a line of nginx's log; changes are pairs of old and new text.
func line(changes ...string) string {
	text := `203.0.113.7 - - [28/Nov/2026:11:58:01 +0000] "GET /live/one/seg1.ts HTTP/1.1" 200 1000 "https://site.example/watch" "A"` + "\n"
	return strings.NewReplacer(changes...).Replace(text)
}

func read(t *testing.T, format accesslog.Format, texts ...string) *Result {
	t.Helper()
	log, err := New(format)
	if err != nil {
		t.Fatal(err)
	}
	var last *Result
	for _, text := range texts {
		if last, err = log.Read(acme(), span(), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

var combined = accesslog.Format{Name: "nginx-combined"}

// TestOwnRulesOfMediaServers checks that a stream that a media server's log names counts under the name that it has when it is polled.
func TestOwnRulesOfMediaServers(t *testing.T) {
	o := acme()
	o.Rules = accesslog.NewRules([]accesslog.Rule{{Path: regexp.MustCompile(`^/(?P<stream>events/\w+)/`)}})
	log, err := New(accesslog.Format{Name: "nginx-rtmp"})
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for _, application := range []string{"events", "live"} {
		text += `203.0.113.7 [28/Nov/2026:11:58:01 +0000] PLAY "` + application + `" "one" "" - 411 1000 "" "LNX 9,0,124,2" (3s)` + "\n"
	}
	result, err := log.Read(o, span(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var streams []string
	for i := range result.First {
		streams = append(streams, result.First[i].Stream)
	}
	if want := []string{"events/one", "one"}; !slices.Equal(streams, want) {
		t.Errorf("got %q, want %q", streams, want)
	}
}

func TestFateOfALine(t *testing.T) {
	tests := []struct {
		name, line, fates string
		remark            string // fate and reason, "" if there is none
	}{
		{"a segment", line(), "1c", ""},
		{"no path of a stream", line("/live/one/seg1.ts", "/logo.png"), "1i", "ignored no_stream"},
		{"a failure", line(" 200 ", " 404 "), "1i", "ignored status"},
		{"HEAD", line("GET", "HEAD"), "1i", "ignored method"},
		{"an upload", line("GET", "PUT"), "1i", "ignored method"},
		{"an empty line", "\n", "1i", "ignored blank"},
		{"no line of this format", "garbage\n", "1r", "refused malformed"},
		{"the future", line("11:58:01", "12:02:01"), "1r", "refused future"},
		{"long ago", line("2026:11", "2020:11"), "1r", "refused too_old"},
		{"the name of a host", line("203.0.113.7", "viewer.example"), "1c", "counted address_name"},
		{"no address", line("203.0.113.7", "-"), "1c", "counted address_absent"},
		{"CMCD that cannot be read", line("seg1.ts", "seg1.ts?CMCD=%22"), "1c", "counted cmcd"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := read(t, combined, test.line)
			var remarks []string
			for _, remark := range r.Remarks {
				remarks = append(remarks, fmt.Sprintf("%s %s", remark.Fate, remark.Reason))
				if remark.Lines != 1 || remark.Words() == "" || strings.Contains(remark.Example, "203.0.113.7") {
					t.Errorf("remark %+v", remark)
				}
			}
			if got := strings.Join(remarks, ", "); r.Fates() != test.fates || got != test.remark {
				t.Errorf("fates %s, remarks %s; want %s, %s", r.Fates(), got, test.fates, test.remark)
			}
		})
	}
}

func TestWhatALineSays(t *testing.T) {
	r := read(t, combined, line()+line("seg1", "seg2", " 1000 ", " 500 ")+line("11:58", "11:59")+line("seg1.ts", "index.m3u8", " 1000 ", " 7 "))
	minute := now.Add(-2 * time.Minute).UnixMilli()
	key := event.NewViewerKey("acme", "one", "203.0.113.7", "A")
	want := event.Usage{
		Time: minute, Stream: "one", Direction: "playout", Protocol: "hls", Bytes: 1500, Address: "203.0.113.7 of 2026-11-28", Country: "DE",
		Referrer: "site.example", Client: key, Viewer: key,
	}
	if len(r.Lines) != 3 || r.Lines[0] != want || !slices.Equal(r.Requests, []int{2, 1, 1}) {
		t.Fatalf("got %+v, %v, want first %+v", r.Lines, r.Requests, want)
	}
	if r.Lines[1].Time != minute+60_000 || r.Lines[2].Viewer != 0 || r.Lines[2].Client != key {
		t.Errorf("the next minute and the playlist: %+v", r.Lines[1:])
	}
	if len(r.First) != 4 || r.First[0].Time != minute+1000 || r.First[1].Bytes != 500 || r.First[3].Viewer != 0 {
		t.Errorf("first lines %+v", r.First)
	}
}

func TestPlayersInLogs(t *testing.T) {
	player := func(second, keys string) string {
		return line("11:58:01", "11:58:"+second, "seg1.ts", "seg1.ts?CMCD="+strings.NewReplacer(`"`, "%22", ",", "%2C").Replace(keys))
	}
	r := read(t, combined, player("30", `bl=3000,sid="s1",v=2,sta=p`)+player("10", `bl=2000,sid="s1",v=2,sta=s`)+player("20", `sid="s2"`))
	if len(r.Sessions) != 1 || len(r.Sessions[0].Events) != 2 || r.Sessions[0].Events[0].BufferLength != 2000 || !r.Sessions[0].Logged {
		t.Fatalf("sessions %+v", r.Sessions)
	}
	s := r.Sessions[0].Session
	if s.ID != "s1" || s.Stream != "one" || s.Viewer.OS != "OS of A" || s.Viewer.Country != "DE" || s.Viewer.Region != "DE-BY" || s.Viewer.ASN != 64500 || s.Viewer.Operator != "Netz" || s.Client != "cmcd" {
		t.Errorf("session %+v", s)
	}
	if r.Lines[1].Viewer != event.NewViewerKey("acme", "one", "s2") {
		t.Errorf("a player that says its id only: %+v", r.Lines[1])
	}
}

// TestParts has so many lines that they are read in several parts.
func TestParts(t *testing.T) {
	var text strings.Builder
	const count = 20_000
	for i := range count {
		switch i % 5 {
		case 3:
			text.WriteString("garbage\n")
		case 4:
			text.WriteString(line("seg1.ts", "logo.png"))
		default:
			text.WriteString(line(" 1000 ", fmt.Sprintf(" %d ", i)))
		}
	}
	r := read(t, combined, text.String())
	if want := strings.Repeat("3c1r1i", count/5); r.Fates() != want {
		t.Errorf("fates %.60s…", r.Fates())
	}
	if r.Accepted != count*3/5 || r.Ignored != count/5 || r.Refused != count/5 || len(r.Rejections) != maxRejections || r.Rejections[1].Line != 9 {
		t.Errorf("%d accepted, %d ignored, %d refused, rejections %+v", r.Accepted, r.Ignored, r.Refused, r.Rejections)
	}
	var bytes int64
	for _, u := range r.Lines {
		bytes += u.Bytes
	}
	want := int64(0)
	for i := range int64(count) {
		if i%5 < 3 {
			want += i
		}
	}
	if bytes != want {
		t.Errorf("%d bytes, want %d", bytes, want)
	}
}

// TestLinesThatTellOfOthers has lines whose stream shows only with a line behind them, maybe in another part.
func TestLinesThatTellOfOthers(t *testing.T) {
	get := func(path string) string { return line("/live/one/seg1.ts", path) }
	filler := strings.Repeat(get("/live/hall/index.m3u8"), 5000)
	tests := []struct {
		name, text string
		want       map[string]int // lines by stream
	}{
		{"digits of a name", get("/hls/cam10.ts") + get("/hls/cam1.m3u8"), map[string]int{"cam1": 2}},
		{"in another part", get("/hls/cam10.ts") + filler + get("/hls/cam1.m3u8"), map[string]int{"cam1": 2, "hall": 5000}},
		{"a folder of renditions", get("/hls/live/0/index.m3u8") + get("/hls/live/0/1.ts") + get("/hls/live/master.m3u8"), map[string]int{"live": 3}},
		{"an unknown packager", get("/app/cam1/x8f-uq1.ts") + get("/app/cam1/uuk-j22.ts") + get("/app/cam1/index.m3u8"), map[string]int{"cam1": 3}},
		{"MP4 of a stream", get("/vod/film/video_1.mp4") + get("/vod/film/manifest.mpd"), map[string]int{"film": 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := read(t, combined, test.text)
			got := map[string]int{}
			for i, u := range r.Lines {
				got[u.Stream] += r.Requests[i]
			}
			if !maps.Equal(got, test.want) || r.Fates() != fmt.Sprintf("%dc", strings.Count(test.text, "\n")) {
				t.Errorf("got %v, %s; want %v", got, r.Fates(), test.want)
			}
		})
	}
}

// TestLinesThatWaitKeepTheirPlaces has lines that are taken behind others.
func TestLinesThatWaitKeepTheirPlaces(t *testing.T) {
	known := acme()
	known.Rules.Match("/live/one/index.m3u8")
	var text strings.Builder
	for i := range 60 {
		switch i % 3 {
		case 0: // waits
			text.WriteString(line("/live/one/seg1.ts", fmt.Sprintf("/hls/two%d.ts", i), " 1000 ", fmt.Sprintf(" %d ", i)))
		case 1: // waits and is refused then
			text.WriteString(line("/live/one/seg1.ts", fmt.Sprintf("/hls/two%d.ts", i), "28/Nov/2026:11", "28/Nov/2026:13"))
		default:
			text.WriteString(line(" 1000 ", fmt.Sprintf(" %d ", i)))
		}
	}
	log, err := New(combined)
	if err != nil {
		t.Fatal(err)
	}
	r, err := log.Read(known, span(), []byte(text.String()))
	if err != nil || r.Fates() != "1c1r"+strings.Repeat("2c1r", 19)+"1c" {
		t.Fatalf("%v, %s", err, r.Fates())
	}
	for i, first := range r.First {
		if want := int64(i/2*3 + i%2*2); first.Bytes != want {
			t.Errorf("line %d of the first ones is the one of %d bytes, not of %d", i, first.Bytes, want)
		}
	}
	for i, rejection := range r.Rejections {
		if rejection.Line != i*3+2 {
			t.Errorf("rejection %d is of line %d", i, rejection.Line)
		}
	}
	if len(r.First) != maxFirst || len(r.Rejections) != maxRejections {
		t.Errorf("%d first ones, %d rejections", len(r.First), len(r.Rejections))
	}
}

// TestNamesThatAreTooMany has a folder with a name for each segment.
func TestNamesThatAreTooMany(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		text.WriteString(line("/live/one/seg1.ts", fmt.Sprintf("/app/cam1/take%dof-x%d-1.ts", i, i*7919)))
	}
	r := read(t, combined, text.String())
	if len(r.Lines) != 1 || r.Lines[0].Stream != "cam1" || r.Requests[0] != 100 {
		t.Errorf("%d streams, the first is %s", len(r.Lines), r.Lines[0].Stream)
	}
	if len(r.Remarks) != 1 || r.Remarks[0].Reason != "folded" || r.Remarks[0].Lines != 100 {
		t.Errorf("remarks %+v", r.Remarks)
	}
}

func TestRefuseLinesThatWereNotTaken(t *testing.T) {
	r := read(t, combined, line()+line("one", "two")+line("seg1", "seg2")+line("one", "two"))
	r.Refuse([]int{1}, event.Refusal{Reason: "streams", Error: "too many"})
	if r.Fates() != "1c1r1c1r" || r.Accepted != 2 || r.Refused != 2 || len(r.Rejections) != 2 || r.Rejections[1].Line != 4 {
		t.Errorf("%s, %+v", r.Fates(), r)
	}
	if len(r.Remarks) != 1 || r.Remarks[0].Reason != "streams" || r.Remarks[0].Lines != 2 {
		t.Errorf("remarks %+v", r.Remarks)
	}
}

func TestFormatIsFoundOut(t *testing.T) {
	log, err := New(accesslog.Format{Name: accesslog.Auto})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Read(acme(), span(), []byte("garbage\n")); err == nil || log.Found() != "" {
		t.Errorf("garbage: found %q, %v", log.Found(), err)
	}
	for range 2 {
		if r, err := log.Read(acme(), span(), []byte(line())); err != nil || r.Accepted != 1 || log.Found() == "" {
			t.Errorf("%+v, found %q, %v", r, log.Found(), err)
		}
	}
	// Once it is found out, it stays.
	if r, err := log.Read(acme(), span(), []byte(`{"time":"2026-11-28T11:58:01Z"}`+"\n")); err != nil || r.Refused != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatWasCountedTellsFormatAndColumns(t *testing.T) {
	const header = "#Fields: sc-bytes date time c-ip cs-method cs-uri-stem sc-status\n"
	const row = "5\t2026-11-28\t11:58:01\t203.0.113.7\tGET\t/live/one/seg1.ts\t200\n"
	for _, name := range []string{"cloudfront", accesslog.Auto} {
		t.Run(name, func(t *testing.T) {
			log, err := New(accesslog.Format{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			log.Skip([]byte(header + row))
			r, err := log.Read(acme(), span(), []byte(row))
			if err != nil || r.Accepted != 1 || r.Lines[0].Bytes != 5 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

func TestParametersOfAFormat(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []accesslog.Format{
		{Name: "nginx-combined"}, {Name: "template", Template: `$remote_addr "$request"`}, {Name: "wowza", Fields: []string{"date", "time"}, Location: berlin},
	} {
		got, err := FormatOf(ParametersOf(f))
		if err != nil || got.Name != f.Name || got.Template != f.Template || !slices.Equal(got.Fields, f.Fields) || got.Location.String() != f.Location.String() {
			t.Errorf("%+v becomes %+v, %v", f, got, err)
		}
	}
	if _, err := FormatOf(map[string][]string{"timezone": {"Mars"}}); err == nil {
		t.Error("no error for a time zone of Mars")
	}
}

// TestHourThatComesTwice has lines of the hour in which Berlin puts its clocks back, in two requests.
func TestHourThatComesTwice(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	haproxy := func(clock string) string {
		return `203.0.113.7:39405 [25/Oct/2026:` + clock + `.000] f o/o 0/0/0/2/0 200 5 - - ---- 2/2/0/0/0 0/0 "GET /live/one/seg1.ts HTTP/1.1"` + "\n"
	}
	format := accesslog.Format{Name: "haproxy", Location: berlin}
	first := read(t, format, haproxy("02:10:00")+haproxy("02:50:00")+haproxy("02:05:00"))
	at := func(hour, minute int) int64 { return time.Date(2026, 10, 25, hour, minute, 0, 0, time.UTC).UnixMilli() }
	if len(first.First) != 3 || first.First[1].Time != at(0, 50) || first.First[2].Time != at(1, 5) || first.Last != at(1, 5) {
		t.Fatalf("times %+v, last %d", first.First, first.Last)
	}
	format.After = first.Last
	if second := read(t, format, haproxy("02:20:00")); second.First[0].Time != at(1, 20) {
		t.Errorf("time %d behind the first request, want %d", second.First[0].Time, at(1, 20))
	}
}

// TestSessionIsThatOfItsFirstLine has a first line whose path tells something about other streams, so that it waits while the second is
// read. Only the second says which stream it plays.
func TestSessionIsThatOfItsFirstLine(t *testing.T) {
	request := func(second, path, agent, keys string) string {
		return line("11:58:01", "11:58:"+second, "/live/one/seg1.ts", path+"?CMCD="+strings.NewReplacer(`"`, "%22", ",", "%2C").Replace(keys), `"A"`, `"`+agent+`"`)
	}
	first := request("10", "/hls/cam1.m3u8", "A", `bl=1000,sid="s1"`)
	second := request("10", "/live/two/seg2.ts", "B", `bl=2000,cid="named",sid="s1"`)
	for _, test := range []struct{ name, text, stream, agent string }{
		{"the first line waits", first + second, "cam1", "A"},
		{"the first line does not", second + first, "named", "B"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := read(t, combined, test.text)
			if len(r.Sessions) != 1 || len(r.Sessions[0].Events) != 2 {
				t.Fatalf("sessions %+v", r.Sessions)
			}
			s := r.Sessions[0].Session
			if s.Stream != test.stream || s.Viewer.OS != "OS of "+test.agent {
				t.Errorf("the session is of %s and %s, want %s and %s", s.Stream, s.Viewer.OS, test.stream, test.agent)
			}
		})
	}
}

func TestRunsOfFates(t *testing.T) {
	for _, text := range []string{"", "1c", "120c3i1r7c"} {
		fates, err := Spell(text, CountRuns(text))
		if err != nil || Runs(fates) != text {
			t.Errorf("%q becomes %q, %v", text, Runs(fates), err)
		}
	}
	for _, broken := range []string{"3", "c", "-1c", "4c", "2c", "3x"} {
		if _, err := Spell(broken, 3); err == nil {
			t.Errorf("%q is taken for three lines", broken)
		}
	}
}
