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

func TestMedianOfOneBucket(t *testing.T) {
	d, _ := Find("videoBitrate")
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
			table := newTable(d.reads(Query{}), 1)
			r := table.row("")
			for _, v := range test.values {
				table.add(r, 0, 0, 0, v)
				table.add(r, 1, 0, 0, 1)
				table.add(r, 2, 0, measure.Bucket(v), 1)
			}
			got := cell{table, r, 0}.median(2, 0, 1)
			if got != test.want && !(math.IsNaN(got) && math.IsNaN(test.want)) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
