package mediaserver

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

// begin is when the Differs of the tests are made.
var begin = time.UnixMilli(1_790_000_000_000)

func after(seconds float64) time.Time {
	return begin.Add(time.Duration(seconds * float64(time.Second)))
}

func testDiffer() *Differ { return NewDiffer("acme", "http://server", 10*time.Second, begin) }

// line is a line of usage as the tests write it.
type line struct {
	stream, direction, protocol, address string
	bytes                                int64
}

func lines(usage []event.Usage) []line {
	var all []line
	for _, u := range usage {
		if u.Bytes > 0 {
			all = append(all, line{u.Stream, u.Direction, u.Protocol, u.Address, u.Bytes})
		}
	}
	slices.SortFunc(all, func(a, b line) int {
		return slices.Compare([]string{a.stream, a.direction, a.address}, []string{b.stream, b.direction, b.address})
	})
	return all
}

var (
	camera = netip.MustParseAddr("192.0.2.1")
	alice  = netip.MustParseAddr("192.0.2.2")
	bob    = netip.MustParseAddr("2001:db8::2")
)

func publisher(id string, bytes int64) Connection {
	return Connection{ID: id, Stream: "live/a", Publisher: true, Protocol: "rtmp", Address: camera, Received: bytes}
}

func player(id string, from netip.Addr, bytes int64) Connection {
	return Connection{ID: id, Stream: "live/a", Protocol: "rtmp", Address: from, Sent: bytes}
}

func uncounted(c Connection) Connection {
	c.Received, c.Sent = event.Absent, event.Absent
	return c
}

func in(streamID string, c Connection) Connection {
	c.StreamID = streamID
	return c
}

func on(stream string, c Connection) Connection {
	c.Stream = stream
	return c
}

func pushed(c Connection) Connection {
	c.Push = true
	return c
}

func stream(id string, receivedBytes, sentBytes int64) Stream {
	return Stream{Name: "live/a", ID: id, Received: receivedBytes, Sent: sentBytes}
}

func TestDifferUsage(t *testing.T) {
	ingest := func(address string, bytes int64) line { return line{"live/a", "ingest", "rtmp", address, bytes} }
	playout := func(address string, bytes int64) line { return line{"live/a", "playout", "rtmp", address, bytes} }
	type step struct {
		start       string
		streams     []Stream
		connections []Connection
		before      func(*Differ) // hooks
		want        []line
	}
	since := func(c Connection, seconds float64) Connection {
		c.Since = after(seconds)
		return c
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"the past of what was there before is left out", []step{
			{connections: []Connection{publisher("1", 100), player("2", alice, 50)}},
			{connections: []Connection{publisher("1", 130), player("2", alice, 90)},
				want: []line{ingest("192.0.2.1", 30), playout("192.0.2.2", 40)}},
		}},
		{"what began after the differ counts from zero in the first snapshot", []step{
			{connections: []Connection{since(publisher("1", 100), 1), since(player("2", alice, 50), -1)},
				want: []line{ingest("192.0.2.1", 100)}},
		}},
		{"a new connection counts from zero", []step{
			{},
			{connections: []Connection{player("2", alice, 50)}, want: []line{playout("192.0.2.2", 50)}},
		}},
		{"a counter that falls counts from zero", []step{
			{connections: []Connection{player("2", alice, 50)}},
			{connections: []Connection{player("2", alice, 20)}, want: []line{playout("192.0.2.2", 20)}},
		}},
		{"a connection that is left out of a snapshot does not count twice", []step{
			{},
			{connections: []Connection{player("2", alice, 50)}, want: []line{playout("192.0.2.2", 50)}},
			{},
			{connections: []Connection{player("2", alice, 70)}, want: []line{playout("192.0.2.2", 20)}},
		}},
		{"after a restart everything counts from zero", []step{
			{start: "run 1", streams: []Stream{stream("s", 100, 50)}, connections: []Connection{publisher("1", 100), player("2", alice, 50)}},
			{start: "run 2", streams: []Stream{stream("s", 200, 60)}, connections: []Connection{publisher("1", 200), player("2", alice, 60)},
				want: []line{ingest("192.0.2.1", 200), playout("192.0.2.2", 60)}},
		}},
		{"what a stream has beyond its connections has no address", []step{
			{streams: []Stream{stream("s", 100, 0)}, connections: []Connection{publisher("1", 100)}},
			{streams: []Stream{stream("s", 150, 500)}, connections: []Connection{publisher("1", 150), player("2", bob, 300)},
				want: []line{ingest("192.0.2.1", 50), playout("", 200), playout("2001:db8::2", 300)}},
		}},
		{"a stream's counter that lags behind its connections catches up", []step{
			{streams: []Stream{stream("s", 0, 0)}, connections: []Connection{player("2", bob, 0)}},
			{streams: []Stream{stream("s", 0, 90)}, connections: []Connection{player("2", bob, 100)}, want: []line{playout("2001:db8::2", 90)}},
			{streams: []Stream{stream("s", 0, 200)}, connections: []Connection{player("2", bob, 200)}, want: []line{playout("2001:db8::2", 110)}},
		}},
		{"a stream that is published anew counts from zero even if its counter did not fall", []step{
			{streams: []Stream{stream("s", 100, 0)}, connections: []Connection{publisher("1", 100)}},
			{streams: []Stream{stream("t", 300, 0)}, connections: []Connection{publisher("3", 300)}, want: []line{ingest("192.0.2.1", 300)}},
		}},
		{"what a player sends is no ingest", []step{
			{streams: []Stream{stream("s", 0, 0)}},
			{streams: []Stream{stream("s", 1007, 503)}, connections: []Connection{
				{ID: "1", Stream: "live/a", Publisher: true, Protocol: "rtmp", Address: camera, Received: 1000, Sent: 3},
				{ID: "2", Stream: "live/a", Protocol: "rtmp", Address: alice, Received: 7, Sent: 500},
			}, want: []line{ingest("192.0.2.1", 1000), playout("192.0.2.2", 500)}},
		}},
		{"without counters of connections the only publisher and the only player have it", []step{
			{streams: []Stream{stream("s", 0, 0)}, connections: []Connection{uncounted(publisher("1", 0)), uncounted(player("2", alice, 0))}},
			{streams: []Stream{stream("s", 70, 60)}, connections: []Connection{uncounted(publisher("1", 0)), uncounted(player("2", alice, 0))},
				want: []line{ingest("192.0.2.1", 70), playout("192.0.2.2", 60)}},
		}},
		{"without counters of connections a player that came or went makes it unknown", []step{
			{streams: []Stream{stream("s", 0, 0)}, connections: []Connection{uncounted(publisher("1", 0))}},
			{streams: []Stream{stream("s", 70, 60)}, connections: []Connection{uncounted(publisher("1", 0)), uncounted(player("2", alice, 0))},
				want: []line{ingest("192.0.2.1", 70), playout("", 60)}},
			{streams: []Stream{stream("s", 80, 90)}, connections: []Connection{uncounted(publisher("1", 0)), uncounted(player("3", bob, 0))},
				want: []line{ingest("192.0.2.1", 10), playout("", 30)}},
		}},
		{"without counters of connections a change of publisher makes it unknown", []step{
			{streams: []Stream{stream("s", 0, 0)}, connections: []Connection{uncounted(publisher("1", 0)), uncounted(player("2", alice, 0))}},
			{streams: []Stream{stream("s", 70, 0)}, connections: []Connection{uncounted(publisher("3", 0)), uncounted(player("2", alice, 0))},
				want: []line{ingest("", 70)}},
		}},
		{"a publisher that went while players stayed has what came last", []step{
			{streams: []Stream{stream("s", 10, 0)}, connections: []Connection{uncounted(publisher("1", 0)), uncounted(player("2", alice, 0))}},
			{streams: []Stream{stream("s", 70, 0)}, connections: []Connection{uncounted(player("2", alice, 0))},
				want: []line{ingest("192.0.2.1", 60)}},
		}},
		{"final counters count what no snapshot saw, once", []step{
			{streams: []Stream{stream("s", 0, 100)}, connections: []Connection{player("2", alice, 100)}},
			{before: func(d *Differ) { d.Closed("2", 0, 130, after(15)) }, streams: []Stream{stream("s", 0, 130)},
				want: []line{playout("192.0.2.2", 30)}},
			{before: func(d *Differ) { d.Closed("2", 0, 130, after(25)) }, streams: []Stream{stream("s", 0, 130)}},
		}},
		{"final counters of a stream that is gone count", []step{
			{streams: []Stream{stream("s", 0, 100)}, connections: []Connection{player("2", alice, 100)}},
			{before: func(d *Differ) { d.Closed("2", 0, 130, after(15)) }, want: []line{playout("192.0.2.2", 30)}},
		}},
		{"final counters that come late count if the stream is gone", []step{
			{streams: []Stream{stream("s", 0, 100)}, connections: []Connection{player("2", alice, 100)}},
			{},
			{before: func(d *Differ) { d.Closed("2", 0, 130, after(21)) }, want: []line{playout("192.0.2.2", 30)}},
		}},
		{"final counters that come late do not count if the stream's counter had them", []step{
			{streams: []Stream{stream("s", 0, 100)}, connections: []Connection{player("2", alice, 100)}},
			{streams: []Stream{stream("s", 0, 130)}, want: []line{playout("", 30)}},
			{before: func(d *Differ) { d.Closed("2", 0, 130, after(21)) }, streams: []Stream{stream("s", 0, 130)}},
		}},
		{"a closed connection that is still listed is not a new one", []step{
			{connections: []Connection{player("2", alice, 100)}},
			{before: func(d *Differ) { d.Closed("2", 0, 130, after(15)) }, connections: []Connection{player("2", alice, 120)},
				want: []line{playout("192.0.2.2", 30)}},
			{connections: []Connection{player("2", alice, 120)}},
		}},
		{"a connection that came and went between two snapshots", []step{
			{streams: []Stream{stream("s", 0, 100)}},
			{before: func(d *Differ) {
				d.Opened(player("7", bob, event.Absent))
				d.Closed("7", 0, 40, after(15))
			}, streams: []Stream{stream("s", 0, 140)}, want: []line{playout("2001:db8::2", 40)}},
		}},
		{"final counters of an unknown connection are left to the stream's counter", []step{
			{streams: []Stream{stream("s", 0, 100)}},
			{before: func(d *Differ) { d.Closed("7", 0, 40, after(15)) }, streams: []Stream{stream("s", 0, 140)},
				want: []line{{"live/a", "playout", "other", "", 40}}},
		}},
		{"a connection that ends after the server was asked waits for the next snapshot", []step{
			{streams: []Stream{stream("s", 0, 100)}, connections: []Connection{player("2", alice, 100)}},
			{before: func(d *Differ) { d.Closed("2", 0, 130, after(20.5)) }, streams: []Stream{stream("s", 0, 120)},
				connections: []Connection{player("2", alice, 120)}, want: []line{playout("", 20)}},
			{streams: []Stream{stream("s", 0, 130)}, want: []line{playout("192.0.2.2", 10)}},
		}},
		{"a connection that plays another stream goes on counting", []step{
			{connections: []Connection{player("2", alice, 100)}},
			{connections: []Connection{{ID: "2", Stream: "live/b", Protocol: "rtmp", Address: alice, Sent: 130}},
				want: []line{{"live/b", "playout", "rtmp", "192.0.2.2", 30}}},
		}},
		{"counters of one protocol hold its connections only", []step{
			{},
			{streams: []Stream{{Name: "live/a", ID: "m", Protocol: "hls", Received: event.Absent, Sent: 500}}, connections: []Connection{
				player("2", alice, 70), {ID: "h", Stream: "live/a", Protocol: "hls", Address: bob, Received: event.Absent, Sent: 200},
			}, want: []line{
				{"live/a", "playout", "hls", "", 300}, playout("192.0.2.2", 70), {"live/a", "playout", "hls", "2001:db8::2", 200},
			}},
		}},
		{"streams of one name add up, in any order and whichever goes", []step{
			{streams: []Stream{stream("long", 20_000_000, 0)}, connections: []Connection{in("long", uncounted(publisher("1", 0)))}},
			{streams: []Stream{stream("short", 70, 0), stream("long", 20_000_010, 0)}, connections: []Connection{
				in("short", uncounted(publisher("2", 0))), in("long", uncounted(publisher("1", 0)))},
				want: []line{ingest("192.0.2.1", 10), ingest("192.0.2.1", 70)}},
			{streams: []Stream{stream("long", 20_000_030, 0), stream("short", 71, 0)}, connections: []Connection{
				in("short", uncounted(publisher("2", 0))), in("long", uncounted(publisher("1", 0)))},
				want: []line{ingest("192.0.2.1", 20), ingest("192.0.2.1", 1)}},
			{streams: []Stream{stream("long", 20_000_031, 0)}, connections: []Connection{in("long", uncounted(publisher("1", 0)))},
				want: []line{ingest("192.0.2.1", 1)}},
		}},
		{"a stream that is shown again counts what it has grown by", []step{
			{}, {streams: []Stream{stream("s", 100, 0)}, want: []line{{"live/a", "ingest", "other", "", 100}}},
			{}, {}, {streams: []Stream{stream("s", 130, 0)}, want: []line{{"live/a", "ingest", "other", "", 30}}},
		}},
		{"what players of a stream were sent while its counter was not shown counts with the counter", []step{
			{}, {streams: []Stream{stream("s", 0, 100)}, connections: []Connection{player("2", alice, 100)}, want: []line{playout("192.0.2.2", 100)}},
			{connections: []Connection{player("2", alice, 120), player("3", bob, 40)}},
			{streams: []Stream{stream("s", 0, 170)}, connections: []Connection{player("2", alice, 130), player("3", bob, 40)},
				want: []line{playout("192.0.2.2", 30), playout("2001:db8::2", 40)}},
		}},
		{"a counter that is shown late has what its players were sent before", []step{
			{}, {connections: []Connection{player("2", alice, 100)}, want: []line{playout("192.0.2.2", 100)}},
			{streams: []Stream{stream("", 0, 150)}, connections: []Connection{player("2", alice, 110)},
				want: []line{playout("", 40), playout("192.0.2.2", 10)}},
		}},
		{"one counter that falls does not begin the other anew", []step{
			{connections: []Connection{{ID: "1", Stream: "live/a", Publisher: true, Protocol: "rtmp", Address: camera, Received: 1000, Sent: 50}}},
			{connections: []Connection{{ID: "1", Stream: "live/a", Publisher: true, Protocol: "rtmp", Address: camera, Received: 1001, Sent: 3}},
				want: []line{ingest("192.0.2.1", 1)}},
		}},
		{"in a run that is known, a reading of before waits until it is passed", []step{
			{start: "run", connections: []Connection{player("2", alice, 100)}},
			{start: "run", connections: []Connection{player("2", alice, 200)}, want: []line{playout("192.0.2.2", 100)}},
			{start: "run", connections: []Connection{player("2", alice, 30)}},
			{start: "run", connections: []Connection{player("2", alice, 210)}, want: []line{playout("192.0.2.2", 10)}},
		}},
		{"a counter that rises again and again has begun anew", []step{
			{start: "run", connections: []Connection{player("2", alice, 1000)}},
			{start: "run", connections: []Connection{player("2", alice, 10)}},
			{start: "run", connections: []Connection{player("2", alice, 20)}},
			{start: "run", connections: []Connection{player("2", alice, 30)}},
			{start: "run", connections: []Connection{player("2", alice, 40)}, want: []line{playout("192.0.2.2", 30)}},
			{start: "run", connections: []Connection{player("2", alice, 45)}, want: []line{playout("192.0.2.2", 5)}},
		}},
		{"a server that does not say which run it is has not restarted", []step{
			{start: "run", connections: []Connection{player("2", alice, 100)}},
			{connections: []Connection{player("2", alice, 130)}, want: []line{playout("192.0.2.2", 30)}},
			{start: "run", connections: []Connection{player("2", alice, 150)}, want: []line{playout("192.0.2.2", 20)}},
		}},
		{"a connection that waits for a stream counts when it has one, from its begin", []step{
			{}, {connections: []Connection{on("", player("2", alice, 10))}},
			{connections: []Connection{player("2", alice, 60)}, want: []line{playout("192.0.2.2", 60)}},
			{connections: []Connection{on("", player("2", alice, 65))}},
			{connections: []Connection{player("2", alice, 70)}, want: []line{playout("192.0.2.2", 10)}},
		}},
		{"what is passed on to other servers is no playout", []step{
			{}, {connections: []Connection{pushed(player("2", alice, 60)), player("3", bob, 5)}, want: []line{playout("2001:db8::2", 5)}},
		}},
		{"unless it is asked for", []step{
			{before: func(d *Differ) { d.relays = true }},
			{connections: []Connection{pushed(player("2", alice, 60)), player("3", bob, 5)},
				want: []line{{"live/a", "playout", "relay", "192.0.2.2", 60}, playout("2001:db8::2", 5)}},
		}},
		{"of a stream's counter, relays have what the publisher sent", []step{
			{before: func(d *Differ) { d.relays = true }},
			{streams: []Stream{stream("s", 100, 95)}, connections: []Connection{publisher("1", 100), uncounted(pushed(player("2", alice, 0)))},
				want: []line{ingest("192.0.2.1", 100), {"live/a", "playout", "relay", "", 95}}},
			{streams: []Stream{stream("s", 200, 285)}, connections: []Connection{
				publisher("1", 200), uncounted(pushed(player("2", alice, 0))), uncounted(player("3", bob, 0))},
				want: []line{ingest("192.0.2.1", 100), {"live/a", "playout", "relay", "", 105}, playout("", 85)}},
		}},
		{"an implausible counter is no traffic", []step{
			{},
			{connections: []Connection{player("2", alice, event.MaxBytes+1)}},
			{connections: []Connection{player("2", alice, event.MaxBytes+6)}, want: []line{playout("192.0.2.2", 5)}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := testDiffer()
			for i, s := range test.steps {
				if s.before != nil {
					s.before(d)
				}
				got := d.Next(Snapshot{Start: s.start, Time: after(float64(i+1) * 10), Streams: s.streams, Connections: s.connections})
				if g := lines(got.Usage); !slices.Equal(g, s.want) {
					t.Fatalf("snapshot %d gives\n%v, want\n%v", i+1, g, s.want)
				}
			}
		})
	}
}

func TestDifferViewers(t *testing.T) {
	d := testDiffer()
	p := uncounted(player("2", alice, 0))
	p.UserAgent, p.Referrer = "VLC", "https://site.example/page"
	relay := player("3", bob, 10)
	relay.Relay = true
	got := d.Next(Snapshot{Time: after(10), Connections: []Connection{publisher("1", 5), p, relay}}).Usage
	key := event.NewViewerKey("acme", "live/a", "192.0.2.2", "VLC")
	want := []event.Usage{{Time: after(10).UnixMilli(), Stream: "live/a", Direction: measure.Playout, Protocol: "rtmp", Address: "192.0.2.2",
		Referrer: "https://site.example/page", Viewer: key, Client: key}}
	if !slices.Equal(got, want) {
		t.Errorf("a player that is there gives %+v, want %+v", got, want)
	}
}

// TestDifferConnectionless checks that a viewer without a connection is one while what it was sent grows.
func TestDifferConnectionless(t *testing.T) {
	d := testDiffer()
	d.Next(Snapshot{Time: after(10)})
	for i, step := range []struct {
		sent    int64
		viewers int
	}{{100, 1}, {200, 1}, {200, 0}, {200, 0}, {250, 1}} {
		p := player("2", alice, step.sent)
		p.Connectionless = true
		viewers := 0
		for _, u := range d.Next(Snapshot{Time: after(float64(20 + 10*i)), Connections: []Connection{p}}).Usage {
			if u.Viewer != 0 {
				viewers++
			}
		}
		if viewers != step.viewers {
			t.Errorf("step %d: %d viewers, want %d", i, viewers, step.viewers)
		}
	}
}

// TestDifferLeavesOut checks that what is shown again long after it was forgotten does not count its past, and that this is told.
func TestDifferLeavesOut(t *testing.T) {
	d := testDiffer()
	p := player("2", alice, 100)
	p.Since = after(12)
	d.Next(Snapshot{Time: after(10)})
	d.Next(Snapshot{Time: after(20), Connections: []Connection{p}})
	var now float64
	for i := range remembered + 2 {
		now = float64(30 + 10*i)
		d.Next(Snapshot{Time: after(now)})
	}
	p.Sent = 500
	got := d.Next(Snapshot{Time: after(now + 10), Connections: []Connection{p}})
	if len(lines(got.Usage)) != 0 || got.LeftOut != 500 {
		t.Errorf("%v counts and %d bytes are left out, want nothing and 500", lines(got.Usage), got.LeftOut)
	}
	p.Sent = 530
	if got := lines(d.Next(Snapshot{Time: after(now + 20), Connections: []Connection{p}}).Usage); len(got) != 1 || got[0].bytes != 30 {
		t.Errorf("then %v, want 30 bytes", got)
	}
}

// TestDifferMeasures checks what reports of a broadcast have of what the server measures.
func TestDifferMeasures(t *testing.T) {
	const none = event.Absent
	type report struct{ height, frameRate, roundTrip, jitter, loss, lag int64 }
	d := testDiffer()
	for i, step := range []struct {
		of   Ingest
		want report
	}{
		{Ingest{}, report{none, none, none, none, none, none}},
		{Ingest{Height: 720, FrameRate: 29.97, RoundTrip: 300 * time.Microsecond, Jitter: 2 * time.Millisecond, Packets: 1000, Lost: 10, MediaTime: 5 * time.Second},
			report{720, 29_970, 1, 2, 10 * 1_000_000 / 1010, 0}},
		{Ingest{Packets: 1900, Lost: 110, MediaTime: 15 * time.Second}, report{none, none, none, none, 100_000, 0}},
		{Ingest{Packets: 1900, Lost: 110, MediaTime: 22 * time.Second}, report{none, none, none, none, none, 3000}}, // nothing came
		{Ingest{Packets: 100, MediaTime: 33 * time.Second}, report{none, none, none, none, none, 2000}},             // counters began anew
		{Ingest{Packets: 200, MediaTime: time.Second}, report{none, none, none, none, 0, 0}},                        // time stamps did
		{Ingest{Lost: 5, Height: 1 << 20, FrameRate: 1e9}, report{none, none, none, none, none, none}},
	} {
		c := publisher("1", int64(100*i))
		c.Since, c.Ingest = after(1), step.of
		text := position(d, nil) // a collector that is started anew goes on
		d = testDiffer()
		if err := restore(text, d, nil); err != nil {
			t.Fatal(err)
		}
		var got []report
		for _, b := range d.Next(Snapshot{Time: after(float64(10 * (i + 1))), Connections: []Connection{c}}).Broadcasts {
			for _, e := range b.Events {
				if e.Type == event.Stats {
					got = append(got, report{e.Height, e.FrameRate, e.RoundTripTime, e.Jitter, e.PacketLoss, e.MediaLag})
				}
			}
		}
		if len(got) != 1 || got[0] != step.want {
			t.Errorf("step %d reports %+v, want %+v", i, got, step.want)
		}
	}
}

// world is a media server with random traffic, and the truth about it.
type world struct {
	random  *rand.Rand
	control bool // players send and publishers are sent something
	run     int
	next    int // number of the next connection and stream
	streams map[string]*worldStream
	open    map[string]*worldConnection
	all     []*worldConnection
	useful  counters // bytes that flowed
}

type worldStream struct {
	id    string
	total counters
}

type worldConnection struct {
	Connection
	bytes  counters
	stream *worldStream
}

func newWorld(seed uint64, control bool) *world {
	return &world{
		random: rand.New(rand.NewPCG(seed, 0)), control: control, //nolint:gosec // a test that can be repeated
		streams: map[string]*worldStream{}, open: map[string]*worldConnection{},
	}
}

func (w *world) number() string {
	w.next++
	return strconv.Itoa(w.next)
}

func (w *world) connect() *worldConnection {
	name := "live/" + string(rune('a'+w.random.IntN(3)))
	s := w.streams[name]
	if s == nil {
		s = &worldStream{id: w.number()}
		w.streams[name] = s
	}
	id := w.number()
	c := &worldConnection{stream: s, Connection: Connection{
		ID: id, Stream: name, StreamID: s.id, Publisher: w.random.IntN(3) == 0, Protocol: "rtmp",
		Address: netip.AddrFrom4([4]byte{10, byte(w.next >> 16), byte(w.next >> 8), byte(w.next)}),
	}}
	w.open[id] = c
	w.all = append(w.all, c)
	return c
}

func (w *world) flow() {
	for _, id := range slices.Sorted(maps.Keys(w.open)) {
		c := w.open[id]
		useful := sent
		if c.Publisher {
			useful = received
		}
		add := func(dir int, n int64) {
			c.bytes[dir] += n
			c.stream.total[dir] += n
		}
		n := w.random.Int64N(1000)
		w.useful[useful] += n
		add(useful, n)
		if w.control {
			add(1-useful, w.random.Int64N(10))
		}
	}
}

// disconnect ends a random connection, and the stream with its last one.
func (w *world) disconnect() *worldConnection {
	ids := slices.Sorted(maps.Keys(w.open))
	if len(ids) == 0 {
		return nil
	}
	c := w.open[ids[w.random.IntN(len(ids))]]
	delete(w.open, c.ID)
	for _, o := range w.open {
		if o.stream == c.stream {
			return c
		}
	}
	delete(w.streams, c.Stream)
	return c
}

func (w *world) restart() {
	w.run++
	clear(w.open)
	clear(w.streams)
}

func (w *world) snapshot(now time.Time, totals, perConnection bool) Snapshot {
	s := Snapshot{Start: strconv.Itoa(w.run), Time: now}
	if totals {
		for _, name := range slices.Sorted(maps.Keys(w.streams)) {
			stream := w.streams[name]
			s.Streams = append(s.Streams,
				Stream{Name: name, ID: stream.id, Received: stream.total[received], Sent: stream.total[sent]})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.open)) {
		c := w.open[id].Connection
		c.Received, c.Sent = w.open[id].bytes[received], w.open[id].bytes[sent]
		if !perConnection {
			c.Received, c.Sent = event.Absent, event.Absent
		}
		s.Connections = append(s.Connections, c)
	}
	return s
}

// TestDifferSums lets connections live random lives, servers restart and polls fail, and compares the sum of all usage with
// what really flowed.
func TestDifferSums(t *testing.T) {
	for _, test := range []struct {
		name                        string
		totals, perConnection, hook bool
		control, skew               bool
		killed                      bool // after each snapshot
	}{
		{name: "SRS with hooks", totals: true, perConnection: true, hook: true},
		{name: "SRS with hooks, control messages", totals: true, perConnection: true, hook: true, control: true},
		{name: "SRS", totals: true, perConnection: true},
		{name: "SRS, control messages", totals: true, perConnection: true, control: true},
		{name: "SRS, connections read after streams", totals: true, perConnection: true, skew: true},
		{name: "MediaMTX", perConnection: true, control: true},
		{name: "nginx-rtmp", totals: true},
		{name: "SRS with hooks, killed", totals: true, perConnection: true, hook: true, killed: true},
		{name: "SRS, connections read after streams, killed", totals: true, perConnection: true, skew: true, killed: true},
		{name: "MediaMTX, killed", perConnection: true, control: true, killed: true},
		{name: "nginx-rtmp, killed", totals: true, killed: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(300) {
				w := newWorld(seed, test.control)
				d := testDiffer()
				got := map[string]int64{}                                             // bytes by direction and address
				lastTotal, firstTotal := map[string]counters{}, map[string]counters{} // by id of the stream
				lastOwn, firstOwn := map[string]counters{}, map[string]counters{}     // by id of the connection
				count := func(u []event.Usage) {
					for _, u := range u {
						if u.Bytes < 0 {
							t.Fatalf("seed %d: negative usage: %+v", seed, u)
						}
						got[u.Direction+" "+u.Address] += u.Bytes
					}
				}
				first := true
				var before counters // the first snapshot
				now := begin
				poll := func() {
					now = now.Add(time.Second)
					s := w.snapshot(now, test.totals, test.perConnection)
					if first {
						before = w.useful
					}
					if test.skew {
						w.flow()
						s.Connections = w.snapshot(now, test.totals, test.perConnection).Connections
					}
					for _, c := range s.Connections {
						o := counters{c.Received, c.Sent}
						if first {
							firstOwn[c.ID] = o
						}
						lastOwn[c.ID] = o
					}
					for _, stream := range s.Streams {
						o := counters{stream.Received, stream.Sent}
						if first {
							firstTotal[stream.ID] = o
						}
						lastTotal[stream.ID] = o
					}
					first = false
					count(d.Next(s).Usage)
					if test.killed {
						text := position(d, nil)
						d = NewDiffer("acme", "http://server", 10*time.Second, now)
						if err := restore(text, d, nil); err != nil {
							t.Fatal(err)
						}
					}
				}
				for range 60 {
					switch n := w.random.IntN(10); {
					case n < 3:
						c := w.connect()
						if test.hook {
							d.Opened(c.Connection)
						}
					case n < 5:
						if c := w.disconnect(); c != nil && test.hook {
							d.Closed(c.ID, c.bytes[received], c.bytes[sent], now.Add(time.Second/2))
							if !first {
								lastOwn[c.ID] = c.bytes
							}
						}
					case n == 5 && w.random.IntN(5) == 0:
						w.restart()
						if test.hook { // Poller.Hook refuses hooks of a run that no snapshot is of
							poll()
						}
					case n < 9:
						poll()
					}
					w.flow()
				}
				poll()
				poll() // what waited for the counters of streams

				var want, control counters
				own := map[string]int64{}
				for _, c := range w.all {
					if _, ok := lastOwn[c.ID]; !ok {
						continue
					}
					useful := (&connection{Connection: c.Connection}).useful()
					n := lastOwn[c.ID][useful] - firstOwn[c.ID][useful]
					if !test.totals || test.hook {
						want[useful] += n
					}
					own[direction(useful)+" "+c.Address.String()] += n
					control[1-useful] += c.bytes[1-useful]
				}
				if test.totals && !test.hook {
					for id, last := range lastTotal {
						for dir := range want {
							want[dir] += last[dir] - firstTotal[id][dir]
						}
					}
				}
				for dir, all := range want {
					var sum int64
					for key, n := range got {
						if key[:1] == direction(dir)[:1] {
							sum += n
						}
					}
					switch {
					case test.control && test.totals && !test.hook:
						if sum > all || sum < all-control[dir] {
							t.Fatalf("seed %d: %s of %d bytes, want %d less at most %d", seed, direction(dir), sum, all, control[dir])
						}
					case test.skew:
						if flowed := w.useful[dir] - before[dir]; sum < all || sum > flowed {
							t.Fatalf("seed %d: %s of %d bytes, want %d to %d", seed, direction(dir), sum, all, flowed)
						}
					case sum != all:
						t.Fatalf("seed %d: %s of %d bytes, want %d", seed, direction(dir), sum, all)
					}
				}
				for key, n := range got {
					if n > own[key] && key != "ingest " && key != "playout " && test.perConnection {
						t.Fatalf("seed %d: %s has %d bytes, but its connection only %d", seed, key, n, own[key])
					}
					// A position names no addresses, so what ends before a snapshot shows it again has none.
					if test.hook && !test.killed && n != own[key] && key != "ingest " && key != "playout " {
						t.Fatalf("seed %d: %s has %d bytes, but its connection %d", seed, key, n, own[key])
					}
				}
			}
		})
	}
}

func direction(dir int) string {
	return [...]string{received: measure.Ingest, sent: measure.Playout}[dir]
}

func (l line) String() string {
	return fmt.Sprintf("%s %s %s %q %d", l.stream, l.direction, l.protocol, l.address, l.bytes)
}
