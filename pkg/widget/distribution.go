package widget

import "github.com/streamlens/streamlens/pkg/measure"

// distribution reads all that medianAndAverage needs of a distribution.
func distribution(id measure.ID) func(Query) []read {
	return func(q Query) []read {
		reads := []read{{measure: id, kind: valueSums}, {measure: id, kind: valueCounts}}
		if q.playerLabel() != "" {
			return reads
		}
		return append(reads, read{measure: id, kind: bucketSums})
	}
}

// longTimes are medianAndAverage of times of minutes or hours.
func longTimes() []Column {
	columns := medianAndAverage(Seconds)
	for i := range columns {
		columns[i].long = true
	}
	return columns
}

// medianAndAverage returns the columns of a widget that shows a distribution.
func medianAndAverage(unit Unit) []Column {
	return []Column{
		{Name: "median", Unit: unit, Help: "Half of the values are smaller; within 7 %; exact if all are equal.",
			value: func(c cell) float64 { return c.median(2, 0, 1) }, whole: true, of: []int{0, 1, 2}},
		{Name: "average", Unit: unit, Help: "Sum of the values over their number.",
			value: func(c cell) float64 { return c.average(0, 1) }, of: []int{0, 1}},
	}
}
