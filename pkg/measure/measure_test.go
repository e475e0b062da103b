package measure

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"sort"
	"testing"
)

func TestMetricNamesAreUniqueAndValid(t *testing.T) {
	valid := regexp.MustCompile(`^streamlens_[a-z_]+_1[mh]$`)
	seen := map[string]string{}
	for i, m := range All() {
		if int(m.ID) != i || Get(m.ID).Name != m.Name {
			t.Errorf("%s is not where its ID says", m.Name)
		}
		if m.Help == "" || m.Unit == "" {
			t.Errorf("%s has no help or no unit", m.Name)
		}
		for _, f := range m.Families() {
			for _, r := range m.Resolutions(f) {
				names := []string{m.Metric(f, r)}
				if m.Kind == Distribution {
					names = []string{m.BucketMetric(f, r), m.SumMetric(f, r), m.CountMetric(f, r)}
				}
				for _, name := range names {
					if !valid.MatchString(name) {
						t.Errorf("%s is no valid name", name)
					}
					if seen[name] != "" {
						t.Errorf("%s names %s and %s", name, seen[name], m.Name)
					}
					seen[name] = m.Name
				}
			}
		}
	}
}

func TestFamilyWith(t *testing.T) {
	tests := []struct {
		name    string
		measure ID
		labels  []string
		want    []string
		ok      bool
	}{
		{"nothing asked", Plays, nil, nil, true},
		{"country", Plays, []string{LabelCountry}, []string{LabelCountry}, true},
		{"stream", Plays, []string{LabelStream}, []string{LabelStream}, true},
		{"both, in any order", Plays, []string{LabelCountry, LabelStream}, []string{LabelStream, LabelCountry}, true},
		{"event", Plays, []string{LabelEvent}, []string{LabelStream, LabelCountry, LabelEvent}, true},
		{"renditions of a stream", Switches, []string{LabelStream}, []string{LabelStream}, true},
		{"renditions of a stream in a country", Switches, []string{LabelStream, LabelCountry}, nil, false},
		{"renditions of an event", Switches, []string{LabelEvent}, nil, false},
		{"event of traffic, which has none", Traffic, []string{LabelEvent}, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, ok := Get(test.measure).FamilyWith(test.labels...)
			if ok != test.ok || !slices.Equal(f.Labels, test.want) {
				t.Errorf("got %v, %v; want %v, %v", f.Labels, ok, test.want, test.ok)
			}
		})
	}
}

func TestBucketLabelsReadBack(t *testing.T) {
	for bucket := range BucketCount {
		got, err := ParseBucketRange(BucketRange(bucket))
		if err != nil || got != bucket {
			t.Errorf("%q reads back as %d, %v; want %d", BucketRange(bucket), got, err, bucket)
		}
	}
	for _, s := range []string{"", "1", "a...b", "1...1e99", "1...1e-9"} {
		if bucket, err := ParseBucketRange(s); err == nil {
			t.Errorf("%q reads as bucket %d, want an error", s, bucket)
		}
	}
}

func TestBucketMiddleIsNear(t *testing.T) {
	for _, v := range []int64{0, 1, 2, 3, 9, 10, 11, 99, 100, 101, 840, 999, 1000, 1001, 86_400_000, 10_000_000_000} {
		middle := BucketMiddle(Bucket(v))
		if diff := math.Abs(middle - float64(v)); diff > 0.064*float64(v) {
			t.Errorf("%d counts as %.3f, which is more than 6.4 %% off", v, middle)
		}
	}
}

func TestQuantiles(t *testing.T) {
	none := make([]int64, BucketCount)
	if median, p95 := Median(none), Percentile(95, none); !math.IsNaN(median) || !math.IsNaN(p95) {
		t.Errorf("of nothing the median is %v and the percentile %v, want NaN", median, p95)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		values := make([]float64, 1+random.IntN(30))
		counts := make([]int64, BucketCount)
		for i := range values {
			v := int64(math.Pow(10, 6*random.Float64())) - 1
			values[i] = float64(v)
			counts[Bucket(v)]++
		}
		sort.Float64s(values)
		n := len(values)
		if got, want := Median(counts), (values[(n+1)/2-1]+values[n/2])/2; math.Abs(got-want) > 0.065*want {
			t.Fatalf("the median of %v is %v, want %v within 6.5 %%", values, got, want)
		}
		for p := int64(1); p <= 100; p++ {
			// The least value to which at least p % of the values are not greater.
			i := 0
			for int64(i+1)*100 < p*int64(n) {
				i++
			}
			if got, want := Percentile(p, counts), values[i]; math.Abs(got-want) > 0.065*want {
				t.Fatalf("percentile %d of %v is %v, want %v within 6.5 %%", p, values, got, want)
			}
		}
	}
}

// TestBucketIsTheFirstThatIsWideEnough compares with a search: of small values, at and beside the bounds, and where values begin in another way.
func TestBucketIsTheFirstThatIsWideEnough(t *testing.T) {
	check := func(value int64) {
		if got, want := Bucket(value), bucketAbove(float64(value)); value > 0 && got != want {
			t.Errorf("%d is in bucket %d, want %d", value, got, want)
		}
	}
	for value := range int64(100_000) {
		check(value)
	}
	for _, bound := range bounds {
		for beside := int64(-2); beside <= 2; beside++ {
			check(int64(bound) + beside)
		}
	}
	for length := range 63 {
		for first := range int64(32) {
			for beside := int64(-1); beside <= 1; beside++ {
				check(first<<length>>4 + beside)
			}
		}
	}
	check(math.MaxInt64)
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		check(r.Int64() >> r.IntN(63))
	}
}

func BenchmarkBucket(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var values [1024]int64
	for i := range values {
		values[i] = r.Int64N(20_000)
	}
	n := 0
	for b.Loop() {
		n += Bucket(values[n%len(values)])
	}
}
