package widget

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

var dimensionValues = map[string][]string{
	measure.DimensionDirection: {measure.Playout, measure.Ingest},
	measure.DimensionProtocol:  {"hls", "rtmp"},
	measure.DimensionOS:        {"iOS", "Android", "Windows"},
	measure.DimensionBrowser:   {"Chrome", "Safari"},
	measure.DimensionVersion:   {"h5live 4.22.0", "hlsjs 1.5"},
	measure.DimensionReason:    {"normal", "timeout", "a,b"},
	measure.DimensionCode:      {"1000", "2002"},
	measure.DimensionFatal:     {"true", "false"},
	measure.DimensionIP:        {"192.0.2.1", "2001:db8::1"},
	measure.DimensionReferrer:  {"site.example", "(none)"},
}

func pick(random *rand.Rand, values []string) string { return values[random.IntN(len(values))] }

// randomFacts spreads facts of every measure over four days.
func randomFacts(random *rand.Rand, n int) []fact {
	facts := make([]fact, n)
	for i := range facts {
		m := measure.All()[random.IntN(len(measure.All()))]
		f := fact{
			measure:   m.ID,
			at:        day0.Add(-2 * day).Add(time.Duration(random.IntN(4*24*60)) * time.Minute),
			country:   pick(random, []string{"DE", "FR", "US", "ZZ"}),
			stream:    pick(random, []string{"s1", "s2", "ſ.*3"}),
			collector: pick(random, []string{"a", "b"}),
			late:      max(0, random.IntN(8)-5),
			value:     random.Int64N(200_000),
		}
		if m.Events {
			f.event = pick(random, []string{"", "e1", "e2"})
		}
		for _, d := range m.Dimensions {
			f.dimensions = append(f.dimensions, pick(random, dimensionValues[d]))
		}
		facts[i] = f
	}
	return facts
}

// chosen are the facts that a query is about.
func chosen(facts []fact, q Query, id measure.ID, from, to time.Time) []fact {
	matches := func(filter []string, value string) bool { return len(filter) == 0 || slices.Contains(filter, value) }
	var c []fact
	for _, f := range facts {
		if f.measure == id && !f.at.Before(from) && f.at.Before(to) && matches(q.Country, f.country) &&
			matches(q.Stream, f.stream) && (!measure.Get(id).Events || matches(q.Event, f.event)) {
			c = append(c, f)
		}
	}
	return c
}

func sumOf(facts []fact, dimensions ...string) (sum float64) {
	for _, f := range facts {
		if len(dimensions) == 0 || slices.Contains(f.dimensions, dimensions[0]) {
			sum += float64(f.value)
		}
	}
	return sum
}

func exactMedian(facts []fact) float64 {
	if len(facts) == 0 {
		return math.NaN()
	}
	var values []float64
	for _, f := range facts {
		values = append(values, float64(f.value))
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// expected are the numbers of a widget in a range, by "column" or "column name".
func expected(facts []fact, q Query, from, to time.Time) map[string]float64 {
	of := func(id measure.ID) []fact { return chosen(facts, q, id, from, to) }
	usage, unit := measure.Traffic, 1.0
	if q.Unit == UnitPlaytime {
		usage, unit = measure.Playing, 1000
	}
	by := func(name func(fact) string, facts []fact, add func(map[string]float64, string, fact)) map[string]float64 {
		want := map[string]float64{}
		for _, f := range facts {
			add(want, name(f), f)
		}
		return want
	}
	counted := func(id measure.ID, column string, share bool) map[string]float64 {
		all := sumOf(of(id))
		return by(func(f fact) string { return f.dimensions[0] }, of(id), func(want map[string]float64, name string, f fact) {
			want[column+" "+name] += float64(f.value)
			if share {
				want["share "+name] += float64(f.value) / all
			}
		})
	}
	switch q.QueryType {
	case "usageOverview":
		playout, ingest := sumOf(of(usage), measure.Playout)/unit, sumOf(of(usage), measure.Ingest)/unit
		return map[string]float64{"playout": playout, "ingest": ingest, "total": playout + ingest}
	case "usageByCountry":
		all := sumOf(of(usage))
		return by(func(f fact) string { return f.country }, of(usage), func(want map[string]float64, name string, f fact) {
			want["value "+name] += float64(f.value) / unit
			want["share "+name] += float64(f.value) / all
		})
	case "usageByStream":
		return by(func(f fact) string { return f.stream }, of(usage), func(want map[string]float64, name string, f fact) {
			want[f.dimensions[0]+" "+name] += float64(f.value) / unit
		})
	case "concurrentViewers":
		minutes, peak := map[time.Time]float64{}, 0.0
		for _, f := range of(measure.Viewing) {
			minutes[f.at] += float64(f.value) / 60_000
			peak = max(peak, minutes[f.at])
		}
		return map[string]float64{"viewers": peak, "plays": sumOf(of(measure.Plays))}
	case "bufferingRatio":
		buffering := sumOf(of(measure.Buffering))
		return map[string]float64{"value": buffering / (buffering + sumOf(of(measure.Playing), measure.Playout))}
	case "startTime":
		values := of(measure.StartTime)
		return map[string]float64{"median": exactMedian(values) / 1000, "average": sumOf(values) / float64(len(values)) / 1000}
	case "playsByOS":
		return counted(measure.PlaysByOS, "plays", true)
	case "stopReasons":
		return counted(measure.Stops, "stops", false)
	}
	panic("no expectation for " + q.QueryType)
}

// TestRandomQueries compares random queries with what one gets by adding up the facts.
func TestRandomQueries(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	facts := randomFacts(random, 6_000)
	client := store(t, facts)
	some := func(values ...string) []string {
		random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		return values[:max(0, random.IntN(2*len(values))-len(values))]
	}
	for range 250 {
		q := Query{
			QueryType: pick(random, []string{"usageOverview", "usageByCountry", "usageByStream", "concurrentViewers",
				"bufferingRatio", "startTime", "playsByOS", "stopReasons"}),
			Country:  some("DE", "FR", "US", "XX"),
			Stream:   some("s1", "s2", "ſ.*3", "s."),
			Event:    some("e1", "e2", "e3"),
			Unit:     pick(random, []string{UnitTraffic, UnitPlaytime}),
			Form:     pick(random, []string{FormTotal, FormSeries}),
			Interval: pick(random, []string{"", "7m", "30m", "1h", "90m", "6h", "1d", "1M", "1w"}),
			Timezone: pick(random, []string{"UTC", "America/New_York", "Asia/Kolkata"}),
		}
		from := day0.Add(-2 * day).Add(time.Duration(random.IntN(3*24*60)) * time.Minute)
		to := from.Add(time.Duration(1+random.IntN(2*24*60)) * time.Minute)
		frames, err := Run(t.Context(), client, Request{
			Query: q, From: from, To: to, Now: day0.Add(3 * day), Level: tenant.Premium})
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, problem := range compare(frames[0], facts, q, from, to) {
			t.Errorf("%+v from %s to %s: %s\n%s", q, from, to, problem, frames[0].Meta.ExecutedQueryString)
		}
		if t.Failed() {
			return
		}
	}
}

// compare lists how a frame differs from the facts.
func compare(frame *data.Frame, facts []fact, q Query, from, to time.Time) (problems []string) {
	intervals := []interval{{from, from, to}}
	if q.Form == FormSeries {
		times := frame.Fields[0]
		intervals = nil
		for i := range times.Len() {
			in := interval{start: times.At(i).(time.Time), to: to}
			in.from = later(in.start, from)
			if i+1 < times.Len() {
				in.to = times.At(i + 1).(time.Time)
			}
			intervals = append(intervals, in)
		}
		if !intervals[0].start.Before(from.Add(time.Minute)) {
			problems = append(problems, "the first interval begins after the range")
		}
	}
	for i, in := range intervals {
		want := expected(facts, q, in.from, in.to)
		got := map[string]float64{}
		if q.Form == FormSeries {
			for _, f := range frame.Fields[1:] {
				key := f.Name
				for _, name := range f.Labels {
					key += " " + name
				}
				got[key] = valueAt(f, i)
			}
		} else {
			for row := range frame.Rows() {
				suffix := ""
				for _, f := range frame.Fields {
					if name, ok := f.At(row).(string); ok {
						suffix = " " + name
						continue
					}
					got[f.Name+suffix] = valueAt(f, row)
				}
			}
		}
		for key, v := range got {
			w := want[key]
			delete(want, key)
			tolerance := 1e-9
			if key == "median" {
				tolerance = 0.07
			}
			if !(math.IsNaN(v) && (math.IsNaN(w) || w == 0)) && !(math.Abs(v-w) <= tolerance*math.Max(math.Abs(w), 1e-3)) {
				problems = append(problems, fmt.Sprintf("%s at %s is %v instead of %v", key, in.start, v, w))
			}
		}
		for key, w := range want {
			problems = append(problems, fmt.Sprintf("%s at %s is missing instead of %v", key, in.start, w))
		}
	}
	return problems
}

func valueAt(f *data.Field, i int) float64 {
	v, ok := f.At(i).(*float64)
	if !ok || v == nil {
		return math.NaN()
	}
	return *v
}
