package cmcd

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/event"
)

const ts = int64(1_795_343_364_078)

// snapshot returns what a line says, as a change of one that says nothing but its time and seq.
func snapshot(seq int64, change func(*event.Event)) event.Event {
	e := event.New(seq, ts, event.Snapshot)
	if change != nil {
		change(&e)
	}
	return e
}

func state(s event.State) func(*event.Event) { return func(e *event.Event) { e.State = s } }

func TestDecode(t *testing.T) {
	tests := []struct {
		name, line string
		want       Report
	}{
		{
			"a change of state, as the reference library writes it",
			`cid="stream/abc",e=ps,sf=h,sid="6e2f",sn=0,st=ll,sta=s,ts=1795343364078,v=2`,
			Report{Session: "6e2f", Stream: "stream/abc", Method: "hls", Event: snapshot(1, state(event.StateStarting))},
		},
		{
			"everything in one line",
			`bl=(2100;v),br=(2500;v 128;a),cid="a",com.streamlens-event="final",com.streamlens-client="hlsjs 1.7.4",` +
				`com.streamlens-tags="sport live",dfa=3,e=t,ltc=3120,msd=812,mtp=(15300;v),pt=12345,sf=d,sid="s",sn=2,sta=p,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Method: "dash", EventID: "final", Client: "hlsjs 1.7.4", Tags: []string{"sport", "live"},
				Event: snapshot(3, func(e *event.Event) {
					e.State, e.BufferLength, e.Latency, e.StartTime, e.VideoBitrate = event.StatePlaying, 2100, 3120, 812, 2_500_000
				})},
		},
		{
			"the host from which the player fetches",
			`cid="a",e=h,h="Edge-1.CDN.example",sid="s",sn=1,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", CDN: "edge-1.cdn.example", Event: snapshot(2, func(*event.Event) {})},
		},
		{
			"the network that the page names, whatever the host",
			`cid="a",com.streamlens-cdn="North 1",e=t,h="edge-1.cdn.example",sid="s",sn=1,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", CDN: "North 1", Event: snapshot(2, func(*event.Event) {})},
		},
		{
			"a host that is too long to keep, and one that is no text",
			`cid="a",com.streamlens-cdn=7,e=t,h="` + strings.Repeat("a", 65) + `",sid="s",sn=1,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, func(*event.Event) {})},
		},
		{
			"a change of the bitrate, as hls.js 1.7.4 sends it",
			`bl=(9100),br=(901),cid="s",e=bc,mtp=(1100),sf=h,sid="a6114077",sn=6,st=v,sta=p,ts=1795962454850,v=2`,
			Report{Session: "a6114077", Stream: "s", Method: "hls", Event: snapshot(7, func(e *event.Event) {
				e.Time = 1795962454850
				e.State, e.BufferLength, e.VideoBitrate = event.StatePlaying, 9100, 901_000
			})},
		},
		{
			"what plays and what is fetched, as dash.js 5.2.1 sends it",
			`bl=(2000;v 0;a),br=(200;v),cid="s",e=ps,pb=(900;v),sf=d,sid="3aaf2a17",sn=3,st=v,sta=p,ts=1795962573581,v=2`,
			Report{Session: "3aaf2a17", Stream: "s", Method: "dash", Event: snapshot(4, func(e *event.Event) {
				e.Time = 1795962573581
				e.State, e.BufferLength, e.VideoBitrate = event.StatePlaying, 0, 900_000
			})},
		},
		{
			"of several buffers the shorter one",
			`bl=(2100;v 900;a),cid="a",e=t,sid="s",sn=1,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, func(e *event.Event) { e.BufferLength = 900 })},
		},
		{
			"a single number where a list is due, and a decimal where a whole number is",
			`bl=1200,br=901,cid="a",e=t,ltc=3400.2,sid="s",sn=1,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, func(e *event.Event) { e.BufferLength, e.Latency, e.VideoBitrate = 1200, 3400, 901_000 })},
		},
		{
			"the bitrate at the playing position, not that of what is fetched",
			`br=(9000;v 128;a),cid="a",e=t,pb=(64;a 700 800),sid="s",sn=1,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, func(e *event.Event) { e.VideoBitrate = 800_000 })},
		},
		{
			"no bitrate of audio alone",
			`br=128,cid="a",e=t,ot=a,sid="s",sn=1,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, nil)},
		},
		{
			"an error with a list of codes is one error",
			`cid="a",e=e,ec=("4001" "NET"),sid="s",sn=1,sta=f,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, func(e *event.Event) {
				e.State, e.Code, e.Fatal, e.Reason = event.StateFailed, "4001 NET", true, "playbackerror"
			})},
		},
		{
			"an error with a bare number",
			`cid="a",e=e,ec=25,sid="s",sn=1,sta=r,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, func(e *event.Event) { e.State, e.Code = event.StateRebuffering, "25" })},
		},
		{
			"an error without a code",
			`cid="a",e=e,sid="s",sn=1,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, func(e *event.Event) { e.Code = "unknown" })},
		},
		{
			"the last code in a line that is no error",
			`cid="a",e=t,ec=25,sid="s",sn=1,sta=p,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, state(event.StatePlaying))},
		},
		{
			"the end of a live stream",
			`cid="a",e=ps,sid="s",sn=1,st=l,sta=e,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(2, func(e *event.Event) { e.State, e.Reason = event.StateEnded, "sourcestreamstopped" })},
		},
		{
			"no number of the line",
			`cid="a",e=t,sid="s",sta=p,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(event.Unnumbered, state(event.StatePlaying))},
		},
		{
			"keys and values that nobody knows, of wrong types and out of range",
			`bl="much",br=abc,bs=?0,cid="a",com.example-x=token,e=t,ltc=-5,msd=99999999999,nr,sid="s",sn=1.5,sta=z,ts=1795343364078,unheard=(1 2;x="y"),v=2`,
			Report{Session: "s", Stream: "a", Event: snapshot(3, nil)},
		},
		{
			"text in UTF-8, which structured fields do not have",
			`cid="Straße \"7\"",e=t,sid="s",sn=1,sta=p,ts=1795343364078,v=2`,
			Report{Session: "s", Stream: `Straße "7"`, Event: snapshot(2, state(event.StatePlaying))},
		},
		{
			"one member that breaks the syntax",
			`bl=(2100;v,cid="a",br=),e=t,sid="s",sn=1,sta=p,ts=1795343364078,v=2`,
			Report{Session: "s", Event: snapshot(2, state(event.StatePlaying))},
		},
		{
			"spaces around the line, and after commas",
			`  cid="a", e=t, sid="s", sn=1, sta=p, ts=1795343364078, v=2  `,
			Report{Session: "s", Stream: "a", Event: snapshot(2, state(event.StatePlaying))},
		},
		{
			"a number beyond all bounds",
			`cid="a",e=t,sid="s",sn=999999999999999,sta=p,ts=1795343364078,v=2,bl=(1234567890123456)`,
			Report{Session: "s", Stream: "a", Event: snapshot(event.Unnumbered, state(event.StatePlaying))},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.want.Tags == nil {
				test.want.Tags = []string{}
			}
			reports, refused := Decode([]byte(test.line + "\n"))
			if len(refused) != 0 || len(reports) != 1 {
				t.Fatalf("decoded %v, refused %v", reports, refused)
			}
			if got := reports[0]; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestDecodeRefusesLinesByName(t *testing.T) {
	const good = `cid="a",e=t,sid="s",sn=1,sta=p,ts=1795343364078,v=2`
	tests := []struct{ name, line, field, reason string }{
		{"no session, as dash.js without enabledKeys", `e=ps,ts=1795343364078,v=2`, "line[2].sid", "missing"},
		{"no time", `e=ps,sid="s",v=2`, "line[2].ts", "missing"},
		{"no event", `sid="s",ts=1795343364078,v=2`, "line[2].e", "missing"},
		{"a version to come", `e=ps,sid="s",ts=1795343364078,v=3`, "line[2].v", "version"},
		{"a session of control characters", "e=ps,sid=\"a\tb\",ts=1795343364078,v=2", "line[2].sid", "missing"},
		{"JSON", `{"sid":"s"}`, "line[2]", "malformed"},
		{"binary", "\x00\xff\xfe", "line[2]", "malformed"},
		{"a time in seconds", `e=ps,sid="s",ts=1795343364,v=2`, "line[2].ts", "too_old"},
		{"an argument of a URL", `CMCD=sid%3D%22s%22`, "line[2]", "malformed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reports, refused := Decode([]byte(good + "\n" + test.line + "\n\n" + good))
			if len(reports) != 2 || len(refused) != 1 || refused[0].Field != test.field || refused[0].Reason != test.reason {
				t.Errorf("%d reports, refused %+v", len(reports), refused)
			}
		})
	}
}

func TestDecodeRequest(t *testing.T) {
	tests := []struct {
		name    string
		carrier Carrier
		want    Report
		err     bool
	}{
		{
			"version 1 as an argument",
			Carrier{Query: `bl=21300,br=3200,bs,cid="faec5fc2",d=4004,dl=18500,mtp=48100,nor="..%2F300kbps%2Ftrack.m4v",nrr="12323-48763",ot=v,pr=1.08,rtp=12000,sf=d,sid="6e2fb550",st=v,su,tb=6000`},
			Report{Session: "6e2fb550", Stream: "faec5fc2", Method: "dash", Event: event.Event{BufferLength: 21300}}, false,
		},
		{
			"version 1 in headers, which win over an argument",
			Carrier{Query: `sid="other"`, Request: "bl=5000,mtp=25400,su", Object: "br=900,ot=v", Session: `cid="a",sf=h,sid="s"`, Status: "bs"},
			Report{Session: "s", Stream: "a", Method: "hls", Event: event.Event{BufferLength: 5000}}, false,
		},
		{
			"version 2",
			Carrier{Query: `bl=(1200;v),cid="a",ltc=2100,sf=h,sid="s",sn=7,st=l,sta=r,v=2`},
			Report{Session: "s", Stream: "a", Method: "hls", Event: event.Event{State: event.StateRebuffering, BufferLength: 1200, Latency: 2100}}, false,
		},
		{
			"decimals with more digits than a structured field may have, as Shaka once wrote them",
			Carrier{Query: `bl=(1200.12345;v 2300.9999;a),cid="0.12345",ltc=12272.13541,sf=h,sid="s",v=2`},
			Report{Session: "s", Stream: "0.12345", Method: "hls", Event: event.Event{BufferLength: 1200, Latency: 12272}}, false,
		},
		{
			"an argument that was encoded twice",
			Carrier{Query: `bl%3D21300%2Cbr%3D3200%2Cbs%2Ccid%3D%22a%252Fb%22%2Csf%3Dd%2Csid%3D%22s%22`},
			Report{Session: "s", Stream: "a%2Fb", Method: "dash", Event: event.Event{BufferLength: 21300}}, false,
		},
		{
			"headers that were encoded",
			Carrier{Request: "bl%3D5000%2Csu", Status: "bs", Session: `sid="s",sf=h`},
			Report{Session: "s", Method: "hls", Event: event.Event{BufferLength: 5000}}, false,
		},
		{"an escape in a text stays", Carrier{Query: `nor="..%2Fa%22",sid="s"`}, Report{Session: "s", Event: event.Event{BufferLength: event.Absent}}, false},
		{"a broken escape", Carrier{Query: `sid%3`}, Report{}, true},
		{"nothing", Carrier{}, Report{}, true},
		{"a version to come", Carrier{Query: `sid="s",v=9`}, Report{}, true},
		{"no keys", Carrier{Query: `===`}, Report{}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := DecodeRequest(test.carrier)
			if (err != nil) != test.err {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if got.Session != test.want.Session || got.Stream != test.want.Stream || got.Method != test.want.Method ||
				got.Event.State != test.want.Event.State || got.Event.BufferLength != test.want.Event.BufferLength ||
				got.Event.Seq != event.Unnumbered || max(got.Event.Latency, 0) != test.want.Event.Latency {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestDecodeRecordings decodes what real players sent, one file a player.
func TestDecodeRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for n, line := range recording(t, file) {
				reports, refused := Decode([]byte(line))
				if len(refused) != 0 || len(reports) != 1 {
					t.Fatalf("line %d: refused %v", n+1, refused)
				}
				if r := reports[0]; r.Session == "" || r.Stream == "" || r.Event.Seq == event.Unnumbered {
					t.Errorf("line %d says %+v", n+1, r)
				}
			}
		})
	}
}

// recording returns the lines of a recording.
func recording(tb testing.TB, file string) []string {
	tb.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, line := range recording(f, file) {
			f.Add([]byte(line))
		}
	}
	f.Add([]byte(`bl=(2100;v,cid="a\"",e=e,ec=("4001" "NET"),sid="s",sn=1,sta=f,ts=1795343364078,v=2` + "\n\n"))
	f.Add([]byte(`cid="Straße",e=t,ltc=3400.2,sid="s"`))
	f.Fuzz(func(t *testing.T, body []byte) {
		reports, refused := Decode(body)
		if lines := strings.Count(string(body), "\n") + 1; len(reports)+len(refused) > lines {
			t.Errorf("%d reports and %d refusals of %d lines", len(reports), len(refused), lines)
		}
		for _, r := range reports {
			if r.Session == "" || !event.ValidText(r.Session, event.MaxNameBytes) || !event.ValidText(r.Stream, event.MaxNameBytes) ||
				!event.ValidText(r.Event.Code, event.MaxTextBytes) || r.Event.Time < 0 || r.Event.Seq < 0 || r.Event.Seq > event.MaxSeq {
				t.Errorf("decoded %+v", r)
			}
		}
	})
}
