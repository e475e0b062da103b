package play_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
)

const begin = 1_700_000_000_000

// nothing is an event that counts and measures nothing.
var nothing = event.New(0, 0, event.Stats)

// recorded returns a play of n reports of 10 s, and what its reports were.
func recorded(n int) (*play.Recorder, []play.Entry) {
	random := rand.New(rand.NewPCG(1, 2))
	return recordedOf(n, func(i int, e *play.Entry) {
		e.Buffering = int64(i%60/59) * 300
		e.Playing = 10_000 - e.Buffering + int64(random.IntN(40)) - 20
		e.End += e.Span()
		e.Latency, e.BufferLength = 1_000+int64(random.IntN(120)), 900+int64(random.IntN(100))
	})
}

// noisy is recorded of a player none of whose numbers is like that before.
func noisy(n int) (*play.Recorder, []play.Entry) {
	random := rand.New(rand.NewPCG(1, 2))
	return recordedOf(n, func(i int, e *play.Entry) {
		e.End, e.Playing = begin+700+int64(i+1)*10_000+int64(random.IntN(30)), 9_000+int64(random.IntN(900))
		e.Latency, e.BufferLength = 900+int64(random.IntN(400)), 800+int64(random.IntN(300))
		if i%10 == 3 {
			e.Buffering = 500
		}
	})
}

// recordedOf returns a play of n reports, which set says, to whom they are given with the end of the report before.
func recordedOf(n int, set func(i int, e *play.Entry)) (*play.Recorder, []play.Entry) {
	r := play.NewRecorder("s1", "u1", "north", begin)
	r.Load(begin)
	r.Start(begin+700, 700)
	var reports []play.Entry
	for i := range n {
		e := play.Entry{End: begin + 700, Bitrate: 2_000_000, Height: event.Absent}
		if i > 0 {
			e.End = reports[i-1].End
		}
		set(i, &e)
		reports = append(reports, e)
		r.Report(e, &nothing)
	}
	return r, reports
}

func TestTimelineIsWhatWasReported(t *testing.T) {
	r, reports := recorded(110)
	r.Status(begin+5_000, "4400", false)
	r.End(begin+1_300_000, 1_290_000, "destroy")
	record := r.Record(begin)
	timeline, err := play.ReadTimeline(record.Timeline)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(timeline.Entries, reports) {
		t.Errorf("%d entries differ from %d reports", len(timeline.Entries), len(reports))
	}
	want := []play.Moment{
		{Time: begin + 5_000, Kind: play.Status, Text: "4400"},
	}
	if !slices.Equal(timeline.Moments, want) {
		t.Errorf("moments %v, want %v", timeline.Moments, want)
	}
}

func TestLongTimelinesAreMerged(t *testing.T) {
	for _, tt := range []struct {
		name     string
		recorded func(reports int) (*play.Recorder, []play.Entry)
		reports  int
		coarsest int64 // ms
	}{
		{"one too many", recorded, 129, 21_000},
		{"an hour", recorded, 360, 63_000},
		{"two hours", recorded, 720, 63_000},
		{"a day", recorded, 8640, 2_016_000},
		{"noise of an hour", noisy, 360, 63_000},
		{"noise of two hours", noisy, 720, 126_000},
		{"noise of a day", noisy, 8640, 2_016_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, reports := tt.recorded(tt.reports)
			record := r.Record(reports[len(reports)-1].End)
			timeline, err := play.ReadTimeline(record.Timeline)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(timeline.Entries); n < 40 || n > 128 {
				t.Errorf("%d entries", n)
			}
			var playing, buffering, wantPlaying, wantBuffering int64
			for _, e := range timeline.Entries {
				playing, buffering = playing+e.Playing, buffering+e.Buffering
				if e.Span() > tt.coarsest {
					t.Errorf("an entry of %d ms", e.Span())
				}
			}
			for _, e := range reports {
				wantPlaying, wantBuffering = wantPlaying+e.Playing, wantBuffering+e.Buffering
			}
			if playing != wantPlaying || buffering != wantBuffering {
				t.Errorf("%d ms of playing and %d of buffering, want %d and %d", playing, buffering, wantPlaying, wantBuffering)
			}
			if last := timeline.Entries[len(timeline.Entries)-1].End; last != reports[len(reports)-1].End {
				t.Errorf("ends at %d", last)
			}
		})
	}
}

func TestCodeIsTheLastFatalOneElseTheLast(t *testing.T) {
	type status struct {
		at    int64 // ms after the begin
		code  string
		fatal bool
	}
	for name, test := range map[string]struct {
		told []status
		want string
	}{
		"in order":                          {[]status{{1, "a", false}, {2, "b", false}}, "b"},
		"one that is told late":             {[]status{{2, "b", false}, {1, "a", false}}, "b"},
		"before the begin":                  {[]status{{-1, "a", false}}, "a"},
		"fatal ones first":                  {[]status{{1, "a", true}, {2, "b", false}}, "a"},
		"a fatal one that is told late":     {[]status{{2, "b", false}, {1, "a", true}}, "a"},
		"two fatal ones, the first is late": {[]status{{2, "b", true}, {1, "a", true}}, "b"},
		"two at once, as they are told":     {[]status{{1, "a", false}, {1, "b", false}}, "b"},
		"none":                              {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := play.NewRecorder("s", "", "", begin)
			for _, s := range test.told {
				r.Status(begin+s.at, s.code, s.fatal)
			}
			if got := r.SoFar(begin).Code; got != test.want {
				t.Errorf("the code is %q, want %q", got, test.want)
			}
		})
	}
}

func TestMomentsBeyondTheRoomAreCounted(t *testing.T) {
	r := play.NewRecorder("s", "", "", begin)
	for i := range int64(60) {
		r.Status(begin+i, "1", false)
	}
	record := r.Record(begin + 60)
	timeline, err := play.ReadTimeline(record.Timeline)
	if err != nil || len(timeline.Moments)+int(timeline.More) != 60 || timeline.More == 0 {
		t.Errorf("%d moments and %d more, %v", len(timeline.Moments), timeline.More, err)
	}
}

func TestLineIsReadBack(t *testing.T) {
	r, _ := recorded(30)
	r.Status(begin+9_000, "1008", true)
	r.Status(begin+9_500, "1009", false)
	r.End(begin+400_000, 380_000, "destroy")
	record := r.Record(begin)
	record.Organization, record.Stream, record.Operator, record.ASN = "acme", "a\tb\u2028<ü>", `O"ne\`, 64500
	line := record.Line(nil)
	if !bytes.HasSuffix(line, []byte("}\n")) || bytes.Count(line, []byte("\n")) != 1 {
		t.Fatalf("%q is no line", line)
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		t.Fatal(err)
	}
	row := map[string]string{}
	for name, value := range fields {
		switch v := value.(type) {
		case string:
			row[name] = v
		case json.Number:
			row[name] = v.String()
			if strings.ContainsAny(v.String(), ".eE") {
				t.Errorf("%s is %s, no whole number", name, v)
			}
		}
	}
	got, err := play.Read(row)
	if err != nil || !reflect.DeepEqual(got, record) {
		t.Errorf("read %+v, %v\nwant %+v", got, err, record)
	}
	if got.Code != "1008" || got.Errors != 2 || got.Fatal != 1 {
		t.Errorf("code %s, %d errors, %d fatal", got.Code, got.Errors, got.Fatal)
	}
	if row["buf_ppm"] == "" || row["_time"] != "1700000400000" {
		t.Errorf("buf_ppm %q, _time %q", row["buf_ppm"], row["_time"])
	}
	if key, err := play.KeyOf(line); err != nil || key != record.Key() {
		t.Errorf("key %v, %v", key, err)
	}
}

// TestSmoothness has the examples of Mux Data's guide "Smoothness", which reads its halves off a curve, so that they are up to 2.1 points off.
func TestSmoothness(t *testing.T) {
	for _, tt := range []struct {
		name                       string
		playing, buffering, stalls int64 // ms
		want, within               float64
	}{
		{"no stall", 300_000, 0, 0, 100, 0},
		{"none that was told", 300_000, 0, event.Absent, 100, 0},
		{"five minutes with one stall of 5 s", 295_000, 5_000, 1, 85, 2.1},
		{"twenty minutes with four stalls of 15 s", 1_140_000, 60_000, 4, 54, 2.1},
		{"two stalls, half of the time", 1_000, 1_000, 2, 50/math.Sqrt2 + 50*math.Exp(-5), 0.001},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := play.NewRecord()
			r.Direction, r.Start, r.Playing, r.Buffering, r.Stalls = measure.Playout, begin, tt.playing, tt.buffering, tt.stalls
			if got := float64(r.Smoothness()) / play.ScoreUnit; math.Abs(got-tt.want) > tt.within {
				t.Errorf("%v, want %v within %v", got, tt.want, tt.within)
			}
			for name, change := range map[string]func(*play.Record){
				"no play":                        func(r *play.Record) { r.Start = event.Absent },
				"a broadcast":                    func(r *play.Record) { r.Direction = measure.Ingest },
				"nothing played":                 func(r *play.Record) { r.Playing, r.Buffering = 0, 0 },
				"stalls that nobody has counted": func(r *play.Record) { r.Buffering, r.Stalls = 1, event.Absent },
			} {
				other := r
				change(&other)
				if got := other.Smoothness(); got != event.Absent {
					t.Errorf("%s has %d", name, got)
				}
			}
		})
	}
}

func TestNoMoreFramesAreDroppedThanThereWere(t *testing.T) {
	r := play.NewRecorder("s1", "u1", "north", begin)
	r.Start(begin, 0)
	for _, told := range []struct{ frames, dropped int64 }{{250, 5}, {250, 400}, {event.Absent, 3}} {
		e := event.New(0, 0, event.Stats)
		e.Frames, e.DroppedFrames = told.frames, told.dropped
		r.Report(play.Entry{End: begin + 10_000, Playing: 10_000, Bitrate: event.Absent, Height: event.Absent, Latency: event.Absent, BufferLength: event.Absent}, &e)
	}
	if record := r.Record(begin); record.Dropped != 258 {
		t.Errorf("%d frames were dropped, want 5, 250 and 3", record.Dropped)
	}
}

func TestUnknownNumbersAreLeftOut(t *testing.T) {
	record := play.NewRecord()
	record.Organization, record.Session, record.End = "acme", "s", begin
	line := string(record.Line(nil))
	if want := `{"_msg":"play","_time":"1700000000000","kind":"final","org":"acme","session":"s","end":1700000000000}` + "\n"; line != want {
		t.Errorf("%s, want %s", line, want)
	}
}

func TestLineThatIsTooLongGoesWithoutTimeline(t *testing.T) {
	record := play.NewRecord()
	record.Organization, record.Session, record.End, record.Timeline = "acme", "s", begin, make([]byte, play.MaxLine)
	if line := record.Line([]byte("before")); len(line) > 200 || !bytes.HasPrefix(line, []byte(`before{"_msg"`)) {
		t.Errorf("%d bytes: %.100s", len(line), line)
	}
}

// TestState lets a recorder go through the state of a collector in the middle of a play.
func TestState(t *testing.T) {
	whole, reports := recorded(200)
	half := play.NewRecorder("s1", "u1", "north", begin)
	half.Load(begin)
	half.Start(begin+700, 700)
	for i, e := range reports {
		if i%50 == 20 {
			w := codec.NewWriter(nil)
			half.Code(w)
			c := codec.NewReader(w.Bytes())
			half = &play.Recorder{}
			half.Code(c)
			if err := c.End(); err != nil {
				t.Fatal(err)
			}
		}
		half.Report(e, &nothing)
	}
	whole.End(begin+3_000_000, 1, "x")
	half.End(begin+3_000_000, 1, "x")
	a, b := whole.Record(begin), half.Record(begin)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestDamagedTimelines(t *testing.T) {
	r, _ := recorded(20)
	good := r.Record(begin).Timeline
	for length := 1; length < len(good); length++ {
		if _, err := play.ReadTimeline(good[:length]); err == nil {
			t.Errorf("the first %d of %d bytes are read", length, len(good))
		}
	}
	newer := slices.Clone(good)
	newer[0]++
	if _, err := play.ReadTimeline(newer); err == nil {
		t.Error("a newer version is read")
	}
}

func FuzzReadTimeline(f *testing.F) {
	r, _ := recorded(5)
	f.Add(r.Record(begin).Timeline)
	f.Fuzz(func(t *testing.T, b []byte) {
		timeline, err := play.ReadTimeline(b)
		if err == nil && len(timeline.Entries)+len(timeline.Moments) > len(b) {
			t.Errorf("%d bytes make %d entries and %d moments", len(b), len(timeline.Entries), len(timeline.Moments))
		}
	})
}

func BenchmarkReport(b *testing.B) {
	r, reports := recorded(1)
	b.ReportAllocs()
	for i := range b.N {
		e := reports[0]
		e.End += int64(i) * 10_000
		r.Report(e, &nothing)
	}
}

func BenchmarkLine(b *testing.B) {
	r, _ := recorded(100)
	record := r.Record(begin)
	var line []byte
	for b.Loop() {
		line = record.Line(line[:0])
	}
	b.ReportMetric(float64(len(line)), "bytes")
}
