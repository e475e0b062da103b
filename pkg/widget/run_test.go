package widget

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// answers is a VictoriaMetrics that answers every query with the same.
type answers struct {
	series  []vm.Series
	fetched int
	err     error
}

func (a answers) Query(context.Context, string, time.Time, vm.Filters) ([]vm.Series, error) {
	return a.series, a.err
}

func (a answers) Ask(context.Context, vm.Question) (vm.Answer, error) {
	return vm.Answer{Series: a.series, Fetched: a.fetched}, a.err
}

// something is a VictoriaMetrics that answers every query with 1.
var something = answers{series: []vm.Series{{Labels: []vm.Label{{Name: partLabel, Value: "0"}}, Points: []vm.Point{{Time: noon.UnixMilli(), Value: 1}}}}}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Request)
		kind   error
		want   string
	}{
		{"unknown widget", func(r *Request) { r.QueryType = "nonsense" }, ErrBadQuery, `the widget "nonsense" is unknown`},
		{"no widget", func(r *Request) { r.QueryType = "" }, ErrBadQuery, `the widget "" is unknown`},
		{"unit", func(r *Request) { r.Unit = "furlongs" }, ErrBadQuery, `the unit "furlongs" is unknown: it is traffic or playtime`},
		{"mode", func(r *Request) { r.Mode = "x" }, ErrBadQuery, `the mode "x" is unknown`},
		{"form", func(r *Request) { r.Form = "x" }, ErrBadQuery, `the form "x" is unknown`},
		{"metric", func(r *Request) { r.Metric = "x" }, ErrBadQuery, `has no metric "x"`},
		{"metric that is the breakdown", func(r *Request) { r.QueryType, r.Metric = "playsByOS", "os" }, ErrBadQuery, `has no metric "os"`},
		{"time zone", func(r *Request) { r.Timezone = "Mars/Phobos" }, ErrBadQuery, `the time zone "Mars/Phobos" is unknown`},
		{"the server's time zone", func(r *Request) { r.Timezone = "Local" }, ErrBadQuery, `the time zone "Local" depends on who asks`},
		{"the browser's time zone", func(r *Request) { r.Timezone = "browser" }, ErrBadQuery, `the time zone "browser" depends on who asks: name one, such as UTC`},
		{"time zone that is a path", func(r *Request) { r.Timezone = "../../etc/passwd" }, ErrBadQuery, "is unknown"},
		{"interval", func(r *Request) { r.Form, r.Interval = FormSeries, "often" }, ErrBadQuery, `the interval "often" is no number with a unit`},
		{"interval of zero", func(r *Request) { r.Form, r.Interval = FormSeries, "0m" }, ErrBadQuery, `the interval "0m"`},
		{"negative interval", func(r *Request) { r.Form, r.Interval = FormSeries, "-1m" }, ErrBadQuery, `the interval "-1m"`},
		{"interval of seconds", func(r *Request) { r.Form, r.Interval = FormSeries, "90s" }, ErrBadQuery, "no whole number of minutes"},
		{"interval of two months", func(r *Request) { r.Form, r.Interval = FormSeries, "2M" }, ErrBadQuery, "the only one in months is 1M"},
		{"interval of a century", func(r *Request) { r.Form, r.Interval = FormSeries, "36500d" }, ErrBadQuery, "longer than ten years"},
		{"too many intervals", func(r *Request) { r.Form, r.Interval, r.From = FormSeries, "1m", noon.AddDate(-1, 0, 0) }, ErrBadQuery, "more than 30000 of these intervals"},
		{"delta of totals", func(r *Request) { r.QueryType, r.Mode = "concurrentViewers", ModeDelta }, ErrBadQuery, "the mode delta needs the form series"},
		{"delta of usage", func(r *Request) { r.Mode, r.Form = ModeDelta, FormSeries }, ErrBadQuery, "has no mode delta"},
		{"breakdown", func(r *Request) { r.QueryType, r.Breakdown = "startTime", "mood" }, ErrBadQuery,
			`the breakdown "mood" is unknown: it is country, stream, tag, version, os, browser, device or protocol`},
		{"breakdown by players of what is not stored so", func(r *Request) { r.QueryType, r.Breakdown = "bufferLength", "os" }, ErrBadQuery,
			"has no breakdown by os"},
		{"dimension", func(r *Request) { r.QueryType, r.Dimension = "bufferingRatio", "mood" }, ErrBadQuery,
			`the dimension "mood" is unknown: it is version, os, browser, device or protocol`},
		{"dimension of a widget without", func(r *Request) { r.Dimension, r.Values = "os", []string{"iOS"} }, ErrBadQuery,
			"the widget usageOverview is not stored by os"},
		{"values without a dimension", func(r *Request) { r.QueryType, r.Values = "bufferingRatio", []string{"iOS"} }, ErrBadQuery,
			"the filter on values needs a dimension"},
		{"two labels of players", func(r *Request) {
			r.QueryType, r.Breakdown, r.Dimension, r.Values = "bufferingRatio", "version", "os", []string{"iOS"}
		}, ErrBadQuery, "a breakdown by version cannot be filtered by os"},
		{"median by a label of players", func(r *Request) { r.QueryType, r.Breakdown, r.Metric = "startTime", "os", "median" }, ErrBadQuery,
			"the median of the widget startTime is not stored by os"},
		{"percentile by a label of players", func(r *Request) { r.QueryType, r.Breakdown, r.Percentile = "startTime", "os", 95 }, ErrBadQuery,
			"percentiles are not stored by os: averages alone are"},
		{"column of a percentile by a label of players", func(r *Request) { r.QueryType, r.Breakdown, r.Metric = "startTime", "os", "p95" }, ErrBadQuery,
			"the p95 of the widget startTime is not stored by os"},
		{"percentile of what is no distribution", func(r *Request) { r.Percentile = 95 }, ErrBadQuery, "the widget usageOverview has no percentiles"},
		{"hundredth percentile", func(r *Request) { r.QueryType, r.Percentile = "startTime", 100 }, ErrBadQuery, "the percentile is 100: it must be 1 to 99"},
		{"percentile below zero", func(r *Request) { r.QueryType, r.Percentile = "startTime", -1 }, ErrBadQuery, "the percentile is -1"},
		{"another percentile than asked", func(r *Request) { r.QueryType, r.Percentile, r.Metric = "videoBitrate", 10, "p11" }, ErrBadQuery,
			`has no metric "p11": it has p10, median, average`},
		{"comparison", func(r *Request) { r.Compare = "year" }, ErrBadQuery, `the comparison "year" is unknown: it is one of previous, day, week, month`},
		{"comparison of months", func(r *Request) { r.QueryType, r.Compare = "monthToDate", "month" }, ErrBadQuery, "it compares months itself"},
		{"comparison of a delta", func(r *Request) {
			r.QueryType, r.Mode, r.Form, r.Compare = "concurrentViewers", ModeDelta, FormSeries, "day"
		}, ErrBadQuery, "the mode delta has no comparison"},
		{"comparison with the time before 1970", func(r *Request) { r.From, r.Compare = time.Unix(0, 0), "previous" }, ErrBadQuery,
			"the range before would begin before 1970"},
		{"change without a comparison", func(r *Request) { r.Metric = "totalChange" }, ErrBadQuery, `has no metric "totalChange": it has playout, ingest, total`},
		{"players in countries and streams", func(r *Request) {
			r.QueryType, r.Country, r.Stream = "playerHealth", []string{"DE"}, []string{"s"}
		}, ErrBadQuery, "what players do is stored by version together with one of country and stream"},
		{"players of an event", func(r *Request) { r.QueryType, r.Event = "playerHealth", []string{"e"} }, ErrBadQuery, "and not by event"},
		{"renditions of a country's viewers of a stream", func(r *Request) { r.QueryType, r.Country, r.Stream = "switches", []string{"DE"}, []string{"s"} },
			ErrBadQuery, "by country or by stream"},
		{"renditions of an event", func(r *Request) { r.QueryType, r.Event = "viewerBitrate", []string{"e"} }, ErrBadQuery, "not by event"},
		{"empty version", func(r *Request) { r.QueryType, r.Values = "playerHealth", []string{""} }, ErrBadQuery, "the version filter has an empty value"},
		{"premium widget of players", func(r *Request) { r.QueryType, r.Level = "playerHealth", tenant.Default }, ErrForbidden, "needs the level premium"},
		{"peaks by tag", func(r *Request) { r.QueryType, r.Breakdown = "concurrentViewers", "tag" }, ErrBadQuery, "do not add up"},
		{"breakdown of a breakdown", func(r *Request) { r.QueryType, r.Breakdown = "playsByOS", "country" }, ErrBadQuery, "has no choice of breakdowns"},
		{"delta of a breakdown", func(r *Request) {
			r.QueryType, r.Breakdown, r.Mode, r.Form = "concurrentViewers", "stream", ModeDelta, FormSeries
		}, ErrBadQuery, "the mode delta has no breakdown"},
		{"referrer", func(r *Request) { r.Referrer = []string{"a"} }, ErrBadQuery, "the referrer filter is not available for the widget usageOverview"},
		{"empty tag", func(r *Request) { r.Tag = []string{"a", ""} }, ErrBadQuery, "the tag filter has an empty value"},
		{"empty referrer", func(r *Request) { r.QueryType, r.Referrer = "usageByReferrer", []string{""} }, ErrBadQuery, "the referrer filter has an empty value"},
		{"empty value", func(r *Request) { r.Country = []string{"DE", ""} }, ErrBadQuery, "the country filter has an empty value"},
		{"many values", func(r *Request) { r.Stream = strings.Split(strings.Repeat("a,", 10_001), ",") }, ErrBadQuery, "more than 10000"},
		{"long values", func(r *Request) { r.Stream = []string{strings.Repeat("a", 2<<20)} }, ErrBadQuery, "the filters are too long"},
		{"range backwards", func(r *Request) { r.From = noon.Add(time.Minute) }, ErrBadQuery, "the range must end after it begins"},
		{"range of nothing", func(r *Request) { r.From = noon }, ErrBadQuery, "the range must end after it begins"},
		{"range before 1970", func(r *Request) { r.From = time.Unix(-100, 0) }, ErrBadQuery, "between the years 1970 and 2200"},
		{"range into the far future", func(r *Request) { r.To = noon.AddDate(1000, 0, 0) }, ErrBadQuery, "between the years 1970 and 2200"},
		{"premium widget", func(r *Request) { r.QueryType, r.Level = "bufferingRatio", tenant.Default }, ErrForbidden,
			`the widget "Buffering ratio" needs the level premium, and this organisation has the level default`},
		{"metric of the map", func(r *Request) { r.QueryType, r.Metric = "worldMap", "plays" }, ErrBadQuery, `has no metric "plays": it has playouts, ingests,`},
		{"premium metric", func(r *Request) { r.QueryType, r.Metric, r.Level = "worldMap", "latency", tenant.Default }, ErrForbidden,
			`the metric "latency" of the widget "World map" needs the level premium, and this organisation has the level default`},
		{"premium widget without level", func(r *Request) { r.QueryType, r.Level = "stopReasons", "" }, ErrForbidden, "needs the level premium"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Request{Query: Query{QueryType: "usageOverview"}, From: noon.Add(-time.Hour), To: noon, Now: noon, Level: tenant.Premium}
			tt.change(&r)
			frames, err := Run(t.Context(), answers{err: errors.New("VictoriaMetrics was asked")}, r)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) || frames != nil {
				t.Errorf("got %v, want %v: %s", err, tt.kind, tt.want)
			}
		})
	}
}

func TestUpstreamErrors(t *testing.T) {
	r := Request{Query: Query{QueryType: "usageOverview"}, From: noon.Add(-time.Hour), To: noon, Now: noon}
	unreachable := &vm.UnreachableError{Err: errors.New("x")}
	_, err := Run(t.Context(), answers{err: unreachable}, r)
	var cause *vm.UnreachableError
	if !errors.Is(err, ErrUpstream) || !errors.As(err, &cause) || err.Error() != unreachable.Error() {
		t.Errorf("got %v", err)
	}
	for _, part := range []string{"", "x", "99", "-1"} {
		_, err = Run(t.Context(), answers{series: []vm.Series{{Labels: []vm.Label{{Name: partLabel, Value: part}}, Points: []vm.Point{{}}}}}, r)
		if !errors.Is(err, ErrUpstream) {
			t.Errorf("part %q: got %v", part, err)
		}
	}
}

func TestNotices(t *testing.T) {
	tests := []struct {
		name  string
		query Query
		now   time.Time
		want  string
		rows  int
	}{
		{"event of traffic", Query{QueryType: "usageOverview", Event: []string{"e"}}, noon, "Traffic knows no events: the event filter does not change it.", 1},
		{"event of playtime", Query{QueryType: "usageOverview", Event: []string{"e"}, Unit: UnitPlaytime}, noon, "", 1},
		{"viewers up to now", Query{QueryType: "concurrentViewers"}, noon, "Ends at 2026-03-01 11:59 UTC: later minutes are not complete yet.", 1},
		{"34 s after the last minute", Query{QueryType: "concurrentViewers"}, noon.Add(34 * time.Second), "Ends at 2026-03-01 11:59 UTC: later minutes are not complete yet.", 1},
		{"35 s after the last minute", Query{QueryType: "concurrentViewers"}, noon.Add(35 * time.Second), "", 1},
		{"nothing complete yet", Query{QueryType: "concurrentViewers"}, noon.Add(-59 * time.Minute), "Ends at 2026-03-01 11:00 UTC: later minutes are not complete yet.", 0},
		{"nothing complete yet in a series", Query{QueryType: "concurrentViewers", Form: FormSeries}, noon.Add(-59 * time.Minute), "Ends at 2026-03-01 11:00 UTC: later minutes are not complete yet.", 0},
		{"the future", Query{QueryType: "concurrentViewers"}, noon.Add(-time.Hour), "The time range begins in the future: it is 2026-03-01 11:00 UTC now.", 0},
		{"the future of sums", Query{QueryType: "usageOverview"}, noon.Add(-time.Hour), "The time range begins in the future: it is 2026-03-01 11:00 UTC now.", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, err := Run(t.Context(), something, Request{Query: tt.query, From: noon.Add(-time.Hour), To: noon, Now: tt.now})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, n := range frames[0].Meta.Notices {
				got += n.Text
			}
			if got != tt.want || frames[0].Rows() != tt.rows {
				t.Errorf("got %q and %d rows, want %q and %d", got, frames[0].Rows(), tt.want, tt.rows)
			}
		})
	}
}

// TestRestOfABreakdown has 1,003 streams, and one more that is called "(other)" already.
func TestRestOfABreakdown(t *testing.T) {
	series := func(stream string, value int64) vm.Series {
		return vm.Series{Labels: []vm.Label{{Name: partLabel, Value: "1"}, {Name: "stream", Value: stream}}, Points: []vm.Point{{Value: value}}}
	}
	all := []vm.Series{series(measure.Other, 5000)}
	for i := range 1003 {
		all = append(all, series(fmt.Sprintf("s%04d", i), int64(1+i/2)))
	}
	frames, err := Run(t.Context(), answers{series: all}, Request{
		Query: Query{QueryType: "usageByStream"}, From: noon.Add(-10 * time.Minute), To: noon, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	f := frames[0]
	name := func(i int) string { return f.Fields[0].At(i).(string) }
	value := func(i int) float64 { return valueAt(f.Fields[2], i) }
	if f.Rows() != 1000 {
		t.Fatalf("%d rows", f.Rows())
	}
	// 1,002 is alone with 502, then come pairs: of equal ones the first by name.
	if name(0) != "s1002" || name(1) != "s1000" || name(2) != "s1001" || value(1) != 501 {
		t.Errorf("begins with %s, %s, %s (%v)", name(0), name(1), name(2), value(1))
	}
	// Listed are the 999 greatest beside (other); s0000 to s0003 with 1+1+2+2 are in it.
	if name(999) != measure.Other || value(999) != 5006 || name(998) != "s0005" {
		t.Errorf("ends with %s, %s (%v)", name(998), name(999), value(999))
	}
	sum := 0.0
	for i := range f.Rows() {
		sum += value(i)
	}
	if want := 5000.0 + 2*(501*502/2) + 502; sum != want {
		t.Errorf("sum %v, want %v", sum, want)
	}
}

// TestRestOfPeaks has 1,001 streams with viewers, of which the least is the rest: it has plays and values, but no peak.
func TestRestOfPeaks(t *testing.T) {
	table := newTable([]read{{measure: measure.Viewing, kind: peakMinute}, {measure: measure.Plays}, {measure: measure.StartTime, kind: bucketSums}}, 1)
	for i := range defaultTop + 1 {
		r := table.row(fmt.Sprintf("s%04d", i))
		table.add(r, 0, 0, 0, int64(i))
		table.add(r, 1, 0, 0, 1)
		table.add(r, 2, 0, measure.Bucket(10), 3)
	}
	table.finish(defaultTop, func(r *row) float64 { return r.numbers[0][0] })
	other := table.rows[len(table.rows)-1]
	if other.name != measure.Other || len(table.rows) != defaultTop+1 {
		t.Fatalf("%d rows, the last is %s", len(table.rows), other.name)
	}
	if peak, plays := other.numbers[0][0], other.numbers[1][0]; !math.IsNaN(peak) || plays != 1 {
		t.Errorf("the rest has the peak %v and %v plays", peak, plays)
	}
	if n := other.buckets[0][measure.Bucket(10)]; n != 3 || other.numbers[2][0] != 3 {
		t.Errorf("the rest has %d values in the bucket", n)
	}
}
