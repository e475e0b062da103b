package widget

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/streamlens/streamlens/pkg/measure"
)

// TestSortRows compares the first rows, when only they must be in order, with those of all rows in order.
func TestSortRows(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		weights := map[*row]float64{}
		var rows []*row
		for i := range 1 + random.IntN(30) {
			r := &row{name: strconv.Itoa(i)}
			rows = append(rows, r)
			// Many are equal, and some have none.
			if weights[r] = float64(random.IntN(6)); weights[r] == 0 {
				weights[r] = math.NaN()
			}
		}
		weight := func(r *row) float64 { return weights[r] }
		want, got := slices.Clone(rows), slices.Clone(rows)
		count := 1 + random.IntN(len(rows))
		sortRows(want, len(rows), weight)
		sortRows(got, count, weight)
		if !slices.Equal(got[:count], want[:count]) {
			t.Fatalf("the first %d of %d rows are others", count, len(rows))
		}
		for _, r := range rows {
			if !slices.Contains(got, r) {
				t.Fatalf("the row %s is lost", r.name)
			}
		}
	}
}

// cellOf returns the only cell of a distribution of values.
func cellOf(values []int64) cell {
	d, _ := Find("videoBitrate")
	table := newTable(d.reads(Query{}), 1)
	r := table.row("")
	for _, v := range values {
		table.add(r, 0, 0, 0, v)
		table.add(r, 1, 0, 0, 1)
		table.add(r, 2, 0, measure.Bucket(v), 1)
	}
	return cell{table, r, 0}
}

func TestMedianOfOneBucket(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []int64
		want   float64
	}{
		{"a constant", []int64{128_000, 128_000, 128_000}, 128_000},
		{"one value", []int64{131_313}, 131_313},
		{"zeros", []int64{0, 0}, 0},
		{"nearly equal", []int64{128_000, 128_002}, 128_001},
		{"two buckets", []int64{1000, 1000, 2000}, measure.BucketMiddle(measure.Bucket(1000))},
		{"none", nil, math.NaN()},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := cellOf(test.values).median(2, 0, 1)
			if got != test.want && !(math.IsNaN(got) && math.IsNaN(test.want)) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestPercentileOfOneBucket(t *testing.T) {
	bucket := measure.Bucket(128_000)
	least, greatest := int64(math.Ceil(measure.BucketMiddle(bucket)*0.94)), int64(measure.BucketMiddle(bucket)*1.06)
	if measure.Bucket(least) != bucket || measure.Bucket(greatest) != bucket {
		t.Fatalf("%d and %d are not in the bucket of 128,000", least, greatest)
	}
	if got := cellOf([]int64{greatest}).percentile(1); got != float64(greatest) {
		t.Errorf("of a value alone: %v, want %d", got, greatest)
	}
	if got := cellOf(nil).percentile(95); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
	for split := range 21 {
		values := append(slices.Repeat([]int64{least}, 20-split), slices.Repeat([]int64{greatest}, split)...)
		c := cellOf(values)
		last := 0.0
		for p := int64(1); p <= 99; p++ {
			want, got := float64(values[(p*20+99)/100-1]), c.percentile(p)
			if math.Abs(got-want) > 0.07*want {
				t.Errorf("percentile %d of %d great values of 20 is %v instead of %v", p, split, got, want)
			}
			if got < last || p >= 50 && got < c.median(2, 0, 1) {
				t.Errorf("percentile %d of %d great values of 20 is %v: less than that before or the median", p, split, got)
			}
			last = got
		}
	}
}
