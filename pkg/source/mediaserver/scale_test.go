package mediaserver

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// answersOnce answers each question again and again with what was said once, so that only who asks is measured.
type answersOnce map[string][]byte

func (a answersOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	status := http.StatusOK
	body, ok := a[r.URL.String()]
	if !ok {
		status = http.StatusNotFound
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}, nil
}

// keepsAnswers keeps what a model answers.
type keepsAnswers struct {
	modelTransport
	mu   sync.Mutex
	kept answersOnce
}

func (k *keepsAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	resp, err := k.modelTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusOK {
		k.kept[r.URL.String()] = body
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

// speakMediaMTXLists answers as MediaMTX does with one page of everything.
func speakMediaMTXLists(m *simulation, _ *rand.Rand, w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	r.URL.RawQuery = ""
	speakMediaMTX("v1.19.0")(m, rand.New(rand.NewPCG(1, 1)), w, r) //nolint:gosec // a test that can be repeated
}

// speakNodeMediaServer answers as the API of Node-Media-Server.
func speakNodeMediaServer(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
	connections, _ := m.listed(order)
	sessions, streams := []object{}, []object{}
	for _, c := range connections {
		shown := m.reading(c)
		session := object{"id": fmt.Sprint(m.run, "-", c.number), "ip": c.address.String() + ":1", "isPublisher": c.publisher, "protocol": "rtmp",
			"inBytes": shown[received], "outBytes": shown[sent], "createTime": c.began.UnixMilli()}
		sessions = append(sessions, session)
		if c.publisher {
			application, name, _ := strings.Cut(c.stream.name, "/")
			streams = append(streams, object{"app": application, "name": name, "status": nmsPublishing, "publisher": session})
		}
	}
	if strings.HasSuffix(r.URL.Path, "streams") {
		writeJSON(w, object{"success": true, "data": object{"streams": streams}})
		return
	}
	writeJSON(w, object{"success": true, "data": object{"sessions": sessions}})
}

// BenchmarkPoll polls servers with 200 streams and 20,000 players each: questions, decoding, what has happened, and the position, without
// the network. Counters do not grow in between.
func BenchmarkPoll(b *testing.B) {
	const streams, players = 200, 20_000
	for _, test := range []struct {
		kind, url string
		speak     speaker
	}{
		{TypeMediaMTX, "http://server:9997", speakMediaMTXLists},
		{TypeNginxRTMP, "http://server/stat", speakNginxRTMP},
		{TypeIcecast, "http://server:8000", speakIcecast},
		{TypeLal, "http://server:8083", speakLal},
		{TypeGo2rtc, "http://server:1984", speakGo2rtc},
		{TypeNodeMediaServer, "http://server:8001", speakNodeMediaServer},
	} {
		b.Run(test.kind, func(b *testing.B) {
			m := newModel(1, rules{blocks: 1})
			for i := range streams {
				m.add(fmt.Sprintf("live/%03d", i), true)
				for range players / streams {
					m.add(fmt.Sprintf("live/%03d", i), false)
				}
			}
			config := Config{Type: test.kind, URL: test.url, Organization: "acme", Interval: 10 * time.Second}
			server, err := New(config)
			if err != nil {
				b.Fatal(err)
			}
			client := server.(*polled).client
			poller := NewPoller(config, server, "", &memorySink{}, slog.New(slog.DiscardHandler))
			answers := answersOnce{}
			client.Transport = &keepsAnswers{modelTransport: modelTransport{server: m, speak: test.speak}, kept: answers}
			m.flow()
			if !poller.poll(b.Context(), time.Minute) {
				b.Fatal(poller.Status())
			}
			size := 0
			for _, body := range answers {
				size += len(body)
			}
			if n := len(poller.differ.connections); n != streams+players {
				b.Fatalf("%d connections", n)
			}
			client.Transport = answers
			b.ReportAllocs()
			for b.Loop() {
				poller.sink = &memorySink{}
				if !poller.poll(b.Context(), time.Minute) {
					b.Fatal(poller.Status())
				}
			}
			b.ReportMetric(float64(size), "answer-B")
			b.ReportMetric(float64(len(poller.position)), "position-B")
		})
	}
}

// add adds a connection.
func (m *simulation) add(name string, publisher bool) {
	c := &modelConnection{number: m.number(), publisher: publisher, began: time.Now(), stream: m.stream(name, 0)}
	c.id = fmt.Sprint(c.number)
	c.address = netip.AddrFrom4([4]byte{10, byte(c.number >> 16), byte(c.number >> 8), byte(c.number)})
	m.open[c.number] = c
	m.all = append(m.all, c)
}
