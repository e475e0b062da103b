package widget

import "github.com/streamlens/streamlens/pkg/measure"

// distribution reads all that medianAndAverage needs of a distribution.
func distribution(id measure.ID) func(Query) []read {
	return func(Query) []read {
		return []read{{measure: id, kind: bucketSums}, {measure: id, kind: valueSums}, {measure: id, kind: valueCounts}}
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
			value: func(c cell) float64 { return c.median(0, 1, 2) }},
		{Name: "average", Unit: unit, Help: "Sum of the values over their number.",
			value: func(c cell) float64 { return c.average(1, 2) }},
	}
}
