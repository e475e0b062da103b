package mediaserver

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// told returns an answer of a real server, as it came.
func told(t testing.TB, elements ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tell is a stand-in that answers as a real server did: the files of testdata by the path that is asked for.
func tell(t *testing.T, serverType, host string, files map[string]string) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Date", host)
		_, _ = w.Write(told(t, serverType, file))
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// seen is what a test compares of a connection.
type seen struct {
	id, stream, protocol, address string
	publisher                     bool
	bytes                         int64 // in the useful direction
	began                         string
}

func allSeen(s Snapshot) []seen {
	var all []seen
	for _, c := range s.Connections {
		one := seen{c.ID, c.Stream, c.Protocol, c.Address.String(), c.Publisher, c.Sent, ""}
		if c.Publisher {
			one.bytes = c.Received
		}
		if !c.Since.IsZero() {
			one.began = c.Since.UTC().Format("15:04:05.000")
		}
		all = append(all, one)
	}
	return all
}

// TestTold reads what real servers answered.
func TestTold(t *testing.T) {
	const none = event.Absent
	for _, test := range []struct {
		serverType string
		start      string
		files      map[string]string
		want       []seen
	}{
		{TypeLal, "1 2026-11-28 23:44:42.067 Z UTC", map[string]string{"/api/stat/lal_info": "lal_info.json", "/api/stat/all_group": "all_group.json"}, []seen{
			{"RTSPPUB1 127.0.0.1:36188", "live/cam", "rtsp", "127.0.0.1", true, 1288471, "23:45:11.113"},
			{"RTSPSUB1 127.0.0.1:45292", "live/cam", "rtsp", "127.0.0.1", false, 687344, "23:45:20.900"},
			{"RTMPPUBSUB1 127.0.0.1:38528", "live/alpha", "rtmp", "127.0.0.1", true, 1289951, "23:45:10.991"},
			{"RTMPPUBSUB2 127.0.0.1:40418", "live/alpha", "rtmp", "127.0.0.1", false, 633674, "23:45:21.467"},
			{"FLVPUBSUB2 127.0.0.1:59956", "live/alpha", "flv", "127.0.0.1", false, none, "23:45:21.487"},
		}},
		{TypeGo2rtc, go2rtcRun, map[string]string{"/api/streams": "streams.json"}, []seen{
			{"1 127.0.0.1:49462", "cam2", "rtsp", "127.0.0.1", true, 1318628, ""},
			{"4 127.0.0.1:40348", "cam1", "rtmp", "127.0.0.1", true, 1295470, ""},
			{"5 127.0.0.1:45616", "cam2", "flv", "127.0.0.1", false, 696289, ""},
			{"8 127.0.0.1:59218", "cam1", "rtsp", "127.0.0.1", false, 584334 + 93256, ""}, // media alone
		}},
		{TypeDatarhei, datarheiRun, map[string]string{"/api/v3/session/active": "active.json"}, []seen{
			{"rtmp /live/alpha 1795910523", "live/alpha", "rtmp", "127.0.0.1", true, 846839, "00:02:03.000"},
			{"rtmp 127.0.0.1:42384 1795910529", "live/alpha", "rtmp", "127.0.0.1", false, 472759, "00:02:09.000"},
		}},
		{TypeNodeMediaServer, nmsRun, map[string]string{"/api/v1/sessions": "sessions.json", "/api/v1/streams": "streams.json"}, []seen{
			{"mx12eldewfxqgld8", "live/alpha", "rtmp", "127.0.0.1", true, 697983, "23:52:13.491"},
			{"mx12eqqk7q2hbrfh", "", "rtmp", "127.0.0.1", false, 354923, "23:52:20.444"},
			{"mx12eqv1f3if4hio", "", "flv", "127.0.0.1", false, 356190, "23:52:20.605"},
		}},
		{TypeLiveKit, "", map[string]string{"/twirp/livekit.RoomService/ListRooms": "rooms.json", "/twirp/livekit.RoomService/ListParticipants": "participants.json"}, []seen{
			{"PA_yt2yqpGjDZuD", "arena", "webrtc", "invalid IP", false, none, "09:29:05.638"},
			{"PA_D7K5Z3uLfJQM", "arena", "webrtc", "invalid IP", false, none, "09:29:05.641"},
			{"PA_qQPcVp7xUeC2", "arena", "webrtc", "invalid IP", true, none, "09:29:00.725"},
		}},
	} {
		t.Run(test.serverType, func(t *testing.T) {
			now := time.Now().UTC().Format(http.TimeFormat)
			got, err := poll(t, Config{Type: test.serverType, URL: tell(t, test.serverType, now, test.files)})
			if err != nil {
				t.Fatal(err)
			}
			if got.Start != test.start || !slices.Equal(allSeen(got), test.want) {
				t.Errorf("start %q, connections\n%+v, want\n%+v", got.Start, allSeen(got), test.want)
			}
		})
	}
}

// TestToldOfAnother checks that each server's answer is refused where another one is expected.
func TestToldOfAnother(t *testing.T) {
	answers := map[string][]byte{}
	for _, file := range []string{"icecast/stats.xml", "lal/all_group.json", "go2rtc/streams.json", "datarhei/active.json", "node-media-server/sessions.json", "livekit/rooms.json"} {
		serverType, _, _ := strings.Cut(file, "/")
		answers[serverType] = told(t, file)
	}
	for _, asked := range []string{TypeIcecast, TypeLal, TypeGo2rtc, TypeDatarhei, TypeNodeMediaServer, TypeLiveKit, TypeAntMedia, TypeOvenMediaEngine, TypeMediaMTX, TypeSRS, TypeNginxRTMP} {
		for answering, body := range answers {
			if asked == answering {
				continue
			}
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
			if s, err := poll(t, Config{Type: asked, URL: web.URL}); err == nil || reasonOf(err) != ReasonAnswer {
				t.Errorf("%s takes what %s answers: %+v, %v", asked, answering, s, err)
			}
			web.Close()
		}
	}
}

// TestLalHooks takes the hooks that lal 0.37.4 posted in one run.
func TestLalHooks(t *testing.T) {
	var got []string
	for line := range bytes.Lines(told(t, "lal", "hooks.txt")) {
		name, body, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		hooks, _, err := lal{}.hook(HookRequest{Query: url.Values{"event": {string(name)}}, Body: body})
		if err != nil || len(hooks) != 1 {
			t.Fatalf("%s: %v %v", name, hooks, err)
		}
		h := hooks[0]
		if !h.of("1 2026-11-28 23:44:42.067 Z UTC") || h.of("10 2026-11-28 23:44:42.067 Z UTC") {
			t.Errorf("%s is of the run %q", name, h.Run)
		}
		if h.Action == Closed {
			got = append(got, h.Connection.ID+" "+h.Connection.Stream)
		}
	}
	slices.Sort(got)
	want := []string{
		"FLVPUBSUB2 127.0.0.1:59956 live/alpha", "RTMPPUBSUB1 127.0.0.1:38528 live/alpha", "RTMPPUBSUB2 127.0.0.1:40418 live/alpha",
		"RTSPPUB1 127.0.0.1:36188 live/cam", "RTSPSUB1 127.0.0.1:45292 live/cam",
	}
	if !slices.Equal(got, want) {
		t.Errorf("ended:\n%q, want\n%q", got, want)
	}
	for _, bad := range []HookRequest{
		{Body: []byte(`{"session_id":"a","stream_name":"b"}`)}, // without the event
		{Query: url.Values{"event": {"on_pub_start"}}, Body: []byte(`{}`)},
		{Query: url.Values{"event": {"on_pub_start"}}, Body: []byte(`<`)},
	} {
		if hooks, _, err := (lal{}).hook(bad); err == nil {
			t.Errorf("%s is taken: %+v", bad.Body, hooks)
		}
	}
}

// TestNodeMediaServerHooks gives the hooks of one run to a Differ, without a poll between them: the bytes are those of done… alone.
func TestNodeMediaServerHooks(t *testing.T) {
	d := testDiffer()
	d.Next(Snapshot{Start: nmsRun, Time: after(1)})
	for line := range bytes.Lines(told(t, "node-media-server", "hooks.jsonl")) {
		hooks, _, err := new(nodeMediaServer).hook(HookRequest{Body: bytes.TrimSpace(line)})
		if err != nil {
			t.Fatal(err)
		}
		c := hooks[0].Connection
		switch hooks[0].Action {
		case Opened:
			d.Opened(c)
		case Closed:
			d.Closed(c.ID, c.Received, c.Sent, after(2))
		}
	}
	sums := map[string]int64{}
	for _, u := range d.Next(Snapshot{Start: nmsRun, Time: after(3)}).Usage {
		sums[u.Direction+" "+u.Protocol+" "+u.Stream+" "+u.Address] += u.Bytes
	}
	for key, want := range map[string]int64{
		"ingest rtmp live/alpha 127.0.0.1": 2300809 + 1705629, "playout rtmp live/alpha 127.0.0.1": 977658 + 856442, "playout flv live/alpha 127.0.0.1": 1038333 + 380596,
	} {
		if sums[key] != want {
			t.Errorf("%s: %d, want %d", key, sums[key], want)
		}
	}
}

// TestNodeMediaServerResumes polls a publisher that comes back with the counters of its session before, through a restart of the collector,
// and then leaves for good.
func TestNodeMediaServerResumes(t *testing.T) {
	n, d := new(nodeMediaServer), testDiffer()
	lists := func(session, status string, bytes int64) Snapshot {
		var sessions, streams nmsAnswer
		for text, into := range map[string]*nmsAnswer{
			`{"success":true,"data":{"sessions":[]}}`: &sessions,
			fmt.Sprintf(`{"success":true,"data":{"streams":[{"app":"live","name":"a","status":%q,"publisher":{"id":%q,"ip":"192.0.2.1:5","protocol":"rtmp",
				"createTime":%d,"inBytes":%d}}]}}`, status, session, after(11).UnixMilli(), bytes): &streams,
		} {
			var err error
			if *into, err = decodeNMS(answer{body: []byte(text)}); err != nil {
				t.Fatal(err)
			}
		}
		return n.read(sessions, streams, 0)
	}
	d.Next(Snapshot{Start: nmsRun, Time: after(10)})
	var total int64
	ids := map[string]bool{}
	for i, s := range []struct {
		session, status string
		bytes           int64
	}{
		{"a", "publishing", 100}, {"a", "reconnecting", 150}, {"a", "reconnecting", 150}, {"b", "publishing", 170}, {"b", "publishing", 300},
		{"c", "publishing", 350}, {"c", "reconnecting", 360}, {"c", "reconnecting", 360},
	} {
		snapshot := lists(s.session, s.status, s.bytes)
		snapshot.Time = after(float64(20 + 10*i))
		if there := len(snapshot.Connections) == 1; there == (i == 2 || i == 7) {
			t.Errorf("in poll %d the publisher is there: %t", i, there)
		}
		delta := d.Next(snapshot)
		for _, u := range delta.Usage {
			total += u.Bytes
		}
		for _, b := range delta.Broadcasts {
			ids[b.Session.ID] = true
		}
		text := position(d, &polled{kind: n})
		n, d = new(nodeMediaServer), testDiffer()
		if err := restore(text, d, &polled{kind: n}); err != nil {
			t.Fatal(err)
		}
	}
	hooks, _, err := n.hook(HookRequest{Body: fmt.Appendf(nil, `{"id":"c","ip":"192.0.2.1:5","app":"live","name":"a","protocol":"rtmp","createtime":%d,"inbytes":365,"action":"donePublish"}`,
		after(11).UnixMilli())})
	if err != nil {
		t.Fatal(err)
	}
	d.Closed(hooks[0].Connection.ID, hooks[0].Connection.Received, event.Absent, after(99))
	for _, u := range d.Next(Snapshot{Start: nmsRun, Time: after(110)}).Usage {
		total += u.Bytes
	}
	if total != 365 || len(ids) != 3 {
		t.Errorf("%d bytes in %d broadcasts, want 365 in 3", total, len(ids))
	}
}

func TestNodeMediaServerAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1:5000": "192.0.2.1", "::ffff:192.0.2.1:5000": "192.0.2.1", "2001:db8::1:5000": "2001:db8::1", "camera.example:554": "invalid IP", "": "invalid IP",
	} {
		if got := nmsAddress(text).String(); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// TestNodeMediaServerLogsIn checks that a user logs in once, and anew when the server does not know the token any more.
func TestNodeMediaServerLogsIn(t *testing.T) {
	logins := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/v1/login" && r.Method == http.MethodPost && r.Header.Get("Authorization") == "":
			logins++
			_, _ = w.Write([]byte(`{"success":true,"data":{"token":"t` + strings.Repeat("x", logins) + `"}}`))
		case r.Header.Get("Authorization") != "Bearer tx" && logins == 1 || r.Header.Get("Authorization") != "Bearer txx" && logins > 1:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_, _ = w.Write(told(t, "node-media-server", strings.TrimPrefix(r.URL.Path, "/api/v1/")+".json"))
		}
	}))
	defer web.Close()
	server, err := New(Config{Type: TypeNodeMediaServer, URL: web.URL, Username: "admin", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := server.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if logins != 1 {
		t.Errorf("logged in %d times", logins)
	}
	logins++ // by somebody else, whose token is the only one that is known
	if _, err := server.Poll(t.Context()); err == nil || logins != 3 {
		t.Errorf("logged in %d times in all, %v", logins, err)
	}
}

// TestDatarheiLogsIn checks that a user logs in once, and anew when the token has expired.
func TestDatarheiLogsIn(t *testing.T) {
	logins, valid := 0, ""
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/login" && r.Method == http.MethodPost && r.Header.Get("Authorization") == "":
			logins++
			valid = fmt.Sprintf("t%d", logins)
			_, _ = fmt.Fprintf(w, `{"access_token":%q,"refresh_token":"r"}`, valid)
		case r.Header.Get("Authorization") != "Bearer "+valid:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_, _ = w.Write(told(t, "datarhei", "active.json"))
		}
	}))
	defer web.Close()
	server, err := New(Config{Type: TypeDatarhei, URL: web.URL, Username: "admin", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	for poll, want := range []int{1, 1, 2} {
		if poll == 2 {
			valid = "another"
		}
		if _, err := server.Poll(t.Context()); err != nil || logins != want {
			t.Errorf("poll %d: logged in %d times, want %d; %v", poll, logins, want, err)
		}
	}
}

// TestDifferUnnamed checks that a connection whose stream the server does not tell has the one that a hook told, before or after a
// snapshot had it; and that what nobody told is left out and said.
func TestDifferUnnamed(t *testing.T) {
	unnamed := func(id string, sent int64, since float64) Connection {
		return Connection{ID: id, Protocol: "rtmp", Address: alice, Sent: sent, Received: event.Absent, Unnamed: true, Since: after(since)}
	}
	named := func(id string) Connection {
		return Connection{ID: id, Stream: "live/a", Protocol: "rtmp", Address: alice, Sent: 0}
	}
	d := testDiffer()
	d.Next(Snapshot{Time: after(10)})
	d.Opened(named("before"))
	first := d.Next(Snapshot{Time: after(20), Connections: []Connection{unnamed("before", 5, 11), unnamed("after", 70, 12), unnamed("never", 900, 13)}})
	d.Opened(named("after"))
	second := d.Next(Snapshot{Time: after(30), Connections: []Connection{unnamed("before", 6, 11), unnamed("after", 80, 12), unnamed("never", 1000, 13)}})
	if got, want := lines(append(first.Usage, second.Usage...)), []line{
		{"live/a", "playout", "rtmp", alice.String(), 5}, {"live/a", "playout", "rtmp", alice.String(), 1}, {"live/a", "playout", "rtmp", alice.String(), 80},
	}; len(got) != len(want) || sumOf(got) != sumOf(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if first.LeftOut != 0 || second.LeftOut != 1000 {
		t.Errorf("left out %d and then %d bytes, want none and 1000", first.LeftOut, second.LeftOut)
	}
}

func sumOf(all []line) (sum int64) {
	for _, l := range all {
		sum += l.bytes
	}
	return sum
}
