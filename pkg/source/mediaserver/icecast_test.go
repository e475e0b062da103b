package mediaserver

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// TestIcecast reads what Icecast 2.4.4 answered with two mounts of one listener each, one of which left before it could be asked for.
func TestIcecast(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "admin" || password != "secret":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.String() == "/admin/stats":
			_, _ = w.Write(told(t, "icecast", "stats.xml"))
		case r.URL.String() == "/admin/listclients?mount=%2Fradio.mp3":
			_, _ = w.Write(told(t, "icecast", "listclients.xml"))
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer web.Close()
	c := Config{Type: TypeIcecast, URL: web.URL, Username: "admin", Password: "secret"}
	asked := time.Now()
	got, err := poll(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if got.Start != "2026-11-28T23:44:42+0000" {
		t.Errorf("start %q", got.Start)
	}
	listener := slices.IndexFunc(got.Connections, func(c Connection) bool { return c.ID == "3" })
	if listener < 0 {
		t.Fatalf("connections %+v", got.Connections)
	}
	if off := asked.Sub(got.Connections[listener].Since) - 16*time.Second; off.Abs() > time.Second {
		t.Errorf("the listener began %v away from what it says", off)
	}
	got.Connections[listener].Since = time.Time{}
	hooked, radio := time.Date(2026, 11, 28, 23, 45, 10, 0, time.UTC), time.Date(2026, 11, 28, 23, 45, 11, 0, time.UTC)
	for i := range got.Streams {
		got.Streams[i].Since = got.Streams[i].Since.UTC()
	}
	for i := range got.Connections {
		got.Connections[i].Since = got.Connections[i].Since.UTC()
	}
	source := func(mount, start string, read int64, since time.Time) Connection {
		return Connection{
			ID: "source /" + mount + " " + start, Stream: mount, StreamID: start, Publisher: true, Protocol: "icecast", Address: address("127.0.0.1"),
			Client: "Lavf/59.27.100", Received: read, Sent: event.Absent, Since: since, Ingest: Ingest{AudioCodec: "audio/mpeg"},
		}
	}
	checkSnapshot(t, got, []Stream{
		{Name: "hooked.mp3", ID: "2026-11-28T23:45:10+0000", Received: 307245, Sent: 253644, Since: hooked, Late: true},
		{Name: "radio.mp3", ID: "2026-11-28T23:45:11+0000", Received: 319200, Sent: 270459, Since: radio, Late: true},
	}, []Connection{
		source("hooked.mp3", "2026-11-28T23:45:10+0000", 307245, hooked), source("radio.mp3", "2026-11-28T23:45:11+0000", 319200, radio),
		{ID: "3", Stream: "radio.mp3", Protocol: "icecast", Address: address("127.0.0.61"), UserAgent: "Radio/1.0", Received: event.Absent, Sent: event.Absent},
	})
}

// TestDifferLate checks that what a late counter grew by is of no listener: it may be of one that has left.
func TestDifferLate(t *testing.T) {
	listener := func(id string) Connection { return uncounted(player(id, alice, 0)) }
	stream := func(sent int64) []Stream {
		return []Stream{{Name: "live/a", Sent: sent, Received: event.Absent, Late: true}}
	}
	d := testDiffer()
	d.Next(Snapshot{Time: after(10), Streams: stream(100), Connections: []Connection{listener("1")}})
	d.Next(Snapshot{Time: after(20), Streams: stream(200), Connections: []Connection{listener("2")}})
	got := lines(d.Next(Snapshot{Time: after(30), Streams: stream(350), Connections: []Connection{listener("2")}}).Usage)
	if want := []line{{"live/a", "playout", "rtmp", "", 150}}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestDifferLogged checks that polls of a server whose access log is read tell who plays, what publishers send and what relays were
// sent, but not what players were sent.
func TestDifferLogged(t *testing.T) {
	d := testDiffer()
	d.logged, d.relays = true, true
	relay := player("3", bob, 0)
	relay.Push = true
	var got []event.Usage
	for i := range int64(3) {
		watching, passed := player("2", alice, 10*i), relay
		passed.Sent = 100 * i
		s := Snapshot{
			Time:        after(float64(10 * (i + 1))),
			Streams:     []Stream{{Name: "live/a", Received: 1000 * i, Sent: 110*i + i}},
			Connections: []Connection{publisher("1", 1000*i), watching, passed},
		}
		got = append(got, d.Next(s).Usage...)
	}
	viewers := 0
	sums := map[string]int64{}
	for _, u := range got {
		if u.Viewer != 0 {
			viewers++
		}
		sums[u.Direction+" "+u.Protocol] += u.Bytes
	}
	if viewers != 3 || sums["playout rtmp"] != 0 || sums["playout "+ProtocolRelay] != 200 || sums["ingest rtmp"] != 2000 {
		t.Errorf("%d lines of a viewer, and %v", viewers, sums)
	}
}
