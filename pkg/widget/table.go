package widget

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/streamlens/streamlens/pkg/measure"
)

// table holds what was read: for each row and interval one number per read, in stored units. Whole numbers below 2^53 are
// exact in a float64; NaN stands for none.
type table struct {
	reads     []read
	intervals int
	shown     int // the first of the intervals; those after them are what they are compared with
	rows      []*row
	byName    map[string]*row
	all       *row      // the sum of all rows, of those too that are not listed
	minutes   []float64 // how long each interval is
	beyond    *row      // the sum of rows that come behind all others and were not read one by one; nil if there are none
	// parts are the rows that each row is the sum of, in a table whose rows share some of them; else nil.
	parts map[*row][]*row

	// Memory for rows to come: breakdowns have thousands of them.
	spareRows    []row
	spareNumbers []float64
	spareLists   [][]float64
}

type row struct {
	name    string
	numbers [][]float64 // by read and interval
	buckets [][]int64   // by interval and bucket, of the read that has buckets
	ranks   []float64   // by interval, of a table that is ranked
}

func newTable(reads []read, intervals int) *table {
	return &table{reads: reads, intervals: intervals, shown: intervals, byName: map[string]*row{}}
}

func (t *table) newRow(name string) *row {
	r := &cutOff(&t.spareRows, 1)[0]
	r.name, r.numbers = name, cutOff(&t.spareLists, len(t.reads))
	for i := range t.reads {
		r.numbers[i] = cutOff(&t.spareNumbers, t.intervals)
	}
	return r
}

// cutOff returns n items of a spare piece of memory, of which it takes a larger one if that is used up.
func cutOff[T any](spare *[]T, n int) []T {
	if len(*spare) < n {
		*spare = make([]T, max(n, 64))
	}
	items := (*spare)[:n:n]
	*spare = (*spare)[n:]
	return items
}

// row returns the row of a name, new if need be.
func (t *table) row(name string) *row {
	r, ok := t.byName[name]
	if !ok {
		r = t.newRow(name)
		t.byName[name] = r
		t.rows = append(t.rows, r)
	}
	return r
}

func (t *table) add(r *row, read, interval, bucket int, value int64) {
	switch t.reads[read].kind {
	case peakMinute:
		r.numbers[read][interval] = max(r.numbers[read][interval], float64(value))
	case firstMinute, lastMinute:
		r.numbers[read][interval] = t.reads[read].kind.extreme(r.numbers[read][interval], float64(value))
	case bucketSums:
		t.addToBucket(r, interval, bucket, value)
		r.numbers[read][interval] += float64(value)
	default:
		r.numbers[read][interval] += float64(value)
	}
}

// extreme returns the one of two first, or last, minutes that is the first, or last, of both; 0 is none.
func (k kind) extreme(a, b float64) float64 {
	if a == 0 || b == 0 || k == lastMinute {
		return max(a, b)
	}
	return min(a, b)
}

func (t *table) addToBucket(r *row, interval, bucket int, count int64) {
	if r.buckets == nil {
		r.buckets = make([][]int64, t.intervals)
	}
	if r.buckets[interval] == nil {
		r.buckets[interval] = make([]int64, measure.BucketCount)
	}
	r.buckets[interval][bucket] += count
}

// leaveOut takes the row of a name away, if there is one.
func (t *table) leaveOut(name string) {
	if r, ok := t.byName[name]; ok {
		delete(t.byName, name)
		t.rows = slices.DeleteFunc(t.rows, func(other *row) bool { return other == r })
	}
}

// rank numbers the rows of each interval by a value, the greatest first. A row in which nothing happened has no rank.
func (t *table) rank(value func(cell) float64) {
	for _, r := range t.rows {
		r.ranks = slices.Repeat([]float64{math.NaN()}, t.intervals)
	}
	for i := range t.intervals {
		values := map[*row]float64{}
		var ranked []*row
		for _, r := range t.rows {
			values[r] = value(cell{t, r, i})
			if !math.IsNaN(values[r]) && !r.isEmpty(i) {
				ranked = append(ranked, r)
			}
		}
		sortRows(ranked, len(ranked), func(r *row) float64 { return values[r] })
		for n, r := range ranked {
			r.ranks[i] = float64(n + 1)
		}
	}
}

func (r *row) isEmpty(interval int) bool {
	return !slices.ContainsFunc(r.numbers, func(of []float64) bool { return of[interval] != 0 })
}

// sortRows orders rows by a weight, the greatest first, those without one, which is NaN, last, and equal ones by name. Only the first
// count need be in order: of many thousands of rows few are listed.
func sortRows(rows []*row, count int, weight func(*row) float64) {
	type weighted struct {
		row    *row
		weight float64
	}
	all := make([]weighted, len(rows))
	for i, r := range rows {
		all[i] = weighted{r, weight(r)}
	}
	candidates := all
	if count < len(all) {
		weights := make([]float64, len(all))
		for i, w := range all {
			weights[i] = w.weight
		}
		slices.Sort(weights)
		least := weights[len(all)-count]
		// What is less than the last that is listed goes behind. NaN is not less than anything.
		n := 0
		for i, w := range all {
			if !(w.weight < least) {
				all[n], all[i] = w, all[n]
				n++
			}
		}
		candidates = all[:n]
	}
	slices.SortFunc(candidates, func(a, b weighted) int {
		if order := cmp.Compare(b.weight, a.weight); order != 0 {
			return order
		}
		return strings.Compare(a.row.name, b.row.name)
	})
	for i, w := range all {
		rows[i] = w.row
	}
}

// regroup returns a table with a row for each of the names that rows have, which is the sum of the rows that have it.
func (t *table) regroup(names func(string) []string) *table {
	grouped := newTable(t.reads, t.intervals)
	grouped.minutes = t.minutes
	grouped.parts = map[*row][]*row{}
	for _, part := range t.rows {
		for _, name := range names(part.name) {
			r := grouped.row(name)
			grouped.include(r, part)
			grouped.parts[r] = append(grouped.parts[r], part)
		}
	}
	return grouped
}

// distinct returns what rows are the sums of, each once.
func (t *table) distinct(rows []*row) []*row {
	if t.parts == nil {
		return rows
	}
	seen := map[*row]bool{}
	var all []*row
	for _, r := range rows {
		for _, part := range t.parts[r] {
			if !seen[part] {
				seen[part] = true
				all = append(all, part)
			}
		}
	}
	return all
}

// finish orders the rows of a breakdown by weight and adds up those beyond the first top ones in one more, measure.Other.
func (t *table) finish(top int, weight func(*row) float64) {
	t.all = t.newRow("")
	for _, r := range t.distinct(t.rows) {
		t.include(t.all, r)
	}
	if t.beyond != nil {
		t.include(t.all, t.beyond)
	}
	sortRows(t.rows, top, weight)
	if len(t.rows) <= top && t.beyond == nil {
		return
	}
	other := t.newRow(measure.Other)
	if t.beyond != nil {
		t.include(other, t.beyond)
	}
	listed := t.rows[:min(top, len(t.rows))]
	rest := t.rows[len(listed):]
	// Names beyond the limits of ingest are stored as "(other)" themselves; two rows of one name would confuse.
	if i := slices.IndexFunc(listed, func(r *row) bool { return r.name == measure.Other }); i >= 0 {
		rest = append(slices.Clone(rest), listed[i])
		listed = slices.Delete(slices.Clone(listed), i, i+1)
	}
	for _, r := range t.distinct(rest) {
		t.include(other, r)
	}
	if len(listed) > 0 && listed[0].ranks != nil {
		other.ranks = slices.Repeat([]float64{math.NaN()}, t.intervals)
	}
	t.rows = append(slices.Clone(listed), other)
}

// include adds another row to r. Peaks do not add up, so several rows together have none.
func (t *table) include(r, other *row) {
	for read := range r.numbers {
		for i, v := range other.numbers[read] {
			switch k := t.reads[read].kind; k {
			case peakMinute:
				r.numbers[read][i] = math.NaN()
			case firstMinute, lastMinute:
				r.numbers[read][i] = k.extreme(r.numbers[read][i], v)
			default:
				r.numbers[read][i] += v
			}
		}
	}
	for i, counts := range other.buckets {
		for bucket, count := range counts {
			t.addToBucket(r, i, bucket, count)
		}
	}
}

// blank makes nothing of what was read of an interval, as there is no such time.
func (t *table) blank(interval int) {
	for _, r := range append(slices.Clip(t.rows), t.all) {
		for read := range r.numbers {
			r.numbers[read][interval] = math.NaN()
		}
	}
}

// cell is what was read for one row and interval.
type cell struct {
	table    *table
	row      *row
	interval int
}

// sum returns a read in shown units: seconds for milliseconds, viewers for the viewing time of a minute.
func (c cell) sum(read int) float64 {
	return c.row.numbers[read][c.interval] / c.table.reads[read].scale()
}

// span returns how long it is from the begin of the minute of a read to the end of that of another, in s; 0 if there is none.
func (c cell) span(first, last int) float64 {
	if c.row.numbers[first][c.interval] == 0 {
		return 0
	}
	return (c.row.numbers[last][c.interval] - c.row.numbers[first][c.interval] + 1) * measure.Minute.Length.Seconds()
}

// minutes returns how long the cell's interval is.
func (c cell) minutes() float64 { return c.table.minutes[c.interval] }

// share returns which part of all rows a read of this one is.
func (c cell) share(read int) float64 {
	return c.row.numbers[read][c.interval] / c.table.all.numbers[read][c.interval]
}

// rank returns the row's rank, NaN for none.
func (c cell) rank() float64 { return c.row.ranks[c.interval] }

// median returns the median of the distribution whose buckets, sum and count are read, in shown units. Of values that are all in one
// bucket it is their average: so a value that never changes is shown as it is, and half a bucket, 6.8 %, is the most that it is off.
func (c cell) median(buckets, sum, count int) float64 {
	counts, filled := c.buckets()
	switch filled {
	case 0:
		return math.NaN()
	case 1:
		return c.average(sum, count)
	}
	return measure.Median(counts) / c.table.reads[buckets].scale()
}

// buckets returns how many values each bucket has, and how many buckets have some.
func (c cell) buckets() (counts []int64, filled int) {
	if c.row.buckets == nil {
		return nil, 0
	}
	counts = c.row.buckets[c.interval]
	for _, n := range counts {
		if n > 0 {
			filled++
		}
	}
	return counts, filled
}

// average returns the sum of the values in shown units over their number.
func (c cell) average(sum, count int) float64 {
	return c.sum(sum) / c.row.numbers[count][c.interval]
}

func (r read) scale() float64 {
	unit := measure.Get(r.measure).Unit
	switch {
	case r.kind != valueCounts && unit == measure.Millionths:
		return 1_000_000
	case r.kind == valueCounts, unit != measure.Milliseconds:
		return 1
	case r.kind == peakMinute:
		return float64(measure.Minute.Length.Milliseconds())
	}
	return 1000
}
