package widget

import (
	"slices"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// chosenColumn is the name of the column that shows a Choice.
const chosenColumn = "value"

// weightColumn is the name of the column that shows the weight of a Choice.
const weightColumn = "weight"

// Choice is one of several things that a widget shows in its column "value", and by which its rows are ranked.
type Choice struct {
	Name  string // value of Query.Metric
	Unit  Unit
	Level tenant.Level // of organisations that may ask it
	Help  string       // what it is
	Limit float64      // as that of a column

	reads func(Query) []read // after those that the widget reads for all choices; nil for none
	value func(cell) float64 // NaN for none
	of    []int              // the reads of which it is made; all if nil
	long  bool               // as of a column
	// weight is how much the value counts in an average with others; nil of what adds up.
	weight func(cell) float64
}

// chosen returns the definition of a widget that shows one of its choices: the first if there is none of that name.
func (d Definition) chosen(name string) Definition {
	if len(d.Choices) == 0 {
		return d
	}
	c := d.Choices[max(0, slices.IndexFunc(d.Choices, func(c Choice) bool { return c.Name == name }))]
	common := d.reads
	d.reads = func(q Query) []read {
		if c.reads == nil {
			return common(q)
		}
		return append(common(q), c.reads(q)...)
	}
	d.Level = c.Level
	d.ranked = c.value
	d.Columns = slices.Clone(d.Columns)
	for i := range d.Columns {
		d.Columns[i].twice = d.Columns[i].saidBy == c.Name
	}
	i := slices.IndexFunc(d.Columns, func(c Column) bool { return c.Name == chosenColumn })
	d.Columns[i].Unit, d.Columns[i].Help, d.Columns[i].Limit = c.Unit, c.Help, c.Limit
	d.Columns[i].value, d.Columns[i].of, d.Columns[i].long = c.value, c.of, c.long
	if i := slices.IndexFunc(d.Columns, func(c Column) bool { return c.Name == weightColumn }); i >= 0 && c.weight != nil {
		d.Columns[i].value = c.weight
	}
	return d
}
