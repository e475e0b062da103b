package mediaserver

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OvenMediaEngine signs with it
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// omeAnswers are made after the documentation: a server with two virtual hosts, whose streams are live/alpha of the default one and app/b c of the other.
func omeAnswers(connections string) map[string]string {
	stats := `{"statusCode":200,"message":"OK","response":{"connections":{` + connections + `},"createdTime":"2026-11-29T10:30:00.250+01:00",
		"totalBytesIn":1000,"totalBytesOut":5000,"totalConnections":3}}`
	const about = `{"response":{"input":{"createdTime":"2026-11-29T10:30:00.250+01:00","sourceType":"Rtmp","tracks":[
		{"id":0,"type":"Video","video":{"bitrate":"2500000","codec":"H264","framerate":30.0,"height":720,"width":1280}},
		{"id":1,"type":"Audio","audio":{"bitrate":"128000","codec":"AAC","samplerate":48000}}]},"name":"alpha","outputs":[]}}`
	return map[string]string{
		"/v1/vhosts": `{"response":["default","other.example"]}`, "/v1/vhosts/default/apps": `{"response":["live"]}`,
		"/v1/vhosts/other.example/apps": `{"response":["app"]}`, "/v1/vhosts/default/apps/live/streams": `{"response":["alpha","gone"]}`,
		"/v1/vhosts/other.example/apps/app/streams":                   `{"response":["b c"]}`,
		"/v1/vhosts/default/apps/live/streams/alpha":                  about,
		"/v1/vhosts/other.example/apps/app/streams/b c":               about,
		"/v1/stats/current/vhosts/default/apps/live/streams/alpha":    stats,
		"/v1/stats/current/vhosts/other.example/apps/app/streams/b c": stats,
	}
}

// omeServer is a stand-in that answers so to who knows the access token.
func omeServer(t *testing.T, answers map[string]string) *httptest.Server {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		switch {
		case r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("access token")):
			w.WriteHeader(http.StatusUnauthorized)
		case !ok:
			http.NotFound(w, r)
		default:
			_, _ = w.Write([]byte(text))
		}
	}))
	t.Cleanup(web.Close)
	return web
}

func omePolled(t *testing.T, address string) *polled {
	t.Helper()
	server, err := New(Config{Type: TypeOvenMediaEngine, URL: address, Token: "access token", HookSecret: "1234"})
	if err != nil {
		t.Fatal(err)
	}
	return server.(*polled)
}

// omeHook is an AdmissionWebhook as the documentation shows it, signed.
func omeHook(secret, direction, status, protocol, at, realIP string, port int) HookRequest {
	body := fmt.Sprintf(`{"client":{"address":"198.51.100.1","port":%d,"real_ip":%q,"user_agent":"Mozilla/5.0"},
		"request":{"direction":%q,"protocol":%q,"status":%q,"url":%q,"time":"2026-11-29T10:31:00.000+01:00"}}`, port, realIP, direction, protocol, status, at)
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(body))
	header := http.Header{}
	header.Set("X-OME-Signature", base64.URLEncoding.EncodeToString(mac.Sum(nil)))
	return HookRequest{Header: header, Body: []byte(body), Query: url.Values{}}
}

func TestOvenMediaEngine(t *testing.T) {
	web := omeServer(t, omeAnswers(`"webrtc":2,"llhls":1,"hlsv3":0,"thumbnail":3,"srt":-1`))
	s, err := omePolled(t, web.URL).Poll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 29, 9, 30, 0, 250_000_000, time.UTC)
	var got []string
	for _, c := range s.Connections {
		if c.Publisher {
			want := Ingest{VideoCodec: "H264", AudioCodec: "AAC", Width: 1280, Height: 720, FrameRate: 30}
			if c.Ingest != want || c.Protocol != "rtmp" || !c.Since.Equal(began) {
				t.Errorf("publisher %+v", c)
			}
		}
		got = append(got, fmt.Sprint(c.Stream, " ", c.Protocol, " ", c.Identity, " ", c.Publisher))
	}
	slices.Sort(got)
	var want []string
	for _, stream := range []string{"live/alpha", "other.example/app/b c"} {
		want = append(want, stream+" llhls llhls 0 false", stream+" rtmp  true", stream+" webrtc webrtc 0 false", stream+" webrtc webrtc 1 false")
	}
	if !slices.Equal(got, want) {
		t.Errorf("connections\n%q, want\n%q", got, want)
	}
	if len(s.Streams) != 2 || s.Streams[0].Received != 1000 || s.Streams[0].Sent != 5000 {
		t.Errorf("streams %+v", s.Streams)
	}
	if a, b := StreamName(TypeOvenMediaEngine, "live/alpha"), StreamName(TypeOvenMediaEngine, "other.example/app/b c"); a != "alpha" || b != "other.example/b c" {
		t.Errorf("they are called %q and %q", a, b)
	}
}

// TestOvenMediaEngineMixed checks that what a stream sent does not count from when some of it goes to no player, through a restart of the collector.
func TestOvenMediaEngineMixed(t *testing.T) {
	answers := omeAnswers(`"webrtc":1,"push":0`)
	web := omeServer(t, answers)
	p := omePolled(t, web.URL)
	for i, step := range []struct {
		connections string
		sent        int64
	}{{`"webrtc":1,"push":0`, 5000}, {`"webrtc":1,"push":1`, event.Absent}, {`"webrtc":1,"push":0`, event.Absent}} {
		for path, text := range omeAnswers(step.connections) {
			answers[path] = text
		}
		s, err := p.Poll(t.Context())
		if err != nil || s.Streams[0].Sent != step.sent {
			t.Errorf("poll %d: %+v, %v", i, s.Streams, err)
		}
		text := position(testDiffer(), p)
		p = omePolled(t, web.URL)
		if err := restore(text, testDiffer(), p); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOvenMediaEngineHooks lets webhooks name the players that the server counts.
func TestOvenMediaEngineHooks(t *testing.T) {
	web := omeServer(t, omeAnswers(`"webrtc":2,"llhls":0`))
	p := omePolled(t, web.URL)
	const at = "ws://media.example:3333/live/alpha?token=secret"
	take := func(r HookRequest, reply string, want ...Hook) {
		t.Helper()
		hooks, answered, err := p.hook(r)
		if err != nil || answered.Body != reply || !slices.Equal(hooks, want) {
			t.Errorf("%+v, %+v, %v; want %+v", hooks, answered, err, want)
		}
	}
	named := func(address string, port int) Connection {
		return Connection{ID: fmt.Sprintf("webrtc 198.51.100.1 %d live/alpha", port), Stream: "live/alpha", Protocol: "webrtc", Address: netip.MustParseAddr(address),
			UserAgent: "Mozilla/5.0", Received: event.Absent, Sent: event.Absent}
	}
	players := func() []Connection {
		s, err := p.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(s.Connections, func(c Connection) bool { return c.Publisher || c.Stream != "live/alpha" })
	}
	open := func(address string, port int) HookRequest {
		return omeHook("1234", "outgoing", "opening", "WebRTC", at, address, port)
	}
	take(open("192.0.2.1", 1), `{"allowed":true}`, Hook{Action: Opened, Connection: named("192.0.2.1", 1)})
	if all := players(); len(all) != 2 || all[0] != named("192.0.2.1", 1) || all[1].Identity != "webrtc 0" {
		t.Errorf("one of two is known: %+v", all)
	}
	take(open("192.0.2.2", 2), `{"allowed":true}`, Hook{Action: Opened, Connection: named("192.0.2.2", 2)})
	take(open("2001:db8::3", 3), `{"allowed":true}`, Hook{Action: Opened, Connection: named("2001:db8::3", 3)})
	if all := players(); !slices.Equal(all, []Connection{named("192.0.2.2", 2), named("2001:db8::3", 3)}) {
		t.Errorf("the end of one was not told: %+v", all)
	}
	take(omeHook("1234", "outgoing", "closing", "webrtc", at, "192.0.2.2", 2), `{}`, Hook{Action: Closed, Connection: named("192.0.2.2", 2)})
	if all := players(); !slices.Equal(all, []Connection{named("192.0.2.1", 1), named("2001:db8::3", 3)}) {
		t.Errorf("one has left: %+v", all)
	}
	take(omeHook("1234", "outgoing", "opening", "thumbnail", "http://media.example/live/alpha/thumb.png", "192.0.2.9", 9), `{"allowed":true}`)
	take(omeHook("1234", "incoming", "opening", "rtmp", "rtmp://media.example/live/alpha", "192.0.2.9", 9), `{"allowed":true}`, Hook{Poll: true})
	take(omeHook("1234", "incoming", "closing", "rtmp", "rtmp://media.example/live/alpha", "192.0.2.9", 9), `{}`,
		Hook{Action: Ended, Connection: Connection{ID: "live/alpha 2026-11-29T10:30:00.250+01:00"}, Poll: true})
	take(omeHook("1234", "outgoing", "opening", "srt", "srt://media.example:9998", "192.0.2.9", 9), `{"allowed":true}`, Hook{Poll: true})

	unsigned := open("192.0.2.1", 1)
	unsigned.Header.Del("X-OME-Signature")
	changed := open("192.0.2.1", 1)
	changed.Body = append(changed.Body, ' ')
	for name, r := range map[string]HookRequest{"without a signature": unsigned, "a changed body": changed, "another secret": omeHook("x", "outgoing", "opening", "webrtc", at, "", 1)} {
		if hooks, _, err := p.hook(r); !errors.Is(err, ErrSignature) || hooks != nil {
			t.Errorf("%s: %+v, %v", name, hooks, err)
		}
	}
	p.config.HookSecret = ""
	if _, _, err := p.hook(omeHook("", "outgoing", "opening", "webrtc", at, "", 1)); !errors.Is(err, ErrSignature) {
		t.Errorf("without a secret: %v", err)
	}
	for _, body := range []string{`<`, `{}`, `{"request":{"status":"opening","url":":"}}`} {
		if hooks, _, err := new(ovenMediaEngine).hook(HookRequest{Body: []byte(body)}); err == nil {
			t.Errorf("%s is taken: %+v", body, hooks)
		}
	}
}

// TestOvenMediaEngineRefuses checks what is said of a wrong token and of answers that cannot be.
func TestOvenMediaEngineRefuses(t *testing.T) {
	web := omeServer(t, omeAnswers(``))
	if _, err := poll(t, Config{Type: TypeOvenMediaEngine, URL: web.URL, Token: "other"}); reasonOf(err) != ReasonAuth {
		t.Errorf("a wrong token: %v", err)
	}
	for path, text := range map[string]string{
		"/v1/vhosts": `{}`, "/v1/vhosts/default/apps": `[]`, "/v1/vhosts/default/apps/live/streams": `{"response":null}`,
		"/v1/stats/current/vhosts/default/apps/live/streams/alpha": `{"response":{}}`,
	} {
		answers := omeAnswers(`"webrtc":1`)
		answers[path] = text
		if s, err := omePolled(t, omeServer(t, answers).URL).Poll(t.Context()); reasonOf(err) != ReasonAnswer || err == nil {
			t.Errorf("%s as %s: %+v, %v", path, text, s, err)
		}
	}
	answers := omeAnswers(`"webrtc":1`)
	delete(answers, "/v1/stats/current/vhosts/default/apps/live/streams/alpha")
	if _, err := omePolled(t, omeServer(t, answers).URL).Poll(t.Context()); reasonOf(err) != ReasonNotFound {
		t.Errorf("without statistics: %v", err)
	}
	if err := (Config{Type: TypeLiveKit, URL: "http://a", HookSecret: "x"}).Check(); err == nil || !strings.Contains(err.Error(), "hookSecret") {
		t.Errorf("a secret that nothing uses: %v", err)
	}
}

func FuzzOvenMediaEngine(f *testing.F) {
	f.Add([]byte(omeAnswers(`"webrtc":2,"push":1`)["/v1/stats/current/vhosts/default/apps/live/streams/alpha"]))
	f.Add(omeHook("", "outgoing", "opening", "webrtc", "ws://media.example/live/alpha", "192.0.2.1", 1).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		o := new(ovenMediaEngine)
		hooks, _, err := o.hook(HookRequest{Body: body})
		if err == nil && len(hooks) > 0 && hooks[0].Action == Opened && (hooks[0].Connection.Stream == "" || hooks[0].Connection.Protocol == "") {
			t.Fatalf("hooks %+v", hooks)
		}
		stats, err := decodeOME[omeStats](answer{body: body})
		if err != nil {
			return
		}
		about, err := decodeOME[omeStream](answer{body: body})
		if err != nil {
			return
		}
		for protocol, number := range stats.Connections {
			stats.Connections[protocol] = min(number, 100) // the test would be slow
		}
		var s Snapshot
		if err := o.add(&s, omeName{omeDefaultHost, "live", "alpha"}, about, stats, answer{}); err == nil {
			digest(t, s)
		}
	})
}
