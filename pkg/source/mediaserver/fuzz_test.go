package mediaserver

import (
	"fmt"
	"net/url"
	"testing"
	"time"
)

// digest gives a snapshot to a Differ twice, the second time after a restart, and checks what must hold for any.
func digest(t *testing.T, s Snapshot) {
	t.Helper()
	d := testDiffer()
	for i := range 2 {
		s.Time = after(float64(10 * (i + 1)))
		delta := d.Next(s)
		for _, u := range delta.Usage {
			if u.Bytes < 0 || u.Stream == "" || u.Protocol == "" || u.Time != s.Time.UnixMilli() {
				t.Fatalf("usage %+v", u)
			}
		}
		for _, b := range delta.Broadcasts {
			if b.Session.ID == "" || b.Session.Stream == "" || len(b.Session.Client) > 64 {
				t.Fatalf("session %+v", b.Session)
			}
		}
		text := position(d, nil)
		d = testDiffer()
		if err := restore(text, d, nil); err != nil {
			t.Fatalf("the position %q: %v", text, err)
		}
	}
}

func FuzzMediaMTX(f *testing.F) {
	f.Add([]byte(`{"itemCount":1,"pageCount":1,"items":[{"id":"a","name":"p","path":"p","created":"2026-11-24T06:23:24Z","remoteAddr":"192.0.2.1:1",
		"state":"publish","inboundBytes":1,"bytesSent":2,"ready":true,"readyTime":"2026-11-24T06:23:24Z","source":{"type":"rtspSource"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := decodeMediaMTX(answer{body: body})
		if err != nil {
			return
		}
		var s Snapshot
		for i := range page.Items {
			s.Streams = append(s.Streams, mediaMTXMuxer(&page.Items[i], 0))
			if c, ok := mediaMTXSource(&page.Items[i], 0); ok {
				s.Connections = append(s.Connections, c)
			}
			if c, ok := mediaMTXConnection(&page.Items[i], "rtmp", time.Hour); ok {
				s.Connections = append(s.Connections, c)
			}
		}
		digest(t, s)
	})
}

func FuzzMediaMTXMetrics(f *testing.F) {
	f.Add([]byte(mediaMTXMetricsText))
	f.Add([]byte("# HELP paths x\n# TYPE paths gauge\npaths 0\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if s, err := decodeMediaMTXMetrics(answer{body: body}); err == nil {
			digest(t, s)
		}
	})
}

func FuzzSRS(f *testing.F) {
	f.Add([]byte(`{"code":0,"server":"a","service":"b","pid":"1","streams":[` + srsStreamText + `],"clients":[` +
		srsClientText("c", "vid-s124z6u", "fmle-publish", true, 1.5, 1, 2) + `]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := decodeSRS(answer{body: body}); err == nil {
			digest(t, srsSnapshot(a, a, begin))
		}
	})
}

func FuzzSRSHook(f *testing.F) {
	f.Add([]byte(`{"server_id":"a","service_id":"b","action":"on_close","client_id":"c","ip":"192.0.2.1","app":"live","stream":"s",
		"tcUrl":"rtmp://x/live","send_bytes":1,"recv_bytes":2}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := decodeSRSHook(body)
		if err != nil {
			return
		}
		d := testDiffer()
		d.Next(Snapshot{Time: after(1)})
		d.Opened(h.Connection)
		d.Closed(h.Connection.ID, h.Connection.Received, h.Connection.Sent, after(2))
		for _, u := range d.Next(Snapshot{Time: after(3)}).Usage {
			if u.Bytes < 0 || u.Stream == "" {
				t.Fatalf("usage %+v", u)
			}
		}
	})
}

func FuzzMediaMTXHook(f *testing.F) {
	f.Add([]byte("event=publish&type=rtmpConn&id=a&path=live%2Ftest"))
	f.Fuzz(func(t *testing.T, body []byte) {
		hooks, _, err := mediaMTX{}.hook(HookRequest{Body: body})
		if err != nil {
			return
		}
		for _, h := range hooks {
			if h.Action == Opened && (h.Connection.ID == "" || h.Connection.Stream == "" || h.Connection.Protocol == "") {
				t.Fatalf("hook %+v", h)
			}
		}
	})
}

func FuzzNginxRTMP(f *testing.F) {
	f.Add(fmt.Appendf(nil, nginxStatText, 1, 2, 3))
	f.Fuzz(func(t *testing.T, body []byte) {
		stat, err := decodeNginxRTMP(answer{body: body})
		if err != nil {
			return
		}
		if s, err := new(nginxRTMP).read(stat, begin); err == nil {
			digest(t, s)
		}
	})
}

func FuzzIcecast(f *testing.F) {
	f.Add(told(f, "icecast", "stats.xml"))
	f.Add(told(f, "icecast", "listclients.xml"))
	f.Fuzz(func(t *testing.T, body []byte) {
		stats, err := decodeIcecast(answer{body: body})
		if err != nil {
			stats = icecastStats{}
		}
		lists := make([]icecastListeners, 1)
		if err := decodeIcecastListeners(answer{body: body}, &lists[0]); err == nil {
			digest(t, icecastSnapshot(stats, lists, begin, 0))
		}
	})
}

func FuzzLal(f *testing.F) {
	f.Add([]byte(`{"data":{"groups":[{"stream_name":"a","app_name":"b","pub":{"session_id":"c","protocol":"RTMP","remote_addr":"192.0.2.1:1",
		"start_time":"2026-11-28 23:45:10.991 Z UTC","read_bytes_sum":1},"subs":[{"session_id":"d","protocol":"FLV","wrote_bytes_sum":0}]}]}}`))
	info, err := decodeLalInfo(answer{body: told(f, "lal", "lal_info.json")})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if groups, err := decodeLalGroups(answer{body: body}); err == nil {
			digest(t, lalSnapshot(info, groups, 0))
		}
		hooks, _, err := lal{}.hook(HookRequest{Query: url.Values{"event": {"on_pub_stop"}}, Body: body})
		if err == nil && hooks[0].Connection.ID == "" {
			t.Fatalf("hooks %+v", hooks)
		}
	})
}

func FuzzGo2rtc(f *testing.F) {
	f.Add([]byte(`{"a":{"producers":[{"id":1,"format_name":"rtmp","remote_addr":"192.0.2.1:1","bytes_recv":1}],"consumers":[{"id":2,"senders":[{"bytes":1}]}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if streams, err := decodeGo2rtc(answer{body: body}); err == nil {
			digest(t, go2rtcSnapshot(streams))
		}
	})
}

func FuzzDatarhei(f *testing.F) {
	f.Add(told(f, "datarhei", "active.json"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if lists, err := decodeDatarhei(answer{body: body}); err == nil {
			digest(t, datarheiSnapshot(lists, 0))
		}
	})
}

func FuzzNodeMediaServer(f *testing.F) {
	f.Add(told(f, "node-media-server", "sessions.json"))
	f.Add(told(f, "node-media-server", "streams.json"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := decodeNMS(answer{body: body}); err == nil {
			digest(t, new(nodeMediaServer).read(a, a, 0))
		}
		hooks, _, err := new(nodeMediaServer).hook(HookRequest{Body: body})
		if err == nil && hooks[0].Connection.ID == "" {
			t.Fatalf("hooks %+v", hooks)
		}
	})
}

func FuzzLiveKit(f *testing.F) {
	f.Add(told(f, "livekit", "rooms.json"))
	f.Add(told(f, "livekit", "participants.json"))
	for _, w := range liveKitWebhooks(f) {
		f.Add(w.Body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var list liveKitParticipants
		if err := decodeLiveKit(answer{body: body}, &list); err == nil {
			digest(t, Snapshot{Connections: liveKitConnections("arena", list, time.Now(), time.Hour)})
		}
		hooks, _, err := liveKit{}.hook(HookRequest{Body: body})
		if err == nil && len(hooks) > 0 && (hooks[0].Connection.ID == "" || hooks[0].Connection.Identity == "") {
			t.Fatalf("hooks %+v", hooks)
		}
	})
}
