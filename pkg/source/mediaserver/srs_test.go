package mediaserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// stubSRS is a stand-in for SRS: it answers with streams and clients in the shape that its API documents, at most 10 at once
// unless more are asked for.
func stubSRS(t *testing.T, service func() string, streams, clients func() []string) *httptest.Server {
	t.Helper()
	list := func(name string, items func() []string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			first, err := strconv.Atoi(r.URL.Query().Get("start"))
			if err != nil {
				t.Errorf("start: %v", err)
			}
			count, err := strconv.Atoi(r.URL.Query().Get("count"))
			if err != nil {
				t.Errorf("count: %v", err)
			}
			all := items()
			shown := all[min(first, len(all)):min(first+max(count, 10), len(all))]
			fmt.Fprintf(w, `{"code":0,"server":"vid-0m3k1x2","service":%q,"pid":"4711",%q:[%s]}`, service(), name, strings.Join(shown, ","))
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/streams/", list("streams", streams))
	mux.HandleFunc("/api/v1/clients/", list("clients", clients))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func fixed[T any](v T) func() T { return func() T { return v } }

const srsStreamText = `{"id":"vid-s124z6u","name":"livestream","vhost":"vid-v1","app":"live","tcUrl":"rtmp://203.0.113.9/live",
	"url":"/live/livestream","live_ms":1790000000000,"clients":2,"frames":700,"send_bytes":5100,"recv_bytes":9000,
	"kbps":{"recv_30s":120,"send_30s":80},"publish":{"active":true,"cid":"e6d4k3z1"},
	"video":{"codec":"H264","profile":"High","level":"3.1","width":1280,"height":720},
	"audio":{"codec":"AAC","sample_rate":44100,"channel":2,"profile":"LC"}}`

func srsClientText(id, stream, kind string, publish bool, alive float64, send, recv int64) string {
	return fmt.Sprintf(`{"id":%q,"vhost":"vid-v1","stream":%q,"ip":"192.0.2.1","pageUrl":"https://site.example/","swfUrl":"",
	"tcUrl":"rtmp://203.0.113.9/live","url":"/live/livestream","name":"livestream","type":%q,"publish":%t,"alive":%f,
	"send_bytes":%d,"recv_bytes":%d,"kbps":{"recv_30s":0,"send_30s":0}}`, id, stream, kind, publish, alive, send, recv)
}

func TestSRS(t *testing.T) {
	stub := stubSRS(t, fixed("7z3k21x0"), fixed([]string{srsStreamText}), fixed([]string{
		srsClientText("e6d4k3z1", "vid-s124z6u", "fmle-publish", true, 30.5, 3000, 8800),
		srsClientText("p", "vid-s124z6u", "rtmp-play", false, 0, 2100, 200),
		srsClientText("new", "vid-unlisted", "rtmp-play", false, 0.01, 1, 1),
	}))
	c := Config{Type: TypeSRS, URL: stub.URL}
	began := time.Now()
	got, err := poll(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if got.Start != "vid-0m3k1x2/7z3k21x0/4711" {
		t.Errorf("start %q", got.Start)
	}
	since := got.Connections[0].Since
	if off := began.Sub(since).Seconds() - 30.5; off < -1 || off > 1 {
		t.Errorf("the publisher began %v before the poll, want 30.5 s", began.Sub(since))
	}
	got.Connections[0].Since, got.Connections[2].Since = time.Time{}, time.Time{}
	checkSnapshot(t, got, []Stream{{Name: "live/livestream", ID: "vid-s124z6u", Received: 9000, Sent: 5100}}, []Connection{
		{ID: "e6d4k3z1", Stream: "live/livestream", StreamID: "vid-s124z6u", Publisher: true, Protocol: "rtmp", Address: address("192.0.2.1"),
			Referrer: "https://site.example/", Received: 8800, Sent: 3000, Ingest: Ingest{VideoCodec: "H264", AudioCodec: "AAC", Width: 1280, Height: 720}},
		{ID: "p", Stream: "live/livestream", StreamID: "vid-s124z6u", Protocol: "rtmp", Address: address("192.0.2.1"),
			Referrer: "https://site.example/", Received: 200, Sent: 2100},
		{ID: "new", StreamID: "vid-unlisted", Protocol: "rtmp", Address: address("192.0.2.1"), Referrer: "https://site.example/", Received: 1, Sent: 1},
	})
}

func TestSRSReadsAllPages(t *testing.T) {
	const n = 2*pageSize + 1
	var clients []string
	for i := range n {
		clients = append(clients, srsClientText(strconv.Itoa(i), "vid-s124z6u", "rtmp-play", false, 1, 1, 1))
	}
	stub := stubSRS(t, fixed("1"), fixed([]string{srsStreamText}), fixed(clients))
	got, err := poll(t, Config{Type: TypeSRS, URL: stub.URL})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Connections) != n {
		t.Errorf("%d connections, want %d", len(got.Connections), n)
	}
}

func TestSRSRestartsWhileAsked(t *testing.T) {
	var service atomic.Int64
	stub := stubSRS(t, func() string { return strconv.FormatInt(service.Add(1), 10) }, fixed([]string(nil)), fixed([]string(nil)))
	if _, err := poll(t, Config{Type: TypeSRS, URL: stub.URL}); err == nil || !strings.Contains(err.Error(), "restarted") {
		t.Errorf("error %v", err)
	}
}

func TestSRSProtocols(t *testing.T) {
	for kind, want := range map[string]string{
		"rtmp-play": "rtmp", "Play": "rtmp", "fmle-publish": "rtmp", "flash-publish": "rtmp", "haivision-publish": "rtmp", "": "rtmp",
		"flv-play": "flv", "rtc-play": "webrtc", "rtc-publish": "webrtc", "srt-play": "srt", "srt-publish": "srt", "hls-play": "hls",
	} {
		if got := srsProtocol(kind); got != want {
			t.Errorf("%q is %s, want %s", kind, got, want)
		}
	}
}

// TestSRSBeforeVersion4 reads numbers where later versions have text.
func TestSRSBeforeVersion4(t *testing.T) {
	streams, err := decodeSRS(answer{body: []byte(`{"code":0,"server":9712,"streams":[{"id":9720,"name":"a","vhost":9719,"app":"live",
		"send_bytes":10,"recv_bytes":20}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	clients, err := decodeSRS(answer{body: []byte(`{"code":0,"server":9712,"clients":[{"id":105,"vhost":9719,"stream":9720,"ip":"192.0.2.1",
		"pageUrl":"","url":"rtmp://x/live/a","type":"Play","publish":false,"alive":1.5}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	got := srsSnapshot(streams, clients, after(10))
	want := []Connection{{ID: "105", Stream: "live/a", StreamID: "9720", Protocol: "rtmp", Address: address("192.0.2.1"),
		Received: event.Absent, Sent: event.Absent, Since: after(8.5)}}
	if !slices.Equal(got.Connections, want) {
		t.Errorf("%+v, want %+v", got.Connections, want)
	}
	for _, body := range []string{`{"code":1061}`, `[]`, `{"server":{}}`, `{"code":0}`, `{}`} {
		if _, err := decodeSRS(answer{body: []byte(body)}); err == nil {
			t.Errorf("%s is taken", body)
		}
	}
}

func TestDecodeSRSHook(t *testing.T) {
	const none = event.Absent
	for _, test := range []struct {
		name, body string
		want       Hook
	}{
		{"publish", `{"server_id":"vid-0m3k1x2","service_id":"7z3k21x0","action":"on_publish","client_id":"e6d4k3z1","ip":"192.0.2.1",
			"vhost":"__defaultVhost__","app":"live","tcUrl":"rtmp://203.0.113.9/live","stream":"livestream","param":"?token=x",
			"stream_url":"/live/livestream","stream_id":"vid-s124z6u"}`,
			Hook{Action: Opened, Run: "vid-0m3k1x2/7z3k21x0/", Connection: Connection{ID: "e6d4k3z1", Stream: "live/livestream", StreamID: "vid-s124z6u",
				Publisher: true, Protocol: "rtmp", Address: address("192.0.2.1"), Received: none, Sent: none}}},
		{"play over WebRTC on a vhost", `{"action":"on_play","client_id":"a","ip":"2001:db8::1","vhost":"v.example","app":"live",
			"stream":"livestream","tcUrl":"webrtc://203.0.113.9/live","pageUrl":"https://site.example/","stream_url":"v.example/live/livestream"}`,
			Hook{Action: Opened, Connection: Connection{ID: "a", Stream: "v.example/live/livestream", Protocol: "webrtc",
				Address: address("2001:db8::1"), Referrer: "https://site.example/", Received: none, Sent: none}}},
		{"close", `{"server_id":"vid-0m3k1x2","service_id":"7z3k21x0","action":"on_close","client_id":"e6d4k3z1","ip":"192.0.2.1",
			"vhost":"__defaultVhost__","app":"live","send_bytes":1000,"recv_bytes":2000}`,
			Hook{Action: Closed, Run: "vid-0m3k1x2/7z3k21x0/", Connection: Connection{ID: "e6d4k3z1", Protocol: "rtmp", Address: address("192.0.2.1"),
				Received: 2000, Sent: 1000}}},
		{"close of an old version", `{"action":"on_close","client_id":105,"ip":"192.0.2.1","app":"live","send_bytes":1,"recv_bytes":2}`,
			Hook{Action: Closed, Connection: Connection{ID: "105", Protocol: "rtmp", Address: address("192.0.2.1"), Received: 2, Sent: 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !json.Valid([]byte(test.body)) {
				t.Fatal("the test's body is no JSON")
			}
			got, err := decodeSRSHook([]byte(test.body))
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
	for _, body := range []string{``, `null`, `{}`, `{"action":"on_play"}`, `{"client_id":"a"}`, `{"action":"on_close","client_id":"a","send_bytes":"x"}`} {
		if h, err := decodeSRSHook([]byte(body)); err == nil {
			t.Errorf("%q gives %+v", body, h)
		}
	}
}
