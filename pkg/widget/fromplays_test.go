package widget

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// readerOfPlays stores records in a VictoriaLogs of its own and returns what reads those of acme.
func readerOfPlays(t testing.TB, records []play.Record) vl.Asker {
	t.Helper()
	url := vltest.Start(t)
	writer, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for i := range records {
		lines = append(lines, records[i].Line(nil))
	}
	for chunk := range slices.Chunk(lines, vl.MaxLines) {
		if err := writer.Insert(t.Context(), chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	transport, err := vl.NewTransport(url, "acme", "", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := vl.NewClient(url, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

// randomRecords returns plays and broadcasts that ended around playsHour, some of another organisation.
func randomRecords(random *rand.Rand, count int) []play.Record {
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	some := func(n int64) int64 {
		if random.IntN(4) == 0 {
			return event.Absent
		}
		return random.Int64N(n)
	}
	records := make([]play.Record, count)
	for i := range records {
		r := play.NewRecord()
		r.Organization, r.Session = pick("acme", "acme", "acme", "acme", "other"), fmt.Sprint("s", i)
		r.Direction = pick(measure.Playout, measure.Playout, measure.Playout, measure.Ingest)
		r.Stream, r.Country, r.Event, r.Region = pick("a", "b", "c"), pick("DE", "FR", "ZZ"), pick("", "e1"), pick("", "DE-BE", "FR-75")
		r.Operator, r.Device, r.OS, r.Browser = pick("", "Alpha Net", `Beta "B" | x`, "Gämma"), pick("mobile", "desktop"), pick("iOS", "Windows"), pick("Safari", "Chrome")
		r.Player, r.Referrer, r.Protocol = pick("h5live 4.22.0", "hls.js 1"), pick("", "site.example"), pick("hls", "h5live")
		r.CDN = pick("", "north", `a "b"`)
		r.User, r.Address = pick("", "u1", "u2", "u,3"), pick("192.0.2.0", "2001:db8::")
		r.Begin = playsHour.UnixMilli() + random.Int64N(100*60_000) - 20*60_000
		r.End = r.Begin + random.Int64N(600_000)
		if random.IntN(5) > 0 {
			r.Start, r.StartTime, r.Played = r.Begin+100, some(5_000), random.Int64N(600_000)
			r.Playing, r.Buffering = random.Int64N(600_000), random.Int64N(2)*random.Int64N(20_000)
		} else {
			r.Playing, r.Buffering = 0, 0
		}
		if r.Direction == measure.Playout {
			r.Outcome = pick("", measure.OutcomePlayed, measure.OutcomePlaybackFailure, measure.OutcomeStartFailure, measure.OutcomeExit, measure.OutcomeExitEarly)
			r.Quality = pick("", measure.QualityGood, measure.QualityFair, measure.QualityBad)
		}
		r.Errors, r.Fatal, r.Stalls = random.Int64N(3), random.Int64N(2), some(4)
		r.BitrateMean, r.LatencyMean = some(5_000_000), some(9_000)
		records[i] = r
	}
	return records
}

// among returns the records of plays of acme that ended in an hour and that a condition holds for.
func among(records []play.Record, condition func(play.Record) bool) []play.Record {
	var found []play.Record
	for _, r := range records {
		if r.Organization == "acme" && r.Direction == measure.Playout && r.End >= playsHour.UnixMilli() && r.End < playsHour.Add(time.Hour).UnixMilli() && condition(r) {
			found = append(found, r)
		}
	}
	return found
}

// numbersOf are the numbers of playQuality, by brute force. Of medians and percentiles they are exact.
func numbersOf(plays []play.Record) map[string]float64 {
	n := map[string]float64{}
	var starts, bitrates, latencies, startScores, smoothScores []float64
	var buffering, played, startFailures, exits, failures, judged, good float64
	for _, p := range plays {
		if p.Start != event.Absent {
			n["plays"]++
		}
		n["playing"] += float64(p.Playing) / 1000
		buffering += float64(p.Buffering)
		played += float64(p.Playing)
		if p.StartTime != event.Absent {
			starts = append(starts, float64(p.StartTime)/1000)
			startScores = append(startScores, 100*8/(8+float64(p.StartTime)/1000))
		}
		if p.BitrateMean != event.Absent {
			bitrates = append(bitrates, float64(p.BitrateMean))
		}
		if p.LatencyMean != event.Absent {
			latencies = append(latencies, float64(p.LatencyMean)/1000)
		}
		switch p.Outcome {
		case measure.OutcomePlaybackFailure:
			failures++
			n["attempts"]++
		case measure.OutcomeStartFailure:
			failures++
			startFailures++
			n["attempts"]++
		case measure.OutcomeExit:
			exits++
			n["attempts"]++
		case measure.OutcomePlayed:
			n["attempts"]++
		}
		if played := p.Playing + p.Buffering; p.Start != event.Absent && played > 0 && (p.Stalls != event.Absent || p.Buffering == 0) {
			half := max(0, float64(p.Stalls)) / 2
			smoothScores = append(smoothScores, 50/math.Sqrt(1+half*half)+50*math.Exp(-10*float64(p.Buffering)/float64(played)))
		}
		if p.Quality != "" {
			judged++
		}
		if p.Quality == measure.QualityGood {
			good++
		}
		n["errors"] += float64(p.Errors)
	}
	n["bufferingRatio"] = buffering / (buffering + played)
	n["startFailures"], n["exits"], n["playbackFailures"] = startFailures/n["attempts"], exits/n["attempts"], failures/n["attempts"]
	n["good"] = good / judged
	n["successScore"] = (100*(n["attempts"]-exits-failures) + 50*exits) / n["attempts"]
	n["startupScore"], n["smoothnessScore"] = meanOf(startScores), meanOf(smoothScores)
	n["startTime"], n["startTimeP95"] = ranked(starts, 50), ranked(starts, 95)
	n["bitrate"], n["latency"] = meanOf(bitrates), meanOf(latencies)
	return n
}

func meanOf(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// ranked returns the mean of the two middle values for 50, else the value at the nearest rank; NaN of no values.
func ranked(values []float64, p int) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	if p == 50 {
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	return values[(p*len(values)+99)/100-1]
}

// checkNumbers compares the columns of a row with numbers.
func checkNumbers(t *testing.T, what string, frame *data.Frame, row int, want map[string]float64) {
	t.Helper()
	for _, f := range frame.Fields {
		number, ok := want[f.Name]
		if f.Type() != data.FieldTypeNullableFloat64 {
			continue
		}
		if !ok {
			t.Errorf("%s: the column %s has nothing to be compared with", what, f.Name)
			continue
		}
		tolerance := 1e-9
		if f.Name == "startTime" || f.Name == "startTimeP95" || f.Name == "median" || f.Name == "p95" || f.Name == "p99" {
			tolerance = 0.07
		}
		if f.Name == "startupScore" {
			tolerance = 0.03 // 1.6 points
		}
		if f.Name == "smoothnessScore" {
			tolerance = 1e-4 // it is stored in thousandths
		}
		got, err := f.NullableFloatAt(row)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case got == nil:
			if !math.IsNaN(number) {
				t.Errorf("%s: %s is nothing, want %v", what, f.Name, number)
			}
		case math.IsNaN(number) || math.Abs(*got-number) > tolerance*math.Abs(number)+1e-3*tolerance:
			t.Errorf("%s: %s is %v, want %v", what, f.Name, *got, number)
		}
	}
}

// fieldOf are what plays are broken down by.
var fieldOf = map[string]func(play.Record) string{
	"country": func(r play.Record) string { return r.Country }, "stream": func(r play.Record) string { return r.Stream },
	"event": func(r play.Record) string { return r.Event }, "operator": func(r play.Record) string { return r.Operator },
	"device": func(r play.Record) string { return r.Device }, "os": func(r play.Record) string { return r.OS },
	"browser": func(r play.Record) string { return r.Browser }, "player": func(r play.Record) string { return r.Player },
	"version": func(r play.Record) string { return r.Player }, "region": func(r play.Record) string { return r.Region },
	"referrer": func(r play.Record) string { return r.Referrer }, "protocol": func(r play.Record) string { return r.Protocol },
	"cdn":  func(r play.Record) string { return r.CDN },
	"user": func(r play.Record) string { return r.User }, "ip": func(r play.Record) string { return r.Address },
}

// TestPlayQuality compares every breakdown and many combinations of filters with brute force.
func TestPlayQuality(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	records := randomRecords(random, 1500)
	store := readerOfPlays(t, records)
	conditions := []struct {
		name   string
		change func(*Request)
		holds  func(play.Record) bool
	}{
		{"all", func(*Request) {}, func(play.Record) bool { return true }},
		{"a country and a stream", func(r *Request) { r.Country, r.Stream = []string{"DE"}, []string{"a", "b"} },
			func(r play.Record) bool { return r.Country == "DE" && r.Stream != "c" }},
		{"an operator on a device", func(r *Request) { r.Where = []string{`operator=Beta "B" | x`, "device=mobile"} },
			func(r play.Record) bool { return r.Operator == `Beta "B" | x` && r.Device == "mobile" }},
		{"neither operator nor failure", func(r *Request) {
			r.Where, r.Event = []string{"operator=(none)", "outcome!=startfailure"}, []string{"e1"}
		},
			func(r play.Record) bool {
				return r.Operator == "" && r.Outcome != measure.OutcomeStartFailure && r.Event == "e1"
			}},
		{"slow starts of a referrer", func(r *Request) { r.Where, r.Referrer = []string{"startTime>=2"}, []string{"site.example"} },
			func(r play.Record) bool { return r.StartTime >= 2000 && r.Referrer == "site.example" }},
	}
	if len(fieldOf) != len(playBreakdowns) {
		t.Errorf("%d breakdowns are compared, of %d", len(fieldOf), len(playBreakdowns))
	}
	for breakdown := range playBreakdowns {
		for _, c := range conditions {
			what := breakdown + ", " + c.name
			request := playsRequest(store, "playQuality", func(r *Request) { r.Breakdown = breakdown; c.change(r) })
			frames, err := Run(t.Context(), noSums{}, request)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			want := map[string][]play.Record{}
			for _, r := range among(records, c.holds) {
				name := cmp.Or(fieldOf[breakdown](r), "(none)")
				want[name] = append(want[name], r)
			}
			names := textsOf(t, frames[0], breakdown)
			if len(names) != len(want) || len(want) == 0 {
				t.Errorf("%s: %d rows, want %d", what, len(names), len(want))
			}
			for i, name := range names {
				checkNumbers(t, what+", "+name, frames[0], i, numbersOf(want[name]))
			}
		}
	}
	t.Run("all in one row", func(t *testing.T) {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "playQuality", nil))
		if err != nil {
			t.Fatal(err)
		}
		checkNumbers(t, "all", frames[0], 0, numbersOf(among(records, func(play.Record) bool { return true })))
		if frames[0].Meta.Notices[0].Text != ofRecordsNotice {
			t.Errorf("it does not say of whom: %v", frames[0].Meta.Notices)
		}
	})
	t.Run("series of six hours, by itself in ten minutes", func(t *testing.T) {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "playQuality", func(r *Request) {
			r.Form, r.Metric, r.From = FormSeries, "plays", r.To.Add(-6*time.Hour)
		}))
		if err != nil {
			t.Fatal(err)
		}
		if n := frames[0].Rows(); n != 36 {
			t.Errorf("it has %d intervals, want 36", n)
		}
	})
	t.Run("series", func(t *testing.T) {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "playQuality", func(r *Request) {
			r.Form, r.Interval, r.Breakdown, r.Metric = FormSeries, "20m", "device", "errors"
		}))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames[0].Fields[1:] {
			for i := range 3 {
				from := playsHour.Add(time.Duration(i) * 20 * time.Minute).UnixMilli()
				want := numbersOf(among(records, func(r play.Record) bool {
					return r.Device == f.Labels["device"] && r.End >= from && r.End < from+20*60_000
				}))["errors"]
				if got, _ := f.NullableFloatAt(i); got == nil || *got != want {
					t.Errorf("%s, %d: %v, want %v", f.Labels, i, got, want)
				}
			}
		}
		if len(frames[0].Fields) != 3 {
			t.Errorf("%d fields", len(frames[0].Fields))
		}
	})
	t.Run("top", func(t *testing.T) {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "playQuality", func(r *Request) { r.Breakdown, r.Top = "operator", 1 }))
		if err != nil {
			t.Fatal(err)
		}
		names := textsOf(t, frames[0], "operator")
		if len(names) != 2 || names[1] != measure.Other {
			t.Fatalf("rows %q", names)
		}
		checkNumbers(t, "other", frames[0], 1, numbersOf(among(records, func(r play.Record) bool { return cmp.Or(r.Operator, "(none)") != names[0] })))
	})
}

// TestBreakdownThatSumsLack has a widget by what its sums are not stored by, without a condition.
func TestBreakdownThatSumsLack(t *testing.T) {
	records := randomRecords(rand.New(rand.NewPCG(5, 6)), 300)
	store := readerOfPlays(t, records)
	frames, err := Run(t.Context(), noSums{}, playsRequest(store, "goodPlays", func(r *Request) { r.Breakdown = "device" }))
	if err != nil {
		t.Fatal(err)
	}
	names := textsOf(t, frames[0], "device")
	if len(names) != 2 || frames[0].Meta.Notices[0].Text != ofRecordsNotice {
		t.Fatalf("rows %q, notices %v", names, frames[0].Meta.Notices)
	}
	good, _ := frames[0].FieldByName("good")
	for i, name := range names {
		want := numbersOf(among(records, func(r play.Record) bool { return r.Device == name }))["good"]
		if got, err := good.NullableFloatAt(i); err != nil || got == nil || math.Abs(*got-want) > 1e-9 {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if _, err := Run(t.Context(), noSums{}, playsRequest(nil, "goodPlays", func(r *Request) { r.Breakdown = "device" })); !errors.Is(err, errNoPlays) {
		t.Errorf("without a store: %v", err)
	}
}

// TestWidgetsBrokenDownByPlays has widgets of sums answered from records.
func TestWidgetsBrokenDownByPlays(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	records := randomRecords(random, 600)
	store := readerOfPlays(t, records)
	for queryType, columns := range map[string]map[string]string{ // of the column in playQuality that is the same
		"bufferingRatio":   {"value": "bufferingRatio"},
		"startFailures":    {"ratio": "startFailures", "attempts": "attempts"},
		"exitsBeforeStart": {"ratio": "exits", "attempts": "attempts"},
		"playbackFailures": {"ratio": "playbackFailures", "attempts": "attempts"},
		"goodPlays":        {"good": "good"},
		"scores":           {"successScore": "successScore", "startupScore": "startupScore", "attempts": "attempts"},
		"startTime":        {"median": "startTime", "p95": "startTimeP95"},
	} {
		for _, breakdown := range []string{"operator", "user", "os", "device"} {
			frames, err := Run(t.Context(), noSums{}, playsRequest(store, queryType, func(r *Request) {
				r.Breakdown, r.Where, r.Percentile = breakdown, []string{"device=mobile"}, map[string]int{"startTime": 95}[queryType]
			}))
			if err != nil {
				t.Fatalf("%s by %s: %v", queryType, breakdown, err)
			}
			for i, name := range textsOf(t, frames[0], breakdown) {
				want := numbersOf(among(records, func(r play.Record) bool {
					return r.Device == "mobile" && cmp.Or(fieldOf[breakdown](r), "(none)") == name
				}))
				for column, same := range columns {
					field, _ := frames[0].FieldByName(column)
					if field == nil {
						t.Fatalf("%s by %s has no column %s", queryType, breakdown, column)
					}
					checkNumbers(t, queryType+" by "+breakdown+" "+name, data.NewFrame("", field), i, map[string]float64{column: want[same]})
				}
			}
			if frames[0].Rows() == 0 {
				t.Errorf("%s by %s has no row", queryType, breakdown)
			}
		}
	}
}

func TestPlaysThatCannotBeAddedUp(t *testing.T) {
	store := readerOfPlays(t, nil)
	for _, tt := range []struct {
		name, queryType string
		change          func(*Request)
		kind            error
		text            string
	}{
		{"too long by user", "playQuality", func(r *Request) { r.Breakdown, r.From = "user", r.To.Add(-25*time.Hour) }, ErrBadQuery, "24 hours by user"},
		{"too long with conditions", "playQuality", func(r *Request) { r.Where, r.From = []string{"device=tv"}, r.To.Add(-8*24*time.Hour) }, ErrBadQuery, "7 days"},
		{"too long", "playQuality", func(r *Request) { r.Breakdown, r.From = "operator", r.To.Add(-32*24*time.Hour) }, ErrBadQuery, "31 days"},
		{"a tag", "playQuality", func(r *Request) { r.Breakdown = "tag" }, ErrBadQuery, "no breakdown by tag"},
		{"no such breakdown", "playQuality", func(r *Request) { r.Breakdown = "planet" }, ErrBadQuery, "operator, player"},
		{"a widget without records", "latency", func(r *Request) { r.Breakdown = "operator" }, ErrBadQuery, "latency has no breakdown by operator"},
		{"a metric that records lack", "goodPlays", func(r *Request) { r.Breakdown, r.Metric = "operator", "slowStarts" }, ErrBadQuery, "slowStarts"},
		{"too many intervals", "playQuality", func(r *Request) { r.Form, r.Interval, r.From = FormSeries, "1m", r.To.Add(-2*time.Hour) }, ErrBadQuery, "longer interval"},
		{"no store", "startFailures", func(r *Request) { r.Breakdown, r.Plays = "operator", nil }, ErrBadQuery, "no store of plays"},
		{"a low level", "startFailures", func(r *Request) { r.Breakdown, r.Level = "operator", tenant.Default }, ErrForbidden, "premium"},
	} {
		_, err := Run(t.Context(), noSums{}, playsRequest(store, tt.queryType, tt.change))
		if !errors.Is(err, tt.kind) || err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.text)
		}
	}
	frames, err := Run(t.Context(), noSums{}, playsRequest(store, "playQuality", func(r *Request) { r.Breakdown = "operator" }))
	if err != nil || frames[0].Rows() != 0 || frames[0].Meta.Custom == nil {
		t.Errorf("nothing: %v, %v", frames, err)
	}
	// An empty field of a dashboard is no condition, so that the sums are read as ever.
	if _, err := Run(t.Context(), noSums{}, playsRequest(nil, "startFailures", func(r *Request) { r.Where = []string{"operator="} })); err != nil {
		t.Errorf("an empty condition: %v", err)
	}
}
