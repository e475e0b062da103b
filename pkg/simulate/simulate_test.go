package simulate

import (
	"log/slog"
	"math"
	"net/netip"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/geoip/geoiptest"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/beacon"
	"github.com/streamlens/streamlens/pkg/source/usage"
	"github.com/streamlens/streamlens/pkg/tenant"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func testOptions() Options {
	return Options{
		URL: "http://127.0.0.1:1", Account: tenant.Account{ID: "acme", Key: "pk_test"}, SecretKey: "sk_test",
		Viewers: 10, Publishers: 4, Streams: 10, PlaysPerDay: 3000, Seed: 7,
	}
}

func testWorld(t testing.TB, o Options) *world {
	t.Helper()
	w, err := newWorld(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// told is all that one session says.
type told struct {
	session *session
	head    envelope
	events  []wireEvent
	lines   []usageLine
}

func past(t testing.TB, o Options, length time.Duration) []told {
	t.Helper()
	w := testWorld(t, o)
	var all []told
	for s := range w.past(noon.Add(-length), noon) {
		one := told{session: s, head: w.head(s)}
		for !s.over {
			events, lines := s.step()
			one.events = append(one.events, events...)
			one.lines = append(one.lines, lines...)
		}
		all = append(all, one)
	}
	return all
}

func TestSeedDecidesEverything(t *testing.T) {
	o := testOptions()
	first, second := past(t, o, 6*time.Hour), past(t, o, 6*time.Hour)
	if len(first) == 0 || !reflect.DeepEqual(first, second) {
		t.Errorf("two runs of one seed differ (%d and %d sessions)", len(first), len(second))
	}
	o.Seed++
	if reflect.DeepEqual(first, past(t, o, 6*time.Hour)) {
		t.Error("another seed gave the same sessions")
	}
}

func TestSessionsAreConsistent(t *testing.T) {
	for _, one := range past(t, testOptions(), 24*time.Hour) {
		var last, played int64
		for i, e := range one.events {
			if e.Seq != int64(i+1) {
				t.Fatalf("%s: event %d has seq %d", one.head.SessionID, i, e.Seq)
			}
			if e.Type == "start" {
				last = e.TS
			}
			if e.report == nil {
				continue
			}
			sum := millis(e.Playing) + millis(e.Buffering) + millis(e.Paused)
			if span := e.TS - last; sum != span || span <= 0 {
				t.Fatalf("%s: a report over %d ms says what happened in %d ms", one.head.SessionID, span, sum)
			}
			last = e.TS
			played += millis(e.Playing) + millis(e.Buffering)
			if e.Type == "stop" && millis(e.Played) != played {
				t.Errorf("%s: played %d ms, reports add up to %d ms", one.head.SessionID, millis(e.Played), played)
			}
			if e.TS > noon.UnixMilli() {
				t.Errorf("%s: event after the end", one.head.SessionID)
			}
		}
	}
}

func millis(seconds float64) int64 { return int64(math.Round(seconds * 1000)) }

func TestDecodersTakeEverything(t *testing.T) {
	received := noon.UnixMilli()
	events, lines := beacon.NewDecoder(7*24*time.Hour), new(usage.Decoder)
	ids := map[string]bool{}
	counted := 0
	for _, one := range past(t, testOptions(), 24*time.Hour) {
		if len(one.events) > 0 {
			if ids[one.head.SessionID] {
				t.Errorf("session id %s is used twice", one.head.SessionID)
			}
			ids[one.head.SessionID] = true
			for batch := range slices.Chunk(one.events, historyBatch) {
				head := one.head
				head.SentAt, head.Events = received, batch
				body := head.append(nil)
				decoded, refused := events.Decode(body, received, nil)
				if refused != nil || len(decoded.Refused) > 0 {
					t.Fatalf("refused: %v %v\n%s", refused, decoded.Refused, body)
				}
				counted += len(decoded.Events)
			}
		}
		for _, line := range one.lines {
			body := line.append(nil)
			if _, refused := lines.Decode(body, received, 400*24*time.Hour); len(refused) > 0 {
				t.Fatalf("refused: %v\n%s", refused, body)
			}
		}
	}
	if counted < 10_000 {
		t.Errorf("only %d events of a day", counted)
	}
}

// The bounds are what a video engineer would expect of such a service, not what the generator is set to.
func TestNumbersArePlausible(t *testing.T) {
	type numbers struct{ starts, latencies, buffers []float64 }
	kinds := map[string]*numbers{}
	var playing, buffering, plays, timeouts, loads float64
	var frames, dropped float64
	var changes switches
	endings := map[string]int{} // of broadcasts
	heights := map[int64]float64{}
	codes, reasons, directions := map[any]int{}, map[string]int{}, map[string]int64{}
	for _, one := range past(t, testOptions(), 48*time.Hour) {
		for _, l := range one.lines {
			directions[l.Direction] += l.Bytes
		}
		if len(one.events) == 0 {
			continue
		}
		if one.session.broadcast() {
			endings[one.events[len(one.events)-1].Reason]++
			continue
		}
		n := kinds[one.head.Client.Kind]
		if n == nil {
			n = &numbers{}
			kinds[one.head.Client.Kind] = n
		}
		loads++
		stopped := false
		for _, e := range one.events {
			switch e.Type {
			case "start":
				plays++
				n.starts = append(n.starts, e.StartTime)
			case "status":
				codes[e.Code]++
			case "stop":
				stopped = true
				reasons[e.Reason]++
			case "stats":
				n.latencies = append(n.latencies, e.Latency)
				n.buffers = append(n.buffers, e.BufferLength)
			}
			frames += float64(e.Frames)
			dropped += float64(e.Dropped)
			if c := e.Switches; c != nil {
				changes = switches{changes.Up + c.Up, changes.Down + c.Down, changes.Failed + c.Failed}
			}
			if e.report != nil {
				heights[e.Height] += e.Playing
				playing += e.Playing
				buffering += e.Buffering
			}
		}
		if !stopped {
			timeouts++
		}
	}
	within := func(what string, got, least, most float64) {
		t.Helper()
		if !(got >= least && got <= most) {
			t.Errorf("%s = %.4g, want %g to %g", what, got, least, most)
		}
	}
	within("plays in two days", plays, 4500, 7000)
	within("plays per load", plays/loads, 0.9, 0.99)
	within("buffering ratio", buffering/(playing+buffering), 0.005, 0.02)
	within("sessions without a stop", timeouts/loads, 0.02, 0.12)
	within("median start time of h5live, s", median(kinds["h5live"].starts), 0.7, 1.5)
	within("median start time of hls.js, s", median(kinds["hlsjs"].starts), 1.8, 3.5)
	within("median latency of h5live, s", median(kinds["h5live"].latencies), 1, 2)
	within("median latency of hls.js, s", median(kinds["hlsjs"].latencies), 6, 10)
	within("median buffer of h5live, s", median(kinds["h5live"].buffers), 0.5, 2)
	within("status codes", float64(len(codes)), 8, 40)
	within("stop reasons", float64(len(reasons)), 8, 16)
	within("switches up per play", float64(changes.Up)/plays, 0.3, 3)
	within("switches down per play", float64(changes.Down)/plays, 0.01, 1)
	within("switches that failed per play", float64(changes.Failed)/plays, 0.001, 0.2)
	within("dropped frames", dropped/frames, 0.0005, 0.01)
	within("heights", float64(len(heights)), 4, 4)
	within("part of the best picture", heights[1080]/playing, 0.05, 0.6)
	within("ends of broadcasts: normal, an error, silence", float64(len(endings)), 3, 3)
	within("mean bitrate, bit/s", 8*float64(directions["playout"])/(playing+1), 500_000, 6_000_000)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func TestActivityFollowsTheDay(t *testing.T) {
	germany := places[0]
	evening := time.Date(2026, 3, 10, 19, 30, 0, 0, time.UTC) // a Tuesday, 20:30 there
	night, saturday := evening.Add(8*time.Hour), evening.Add(4*24*time.Hour)
	if a, b := germany.activity(evening), germany.activity(night); a < 2*b {
		t.Errorf("evening %.2f, night %.2f", a, b)
	}
	if a, b := germany.activity(saturday), germany.activity(evening); a <= b || a > 1 {
		t.Errorf("Saturday %.2f, Tuesday %.2f", a, b)
	}
}

func TestAddressesAreOfTheirCountry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.mmdb")
	if err := geoiptest.Write(path, geoiptest.Flat, []geoiptest.Network{
		{Prefix: "81.2.68.0/22", Country: "DE"},
		{Prefix: "2a02:100::/32", Country: "DE"},
		{Prefix: "103.4.0.0/20", Country: "IN"},
		{Prefix: "10.0.0.0/8", Country: "US"}, // private: never drawn
	}); err != nil {
		t.Fatal(err)
	}
	countries, err := geoip.Open(geoip.Source{Databases: []string{path}}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	o.GeoIP = []string{path}
	drawn := map[string]map[netip.Addr]bool{}
	for _, one := range past(t, o, 24*time.Hour) {
		want := one.session.place.country
		if want != "DE" && want != "IN" {
			want = measure.UnknownCountry
		}
		if got := countries.Country(one.session.address); got != want {
			t.Fatalf("%s is of %s, want %s", one.session.address, got, want)
		}
		if drawn[want] == nil {
			drawn[want] = map[netip.Addr]bool{}
		}
		drawn[want][one.session.address] = true
	}
	for country, addresses := range drawn {
		if len(addresses) < 50 {
			t.Errorf("only %d addresses of %s", len(addresses), country)
		}
	}
}

func TestUsageHasEveryProtocol(t *testing.T) {
	protocols := map[string]int64{}
	for _, one := range past(t, testOptions(), 24*time.Hour) {
		for _, l := range one.lines {
			protocols[l.Direction+" "+l.Protocol] += l.Bytes
		}
	}
	for _, name := range []string{"playout h5live", "playout h5live_token", "playout hls", "playout rtmp", "ingest rtmp", "ingest webcaster"} {
		if protocols[name] == 0 {
			t.Errorf("no bytes of %s", name)
		}
	}
}

func TestViewersAreSmall(t *testing.T) {
	const viewers = 100_000
	w := testWorld(t, testOptions())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := &live{world: w, pace: pace{10 * time.Second, liveBilling}}
	for range viewers {
		l.addPlay(noon)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := float64(after.HeapAlloc-before.HeapAlloc) / viewers; each > 1024 {
		t.Errorf("%.0f bytes per viewer", each)
	} else {
		t.Logf("%.0f bytes per viewer", each)
	}
	runtime.KeepAlive(l)
}

func TestOptions(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no URL":            func(o *Options) { o.URL = "" },
		"negative viewers":  func(o *Options) { o.Viewers = -1 },
		"short interval":    func(o *Options) { o.Interval = time.Millisecond },
		"long interval":     func(o *Options) { o.Interval = time.Hour },
		"no GeoIP database": func(o *Options) { o.GeoIP = []string{"/nowhere.mmdb"} },
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			change(&o)
			if _, err := newWorld(o); err == nil {
				t.Error("accepted")
			}
		})
	}
	if longest := event.MaxPlayed; longestPlay.Milliseconds() > int64(longest) || longestTime.Milliseconds() > int64(longest) {
		t.Error("sessions are longer than a collector takes")
	}
}
