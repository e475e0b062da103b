package mediaserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// antMediaLists is a stand-in that lists broadcasts as Ant Media does: fifty at once, sorted or not.
func antMediaLists(t *testing.T, all []object) (address string, pages *int) {
	t.Helper()
	pages = new(int)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*pages++
		var offset, size int
		if _, err := fmt.Sscanf(r.URL.Path, "/live/rest/v2/broadcasts/list/%d/%d", &offset, &size); err != nil || r.Header.Get("Authorization") != "Bearer jwt" {
			http.NotFound(w, r)
			return
		}
		writeJSON(w, all[min(offset, len(all)):min(offset+min(size, 50), len(all))])
	}))
	t.Cleanup(web.Close)
	return web.URL + "/live", pages
}

// TestAntMediaPages checks that all broadcasts on air are found, and that those which ended long ago are asked for only if the server does not
// sort.
func TestAntMediaPages(t *testing.T) {
	live := func(n int) object {
		return object{"streamId": fmt.Sprintf("s%d", n), "status": "broadcasting", "startTime": 1, "updateTime": 2, "receivedBytes": n}
	}
	old := func(n int) object { return object{"streamId": fmt.Sprintf("old%d", n), "status": "finished"} }
	var sorted, mixed []object
	for n := range 60 {
		sorted = append(sorted, live(n))
		mixed = append(mixed, old(n), live(n))
	}
	for n := range 500 {
		sorted = append(sorted, old(n))
		mixed = append(mixed, old(60+n))
	}
	for _, test := range []struct {
		name         string
		all          []object
		found, pages int
	}{
		{"nothing", []object{}, 0, 1},
		{"one", []object{live(1)}, 1, 1},
		{"a full page", sorted[:50], 50, 2},
		{"sixty before those that ended", sorted, 60, 2},
		{"a server that does not sort", mixed[:200], 60, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, pages := antMediaLists(t, test.all)
			s, err := poll(t, Config{Type: TypeAntMedia, URL: address, Token: "jwt"})
			if err != nil || len(s.Streams) != test.found || *pages != test.pages {
				t.Errorf("%d streams in %d pages, %v; want %d in %d", len(s.Streams), *pages, err, test.found, test.pages)
			}
		})
	}
}

// TestAntMediaBroadcast reads a broadcast with all fields that count, made after the documentation.
func TestAntMediaBroadcast(t *testing.T) {
	start := time.UnixMilli(1_795_944_200_500)
	broadcast := func(more object) object {
		b := object{"streamId": "arena", "status": "broadcasting", "type": "liveStream", "publishType": "WebRTC", "startTime": start.UnixMilli(),
			"updateTime": start.UnixMilli() + 5000, "receivedBytes": 4711, "remoteIp": "192.0.2.7", "userAgent": "N/A", "width": 1280, "height": 720,
			"jitterMs": 3, "rttMs": 20, "packetsLost": 4, "hlsViewerCount": 1, "webRTCViewerCount": 2, "dashViewerCount": 0, "rtmpViewerCount": -1}
		for name, value := range more {
			b[name] = value
		}
		return b
	}
	for _, test := range []struct {
		name     string
		more     object
		streams  int
		received int64
		players  int
		client   string
	}{
		{"on air", nil, 1, 4711, 3, ""},
		{"of a publisher that says what it is", object{"userAgent": "OBS"}, 1, 4711, 3, "OBS"},
		{"that has just begun, with the bytes of before", object{"updateTime": start.UnixMilli()}, 1, 0, 3, ""},
		{"of a conference", object{"virtual": true}, 0, 0, 3, ""},
		{"that has ended", object{"status": "finished"}, 0, 0, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, _ := antMediaLists(t, []object{broadcast(test.more)})
			s, err := poll(t, Config{Type: TypeAntMedia, URL: address, Token: "jwt"})
			if err != nil || len(s.Streams) != test.streams {
				t.Fatalf("%+v, %v", s, err)
			}
			players := map[string]bool{}
			for _, c := range s.Connections {
				if !c.Publisher {
					players[c.Identity] = c.Stream == "arena" && c.Sent == event.Absent
					continue
				}
				want := Connection{ID: "arena 1795944200500", Stream: "arena", StreamID: "arena 1795944200500", Publisher: true, Protocol: "webrtc",
					Address: netip.MustParseAddr("192.0.2.7"), Client: test.client, Received: event.Absent, Sent: event.Absent, Since: start,
					Ingest: Ingest{Width: 1280, Height: 720, Jitter: 3 * time.Millisecond, RoundTrip: 20 * time.Millisecond, Lost: 4}}
				if c != want {
					t.Errorf("got %+v, want %+v", c, want)
				}
			}
			if len(players) != test.players || test.players > 0 && !(players["hls 0"] && players["webrtc 0"] && players["webrtc 1"]) {
				t.Errorf("players %v", players)
			}
			if test.streams > 0 && (s.Streams[0].Received != test.received || s.Streams[0].Sent != event.Absent || !s.Streams[0].Since.Equal(start)) {
				t.Errorf("stream %+v", s.Streams[0])
			}
		})
	}
}

// TestAntMediaRefuses checks that answers which cannot be are said to be none.
func TestAntMediaRefuses(t *testing.T) {
	for _, text := range []string{`null`, `{}`, `[{"name":"a"}]`, `[{"streamId":"a","status":"broadcasting","hlsViewerCount":2000000000}]`} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
		if s, err := poll(t, Config{Type: TypeAntMedia, URL: web.URL}); err == nil || reasonOf(err) != ReasonAnswer {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
		web.Close()
	}
}

func FuzzAntMedia(f *testing.F) {
	text, err := json.Marshal([]object{{"streamId": "a", "status": "broadcasting", "startTime": 1, "updateTime": 2, "receivedBytes": 3, "remoteIp": "192.0.2.1",
		"publishType": "RTMP", "hlsViewerCount": 2}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := decodeAntMedia(answer{body: body})
		if err != nil {
			return
		}
		for i := range page {
			page[i].HLS, page[i].DASH = min(page[i].HLS, 100), min(page[i].DASH, 100) // the test would be slow
			page[i].WebRTC, page[i].RTMP = min(page[i].WebRTC, 100), min(page[i].RTMP, 100)
		}
		var s Snapshot
		if err := addAntMedia(&s, page, answer{}); err == nil {
			digest(t, s)
		}
	})
}
