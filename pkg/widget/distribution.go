package widget

import (
	"fmt"
	"math"
	"slices"

	"github.com/streamlens/streamlens/pkg/measure"
)

// The reads of a distribution, by index.
const (
	distributionSum = iota
	distributionCount
	distributionBuckets
)

// distribution reads all that the columns of a distribution need.
func distribution(id measure.ID) func(Query) []read {
	return func(q Query) []read {
		reads := []read{{measure: id, kind: valueSums}, {measure: id, kind: valueCounts}}
		if q.playerLabel() != "" {
			return reads
		}
		return append(reads, read{measure: id, kind: bucketSums, optional: true})
	}
}

// longTimes returns columns of times of minutes or hours.
func longTimes(columns []Column) []Column {
	for i := range columns {
		columns[i].long = true
	}
	return columns
}

const medianColumn = "median"

// medianAndAverage returns the columns of a widget that shows a distribution.
func medianAndAverage(unit Unit) []Column {
	return []Column{
		{Name: medianColumn, Unit: unit, Help: "Half of the values are smaller; within 7 %; exact if all are equal.",
			value: func(c cell) float64 { return c.median(distributionBuckets, distributionSum, distributionCount) }, whole: true, of: []int{distributionSum, distributionCount, distributionBuckets}},
		{Name: "average", Unit: unit, Help: "Sum of the values over their number.",
			value: func(c cell) float64 { return c.average(distributionSum, distributionCount) }, of: []int{distributionSum, distributionCount}},
	}
}

// medianAndTail returns those columns of a time, and those that say how it is for the few who have the greatest values.
func medianAndTail() []Column {
	columns := medianAndAverage(Seconds)
	return append(columns, columns[0].percentile(95), columns[0].percentile(99))
}

// percentile returns the column of a percentile, in place of that of the median.
func (c Column) percentile(p int) Column {
	c.Name, c.Help = fmt.Sprintf("p%d", p), fmt.Sprintf("%d %% of the values are not greater; within 7 %%.", p)
	c.value = func(c cell) float64 { return c.percentile(int64(p)) }
	return c
}

// percentile returns a percentile of what distribution reads, as cell.median does the median. Of values that are all in one bucket those from the 50th up are not
// below the average, nor those below it above; and a value alone is exact.
func (c cell) percentile(p int64) float64 {
	return c.percentileOf(p, distributionBuckets, distributionSum, distributionCount)
}

// percentileOf is percentile of the distribution whose buckets, sum and count are read.
func (c cell) percentileOf(p int64, of, sum, count int) float64 {
	counts, filled := c.buckets()
	if filled == 0 {
		return math.NaN()
	}
	value := measure.Percentile(p, counts) / c.table.reads[of].scale()
	switch average := c.average(sum, count); {
	case filled > 1:
		return value
	case c.row.numbers[count][c.interval] == 1:
		return average
	case p >= 50:
		return max(value, average)
	default:
		return min(value, average)
	}
}

// withPercentile returns the columns with that of a percentile as the first.
func withPercentile(columns []Column, p int) []Column {
	of := columns[slices.IndexFunc(columns, func(c Column) bool { return c.Name == medianColumn })].percentile(p)
	others := slices.DeleteFunc(slices.Clone(columns), func(c Column) bool { return c.Name == of.Name })
	return append([]Column{of}, others...)
}
