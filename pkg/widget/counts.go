package widget

import "github.com/streamlens/streamlens/pkg/measure"

// countsAndShares returns the columns of a widget that counts something per name, such as plays per operating system.
func countsAndShares(names, help, counted string) []Column {
	return []Column{
		{Name: names, Help: help},
		{Name: counted, Unit: Count, Help: "Number of " + counted + ".",
			value: func(c cell) float64 { return c.sum(0) }},
		{Name: "share", Unit: Ratio, Help: "Of all " + counted + ".",
			value: func(c cell) float64 { return c.share(0) }},
	}
}

// sumsWith reads the sums of a measure where it carries a dimension that it did not have at first, whatever the query.
func sumsWith(id measure.ID, dimension string) func(Query) []read {
	return func(Query) []read { return []read{{measure: id, carries: dimension}} }
}

// sumsOf reads the sums of a measure, whatever the query.
func sumsOf(id measure.ID) func(Query) []read {
	return func(Query) []read { return []read{{measure: id}} }
}
