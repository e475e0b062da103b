package widget

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// TestMoments compares the earlier ranges with what calendars and clocks say, also on the days on which clocks change.
func TestMoments(t *testing.T) {
	const form = "2006-01-02 15:04"
	tests := []struct{ name, compare, zone, from, to, wantFrom, wantTo string }{
		{"just before", ComparePrevious, "UTC", "2026-03-02 10:00", "2026-03-02 11:30", "2026-03-02 08:30", "2026-03-02 10:00"},
		{"just before, of equal length whatever the clocks", ComparePrevious, "Europe/Berlin", "2026-03-28 23:00", "2026-03-29 22:00", "2026-03-28 00:00", "2026-03-28 23:00"},
		{"a day before", CompareDay, "UTC", "2026-03-01 10:00", "2026-03-01 11:00", "2026-02-28 10:00", "2026-02-28 11:00"},
		{"a week before", CompareWeek, "UTC", "2026-03-01 10:00", "2026-03-02 00:00", "2026-02-22 10:00", "2026-02-23 00:00"},
		{"a week before over the begin of a year", CompareWeek, "UTC", "2026-01-03 00:00", "2026-01-04 00:00", "2025-12-27 00:00", "2025-12-28 00:00"},
		{"a month before", CompareMonth, "UTC", "2026-11-10 10:00", "2026-11-12 00:00", "2026-10-10 10:00", "2026-10-12 00:00"},
		{"a whole month", CompareMonth, "UTC", "2026-03-01 00:00", "2026-04-01 00:00", "2026-02-01 00:00", "2026-03-01 00:00"},
		{"a whole month in Berlin", CompareMonth, "Europe/Berlin", "2026-03-31 22:00", "2026-04-30 22:00", "2026-02-28 23:00", "2026-03-31 22:00"},
		{"the end of a longer month", CompareMonth, "UTC", "2026-03-28 00:00", "2026-03-31 12:00", "2026-02-28 00:00", "2026-03-01 00:00"},
		{"days that the month before has not", CompareMonth, "UTC", "2026-03-30 00:00", "2026-03-31 00:00", "2026-03-01 00:00", "2026-03-01 00:00"},
		{"the 29th of a leap year", CompareMonth, "UTC", "2028-03-29 00:00", "2028-03-30 00:00", "2028-02-29 00:00", "2028-03-01 00:00"},
		{"January", CompareMonth, "UTC", "2026-01-15 00:00", "2026-01-16 00:00", "2025-12-15 00:00", "2025-12-16 00:00"},
		{"a month before in India", CompareMonth, "Asia/Kolkata", "2026-10-31 18:30", "2026-11-30 18:30", "2026-09-30 18:30", "2026-10-31 18:30"},

		// Berlin puts clocks forward at 01:00 UTC on 29 March 2026, and back at 01:00 UTC on 25 October.
		{"the day after clocks went forward", CompareDay, "Europe/Berlin", "2026-03-29 22:00", "2026-03-30 22:00", "2026-03-28 23:00", "2026-03-29 22:00"},
		{"the day on which clocks go forward", CompareDay, "Europe/Berlin", "2026-03-28 23:00", "2026-03-29 22:00", "2026-03-27 23:00", "2026-03-28 23:00"},
		{"the hour before clocks go forward", CompareDay, "Europe/Berlin", "2026-03-29 00:00", "2026-03-29 01:00", "2026-03-28 00:00", "2026-03-28 02:00"},
		{"an hour that the day before skipped", CompareDay, "Europe/Berlin", "2026-03-30 00:00", "2026-03-30 01:00", "2026-03-29 01:00", "2026-03-29 01:00"},
		{"a half of an hour that the day before skipped", CompareDay, "Europe/Berlin", "2026-03-30 00:30", "2026-03-30 01:30", "2026-03-29 01:00", "2026-03-29 01:30"},
		{"the day on which clocks go back", CompareDay, "Europe/Berlin", "2026-10-24 22:00", "2026-10-25 23:00", "2026-10-23 22:00", "2026-10-24 22:00"},
		{"the first of two hours", CompareDay, "Europe/Berlin", "2026-10-25 00:00", "2026-10-25 01:00", "2026-10-24 00:00", "2026-10-24 01:00"},
		{"the second of two hours", CompareDay, "Europe/Berlin", "2026-10-25 01:00", "2026-10-25 02:00", "2026-10-24 01:00", "2026-10-24 01:00"},
		{"from the first to the second half of two hours", CompareDay, "Europe/Berlin", "2026-10-25 00:30", "2026-10-25 01:30", "2026-10-24 00:30", "2026-10-24 01:00"},
		{"an hour that was there twice the day before", CompareDay, "Europe/Berlin", "2026-10-26 01:00", "2026-10-26 02:00", "2026-10-25 00:00", "2026-10-25 02:00"},
		{"a week over the change", CompareWeek, "Europe/Berlin", "2026-10-25 23:00", "2026-11-01 23:00", "2026-10-18 22:00", "2026-10-25 23:00"},
		{"a month over the change in New York", CompareMonth, "America/New_York", "2026-11-01 04:00", "2026-12-01 05:00", "2026-10-01 04:00", "2026-11-01 04:00"},
		{"half an hour of Lord Howe Island", CompareDay, "Australia/Lord_Howe", "2026-04-04 14:30", "2026-04-04 15:30", "2026-04-03 14:30", "2026-04-03 15:00"},
		{"a day in Beirut that begins at 1:00", CompareDay, "Asia/Beirut", "2026-03-29 21:00", "2026-03-30 21:00", "2026-03-28 22:00", "2026-03-29 21:00"},
		{"a day in Havana with two midnights", CompareDay, "America/Havana", "2026-11-02 05:00", "2026-11-03 05:00", "2026-11-01 04:00", "2026-11-02 05:00"},
		{"the day that Samoa skipped", CompareDay, "Pacific/Apia", "2011-12-30 10:00", "2011-12-31 10:00", "2011-12-30 10:00", "2011-12-30 10:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone, err := loadZone(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			from, to := parseTime(t, tt.from), parseTime(t, tt.to)
			of := moments(tt.compare, from, to, zone)
			gotFrom, gotTo := of(from).UTC().Format(form), of(to).UTC().Format(form)
			if gotFrom != tt.wantFrom || gotTo != tt.wantTo {
				t.Errorf("%s to %s, want %s to %s", gotFrom, gotTo, tt.wantFrom, tt.wantTo)
			}
		})
	}
}

// TestMomentsFollow holds what a series needs: that earlier ranges follow each other as those do that they belong to.
func TestMomentsFollow(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"} {
		zone, err := loadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, compare := range []string{CompareDay, CompareWeek, CompareMonth} {
			begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			of := moments(compare, begin, begin, zone)
			last := of(begin)
			for at := begin; at.Year() == 2026; at = at.Add(15 * time.Minute) {
				earlier := of(at)
				if earlier.Before(last) || !earlier.Before(at) {
					t.Fatalf("%s before %s in %s is %s, that before was %s", compare, at, name, earlier, last)
				}
				last = earlier
			}
		}
	}
}

func TestChange(t *testing.T) {
	for _, tt := range []struct{ now, before, want string }{
		{"3", "2", "0.5"}, {"0", "2", "-1"}, {"2", "0", "NaN"}, {"0", "0", "NaN"}, {"NaN", "2", "NaN"}, {"2", "NaN", "NaN"},
	} {
		if got := Change(number(t, tt.now), number(t, tt.before)); !same(got, number(t, tt.want)) {
			t.Errorf("from %s to %s it is %v, want %s", tt.before, tt.now, got, tt.want)
		}
	}
}

// asked keeps what VictoriaMetrics is asked.
type asked struct {
	answers
	mutex     sync.Mutex
	questions []string
}

func (a *asked) Ask(_ context.Context, q vm.Question) (vm.Answer, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.questions = append(a.questions, q.Query)
	return vm.Answer{}, nil
}

// TestCompareAsks holds what the planner makes of a comparison: one request of totals, and nothing of a time that is not there.
func TestCompareAsks(t *testing.T) {
	tests := []struct {
		name     string
		query    Query
		from, to string
		want     int    // requests
		notice   string // what a notice says
	}{
		{"totals", Query{QueryType: "loadsByCountry", Compare: CompareWeek}, "2026-03-30 10:00", "2026-03-30 11:00", 1, ""},
		{"a series", Query{QueryType: "loadsByCountry", Compare: CompareWeek, Form: FormSeries, Interval: "10m"}, "2026-03-30 10:00", "2026-03-30 11:00", 2, ""},
		{"none", Query{QueryType: "loadsByCountry", Compare: CompareNone}, "2026-03-30 10:00", "2026-03-30 11:00", 1, ""},
		{"no such time", Query{QueryType: "loadsByCountry", Compare: CompareMonth}, "2026-03-30 10:00", "2026-03-30 11:00", 1,
			"The month before has no such time: there is nothing to compare with."},
		{"a shorter month", Query{QueryType: "loadsByCountry", Compare: CompareMonth, Timezone: "Europe/Berlin"}, "2026-02-28 23:00", "2026-03-31 22:00", 1,
			"Compared with 1 February 2026 00:00 to 1 March 2026 00:00 CET, which is 2.96 days shorter."},
		{"a longer month", Query{QueryType: "loadsByCountry", Compare: CompareMonth}, "2026-02-01 00:00", "2026-03-01 00:00", 1,
			"Compared with 1 January 2026 00:00 to 1 February 2026 00:00 UTC, which is 3 days longer."},
		{"the newest minutes", Query{QueryType: "loadsByCountry", Compare: CompareDay}, "2026-04-30 10:00", "2026-05-01 00:00", 1,
			"Ends at 2026-04-30 23:59 UTC: later minutes are not complete yet."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var victoriaMetrics asked
			frames, err := Run(t.Context(), &victoriaMetrics, Request{
				Query: tt.query, From: parseTime(t, tt.from), To: parseTime(t, tt.to), Now: parseTime(t, "2026-05-01 00:00"), Level: tenant.Premium, Alert: true})
			if err != nil {
				t.Fatal(err)
			}
			if questions := victoriaMetrics.questions; len(questions) != tt.want {
				t.Errorf("%d requests, want %d:\n%s", len(questions), tt.want, strings.Join(questions, "\n"))
			}
			var notices []string
			for _, n := range frames[0].Meta.Notices {
				notices = append(notices, n.Text)
			}
			if got := strings.Join(notices, " "); got != tt.notice {
				t.Errorf("notices %q, want %q", got, tt.notice)
			}
		})
	}
}

// TestComparisonIsTwoQueries holds a comparison to the answers of its two ranges, asked one after the other.
func TestComparisonIsTwoQueries(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	client := store(t, randomFacts(random, 6_000))
	run := func(q Query, from, to time.Time) *data.Frame {
		frames, err := Run(t.Context(), client, Request{Query: q, From: from, To: to, Now: day0.Add(3 * day), Level: tenant.Premium})
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		return frames[0]
	}
	for range 2 {
		for _, d := range All() {
			if d.periods != nil {
				continue
			}
			q := Query{QueryType: d.Type, Unit: pick(random, []string{UnitTraffic, UnitPlaytime}), Form: pick(random, []string{FormTotal, FormSeries}),
				Interval: "6h", Timezone: "Asia/Kolkata"}
			if metrics := d.Metrics(); len(d.Choices) > 0 {
				q.Metric = pick(random, metrics)
			}
			from := day0.Add(time.Duration(random.IntN(4)) * 6 * time.Hour)
			to := from.Add(6 * time.Hour * time.Duration(1+random.IntN(3)))
			q.Compare = pick(random, []string{ComparePrevious, CompareDay})
			back := day
			if q.Compare == ComparePrevious {
				back = to.Sub(from)
			}
			compared := valuesOf(run(q, from, to))
			q.Compare = ""
			now, before := valuesOf(run(q, from, to)), valuesOf(run(q, from.Add(-back), to.Add(-back)))
			for key, v := range compared {
				column, rest, _ := strings.Cut(key, " ")
				name, ok := strings.CutSuffix(column, "Before")
				// A name that only one of the ranges has keeps what is the same in every range.
				constant := d.Type == "retention" && name == "seconds"
				switch {
				case ok:
					if want, there := before[name+" "+rest]; !same(v, want) && (there || v != 0 && !math.IsNaN(v)) && !(constant && same(v, compared[name+" "+rest])) {
						t.Errorf("%+v: %s is %v, want %v", q, key, v, want)
					}
					delete(before, name+" "+rest)
				case strings.HasSuffix(column, changeSuffix):
					name := strings.TrimSuffix(column, changeSuffix)
					if a, b := compared[name+" "+rest], compared[name+"Before "+rest]; !same(v, Change(a, b)) {
						t.Errorf("%+v: %s is %v from %v to %v", q, key, v, b, a)
					}
				case strings.HasSuffix(column, differenceSuffix):
					name := strings.TrimSuffix(column, differenceSuffix)
					if a, b := compared[name+" "+rest], compared[name+"Before "+rest]; !same(v, a-b) {
						t.Errorf("%+v: %s is %v from %v to %v", q, key, v, b, a)
					}
				default:
					if want, there := now[key]; !same(v, want) && (there || v != 0 && !math.IsNaN(v)) && !(constant && same(v, compared[name+"Before "+rest])) {
						t.Errorf("%+v: %s is %v, want %v", q, key, v, want)
					}
					delete(now, key)
				}
			}
			for key, v := range now {
				t.Errorf("%+v: %s is missing, which is %v", q, key, v)
			}
			for key, v := range before {
				t.Errorf("%+v: %s before is missing, which is %v", q, key, v)
			}
		}
	}
}

// valuesOf returns the numbers of a frame by column, interval and name.
func valuesOf(frame *data.Frame) map[string]float64 {
	values := map[string]float64{}
	for row := range frame.Rows() {
		name := ""
		if len(frame.Fields) > 0 {
			if text, ok := frame.Fields[0].At(row).(string); ok {
				name = text
			}
		}
		for _, f := range frame.Fields {
			if f.Type() != data.FieldTypeNullableFloat64 {
				continue
			}
			in := name
			for _, label := range f.Labels {
				in = label
			}
			interval := ""
			if frame.Fields[0].Type() == data.FieldTypeTime {
				interval = string(rune('a' + row))
			}
			values[f.Name+" "+interval+" "+in] = valueAt(f, row)
		}
	}
	return values
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// same reports whether two numbers are equal or both none.
func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b))
}
