package session

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

// noon is a minute and hour boundary in ms since 1970.
const noon = int64(1_763_812_800_000)

func at(seconds float64) int64 { return noon + int64(seconds*1000) }

func load(seq int64, s float64) event.Event { return event.New(seq, at(s), event.Load) }

func start(seq int64, s float64) event.Event { return event.New(seq, at(s), event.Start) }

func stats(seq int64, s, playing, buffering, paused float64) event.Event {
	e := event.New(seq, at(s), event.Stats)
	e.Playing, e.Buffering, e.Paused = int64(playing*1000), int64(buffering*1000), int64(paused*1000)
	return e
}

func stop(seq int64, s float64, reason string) event.Event {
	e := event.New(seq, at(s), event.Stop)
	e.Reason = reason
	return e
}

func status(seq int64, s float64, code string) event.Event {
	e := event.New(seq, at(s), event.Status)
	e.Code = code
	return e
}

func with(e event.Event, change func(*event.Event)) event.Event {
	change(&e)
	return e
}

var player = event.Session{
	Organization: "acme", ID: "s1", Stream: "live", Client: "hlsjs 1.7.4", Method: "hls", Interval: 10 * time.Second,
	Viewer: event.Viewer{Country: "DE", OS: "Linux", Browser: "Chrome", Device: "desktop"},
}

var webcaster = event.Session{
	Organization: "acme", ID: "s1", Stream: "live", Client: "webcaster 6.0", Method: "webcaster", Webcaster: true,
	Interval: 10 * time.Second, Viewer: player.Viewer,
}

// keep lets every value of a churning dimension stand for itself.
func keep(_, _, value string, _ int64) (string, *Period) { return value, nil }

// totals adds up the minute samples of the organisation family, per metric with its dimensions and, where byMinute is
// set, per minute after noon.
func totals(t *testing.T, ledger *aggregate.Ledger, byMinute bool) map[string]int64 {
	t.Helper()
	return totalsOf(t, taken(ledger), byMinute)
}

// taken returns the samples of what was added to a ledger, in Prometheus' text format.
func taken(ledger *aggregate.Ledger) string {
	var text []byte
	all := aggregate.NewSamples(ledger)
	all.Add(ledger.Take(noon))
	all.Begin()
	all.Flush(func(batch []byte) { text = append(text, batch...) })
	return string(text)
}

func totalsOf(t *testing.T, text string, byMinute bool) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, "{")
		labels, rest, _ := strings.Cut(rest, "} ")
		if strings.Contains(name, "_by_") || !strings.HasSuffix(name, "_1m") {
			continue
		}
		value, stamp, _ := strings.Cut(strings.TrimSpace(rest), " ")
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ms, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		key := strings.TrimSuffix(strings.TrimPrefix(name, "streamlens_"), "_1m")
		if dimensions := strings.TrimPrefix(labels, `org="acme",collector="c"`); dimensions != "" {
			key += "{" + strings.TrimPrefix(dimensions, ",") + "}"
		}
		if byMinute {
			key += fmt.Sprintf(" @%d", (ms-1-noon)/60_000)
		}
		sums[key] += v
	}
	return sums
}

const (
	playing   = `playing_ms{direction="playout",protocol="hls"}`
	onAir     = `playing_ms{direction="ingest",protocol="webcaster"}`
	buffering = "buffering_ms"
	viewing   = "viewing_ms"
)

func TestTrackerCounts(t *testing.T) {
	tests := []struct {
		name     string
		session  event.Session
		events   []event.Event
		silence  time.Duration // after the last event
		byMinute bool
		want     map[string]int64 // what is not named must be absent; nil values are not compared
	}{
		{
			name: "a play from load to stop", session: player,
			events: []event.Event{load(1, 0), start(2, 0.84), stats(3, 10.84, 9.2, 0.8, 0),
				with(stop(4, 16, "normal"), func(e *event.Event) { e.Played = 15_160 })},
			want: map[string]int64{
				"loads": 1, "plays": 1, `plays_os{os="Linux",device="desktop"}`: 1, `plays_browser{browser="Chrome"}`: 1,
				`plays_version{version="hlsjs 1.7.4"}`: 1, `stops{reason="normal"}`: 1,
				playing: 9200 + 5160, buffering: 800, viewing: 10_000 + 5160,
				"start_time_ms_sum": 840, "start_time_ms_count": 1, "played_time_ms_sum": 15_160, "played_time_ms_count": 1,
			},
		},
		{
			name: "a span over a minute boundary is shared with shares rounded down", session: player, byMinute: true,
			// 10.001 s end 3 s into the second minute: 7.001 s of 10.001 s lie in the first.
			events: []event.Event{start(1, 40), stats(2, 63, 7.001, 3, 0)},
			want: map[string]int64{
				playing + " @0":   7001 * 7001 / 10001,
				playing + " @1":   7001 - 7001*7001/10001,
				buffering + " @0": 3000 * 7001 / 10001,
				buffering + " @1": 3000 - 3000*7001/10001,
				viewing + " @0":   7001*7001/10001 + 3000*7001/10001,
				viewing + " @1":   10001 - 7001*7001/10001 - 3000*7001/10001,
				"plays @0":        1,
				// The start carries no startTime and there is no load.
				`plays_os{os="Linux",device="desktop"} @0`: 1, `plays_browser{browser="Chrome"} @0`: 1, `plays_version{version="hlsjs 1.7.4"} @0`: 1,
			},
		},
		{
			name: "reports before the start do not count, their buffer length does", session: player,
			events: []event.Event{with(stats(1, 5, 3, 0, 0), func(e *event.Event) { e.BufferLength = 1100 }), start(2, 6)},
			want: map[string]int64{"plays": 1, `plays_os{os="Linux",device="desktop"}`: 1, `plays_browser{browser="Chrome"}`: 1,
				`plays_version{version="hlsjs 1.7.4"}`: 1, "buffer_length_ms_sum": 1100, "buffer_length_ms_count": 1},
		},
		{
			name: "silence ends a play at its last event", session: player,
			events:  []event.Event{load(1, 0), start(2, 1), stats(3, 11, 8, 0, 2)},
			silence: 30 * time.Second,
			want: map[string]int64{"loads": 1, "plays": 1, `plays_os{os="Linux",device="desktop"}`: 1, `plays_browser{browser="Chrome"}`: 1,
				`plays_version{version="hlsjs 1.7.4"}`: 1, playing: 8000, viewing: 8000, "start_time_ms_sum": 1000,
				"start_time_ms_count": 1, `stops{reason="timeout"}`: 1, "played_time_ms_sum": 8000, "played_time_ms_count": 1},
		},
		{
			name: "a play goes on before it has been silent for three intervals", session: player,
			events:  []event.Event{start(1, 1)},
			silence: 29 * time.Second,
			want: map[string]int64{"plays": 1, `plays_os{os="Linux",device="desktop"}`: 1, `plays_browser{browser="Chrome"}`: 1,
				`plays_version{version="hlsjs 1.7.4"}`: 1},
		},
		{
			name: "a load that fails is a load and a code, no play and no stop", session: player,
			events:  []event.Event{load(1, 0), with(status(2, 1, "2001"), func(e *event.Event) { e.Fatal = true }), stop(3, 1, "streamnotfound")},
			silence: time.Minute,
			want:    map[string]int64{"loads": 1, `statuses{code="2001",fatal="true"}`: 1, `plays_code{code="2001"}`: 1},
		},
		{
			name: "later loads, starts and stops change nothing", session: player,
			events: []event.Event{load(1, 0), start(2, 1), stop(3, 2, "normal"), load(4, 3), start(5, 4), stop(6, 5, "destroy"),
				stats(7, 8, 1.5, 0, 0)},
			want: map[string]int64{"loads": 1, "plays": 1, `plays_os{os="Linux",device="desktop"}`: 1, `plays_browser{browser="Chrome"}`: 1,
				`plays_version{version="hlsjs 1.7.4"}`: 1, "start_time_ms_sum": 1000, "start_time_ms_count": 1,
				`stops{reason="normal"}`: 1, "played_time_ms_sum": 1000, "played_time_ms_count": 1,
				playing: 1000 + 1500, viewing: 1000 + 1500},
		},
		{
			name: "a stop with a report adds that and nothing else", session: player,
			events: []event.Event{start(1, 0), with(stop(2, 10, "buffer"), func(e *event.Event) { e.Buffering, e.Paused = 2000, 3000 })},
			want: map[string]int64{"plays": 1, `plays_os{os="Linux",device="desktop"}`: 1, `plays_browser{browser="Chrome"}`: 1,
				`plays_version{version="hlsjs 1.7.4"}`: 1, buffering: 2000, viewing: 2000, `stops{reason="buffer"}`: 1,
				"played_time_ms_sum": 7000, "played_time_ms_count": 1},
		},
		{
			name: "without a report, what played says beyond the reports is playing", session: player,
			events: []event.Event{start(1, 0), stats(2, 10, 6, 1, 3),
				with(stop(3, 30, "normal"), func(e *event.Event) { e.Played = 12_000 })},
			want: map[string]int64{"plays": 1, `plays_os{os="Linux",device="desktop"}`: 1, `plays_browser{browser="Chrome"}`: 1,
				`plays_version{version="hlsjs 1.7.4"}`: 1, playing: 6000 + 5000, buffering: 1000, viewing: 12_000,
				`stops{reason="normal"}`: 1, "played_time_ms_sum": 12_000, "played_time_ms_count": 1},
		},
		{
			name: "a broadcast", session: webcaster,
			events: []event.Event{load(1, 0), start(2, 1),
				with(stats(3, 11, 10, 0, 0), func(e *event.Event) {
					e.VideoBitrate, e.BufferLength = 2_500_000, 9
				}),
				status(4, 12, "1"), stop(5, 13, "normal")},
			want: map[string]int64{"publishes": 1, `publishes_os{os="Linux",device="desktop"}`: 1, `publishes_browser{browser="Chrome"}`: 1,
				`publishes_version{version="webcaster 6.0"}`: 1, onAir: 12_000, "video_bitrate_bps_sum": 2_500_000,
				"video_bitrate_bps_count": 1, "ingest_time_ms_sum": 12_000, "ingest_time_ms_count": 1,
				`publish_statuses{code="1",fatal="false"}`: 1, `publish_stops{reason="normal"}`: 1},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ledger := aggregate.New("c")
			tracker := NewTracker(ledger, keep)
			tracker.Apply(event.Batch{Session: test.session, Received: noon, Events: test.events})
			if test.silence > 0 {
				tracker.Expire(noon + test.silence.Milliseconds())
			}
			got := totals(t, ledger, test.byMinute)
			maps.DeleteFunc(got, func(k string, _ int64) bool { return strings.Contains(k, "_bucket") || ofAttempts(k) })
			if !maps.Equal(got, test.want) {
				t.Errorf("counted\n%s\nwant\n%s", list(got), list(test.want))
			}
		})
	}
}

// TestTrackerMeasuresOfServers counts what media servers and publishers measure of a broadcast, which is stored by stream and country together only; of
// players it is none.
func TestTrackerMeasuresOfServers(t *testing.T) {
	for _, session := range []event.Session{webcaster, player} {
		ledger := aggregate.New("c")
		NewTracker(ledger, keep).Apply(event.Batch{Session: session, Received: noon, Events: []event.Event{load(1, 0), start(2, 1),
			with(stats(3, 11, 10, 0, 0), func(e *event.Event) {
				e.Height, e.FrameRate, e.Jitter, e.MediaLag, e.RoundTripTime, e.PacketLoss = 720, 29_970, 3, 40, 50, 12_500
			})}})
		text := taken(ledger)
		for measure, value := range map[string]int{"picture_height_lines": 720, "frame_rate_mfps": 29_970, "jitter_ms": 3, "media_lag_ms": 40, "round_trip_time_ms": 50, "packet_loss_ppm": 12_500} {
			sum := regexp.MustCompile(fmt.Sprintf(`(?m)^streamlens_%s_sum_by_stream_country_1m\{.*\} %d \d+$`, measure, value))
			if n := len(sum.FindAllString(text, -1)); n != map[bool]int{true: 1}[session.Webcaster] {
				t.Errorf("webcaster %t: %d sums of %s in\n%s", session.Webcaster, n, measure, text)
			}
		}
	}
}

func list(m map[string]int64) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "  %s: %d\n", k, m[k])
	}
	return b.String()
}

// ofAttempts reports whether a metric tells of attempts or renditions, which have tests of their own.
func ofAttempts(metric string) bool {
	for _, name := range []string{"outcomes", "quality", "early_", "stalls", "video_played", "playing_height", "switches", "frames", "dropped_"} {
		if strings.HasPrefix(metric, name) {
			return true
		}
	}
	return false
}

// A play as its events are, with repeated ones, a stop that reports nothing, and an event behind the stop.
func longPlay() []event.Event {
	events := []event.Event{load(1, 0), with(start(2, 1.5), func(*event.Event) {})}
	for i := range 20 {
		events = append(events, stats(int64(3+i), 11.5+10*float64(i), 8.123, 1.5, 0.377))
	}
	return append(events, status(23, 203, "3003"), stop(24, 207, "normal"), stats(25, 210, 1, 0.5, 0), load(26, 211))
}

func TestTrackerIsIndifferentToOrder(t *testing.T) {
	for seed := range uint64(400) {
		events := longPlay()
		switch seed % 4 {
		case 1: // recovers from one error, and fails by another
			events[7] = with(status(8, 55, "1"), func(e *event.Event) { e.Fatal = true })
			events[22] = with(status(23, 203, "2"), func(e *event.Event) { e.Fatal = true })
		case 2: // fails before the first frame
			events[1] = with(status(2, 1.5, "1"), func(e *event.Event) { e.Fatal = true })
		case 3: // leaves before the first frame
			events = []event.Event{load(1, 0), stats(2, 10, 0, 0, 0), status(3, 11, "1"), stop(4, 12, "destroy"), load(5, 13)}
		}
		ledger := aggregate.New("c")
		tracker := NewTracker(ledger, keep)
		tracker.Apply(event.Batch{Session: player, Received: noon, Events: events})
		tracker.Expire(noon + 60_000)
		want := totals(t, ledger, true)

		random := rand.New(rand.NewPCG(seed, 0))
		shuffled := slices.Clone(events)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		shuffled = append(shuffled, shuffled[:random.IntN(len(shuffled))]...)
		ledger = aggregate.New("c")
		tracker = NewTracker(ledger, keep)
		received := noon
		for len(shuffled) > 0 {
			n := 1 + random.IntN(len(shuffled))
			tracker.Apply(event.Batch{Session: player, Received: received, Events: shuffled[:n]})
			shuffled = shuffled[n:]
			received += 100
			tracker.Expire(received)
		}
		tracker.Expire(received + 60_000)
		if got := totals(t, ledger, true); !maps.Equal(got, want) {
			t.Fatalf("seed %d: counted\n%s\nwant\n%s", seed, list(got), list(want))
		}
	}
}

func TestTrackerGivesUpWaitingForMissingEvents(t *testing.T) {
	ledger := aggregate.New("c")
	tracker := NewTracker(ledger, keep)
	// seq 1 never comes, but reports go on, so the session is never silent.
	var plays, played int64
	for i := range int64(6) {
		received := noon + 10_000*i
		tracker.Apply(event.Batch{Session: player, Received: received, Events: []event.Event{
			with(start(2, 0), func(e *event.Event) { e.StartTime = 500 }), stats(3+i, 10*float64(i+1), 10, 0, 0)}})
		tracker.Expire(received)
		counted := totals(t, ledger, false)
		plays += counted["plays"]
		played += counted[playing]
		if i == 2 && plays != 0 {
			t.Fatal("counted the start although an earlier one may still come")
		}
	}
	if plays != 1 || played != 60_000 {
		t.Errorf("counted %d plays and %d ms, want 1 and 60000", plays, played)
	}
}

func TestTrackerKeepsOrganizationsApart(t *testing.T) {
	tracker := NewTracker(aggregate.New("c"), keep)
	other := player
	other.Organization = "other"
	for _, s := range []event.Session{player, other} {
		if o := tracker.Apply(event.Batch{Session: s, Received: noon, Events: []event.Event{load(1, 0)}}); o.Repeated != 0 {
			t.Errorf("organisation %s: the event counts as repeated", s.Organization)
		}
	}
	if o := tracker.Apply(event.Batch{Session: player, Received: noon, Events: []event.Event{start(1, 0)}}); o.Repeated != 1 {
		t.Error("a second event of the same seq counts")
	}
}

func TestTrackerForgetsAfterADay(t *testing.T) {
	tracker := NewTracker(aggregate.New("c"), keep)
	apply := func(received int64) int {
		return tracker.Apply(event.Batch{Session: player, Received: received, Events: []event.Event{load(1, 0)}}).Repeated
	}
	hours := func(n int64) int64 { return noon + n*time.Hour.Milliseconds() }
	apply(noon)
	tracker.Expire(hours(1)) // it goes to sleep
	tracker.Expire(hours(24))
	if tracker.Awake() != 0 || apply(hours(24)) != 1 {
		t.Error("forgot the session within a day of its last event")
	}
	tracker.Expire(hours(25)) // again
	tracker.Expire(hours(24 + 24 + 5))
	if !tracker.Known("acme", "s1") {
		t.Error("forgot the session within a day of its last event")
	}
	tracker.Expire(hours(24 + 24 + 7))
	if tracker.Known("acme", "s1") {
		t.Error("remembers the session for more than a day and a night")
	}
}

func TestTrackerWakesWhatSleeps(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		ledger := aggregate.New("c")
		tracker := NewTracker(ledger, keep)
		tracker.Apply(event.Batch{Session: player, Received: noon, Events: []event.Event{load(1, 0), start(2, 0)}})
		hour := noon + time.Hour.Milliseconds()
		tracker.Expire(hour)
		if tracker.Awake() != 0 {
			t.Fatal("the session does not sleep")
		}
		if restarted {
			w := codec.NewWriter(nil)
			tracker.Code(w)
			tracker = NewTracker(ledger, keep)
			tracker.Code(codec.NewReader(w.Bytes()))
		}
		o := tracker.Apply(event.Batch{Session: player, Received: hour, Events: []event.Event{start(2, 0), stats(3, 60, 60, 0, 0)}})
		if got := totals(t, ledger, false); got[playing] != 60_000 || got["plays"] != 1 || got[`stops{reason="timeout"}`] != 1 || o.Repeated != 1 {
			t.Errorf("restarted %v: %d events are repeated, want 1; counted\n%s", restarted, o.Repeated, list(got))
		}
	}
}

// TestNetworkOfSessions holds that whose network a viewer is in stays known, awake, asleep and after a restart, and is shared.
func TestNetworkOfSessions(t *testing.T) {
	tracker := NewTracker(aggregate.New("c"), keep)
	one, other := player, player
	one.Viewer.Region, one.Viewer.ASN, one.Viewer.Operator = "DE-BY", 64500, "Netz"
	other.ID, other.Viewer = "s2", one.Viewer
	want := network{"DE-BY", 64500, "Netz"}
	for _, s := range []event.Session{one, other} {
		tracker.Apply(event.Batch{Session: s, Received: noon, Events: []event.Event{load(1, 0)}})
	}
	of := func(id string) *network { return tracker.look("acme", id).network }
	if *of("s1") != want || of("s1") != of("s2") {
		t.Errorf("awake: %+v and %+v, want one %+v", of("s1"), of("s2"), want)
	}
	tracker.Expire(noon + time.Hour.Milliseconds())
	w := codec.NewWriter(nil)
	tracker.Code(w)
	tracker = NewTracker(aggregate.New("c"), keep)
	tracker.Code(codec.NewReader(w.Bytes()))
	if *of("s1") != want || of("s1") != of("s2") {
		t.Errorf("after sleep and a restart: %+v and %+v, want one %+v", of("s1"), of("s2"), want)
	}
}

func TestTrackerRefusesTooManyGaps(t *testing.T) {
	tracker := NewTracker(aggregate.New("c"), keep)
	var refused int
	for i := range int64(3 * MaxGaps) {
		refused += tracker.Apply(event.Batch{Session: player, Received: noon, Events: []event.Event{stats(1+2*i, 0, 1, 0, 0)}}).Gaps
	}
	if refused != 2*MaxGaps-1 {
		t.Errorf("refused %d events, want %d", refused, 2*MaxGaps-1)
	}
}

func TestSequence(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var q sequence
		seen := map[int64]bool{}
		for range 60 {
			seq := 1 + random.Int64N(40)
			if got := q.add(seq) == added; got == seen[seq] {
				t.Fatalf("adding %d to %v says new=%v, seen before=%v", seq, q, got, seen[seq])
			}
			seen[seq] = true
			below := int64(1)
			for seen[below] {
				below++
			}
			if q.below() != below {
				t.Fatalf("%v waits for %d, want %d", q, q.below(), below)
			}
		}
	}
}

// TestTrackerCountsAPlayOncePerCode gives a play a flood of one code, and many codes, out of order, through a restart and sleep.
func TestTrackerCountsAPlayOncePerCode(t *testing.T) {
	ledger := aggregate.New("c")
	tracker := NewTracker(ledger, keep)
	apply := func(events ...event.Event) {
		tracker.Apply(event.Batch{Session: player, Received: noon, Events: events})
	}
	apply(load(1, 0), status(3, 70, "flood")) // waits for the one before it
	apply(status(2, 10, "flood"))
	for seq := int64(4); seq < 500; seq++ {
		apply(status(seq, 80, "flood"))
	}
	for seq := range int64(40) {
		apply(status(500+seq, 90, fmt.Sprintf("code %02d", seq)))
	}
	w := codec.NewWriter(nil)
	tracker.Code(w)
	tracker = NewTracker(ledger, keep)
	tracker.Code(codec.NewReader(w.Bytes()))
	apply(status(540, 91, "flood"), status(541, 91, "code 00"), status(542, 91, "code 39"))
	tracker.Expire(noon + time.Hour.Milliseconds())
	apply(status(543, 92, "flood"))
	of, codes := totals(t, ledger, true), 0
	for metric, value := range of {
		if strings.HasPrefix(metric, "plays_code") {
			if codes++; value != 1 {
				t.Errorf("%s is %d, want 1", metric, value)
			}
		}
	}
	if codes != maxCodes+1 || of[`plays_code{code="flood"} @0`] != 1 || of[`plays_code{code="(other)"} @1`] != 1 {
		t.Errorf("%d codes are told apart, want %d and (other): %v", codes-1, maxCodes, list(of))
	}
}

// TestValuesAreAdmittedOnceAnHour lets a play report in three hours, of which the second has no room for its address and the third is
// forgotten meanwhile.
func TestValuesAreAdmittedOnceAnHour(t *testing.T) {
	hour := time.Hour.Milliseconds()
	asked := map[string]int{}
	periods := map[int64]*Period{}
	for number := noon / hour; number < noon/hour+3; number++ {
		periods[number] = &Period{Number: number}
	}
	ledger := aggregate.New("c")
	tracker := NewTracker(ledger, func(_, dimension, value string, at int64) (string, *Period) {
		asked[fmt.Sprint(dimension, " ", (at-noon)/hour)]++
		if dimension == measure.DimensionIP && at >= noon+hour && at < noon+2*hour {
			return measure.Other, nil
		}
		return value, periods[at/hour]
	})
	of := player
	of.Viewer.Address, of.Viewer.Referrer = "192.0.2.1", "site.example"
	seq := int64(2)
	apply := func(at int64, events ...event.Event) {
		tracker.Apply(event.Batch{Session: of, Received: at, Events: events})
	}
	apply(noon, load(1, 0), start(2, 0))
	report := func(at int64) {
		seq++
		apply(at, stats(seq, float64(at-noon)/1000, 10, 0, 0))
	}
	for h := range int64(3) {
		for i := range int64(2) {
			report(noon + h*hour + (1+i)*60_000)
		}
	}
	last := noon + 2*hour + 3*60_000
	periods[last/hour].Forgotten = true
	report(last)
	if want := map[string]int{"ip 0": 1, "ip 1": 2, "ip 2": 2, "referrer 0": 1, "referrer 1": 1, "referrer 2": 2}; !maps.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	if used := periods[noon/hour].Used; used != noon+2*60_000 {
		t.Errorf("the first hour was used %d ms after noon, want at the second report", used-noon)
	}
	got := map[string]int{}
	for line := range strings.Lines(taken(ledger)) {
		if strings.Contains(line, "playing_ip_ms") {
			_, labels, _ := strings.Cut(line, `ip="`)
			address, rest, _ := strings.Cut(labels, `"} `)
			value, _, _ := strings.Cut(rest, " ")
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			got[address] += n
		}
	}
	if want := map[string]int{"192.0.2.1": 50_000, measure.Other: 20_000}; !maps.Equal(got, want) {
		t.Errorf("played by address %v, want %v", got, want)
	}
}

// TestAPlaceIsOfAnotherSession holds that a session is not taken for the one that was where it is.
func TestAPlaceIsOfAnotherSession(t *testing.T) {
	tracker := NewTracker(aggregate.New("c"), keep)
	repeated := func(id string, time float64) int {
		of := player
		of.ID = id
		return tracker.Apply(event.Batch{Session: of, Received: at(time), Events: []event.Event{load(1, time)}}).Repeated
	}
	repeated("first", 0)
	tracker.Expire(at(3600)) // it sleeps
	if got := repeated("second", 3600); got != 0 || tracker.Awake() != 1 {
		t.Fatalf("the second session repeats %d events, %d are awake", got, tracker.Awake())
	}
	if !tracker.Known("acme", "first") || tracker.Known("acme", "third") {
		t.Error("who is known is not told")
	}
	if got := repeated("first", 3600); got != 1 {
		t.Errorf("the first session repeats %d events, want 1", got)
	}
	if got := repeated("second", 3601); got != 1 {
		t.Errorf("the second session repeats %d events, want 1", got)
	}
	if tracker.Awake() != 2 || tracker.Live() != 2 {
		t.Errorf("%d are awake and %d live, want 2", tracker.Awake(), tracker.Live())
	}
}

// TestAViewerIsKnownForALongTime holds that a viewer whose session goes on for days is known until a day after its end.
func TestAViewerIsKnownForALongTime(t *testing.T) {
	tracker := NewTracker(aggregate.New("c"), keep)
	of := player
	of.Viewer.Key = 7
	hours := 0.0
	for ; hours < 100; hours += 0.005 {
		now := at(hours * 3600)
		tracker.Apply(event.Batch{Session: of, Received: now, Events: []event.Event{load(1, 0)}})
		if tracker.Expire(now); !tracker.Watches(7) || tracker.Watches(8) {
			t.Fatalf("after %v hours: the viewer is known: %v", hours, tracker.Watches(7))
		}
	}
	if len(tracker.nights) > 6 {
		t.Errorf("%d nights are kept", len(tracker.nights))
	}
	tracker.Expire(at((hours + 1) * 3600))
	tracker.Expire(at((hours + 24) * 3600))
	if !tracker.Watches(7) {
		t.Error("the viewer is forgotten within a day")
	}
	tracker.Expire(at((hours + 32) * 3600))
	if tracker.Watches(7) {
		t.Error("the viewer is still known after more than a day and a night")
	}
}

// TestSessionsAreSmall bounds the memory of a session that is awake, of which there are hundreds of thousands.
func TestSessionsAreSmall(t *testing.T) {
	if size := unsafe.Sizeof(session{}); size > 256 {
		t.Errorf("a session takes %d bytes, want 256 at most", size)
	}
}

// TestSlowReportersAsleep lets players report once a minute, although their interval is 10 s, as pages do whose timers a browser throttles in the
// background: they end by silence, and each report wakes them again.
func TestSlowReportersAsleep(t *testing.T) {
	const sessions, minutes = 20, 300
	tracker := NewTracker(aggregate.New("c"), keep)
	of := player
	now := at(0)
	for minute := range minutes {
		for n := range sessions {
			of.ID = fmt.Sprintf("0123456789abcdef-%d", n)
			seconds := float64(minute * 60)
			events := []event.Event{stats(int64(minute+3), seconds, 0, 0, 60)}
			if minute == 0 {
				events = []event.Event{load(1, 0), start(2, 0), stats(3, 0, 0, 0, 0)}
			}
			tracker.Apply(event.Batch{Session: of, Received: now, Events: events})
		}
		for range 6 {
			now += 10_000
			tracker.Expire(now)
		}
	}
	asleep := 0
	for _, n := range tracker.nights {
		for _, c := range n.chunks {
			asleep += len(c)
		}
	}
	if asleep > sessions*1000 {
		t.Errorf("%d bytes are asleep, %d a session", asleep, asleep/sessions)
	}
	now += wokenStays
	if tracker.Expire(now); tracker.Awake() != 0 {
		t.Errorf("%d sessions are still awake", tracker.Awake())
	}
}
