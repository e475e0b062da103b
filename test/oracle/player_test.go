package oracle

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestPlayer holds what is counted of players that name their states against
// numbers that were worked out by hand. Times are s after noon.
func TestPlayer(t *testing.T) {
	tests := []struct {
		name string
		said string // "time state" of each line, "-" for none; "late" before what comes after the timeout
		want map[string]int64
	}{
		{"start-up, a stall, a pause, a seek, the end", "0 - 0.5 d 1 s 1.8 p 6 - 8 r 9.5 p 12 a 15 p 16 k 16.1 r 17 p 20 e 30 e",
			map[string]int64{"load": 1, "play": 1, "start time": 800, "playing": 12_700, "buffering": 1500, "stop normal": 1, "played": 15_200}},
		{"waiting before the first frame", "0 r 1 p 3 f 4 r 5 f",
			map[string]int64{"load": 1, "play": 1, "start time": 1000, "playing": 2000, "buffering": 1000, "stop playbackerror": 1, "played": 2000}},
		{"no state at all", "0 - 2 -msd=1500 50 - 61 -",
			map[string]int64{"load": 1, "play": 1, "start time": 1500, "viewers": 2, "stop timeout": 1, "played": 59_500}},
		{"a silence", "0 p 10 p 41 p 45 p", map[string]int64{"load": 1, "play": 1, "playing": 14_000, "stop timeout": 1, "played": 45_000}},
		{"a stall that nobody waits for", "0 p " + stalls(10, 400, 10) + " 410 p 411 q",
			map[string]int64{"load": 1, "play": 1, "playing": 11_000, "buffering": 300_000, "stop normal": 1, "played": 311_000}},
		{"after the timeout", "0 p 5 a late 8 p 9 r 10 e",
			map[string]int64{"load": 1, "play": 1, "playing": 6000, "buffering": 1000, "stop timeout": 1, "played": 5000}},
		{"an error before the first frame", "0 - 1 f", map[string]int64{"load": 1}},
		{"preparing only", "0 - 1 d 5 d", map[string]int64{}},
	}
	names := map[Measure]string{Load: "load", Play: "play", StartTime: "start time", Playing: "playing", Buffering: "buffering",
		PlayedTime: "played", ServerViewer: "viewers"}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPlayer(keys{"sid": "s", "cid": "c"}, url.Values{"interval": {"10"}})
			at, words := time.UnixMilli(noon), strings.Fields(test.said)
			for seq := int64(1); len(words) > 0; seq++ {
				if words[0] == "late" {
					at, words = at.Add(time.Minute), words[1:]
				}
				var after float64
				if _, err := fmt.Sscan(words[0], &after); err != nil {
					t.Fatal(err)
				}
				k := keys{"sta": strings.TrimSuffix(words[1], "-")}
				if _, msd, ok := strings.Cut(words[1], "msd="); ok {
					k = keys{"msd": msd}
				}
				m := k.moment(noon + int64(after*1000))
				m.seq = seq
				if err := p.receive([]moment{m}, at); err != nil {
					t.Fatal(err)
				}
				words = words[2:]
			}
			got := map[string]int64{}
			for _, f := range p.facts() {
				name, told := names[f.Measure]
				if f.Measure == Stop {
					name, told = "stop "+f.label, true
				}
				if told { // codes and outcomes are not asked for here
					got[name] += f.Value
				}
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// stalls are lines of a stall, from one time to another.
func stalls(from, to, step int) string {
	var said []string
	for at := from; at <= to; at += step {
		said = append(said, fmt.Sprintf("%d r", at))
	}
	return strings.Join(said, " ")
}

// TestReports books requests of CMCD, one line each.
func TestReports(t *testing.T) {
	book := NewBook(testOrganizations())
	at := time.UnixMilli(noon)
	deliver := func(want int, account, key, line string) {
		t.Helper()
		verdict, err := book.Deliver(&Request{Header: http.Header{}, Reports: &Reports{Account: account, Key: key, Parameters: url.Values{}}}, []byte(line), at)
		if err != nil || verdict.Status != want {
			t.Errorf("%s: got %d %v, want %d", line, verdict.Status, err, want)
		}
	}
	line := func(sn int, state string, ts int64) string {
		return fmt.Sprintf(`bl=(900;v 700;a),cid="caf\"é, (1)",e=ps,sid="x",sn=%d,sta=%s,ts=%d,v=2`, sn, state, ts)
	}
	const hour = 3600_000
	deliver(http.StatusNoContent, "beta-one", "pk_beta_one", line(0, "p", noon+hour+400)) // which is an hour ahead
	deliver(http.StatusNoContent, "beta-one", "pk_beta_one", line(1, "a", noon+hour+9400))
	deliver(http.StatusNoContent, "beta-one", "pk_beta_one", line(1, "r", noon+hour+9400))
	deliver(http.StatusBadRequest, "beta-one", "pk_beta_one", line(2, "p", noon+hour+61_000))
	deliver(http.StatusBadRequest, "beta-one", "pk_beta_one", strings.Replace(line(2, "p", noon), "v=2", "v=3", 1))
	deliver(http.StatusBadRequest, "beta-one", "pk_beta_one", "%%%")
	deliver(http.StatusGone, "beta-one", "pk_wrong", line(0, "p", noon))
	deliver(http.StatusGone, "acme", "pk_acme_web", line(0, "p", noon)) // which wants an origin
	facts := book.Facts()
	if got := total(facts, Playing); got != 9000 {
		t.Errorf("played %v ms, want 9000", got)
	}
	if got := total(facts, BufferLength); got != 2*700 || facts[0].stream != `caf"é, (1)` || facts[0].At < noon || facts[0].protocol != "cmcd" {
		t.Errorf("buffers of %v ms of %+v", got, facts[0].place)
	}
}

// TestLog books lines of logs whose viewers were counted by hand.
func TestLog(t *testing.T) {
	book := NewBook(testOrganizations())
	deliver := func(key string, want Verdict, lines ...string) {
		t.Helper()
		header := http.Header{"Authorization": {"Bearer sk_beta_0123456789"}}
		if key != "" {
			header.Set("Idempotency-Key", key)
		}
		log := &AccessLog{Format: "nginx-combined", Lines: lines}
		got, err := book.Deliver(&Request{Header: header, Log: log}, []byte(strings.Join(lines, "\n")+"\n"), time.UnixMilli(noon))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v %v, want %v", got, err, want)
		}
	}
	line := func(address, second, request, agent string) string {
		return fmt.Sprintf(`%s - - [10/Mar/2026:11:50:%s +0000] "%s HTTP/1.1" 200 100 "-" "%s"`, address, second, request, agent)
	}
	deliver("", Verdict{Status: 202, Accepted: 6, Ignored: 4},
		line("81.2.0.1", "01", "GET /live/cam.1/720p/seg1.ts", "a"), // a viewer
		line("81.2.0.1", "05", "GET /live/cam.1/seg2.ts", "a"),      // the same one
		line("81.2.0.1", "06", "GET /dash/cam.1/chunk-stream0-00001.m4s", "b"),
		line("81.2.0.2", "07", "GET /live/cam.1/index.m3u8", "a"),                                   // fetches no media
		line("81.2.0.3", "08", "HEAD /live/cam.1/seg2.ts", "a"),                                     // is no delivery
		line("81.2.0.4", "09", "GET /live/cam.1/seg2.ts?CMCD=bl%3D300%2Csid%3D%22x%22", "a"),        // another
		line("81.2.0.5", "10", "GET /live/cam.1/seg2.ts?CMCD=sid%3D%22y%22%2Csta%3Dp%2Cv%3D2", "a"), // says that it plays
		line("81.2.0.6", "11", "PUT /live/cam.1/seg2.ts", "a"),
		line("81.2.0.6", "11", "GET /index.html", "a"),
		strings.Replace(line("81.2.0.6", "11", "GET /live/cam.1/seg2.ts", "a"), " 200 ", " 404 ", 1))
	again := line("81.2.0.1", "12", "GET /live/cam.1/seg3.ts?CMCD=sid%3D%22y%22%2Csta%3Da%2Cv%3D2", "a")
	deliver("k", Verdict{Status: 400, Rejected: []int{0}}, "no line")
	deliver("k", Verdict{Status: 202, Accepted: 1}, again)
	deliver("k", Verdict{Status: 202, Accepted: 1, Repeated: true}, again)
	facts := book.Facts()
	for measure, want := range map[Measure]float64{Sent: 700, ServerViewer: 3, BufferLength: 300, Playing: 2000, Play: 1, Stop: 1} {
		if got := total(facts, measure); got != want {
			t.Errorf("measure %d: got %v, want %v", measure, got, want)
		}
	}
	if stream, protocol, media, ok := streamOf("/hls/cam.1-12.ts"); stream != "cam.1" || protocol != "hls" || !media || !ok {
		t.Errorf("got %q %q %v %v", stream, protocol, media, ok)
	}
}
