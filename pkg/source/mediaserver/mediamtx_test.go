package mediaserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/processtest"
)

// stubMediaMTX is a stand-in for MediaMTX: it answers with lists in the shape that its API documents, in pages of two items.
// Lists that it does not have do not exist.
func stubMediaMTX(t *testing.T, lists map[string][]string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "streamlens" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		items, ok := lists[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v3/"), "/list")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		page, err := strconv.Atoi(r.URL.Query().Get("page"))
		if err != nil {
			t.Errorf("page: %v", err)
		}
		const size = 2
		shown := items[min(page*size, len(items)):min((page+1)*size, len(items))]
		fmt.Fprintf(w, `{"itemCount":%d,"pageCount":%d,"items":[%s]}`, len(items), (len(items)+size-1)/size, strings.Join(shown, ","))
	}))
	t.Cleanup(server.Close)
	return server
}

func poll(t *testing.T, c Config) (Snapshot, error) {
	t.Helper()
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return server.Poll(t.Context())
}

func checkSnapshot(t *testing.T, got Snapshot, streams []Stream, connections []Connection) {
	t.Helper()
	for i := range got.Connections {
		c := &got.Connections[i]
		c.Since = c.Since.UTC()
	}
	if !slices.Equal(got.Streams, streams) {
		t.Errorf("streams\n%+v, want\n%+v", got.Streams, streams)
	}
	if !slices.Equal(got.Connections, connections) {
		t.Errorf("connections\n%+v, want\n%+v", got.Connections, connections)
	}
}

func TestMediaMTX(t *testing.T) {
	const none = event.Absent
	created := time.Date(2026, 11, 24, 6, 23, 24, 186917318, time.UTC)
	for _, test := range []struct {
		name        string
		lists       map[string][]string
		streams     []Stream
		connections []Connection
	}{
		{"1.12", map[string][]string{
			"paths": {
				`{"name":"live/test","confName":"all_others","source":{"type":"rtmpConn","id":"a"},"ready":true,
				"readyTime":"2026-11-24T06:23:26.650336173Z","tracks":["H264","MPEG-4 Audio"],"bytesReceived":199400,"bytesSent":336328,
				"readers":[{"type":"rtmpConn","id":"b"},{"type":"hlsMuxer","id":""}]}`,
				`{"name":"cam","source":{"type":"rtspSource","id":""},"ready":true,"readyTime":"2026-11-24T06:23:24.186917318Z",
				"tracks":["H264"],"bytesReceived":5000,"bytesSent":0,"readers":[]}`,
				`{"name":"off","source":{"type":"rtspSource","id":""},"ready":false,"readyTime":null,"tracks":[],"bytesReceived":0}`,
			},
			"rtmpconns": {
				`{"id":"a","created":"2026-11-24T06:23:24.186917318Z","remoteAddr":"192.0.2.1:44986","state":"publish","path":"live/test",
				"query":"","bytesReceived":277628,"bytesSent":3467}`,
				`{"id":"b","created":"2026-11-24T06:23:24.186917318Z","remoteAddr":"[2001:db8::2]:59466","state":"read","path":"live/test",
				"query":"","bytesReceived":3442,"bytesSent":176038}`,
				`{"id":"c","created":"2026-11-24T06:23:24.186917318Z","remoteAddr":"192.0.2.3:1","state":"idle","path":"","query":"",
				"bytesReceived":1,"bytesSent":1}`,
			},
			"hlsmuxers": {`{"path":"live/test","created":"2026-11-24T06:23:24.186917318Z","lastRequest":"2026-11-24T06:23:32.664667922Z","bytesSent":196035}`},
		}, []Stream{
			{Name: "live/test", ID: "2026-11-24T06:23:24.186917318Z", Protocol: "hls", Received: none, Sent: 196035, Since: created},
		}, []Connection{
			{ID: "path cam 2026-11-24T06:23:24.186917318Z", Stream: "cam", Publisher: true, Protocol: "rtsp", Received: 5000, Sent: none, Since: created},
			{ID: "a", Stream: "live/test", Publisher: true, Protocol: "rtmp", Address: address("192.0.2.1"), Received: 277628, Sent: 3467, Since: created},
			{ID: "b", Stream: "live/test", Protocol: "rtmp", Address: address("2001:db8::2"), Received: 3442, Sent: 176038, Since: created},
			{ID: "c", Protocol: "rtmp", Address: address("192.0.2.3"), Received: 1, Sent: 1, Since: created},
		}},
		{"with new names of counters and HLS sessions", map[string][]string{
			"paths": {}, "hlsmuxers": {},
			"srtconns": {`{"id":"a","created":"2026-11-24T06:23:24.186917318Z","remoteAddr":"192.0.2.1:1","state":"publish","path":"p","user":"",
				"bytesReceived":12,"bytesSent":13}`},
			"webrtcsessions": {`{"id":"b","created":"2026-11-24T06:23:24.186917318Z","remoteAddr":"192.0.2.2:1","state":"read","path":"p","user":"",
				"inboundBytes":14,"outboundBytes":15,"bytesReceived":14,"bytesSent":15}`},
			"rtspsessions": {`{"id":"d","created":"2026-11-24T06:23:24.186917318Z","remoteAddr":"192.0.2.4:1","state":"read","path":"p","conns":[],
				"inboundBytes":18,"outboundBytes":19}`},
			"hlssessions": {`{"id":"c","created":"2026-11-24T06:23:24.186917318Z","remoteAddr":"192.0.2.3:1","path":"p","query":"","user":"",
				"userAgent":"Mozilla/5.0","isCDN":true,"outboundBytes":17}`},
		}, nil, []Connection{
			{ID: "d", Stream: "p", Protocol: "rtsp", Address: address("192.0.2.4"), Received: 18, Sent: 19, Since: created},
			{ID: "a", Stream: "p", Publisher: true, Protocol: "srt", Address: address("192.0.2.1"), Received: 12, Sent: 13, Since: created},
			{ID: "b", Stream: "p", Protocol: "webrtc", Address: address("192.0.2.2"), Received: 14, Sent: 15, Since: created},
			{ID: "c", Stream: "p", Protocol: "hls", Address: address("192.0.2.3"), UserAgent: "Mozilla/5.0", Client: "Mozilla/5.0", Relay: true, Connectionless: true,
				Received: none, Sent: 17, Since: created},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			stub := stubMediaMTX(t, test.lists)
			c := Config{Type: TypeMediaMTX, URL: stub.URL, Username: "streamlens", Password: "secret"}
			got, err := poll(t, c)
			if err != nil {
				t.Fatal(err)
			}
			checkSnapshot(t, got, test.streams, test.connections)
			c.Password = "wrong"
			if _, err := poll(t, c); err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "wrong") {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}

func TestMediaMTXRefuses(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"what is no list", `{"error":"x"}`, "has no items"},
		{"what is no JSON", `<html>`, "cannot be read: invalid character"},
		{"a counter that is no number", `{"pageCount":1,"items":[{"name":"a","bytesReceived":"x"}]}`, "cannot be read: json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if _, err := io.WriteString(w, test.body); err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			if _, err := poll(t, Config{Type: TypeMediaMTX, URL: server.URL}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := poll(t, Config{Type: TypeMediaMTX, URL: server.URL}); !isStatus(err, http.StatusNotFound) {
		t.Errorf("a server that is no MediaMTX: %v", err)
	}
}

const mediaMTXMetricsText = `paths{name="live/test",state="ready"} 1
paths_inbound_bytes{name="live/test",state="ready"} 271295
# deprecated
paths_bytes_received{name="live/test",state="ready"} 271295
hls_sessions{id="h",path="live/test",remoteAddr="192.0.2.3:5000",isCDN="true"} 1
hls_sessions_outbound_bytes{id="h",path="live/test",remoteAddr="192.0.2.3:5000",isCDN="true"} 30
hls_muxers{name="live/test"} 1
hls_muxers_outbound_bytes{name="live/test"} 40
hls_muxers_bytes_sent{name="live/test"} 40
rtsp_sessions_inbound_bytes 0
rtsp_sessions_outbound_bytes 0
rtmp_conns_inbound_bytes{id="a",path="live/test",remoteAddr="192.0.2.1:5000",state="publish"} 341840
rtmp_conns_outbound_bytes{id="a",path="live/test",remoteAddr="192.0.2.1:5000",state="publish"} 3467
rtmp_conns_bytes_received{id="a",path="live/test",remoteAddr="192.0.2.1:5000",state="publish"} 341840
srt_conns_bytes_received{id="s",path="live/test",remoteAddr="192.0.2.2:5000",state="read"} 1
srt_conns_bytes_sent{id="s",path="live/test",remoteAddr="192.0.2.2:5000",state="read"} 2.5e+06
srt_conns_bytes_sent{id="i",path="",remoteAddr="192.0.2.2:5000",state="idle"} 9
`

func TestMediaMTXMetrics(t *testing.T) {
	const none = event.Absent
	body := mediaMTXMetricsText
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			t.Errorf("path %s", r.URL.Path)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	c := Config{Type: TypeMediaMTX, URL: server.URL + "/metrics"}
	got, err := poll(t, c)
	if err != nil {
		t.Fatal(err)
	}
	checkSnapshot(t, got, []Stream{{Name: "live/test", Protocol: "hls", Received: none, Sent: 40}}, []Connection{
		{ID: "a", Stream: "live/test", Publisher: true, Protocol: "rtmp", Address: address("192.0.2.1"), Received: 341840, Sent: 3467},
		{ID: "h", Stream: "live/test", Protocol: "hls", Address: address("192.0.2.3"), Relay: true, Connectionless: true, Received: none, Sent: 30},
		{ID: "i", Protocol: "srt", Address: address("192.0.2.2"), Received: none, Sent: 9},
		{ID: "s", Stream: "live/test", Protocol: "srt", Address: address("192.0.2.2"), Received: 1, Sent: 2500000},
	})
	body = "paths 0\n" + `rtmp_conns_bytes_received{id="dd36e3f2",state="publish"} 341840` + "\n"
	if _, err := poll(t, c); !errors.Is(err, errNoPath) {
		t.Errorf("metrics without paths: %v", err)
	}
	body = "up 1\n"
	if _, err := poll(t, c); err == nil {
		t.Error("metrics of something else are taken")
	}
}

// countingProxy passes on TCP connections, counts what passes, and can hold what clients send.
type countingProxy struct {
	address  string
	received atomic.Int64 // of clients
	sent     atomic.Int64 // to clients
	held     atomic.Bool
}

func startProxy(t *testing.T, to string) *countingProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &countingProxy{address: l.Addr().String()}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			pass := func(to, from net.Conn, count *atomic.Int64, held func() bool) {
				defer to.Close()
				defer from.Close()
				buffer := make([]byte, 16<<10)
				for {
					n, err := from.Read(buffer)
					for held() {
						time.Sleep(10 * time.Millisecond)
					}
					count.Add(int64(n))
					if _, werr := to.Write(buffer[:n]); werr != nil || err != nil {
						return
					}
				}
			}
			go pass(server, client, &p.received, p.held.Load)
			go pass(client, server, &p.sent, func() bool { return false })
		}
	}()
	return p
}

// TestRealMediaMTX publishes to a MediaMTX and plays from it, through proxies that count. It needs the path of the program in
// the environment variable MEDIAMTX; without, TestMediaMTX uses a stand-in.
func TestRealMediaMTX(t *testing.T) {
	program := os.Getenv("MEDIAMTX")
	if program == "" || testing.Short() {
		t.Skip("needs the path of MediaMTX in MEDIAMTX")
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("needs ffmpeg")
	}
	dir := t.TempDir()
	rtmp, hls, web, metrics := processtest.FreeAddress(t), processtest.FreeAddress(t), processtest.FreeAddress(t), processtest.FreeAddress(t)
	config := filepath.Join(dir, "mediamtx.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
logLevel: warn
api: yes
apiAddress: %s
metrics: yes
metricsAddress: %s
rtmpAddress: %s
hlsAddress: %s
rtsp: no
webrtc: no
srt: no
paths: {all_others: {}}
`, web, metrics, rtmp, hls), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, program, config)
	c := Config{Type: TypeMediaMTX, URL: "http://" + web, Organization: "acme", Interval: time.Second}
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	differ := NewDiffer(c.Organization, c.URL, c.Interval, time.Now())
	var sink memorySink
	deliver := func(d Delta) {
		sink.usage, sink.batches = append(sink.usage, d.Usage...), append(sink.batches, d.Broadcasts...)
	}
	ask := func() error {
		s, err := server.Poll(context.Background())
		if err == nil {
			deliver(differ.Next(s))
		}
		return err
	}
	waitFor(t, "MediaMTX", func() bool { return ask() == nil })
	file := filepath.Join(dir, "test.flv")
	payload, _ := makeFLV(t, file, 20)
	in, out := startProxy(t, rtmp), startProxy(t, rtmp)
	stopPublisher := start(t, "ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-i", file, "-c", "copy", "-f", "flv", "rtmp://"+in.address+"/live/test")
	began := time.Now()
	time.Sleep(2 * time.Second)
	start(t, "ffmpeg", "-nostdin", "-loglevel", "error", "-i", "rtmp://"+out.address+"/live/test", "-c", "copy", "-f", "null", "-")
	start(t, "ffmpeg", "-nostdin", "-loglevel", "error", "-i", "http://"+hls+"/live/test/index.m3u8", "-c", "copy", "-f", "null", "-")
	for range 8 {
		time.Sleep(500 * time.Millisecond)
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	in.held.Store(true)
	var before [2]int64
	waitFor(t, "silence", func() bool {
		now := [2]int64{in.received.Load(), out.sent.Load()}
		defer func() { before = now }()
		time.Sleep(300 * time.Millisecond)
		return now == before
	})
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	var rtmpPlayout, hlsPlayout int64
	for _, u := range sink.usage {
		switch {
		case u.Direction == measure.Playout && u.Protocol == "rtmp":
			rtmpPlayout += u.Bytes
		case u.Direction == measure.Playout && u.Protocol == "hls":
			hlsPlayout += u.Bytes
		}
	}
	addressed, rest := sink.sum(measure.Ingest)
	t.Logf("ingest %d + %d, proxy %d; playout %d, proxy %d; HLS %d; %d bytes of audio and video in all",
		addressed, rest, in.received.Load(), rtmpPlayout, out.sent.Load(), hlsPlayout, payload)
	if addressed != in.received.Load() || rest != 0 {
		t.Errorf("ingest is %d bytes with address and %d without, but %d passed the proxy", addressed, rest, in.received.Load())
	}
	if rtmpPlayout != out.sent.Load() {
		t.Errorf("playout is %d bytes, but %d passed the proxy", rtmpPlayout, out.sent.Load())
	}
	if hlsPlayout == 0 {
		t.Error("no playout of HLS")
	}
	in.held.Store(false)
	stopPublisher()
	length := time.Since(began)
	waitFor(t, "the end of the broadcast", func() bool {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		for _, b := range sink.batches {
			if b.Events[len(b.Events)-1].Type == event.Stop {
				return true
			}
		}
		return false
	})
	checkBroadcast(t, &sink, length, c.Interval)
	if _, err := poll(t, Config{Type: TypeMediaMTX, URL: "http://" + metrics + "/metrics"}); err != nil && !errors.Is(err, errNoPath) {
		t.Errorf("metrics: %v", err)
	}
}

func TestMediaMTXHook(t *testing.T) {
	const none = event.Absent
	c := Connection{ID: "a", Stream: "live/test", Protocol: "rtmp", Received: none, Sent: none}
	publisher := c
	publisher.Publisher = true
	camera := Connection{Stream: "cam", Received: none, Sent: none}
	for _, test := range []struct {
		body string
		want Hook
	}{
		{"event=publish&type=rtmpConn&id=a&path=live%2Ftest", Hook{Action: Opened, Connection: publisher, Poll: true}},
		{"event=unpublish&type=rtmpConn&id=a&path=live%2Ftest", Hook{Action: Ended, Connection: c, Poll: true}},
		{"event=read&type=rtmpConn&id=a&path=live/test", Hook{Action: Opened, Connection: c, Poll: true}},
		{"event=unread&type=rtmpConn&id=a&path=live/test", Hook{Action: Ended, Connection: c, Poll: true}},
		{"event=publish&type=rtspSource&id=&path=cam", Hook{Connection: camera, Poll: true}},
	} {
		got, _, err := mediaMTX{}.hook(HookRequest{Body: []byte(test.body)})
		if test.want.Action == Other {
			test.want.Connection.Publisher = true
		}
		if err != nil || !slices.Equal(got, []Hook{test.want}) {
			t.Errorf("%s gives %+v, %v; want %+v", test.body, got, err, test.want)
		}
	}
	for _, body := range []string{"", "event=play&id=a&path=b", "event=read&id=a", "%", "event=read;id=a"} {
		if got, _, err := (mediaMTX{}).hook(HookRequest{Body: []byte(body)}); err == nil {
			t.Errorf("%q gives %+v", body, got)
		}
	}
}
