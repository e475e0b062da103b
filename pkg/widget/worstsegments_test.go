package widget

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// memory answers the questions of segments about records in memory.
type memory []play.Record

func (m memory) ask(_ context.Context, by []play.Field, filters []vl.Filter, sums []vl.Sum) ([]vl.Row, error) {
	fields := map[play.Field]func(play.Record) string{
		play.Outcome: func(r play.Record) string { return r.Outcome }, play.Quality: func(r play.Record) string { return r.Quality },
		play.Start: func(r play.Record) string {
			if r.Start == event.Absent {
				return ""
			}
			return "some"
		},
	}
	for name, f := range playBreakdowns {
		fields[f] = fieldOf[name]
	}
	through := func(filters []vl.Filter) func(play.Record) bool {
		var all []func(play.Record) bool
		for _, f := range filters {
			of, first := fields[f.Field], f.Values[0]
			switch {
			case f.Operator == vl.AtLeast:
				all = append(all, func(r play.Record) bool { return r.BufferShare() >= 10_000 })
			case f.Operator == vl.Is && len(f.Values) == 1:
				all = append(all, func(r play.Record) bool { return of(r) == first })
			default:
				all = append(all, func(r play.Record) bool { return slices.Contains(f.Values, of(r)) == (f.Operator == vl.Is) })
			}
		}
		return func(r play.Record) bool {
			for _, holds := range all {
				if !holds(r) {
					return false
				}
			}
			return true
		}
	}
	among := through(filters)
	var conditions []func(play.Record) bool
	for _, s := range sums {
		conditions = append(conditions, through(s.If))
	}
	groups, counts := map[string]vl.Row{}, map[string]map[string]int64{}
	for _, r := range m {
		if !among(r) {
			continue
		}
		row, key := vl.Row{}, ""
		for _, f := range by {
			if v := fields[f](r); v != "" {
				row[string(f)] = v
			}
			key += fields[f](r) + "\x00"
		}
		if groups[key] == nil {
			groups[key], counts[key] = row, map[string]int64{}
		}
		for i, s := range sums {
			if !conditions[i](r) {
				continue
			}
			switch {
			case s.Function == vl.Count:
				counts[key][s.Name]++
			case len(s.Fields) == 1:
				counts[key][s.Name] += r.Buffering
			default:
				counts[key][s.Name] += r.Buffering + r.Playing
			}
		}
	}
	if len(by) == 0 && len(groups) == 0 {
		return []vl.Row{{}}, nil
	}
	var rows []vl.Row
	for key, row := range groups {
		for name, n := range counts[key] {
			row[name] = strconv.FormatInt(n, 10)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// audience returns plays of many operators, of which a few have most viewers, on devices whose systems go with them. Of the plays that
// broken holds for a fifth stalls long and a fifth fails to start; of the others few do.
func audience(random *rand.Rand, count int, broken func(play.Record) bool) memory {
	zipf := rand.NewZipf(random, 1.3, 4, 60)
	streams := rand.NewZipf(random, 1.2, 3, 200)
	plays := make(memory, count)
	for i := range plays {
		r := play.NewRecord()
		r.Organization, r.Direction, r.Session = "acme", measure.Playout, fmt.Sprint("s", i)
		operator := zipf.Uint64()
		r.Operator, r.Country = fmt.Sprint("Net ", operator), []string{"DE", "FR", "US", "GB"}[operator%4]
		r.Region = r.Country + "-" + fmt.Sprint(random.IntN(8))
		device := random.IntN(3)
		r.Device = []string{"mobile", "desktop", "tv"}[device]
		r.OS = [][]string{{"iOS", "Android"}, {"Windows", "macOS"}, {"Tizen", "webOS"}}[device][random.IntN(2)]
		r.Browser = []string{"Safari", "Chrome", "Firefox"}[random.IntN(3)]
		r.Player = []string{"h5live 4.22.0", "h5live 4.21.0", "hls.js 1.5"}[random.IntN(3)]
		r.Protocol, r.Stream = []string{"h5live", "hls"}[random.IntN(2)], fmt.Sprint("stream ", streams.Uint64())
		r.Begin = playsHour.UnixMilli() + random.Int64N(3_000_000)
		r.End, r.Outcome, r.Quality = r.Begin+1000, measure.OutcomePlayed, measure.QualityGood
		length := int64(random.ExpFloat64()*400_000) + 5_000
		r.Start, r.Playing, r.Buffering = r.Begin+500, length, 0
		bad := 0.03
		if broken != nil && broken(r) {
			bad = 0.25
		}
		// Long plays stall more often, and some stalls are long.
		for range int(length / 120_000) {
			if random.Float64() < 2*bad {
				r.Buffering += int64(random.ExpFloat64() * 15_000)
			}
		}
		if random.Float64() < bad {
			r.Start, r.Playing, r.Buffering, r.Outcome, r.Quality = event.Absent, 0, 0, measure.OutcomeStartFailure, measure.QualityBad
		}
		plays[i] = r
	}
	return plays
}

// TestWorstSegments injects a fault into one operator on one device, in 20 runs, and none in 20 others. Each run is an organisation of a real store, and is
// asked about each kind of trouble.
func TestWorstSegments(t *testing.T) {
	const runs, enough, plays = 20, 19, 5_000
	url := vltest.Start(t)
	writer, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	type fault struct{ operator, device string }
	var faults [runs]fault
	organization := func(seed int, broken bool) string { return fmt.Sprintf("run-%d-%t", seed, broken) }
	insert := func(organization string, of memory) {
		lines := make([][]byte, len(of))
		for i := range of {
			of[i].Organization = organization
			lines[i] = of[i].Line(nil)
		}
		if err := writer.Insert(t.Context(), lines); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range runs {
		random := rand.New(rand.NewPCG(uint64(seed), 77))
		faults[seed] = fault{fmt.Sprint("Net ", random.IntN(4)), []string{"mobile", "desktop", "tv"}[random.IntN(3)]}
		insert(organization(seed, true), audience(random, plays, func(r play.Record) bool { return fault{r.Operator, r.Device} == faults[seed] }))
		insert(organization(seed, false), audience(random, plays, nil))
	}
	if err := writer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	// worst returns the conditions of the first row, and the words that stand in place of rows.
	worst := func(organization, metric string) (first fault, words any) {
		transport, err := vl.NewTransport(url, organization, "", http.DefaultTransport)
		if err != nil {
			t.Fatal(err)
		}
		store, err := vl.NewClient(url, &http.Client{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "worstSegments", func(r *Request) { r.Metric = metric }))
		if err != nil {
			t.Fatal(err)
		}
		if custom, ok := frames[0].Meta.Custom.(map[string]any); ok {
			words = custom[CustomNothing]
		}
		if conditions := textsOf(t, frames[0], "condition"); len(conditions) > 0 {
			first = fault{strings.TrimPrefix(conditions[0], "operator="), strings.TrimPrefix(textsOf(t, frames[0], "and")[0], "device=")}
		}
		return first, words
	}
	for _, metric := range []string{"buffering", "startFailures"} {
		found, quiet := 0, 0
		for seed := range runs {
			if first, _ := worst(organization(seed, true), metric); first == faults[seed] {
				found++
			} else {
				t.Logf("%s, %d: %+v, found %+v", metric, seed, faults[seed], first)
			}
			if first, words := worst(organization(seed, false), metric); words == "Nothing stands out" {
				quiet++
			} else {
				t.Logf("%s, %d: no fault, found %+v, %v", metric, seed, first, words)
			}
		}
		t.Logf("%s: the fault is first in %d of %d runs, without one nothing stands out in %d", metric, found, runs, quiet)
		if found < enough || quiet < enough {
			t.Errorf("%s: %d and %d of %d runs, want %d of each", metric, found, quiet, runs, enough)
		}
	}
}

// TestWorstSegmentsOfOneValue has faults that are no pair's.
func TestWorstSegmentsOfOneValue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken func(play.Record) bool
		want   []string
	}{
		{"a version of the player", func(r play.Record) bool { return r.Player == "h5live 4.22.0" }, []string{"player h5live 4.22.0"}},
		{"an operator, and a system elsewhere", func(r play.Record) bool { return r.Operator == "Net 1" || r.OS == "Tizen" }, []string{"operator Net 1", "os Tizen"}},
	} {
		worst, all, err := segments{badnessOf("buffering"), audience(rand.New(rand.NewPCG(5, 6)), 6_000, tt.broken).ask}.find(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := textsOf(t, frameOfSegments(worst, all), "segment")
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestWorstSegmentsInTheStore asks a real store, and compares with the same plays in memory.
func TestWorstSegmentsInTheStore(t *testing.T) {
	plays := audience(rand.New(rand.NewPCG(9, 9)), 4_000, func(r play.Record) bool { return r.Operator == "Net 2" && r.Device == "tv" })
	store := readerOfPlays(t, plays)
	worst, all, err := segments{badnessOf(""), plays.ask}.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := frameOfSegments(worst, all)
	frames, err := Run(t.Context(), noSums{}, playsRequest(store, "worstSegments", nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range []string{"segment", "condition", "and", "plays", "ratio", "others", "impact"} {
		if got, want := textsOf(t, frames[0], column), textsOf(t, want, column); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*Request)
		words  string
	}{
		{"the others", func(r *Request) { r.Where = []string{"operator!=Net 2"} }, "Nothing stands out"},
		{"a few", func(r *Request) { r.To = r.From.Add(40e9) }, "Too few plays"},
		{"none", func(r *Request) { r.Stream = []string{"no such stream"} }, "No play matches"},
	} {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "worstSegments", tt.change))
		if err != nil {
			t.Fatal(err)
		}
		if custom, ok := frames[0].Meta.Custom.(map[string]any); !ok || custom[CustomNothing] != tt.words || frames[0].Rows() != 0 {
			t.Errorf("%s: %v", tt.name, frames[0].Meta)
		}
	}
	if _, err := Run(t.Context(), noSums{}, playsRequest(store, "worstSegments", func(r *Request) { r.From = r.To.Add(-9 * day) })); !errors.Is(err, ErrBadQuery) {
		t.Errorf("nine days: %v", err)
	}
}
