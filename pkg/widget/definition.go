// Package widget answers the dashboard's widgets. Each widget has a file of its own that reads like its definition; the
// engine underneath plans which stored series to read, adds them up and makes data frames of them.
package widget

import (
	"slices"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// Pages of the dashboards on which the widgets are.
const (
	PageHome      = "Home"
	PageBreakdown = "Breakdown"
	PageH5Live    = "H5Live"
	PageWebcaster = "Webcaster"
)

// Options that a widget may have beside the filters.
const (
	OptionUnit   = "unit"
	OptionMode   = "mode"
	OptionMetric = "metric"
)

// Unit is the unit in which a column is shown.
type Unit string

// The shown units.
const (
	Bytes         Unit = "bytes" // of usage; with UnitPlaytime seconds
	Seconds       Unit = "seconds"
	Ratio         Unit = "ratio" // 0 to 1
	Count         Unit = "count"
	Viewers       Unit = "viewers"
	BitsPerSecond Unit = "bits per second"
)

// Column is a column of a widget's total form.
type Column struct {
	Name string
	Unit Unit   // empty for the column of names
	Help string // what it holds
	// Link is the address at which each name is explained, with ${__value.raw} in the place of the name.
	Link string

	value func(cell) float64 // NaN for none; nil in the column of names
}

// Definition describes a widget.
type Definition struct {
	Type        string // Query.QueryType
	Title       string
	Description string // one sentence: how the number is made
	Page        string
	Level       tenant.Level // of organisations that may ask it
	Options     []string     // of OptionUnit, OptionMode and OptionMetric
	Filters     []string     // names of the query's filters that apply
	Columns     []Column     // where there is a breakdown, its names come first

	reads func(Query) []read
	// rankBy lists the reads whose sum orders the rows; the first alone if empty.
	rankBy []int
	// complete ends the range before the first minute that is not complete yet.
	complete bool
}

// Metrics returns the values of Query.Metric: the number columns, if there is a choice.
func (d Definition) Metrics() []string {
	if !slices.Contains(d.Options, OptionMetric) {
		return []string{}
	}
	return d.numbers()
}

// Measures returns the stored measures that the widget reads.
func (d Definition) Measures() []measure.ID {
	var ids []measure.ID
	for _, unit := range []string{UnitTraffic, UnitPlaytime} {
		for _, r := range d.reads(Query{Unit: unit}) {
			if !slices.Contains(ids, r.measure) {
				ids = append(ids, r.measure)
			}
		}
	}
	return ids
}

// breakdown returns the name of the column of names, which is the label that it shows, and "" if there is none.
func (d Definition) breakdown() string {
	if d.Columns[0].value == nil {
		return d.Columns[0].Name
	}
	return ""
}

// numbers returns the names of the columns that hold numbers.
func (d Definition) numbers() []string {
	var names []string
	for _, c := range d.Columns {
		if c.value != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// commonFilters are the filters of every widget.
var commonFilters = []string{measure.LabelCountry, measure.LabelStream, measure.LabelEvent}

// All returns every widget, in the order of the dashboards.
func All() []Definition {
	return []Definition{
		usageOverview(),
		concurrentViewers(),
		usageByCountry(),
		usageByStream(),
		playsByOS(),
		stopReasons(),
		bufferingRatio(),
		startTime(),
	}
}

// Find returns the widget of a query type.
func Find(queryType string) (Definition, bool) {
	for _, d := range All() {
		if d.Type == queryType {
			return d, true
		}
	}
	return Definition{}, false
}
