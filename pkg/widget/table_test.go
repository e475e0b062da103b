package widget

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
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
