package widget

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

var update = flag.Bool("update", false, "write golden files and src/widgets.json instead of comparing with them")

// checkGolden compares with a file, or writes it.
func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs: if that is meant, run the test with -update and look at the difference\n%s", path, got)
	}
}

// TestFrames compares whole frames, in Grafana's JSON form, that are made of given numbers.
func TestFrames(t *testing.T) {
	from := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	twoHours := []interval{{from, from, from.Add(time.Hour)}, {from.Add(time.Hour), from.Add(time.Hour), from.Add(2 * time.Hour)}}
	tests := []struct {
		file      string
		request   Request
		intervals []interval
		numbers   map[string][][]float64 // by name, read and interval
	}{
		{"total", Request{Query: Query{QueryType: "usageOverview", Form: FormTotal, RefID: "A"}}, twoHours[:1],
			map[string][][]float64{"": {{5}, {7}}}},
		{"total_playtime_breakdown", Request{Query: Query{QueryType: "usageByCountry", Form: FormTotal, Unit: UnitPlaytime}}, twoHours[:1],
			map[string][][]float64{"DE": {{3000}}, "FR": {{9000}}}},
		{"total_links", Request{Query: Query{QueryType: "stopReasons", Form: FormTotal}}, twoHours[:1],
			map[string][][]float64{"normal": {{3}}}},
		{"total_ranked", Request{Query: Query{QueryType: "worldMap", Form: FormTotal, Metric: "bufferingRatio"}}, twoHours[:1],
			map[string][][]float64{"DE": {{7}, {1}, {3}}, "FR": {{1}, {5}, {5}}, "AT": {{2}, {2}, {6}}, "US": {{4}, {0}, {0}}}},
		{"total_ranked_playtime", Request{Query: Query{QueryType: "worldMap", Form: FormTotal, Metric: "usageSent", Unit: UnitPlaytime}}, twoHours[:1],
			map[string][][]float64{"DE": {{7}, {1500}}}},
		{"total_ranked_alert", Request{Query: Query{QueryType: "worldMap", Form: FormTotal, Metric: "latency"}, Alert: true}, twoHours[:1],
			map[string][][]float64{"DE": {{7}, {3000}, {2}}}},
		{"series_ranked", Request{Query: Query{QueryType: "worldMap", Form: FormSeries, Metric: "ingests"}}, twoHours,
			map[string][][]float64{"DE": {{7, 0}, {1, 0}}, "FR": {{0, 1}, {2, 2}}}},
		{"total_codes", Request{Query: Query{QueryType: "statusCodes", Form: FormTotal}}, twoHours[:1],
			map[string][][]float64{"2002": {{3}, {1}, {2}}}},
		{"total_null", Request{Query: Query{QueryType: "bufferingRatio", Form: FormTotal}}, twoHours[:1],
			map[string][][]float64{"": {{0}, {0}}}},
		{"total_alert", Request{Query: Query{QueryType: "usageByStream", Form: FormTotal, Metric: "playout"}, Alert: true}, twoHours[:1],
			map[string][][]float64{"s1": {{1}, {2}}, "s2": {{3}, {4}}}},
		{"total_alert_first", Request{Query: Query{QueryType: "usageByStream", Form: FormTotal}, Alert: true}, twoHours[:1],
			map[string][][]float64{"s1": {{1}, {2}}}},
		{"total_broken_down_alert", Request{Query: Query{QueryType: "concurrentViewers", Form: FormTotal, Breakdown: "stream", Metric: "plays"},
			Alert: true}, twoHours[:1], map[string][][]float64{"s1": {{60_000}, {2}, {0}}, "s2": {{90_000}, {1}, {0}}}},
		{"total_empty", Request{Query: Query{QueryType: "usageByStream", Form: FormTotal}}, twoHours[:1], nil},
		{"series", Request{Query: Query{QueryType: "usageOverview", Form: FormSeries}}, twoHours,
			map[string][][]float64{"": {{5, 6}, {7, 8}}}},
		{"series_breakdown", Request{Query: Query{QueryType: "playsByOS", Form: FormSeries}}, twoHours,
			map[string][][]float64{"iOS": {{3, 0}, {90_000, 0}, {30_000, 0}}, "Windows": {{1, 0}, {0, 0}, {0, 0}}}},
		{"series_alert", Request{Query: Query{QueryType: "playsByOS", Form: FormSeries, Metric: "plays"}, Alert: true}, twoHours,
			map[string][][]float64{"iOS": {{3, 0}, {0, 0}, {0, 0}}, "Windows": {{1, 0}, {0, 0}, {0, 0}}}},
		{"total_state", Request{Query: Query{QueryType: "ingestHealth", Form: FormTotal}}, twoHours[:1],
			map[string][][]float64{
				"fine":     {{60_000}, {1}, {1e6}, {60_000}, {0}, {0}, {0}, {0}, {0}, {60_000}, {60_000}, {60_000}, {1}, {1}, {0}, {0}, {0}, {0}},
				"off air":  {{60_000}, {1}, {1e6}, {60_000}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {1}, {0}, {0}, {0}, {0}},
				"inactive": {{60_000}, {1}, {1e6}, {60_000}, {0}, {0}, {0}, {0}, {3}, {60_000}, {60_000}, {60_000}, {0}, {1}, {0}, {0}, {0}, {0}},
				"lossy":    {{60_000}, {1}, {1e6}, {60_000}, {0}, {0}, {60_000}, {1}, {0}, {60_000}, {60_000}, {60_000}, {1}, {1}, {0}, {0}, {60_000}, {1}},
			}},
		{"series_broken_down", Request{Query: Query{QueryType: "bufferingRatio", Form: FormSeries, Breakdown: "country"}}, twoHours,
			map[string][][]float64{"DE": {{1, 0}, {3, 0}}, "FR": {{0, 2}, {2, 2}}}},
		{"parts", Request{Query: Query{QueryType: "usageByCountry", Form: FormParts, Metric: "value", Top: 2}}, twoHours[:1],
			map[string][][]float64{"DE": {{3}}, "FR": {{9}}, "ZZ": {{2}}, "US": {{1}}}},
		{"trend", Request{Query: Query{QueryType: "usageOverview", Form: FormTrend, Compare: ComparePrevious}}, twoHours,
			map[string][][]float64{"": {{5, 4}, {7, 0}}}},
		{"trend_breakdown", Request{Query: Query{QueryType: "usageByCountry", Form: FormTrend, Metric: "value", Compare: ComparePrevious}}, twoHours,
			map[string][][]float64{"DE": {{3, 2}}, "FR": {{9, 0}}}},
		{"series_empty", Request{Query: Query{QueryType: "playsByOS", Form: FormSeries}}, twoHours, nil},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			d, ok := Find(tt.request.QueryType)
			if !ok {
				t.Fatal("no such widget")
			}
			d = d.chosen(tt.request.Metric).asked(tt.request.Query)
			if d.ranked != nil {
				tt.request.Metric = ""
			}
			table := newTable(d.reads(tt.request.Query), len(tt.intervals))
			for name, numbers := range tt.numbers {
				table.row(name).numbers = numbers
			}
			if tt.request.Compare != "" {
				table.shown /= 2 // the other half is the earlier range
			}
			if d.ranked != nil {
				table.rank(d.ranked)
			}
			table.finish(cmp.Or(tt.request.Top, defaultTop), func(r *row) float64 { return d.weight(table, r) })
			res := &result{definition: d, request: tt.request, intervals: tt.intervals, table: table,
				notices: []string{"A notice."}, executed: "sum(m)"}
			got, err := json.MarshalIndent(res.frames(), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, filepath.Join("testdata", tt.file+".json"), append(got, '\n'))
		})
	}
}

// TestAlertsGetNoRowsOfNothing has a stream that played and one that did not, in the second of two intervals.
func TestAlertsGetNoRowsOfNothing(t *testing.T) {
	from := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	hours := []interval{{from, from, from.Add(time.Hour)}, {from.Add(time.Hour), from.Add(time.Hour), from.Add(2 * time.Hour)}}
	d, _ := Find("bufferingRatio")
	d = d.asked(Query{Breakdown: "stream"})
	for _, test := range []struct {
		name, form string
		alert      bool
		quiet      []float64 // buffering and playing of the stream that did not play last, of each interval
		want       []string
	}{
		{"a series for an alert", FormSeries, true, []float64{1, 0}, []string{"busy"}},
		{"a series for a panel", FormSeries, false, []float64{1, 0}, []string{"busy", "quiet"}},
		{"a total for an alert", FormTotal, true, []float64{0}, []string{"busy"}},
		{"a total of both", FormTotal, true, []float64{2}, []string{"busy", "quiet"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := Request{Query: Query{QueryType: "bufferingRatio", Form: test.form, Breakdown: "stream"}, Alert: test.alert}
			table := newTable(d.reads(request.Query), len(test.quiet))
			busy := []float64{1, 3}[:len(test.quiet)]
			table.row("busy").numbers = [][]float64{busy, busy}
			table.row("quiet").numbers = [][]float64{test.quiet, test.quiet}
			frame := (&result{definition: d, request: request, intervals: hours, table: table}).frames()[0]
			var got []string
			if test.form == FormTotal {
				for i := range frame.Fields[0].Len() {
					got = append(got, frame.Fields[0].At(i).(string))
				}
			} else {
				for _, f := range frame.Fields[1:] {
					got = append(got, f.Labels["stream"])
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("rows of %v, want %v", got, test.want)
			}
		})
	}
}

// TestDefinitions holds what every definition must have.
func TestDefinitions(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range All() {
		t.Run(d.Type, func(t *testing.T) {
			if seen[d.Type] {
				t.Error("its type is defined twice")
			}
			seen[d.Type] = true
			if d.Title == "" || d.Description == "" || d.Page == "" || !d.Level.Valid() || len(d.Filters) == 0 || len(d.Measures()) == 0 {
				t.Errorf("incomplete: %+v", d)
			}
			if len(d.metrics()) > 1 != (len(d.Metrics()) > 1) {
				t.Error("a choice of metrics is offered where there is none, or the other way round")
			}
			for i, c := range d.chosen("").Columns {
				if c.Help == "" || (c.value == nil) != (c.Unit == "") || (c.value == nil && i > 0) {
					t.Errorf("column %+v", c)
				}
			}
			if slices.Contains(d.Options, OptionBreakdown) && d.breakdown() != "" {
				t.Error("two breakdowns")
			}
			checkDimensions(t, d)
			// Every combination of filters must find a family to read.
			for _, metric := range d.metrics() {
				for _, unit := range []string{UnitTraffic, UnitPlaytime} {
					r := Request{Query: Query{Unit: unit, Country: []string{"DE"}, Stream: []string{"s"}, Event: []string{"e"}}}
					if slices.Contains(d.Filters, measure.DimensionReferrer) {
						r.Referrer = []string{"site.example"}
					}
					reads := slices.DeleteFunc(d.chosen(metric).reads(r.Query), func(r read) bool { return r.optional })
					labels := []string{""}
					if slices.Contains(d.Options, OptionBreakdown) {
						labels = append(labels, measure.LabelCountry, measure.LabelStream)
					}
					for _, label := range labels {
						groupBy := d.asked(Query{Breakdown: label, Dimension: measure.DimensionVersion}).groupBy()
						if d.byDimension || isApart(d) {
							r.Event, r.Stream = nil, nil
						}
						if isApart(d) && groupBy == measure.LabelStream {
							r.Country = nil
						}
						if _, err := newPlan(reads, groupBy, r.filters(), []interval{{noon, noon, noon.Add(90 * time.Minute)}}); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
}

// checkDimensions checks that a widget with the option dimension finds a family to read for each, together with country or stream, and
// that it has a column to show.
func checkDimensions(t *testing.T, d Definition) {
	if !slices.Contains(d.Options, OptionDimension) {
		return
	}
	for _, label := range measure.PlayerLabels() {
		for _, q := range []Query{{}, {Country: []string{"DE"}}, {Stream: []string{"s"}}} {
			q.Dimension, q.Values = label, []string{"x"}
			r := Request{Query: q}
			if d.breakdown() == measure.LabelStream || d.breakdown() == measure.LabelCountry {
				r.Country, r.Stream = nil, nil
			}
			asked := d.asked(q)
			if len(asked.numbers()) == 0 {
				t.Errorf("no column is left by %s", label)
			}
			if _, err := newPlan(asked.reads(q), asked.groupBy(), r.filters(), []interval{{noon, noon, noon.Add(90 * time.Minute)}}); err != nil {
				t.Error(err)
			}
		}
	}
}
