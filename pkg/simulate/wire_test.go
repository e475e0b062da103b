package simulate

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestWireFormat(t *testing.T) {
	full := envelope{
		AccountID: "acme", AccountKey: `p"k\`, SessionID: "s 1", Stream: "größe", EventID: "cup", UserID: "user-1",
		Referrer: "https://site.example/a?b=<c>", Interval: 10, SentAt: 1763800016000,
		Events: []wireEvent{
			{Seq: 1, TS: 1763800000000, Type: "load"},
			{Seq: 2, TS: 1763800000840, Type: "start", StartTime: 0.84},
			{Seq: 3, TS: 1763800010840, Type: "stats", report: &report{9.2, 0.8, 0}, BufferLength: 1.1, Latency: 1.4, VideoBitrate: 2_500_000, AudioBitrate: 128_000,
				Height: 720, Stalls: 1, Switches: &switches{Up: 1, Down: 2, Failed: 3}, Frames: 250, Dropped: 2, RoundTrip: 0.03, Loss: 0.0012},
			{Seq: 4, TS: 1763800012000, Type: "status", Code: "line\nfeed", Fatal: true},
			{Seq: 5, TS: 1763800016000, Type: "stop", report: &report{}, Reason: "normal", Played: 15.16},
		},
	}
	full.Client.Kind, full.Client.Version = "h5live", "4.22.0"
	bare := envelope{AccountID: "acme", SessionID: "s2", Interval: 0.5, Events: []wireEvent{}}
	for name, want := range map[string]envelope{"every field": full, "no optional field": bare} {
		t.Run(name, func(t *testing.T) {
			wanted, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			same(t, want.append(nil), wanted)
		})
	}
	t.Run("number as code", func(t *testing.T) {
		e := wireEvent{Seq: 1, TS: 1, Type: "status", Code: 2002}
		wanted, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		same(t, e.append(nil), wanted)
	})
	for name, line := range map[string]usageLine{
		"usage":                    {TS: 1, Stream: "s", Direction: "playout", Protocol: "hls", Bytes: 812345, IP: "81.2.69.142", Referrer: "https://site.example"},
		"usage without a referrer": {TS: 1, Stream: "s", Direction: "ingest", Protocol: "rtmp", Bytes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			wanted, err := json.Marshal(line)
			if err != nil {
				t.Fatal(err)
			}
			same(t, line.append(nil), wanted)
		})
	}
}

// same fails unless two texts are the same JSON.
func same(t *testing.T, got, want []byte) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLatencies(t *testing.T) {
	var l latencies
	if got := l.take().percentiles(); got != (Latency{}) {
		t.Errorf("of nothing: %s", got)
	}
	for i := range 100 {
		l.add(time.Duration(i+1) * time.Millisecond)
	}
	first := l.take()
	l.add(0)
	l.add(time.Hour)
	for name, c := range map[string]struct{ got, want time.Duration }{
		"median":      {first.percentiles().Median, 50 * time.Millisecond},
		"p99":         {first.percentiles().P99, 99 * time.Millisecond},
		"max":         {first.percentiles().Max, 100 * time.Millisecond},
		"least since": {l.take().since(first).percentiles().Median, time.Microsecond},
	} {
		if c.got < c.want || float64(c.got) > float64(c.want)*latencyStep*latencyStep {
			t.Errorf("%s = %s, want about %s", name, c.got, c.want)
		}
	}
}

func BenchmarkEnvelope(b *testing.B) {
	w := testWorld(b, testOptions())
	s := w.newBroadcast(liveBroadcast, 1, &w.streams[0], noon, pace{10 * time.Second, liveBilling})
	s.step()
	events, _ := s.step()
	var body []byte
	b.ReportAllocs()
	for b.Loop() {
		e := w.head(s)
		e.Events = events
		body = e.append(body[:0])
	}
}
