package widget

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the query's time zone must be known on machines without a zone database too
	"unicode/utf8"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// Values of Query.Unit.
const (
	UnitTraffic  = "traffic"  // usage in bytes, from servers and logs
	UnitPlaytime = "playtime" // usage in seconds, from players and publishers
)

// Values of Query.Mode.
const (
	ModeAbsolute = "absolute"
	ModeDelta    = "delta" // difference to the interval before
)

// Values of Query.Form.
const (
	FormTotal  = "total"  // one value, or one table, for the whole range
	FormSeries = "series" // the same columns per interval
	FormParts  = "parts"  // as FormTotal, but of a breakdown each name has fields of its own, with its colour, as pies need it
	FormTrend  = "trend"  // as FormParts, but each field has the number of the earlier range and that of the range, as tiles with a trend need it
)

// Query is what the user asks: the query model of the data source and the flags of `streamlens query`. Absent lists and
// empty texts mean no filter and the default.
type Query struct {
	RefID      string   `json:"refId,omitempty"`
	QueryType  string   `json:"queryType"` // Definition.Type of the widget
	Country    []string `json:"country,omitempty"`
	Tag        []string `json:"tag,omitempty"`
	Stream     []string `json:"stream,omitempty"`
	Event      []string `json:"event,omitempty"`
	Referrer   []string `json:"referrer,omitempty"`
	Unit       string   `json:"unit,omitempty"`       // UnitTraffic by default
	Metric     string   `json:"metric,omitempty"`     // what the column "value" shows, the first choice by default; or, where a widget has no choices, the one number column to answer with, all by default
	Breakdown  string   `json:"breakdown,omitempty"`  // country, stream, tag, what Dimension may be, or a column of plays: a row for each, of widgets that have one row, which is the default
	Dimension  string   `json:"dimension,omitempty"`  // version, os, browser, device or protocol: of what Values are, and the rows of playerHealth, where it is version by default
	Values     []string `json:"values,omitempty"`     // filter on Dimension; all if empty
	Mode       string   `json:"mode,omitempty"`       // ModeAbsolute by default
	Form       string   `json:"form,omitempty"`       // FormTotal by default
	Interval   string   `json:"interval,omitempty"`   // of FormSeries, such as 10m, 1h, 1d or 1M; automatic by default
	Timezone   string   `json:"timezone,omitempty"`   // of calendar days and months; UTC by default
	Compare    string   `json:"compare,omitempty"`    // previous, day, week or month: puts the earlier range beside; CompareNone by default
	Percentile int      `json:"percentile,omitempty"` // 1 to 99: gives a distribution the column of this percentile, as the first
	Top        int      `json:"top,omitempty"`        // how many names of a breakdown are told apart, the greatest; 1,000 by default
	Where      []string `json:"where,omitempty"`      // conditions on the columns of plays, such as user=alice or bufferingRatio>=0.05
	Sort       string   `json:"sort,omitempty"`       // column by which plays are listed, with - before it the greatest first; the last that ended first by default
	Page       int      `json:"page,omitempty"`       // of the list of plays, from 1
	Session    string   `json:"session,omitempty"`    // id of the session of one play

	// fromRecords is set if the answer is made of records of plays; prepare sets it.
	fromRecords bool
}

// Request is a query together with what surrounds it.
type Request struct {
	Query
	From, To time.Time    // the range: From ≤ t < To, widened to whole minutes
	Now      time.Time    // decides which minutes are complete
	Level    tenant.Level // of the organisation
	Plays    vl.Asker     // the store of plays; nil if there is none
	Alert    bool         // answer with one number column only, as alert rules need it
	// BlockList is the organisation's; nil if it cannot be asked for.
	BlockList BlockList
	// Organization is the organisation's id, for commands that are shown.
	Organization string
}

// Limits of a query.
const (
	defaultTop      = 1000
	maxTop          = 1_000_000
	maxIntervals    = vm.MaxPoints
	maxFilterValues = 10_000
	maxFilterBytes  = 1 << 20 // of all values together
)

// prepare fills in the defaults and checks everything that can be wrong with a query.
func (r *Request) prepare(d Definition) (*time.Location, error) {
	defaults := []struct {
		value   *string
		name    string
		allowed []string
	}{
		{&r.Unit, "unit", []string{UnitTraffic, UnitPlaytime}},
		{&r.Mode, "mode", []string{ModeAbsolute, ModeDelta}},
		{&r.Form, "form", []string{FormTotal, FormSeries, FormParts, FormTrend}},
	}
	for _, o := range defaults {
		if *o.value == "" {
			*o.value = o.allowed[0]
		}
		if !slices.Contains(o.allowed, *o.value) {
			last := len(o.allowed) - 1
			return nil, badQuery("the %s %q is unknown: it is %s or %s", o.name, *o.value, strings.Join(o.allowed[:last], ", "), o.allowed[last])
		}
	}
	if r.Top == 0 {
		r.Top = defaultTop
	}
	if r.Top < 0 || r.Top > maxTop {
		return nil, badQuery("top is %d: it must be 1 to %d", r.Top, maxTop)
	}
	if r.Mode == ModeDelta {
		if !slices.Contains(d.Options, OptionMode) {
			return nil, badQuery("the widget %s has no mode delta", d.Type)
		}
		if r.Form != FormSeries {
			return nil, badQuery("the mode delta needs the form series: it compares each interval with the one before")
		}
	}
	switch {
	case r.Percentile == 0:
	case !slices.Contains(d.Options, OptionPercentile):
		return nil, badQuery("the widget %s has no percentiles: it shows no distribution", d.Type)
	case r.Percentile < 1 || r.Percentile > 99:
		return nil, badQuery("the percentile is %d: it must be 1 to 99", r.Percentile)
	}
	if err := r.checkCompare(d); err != nil {
		return nil, err
	}
	for option, set := range map[string]bool{
		OptionWhere: len(r.Where) > 0, OptionSort: r.Sort != "", OptionPage: r.Page != 0, OptionSession: r.Session != "",
	} {
		if set && !slices.Contains(d.Options, option) {
			return nil, badQuery("the widget %s has no %s", d.Type, option)
		}
	}
	if d.plays == nil {
		var err error
		if r.fromRecords, err = r.asksPlays(d); err != nil {
			return nil, err
		}
	}
	if err := r.checkBreakdown(d); err != nil {
		return nil, err
	}
	if err := r.checkDimension(d); err != nil {
		return nil, err
	}
	if label := r.playerLabel(); label != "" && r.Percentile != 0 {
		return nil, badQuery("percentiles are not stored by %s: averages alone are", label)
	}
	if metrics := d.withColumns(r.Query).metrics(); r.Metric != "" && !slices.Contains(metrics, r.Metric) {
		return nil, badQuery("the widget %s has no metric %q: it has %s", d.Type, r.Metric, strings.Join(metrics, ", "))
	} else if r.Form == FormTrend && slices.ContainsFunc(d.ColumnsOf(r.Query), func(c Column) bool { return c.Name == r.Metric && c.how != notCompared }) {
		return nil, badQuery("the form trend has a comparison in itself: choose the metric that %s compares", r.Metric)
	} else if label := r.playerLabel(); label != "" && r.Metric != "" && !slices.Contains(d.asked(r.Query).metrics(), r.Metric) {
		return nil, badQuery("the %s of the widget %s is not stored by %s: choose another metric", r.Metric, d.Type, label)
	}
	if err := r.checkFilters(d); err != nil {
		return nil, err
	}
	zone, err := loadZone(r.Timezone)
	if err != nil {
		return nil, err
	}
	// Fractions of a minute are not stored.
	r.From, r.To = r.From.UTC().Truncate(time.Minute), ceilMinute(r.To)
	if !r.From.Before(r.To) {
		return nil, badQuery("the range must end after it begins")
	}
	if r.From.Unix() < 0 || r.To.Year() > 2200 {
		return nil, badQuery("the range must lie between the years 1970 and 2200")
	}
	return zone, nil
}

func (r *Request) checkCompare(d Definition) error {
	if r.Compare == CompareNone {
		r.Compare = ""
	}
	if r.Compare == "" && r.Form == FormTrend {
		return badQuery("the form trend needs compare: it shows what was before, and what is now")
	}
	if r.Compare == "" {
		return nil
	}
	if !slices.Contains(Comparisons(), r.Compare) {
		return badQuery("the comparison %q is unknown: it is one of %s", r.Compare, strings.Join(Comparisons(), ", "))
	}
	if !slices.Contains(d.Options, OptionCompare) {
		return badQuery("the widget %s has no comparison with an earlier range: it compares months itself", d.Type)
	}
	if r.Mode == ModeDelta {
		return badQuery("the mode delta has no comparison with an earlier range: it compares each interval with the one before")
	}
	return nil
}

func (r *Request) checkBreakdown(d Definition) error {
	if r.Breakdown == "" {
		return nil
	}
	_, stored := breakdowns[r.Breakdown]
	if _, recorded := playBreakdowns[r.Breakdown]; !stored && !recorded {
		return badQuery("the breakdown %q is unknown: it is country, stream, tag, %s; of records of plays also %s", r.Breakdown, dimensionNames(),
			strings.Join(recordBreakdowns(), ", "))
	}
	if !slices.Contains(d.Options, OptionBreakdown) {
		return badQuery("the widget %s has no choice of breakdowns", d.Type)
	}
	if r.Mode == ModeDelta {
		return badQuery("the mode delta has no breakdown")
	}
	if r.Breakdown == measure.DimensionTag && slices.ContainsFunc(d.reads(r.Query), func(of read) bool { return of.kind == peakMinute }) {
		return badQuery("the widget %s has no breakdown by tag: the greatest minutes of streams do not add up; filter by each tag instead", d.Type)
	}
	if r.fromRecords {
		return nil
	}
	if measure.IsPlayerLabel(r.Breakdown) && !slices.Contains(d.Options, OptionDimension) {
		return badQuery("the widget %s has no breakdown by %s: it has country, stream and tag", d.Type, r.Breakdown)
	}
	return nil
}

// checkDimension checks the dimension and its values, and fills in its default.
func (r *Request) checkDimension(d Definition) error {
	if d.byDimension && r.Dimension == "" {
		r.Dimension = measure.DimensionVersion
	}
	switch {
	case r.Dimension == "" && len(r.Values) > 0:
		return badQuery("the filter on values needs a dimension: it is %s", dimensionNames())
	case r.Dimension == "":
		return nil
	case !measure.IsPlayerLabel(r.Dimension):
		return badQuery("the dimension %q is unknown: it is %s", r.Dimension, dimensionNames())
	case !slices.Contains(d.Options, OptionDimension):
		return badQuery("the widget %s is not stored by %s", d.Type, r.Dimension)
	case !r.fromRecords && len(r.Values) > 0 && measure.IsPlayerLabel(r.Breakdown) && r.Breakdown != r.Dimension:
		return badQuery("a breakdown by %s cannot be filtered by %s: only one of them is stored at a time", r.Breakdown, r.Dimension)
	}
	return nil
}

// dimensionNames returns what Query.Dimension may be, in words.
func dimensionNames() string {
	names := measure.PlayerLabels()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// playerLabel returns the label of players by which stored sums are filtered or told apart, and "" if there is none.
func (q Query) playerLabel() string {
	switch {
	case q.fromRecords:
		return ""
	case measure.IsPlayerLabel(q.Breakdown):
		return q.Breakdown
	case len(q.Values) > 0:
		return q.Dimension
	}
	return ""
}

func (r *Request) checkFilters(d Definition) error {
	bytes := 0
	for _, f := range append(r.filters(), vm.Filter{Label: measure.DimensionTag, Values: r.Tag}) {
		if len(f.Values) > 0 && !slices.Contains(d.Filters, f.Label) && f.Label != r.Dimension {
			return badQuery("the %s filter is not available for the widget %s", f.Label, d.Type)
		}
		if len(f.Values) > maxFilterValues {
			return badQuery("the %s filter has %d values, more than %d", f.Label, len(f.Values), maxFilterValues)
		}
		for _, v := range f.Values {
			switch {
			case v == "":
				return badQuery("the %s filter has an empty value", f.Label)
			case !utf8.ValidString(v):
				return badQuery("the %s filter has a value that is no text", f.Label)
			}
			bytes += len(v)
		}
	}
	if bytes > maxFilterBytes {
		return badQuery("the filters are too long: %d bytes, more than %d", bytes, maxFilterBytes)
	}
	return nil
}

// filters returns the filters on labels that are set. Tags are no label: see result.narrowToTags.
func (r *Request) filters() vm.Filters {
	var filters vm.Filters
	for _, f := range []vm.Filter{
		{Label: measure.LabelCountry, Values: r.Country},
		{Label: measure.LabelStream, Values: r.Stream},
		{Label: measure.LabelEvent, Values: r.Event},
		{Label: measure.DimensionReferrer, Values: r.Referrer},
		{Label: r.Dimension, Values: r.Values},
	} {
		if len(f.Values) > 0 {
			filters = append(filters, f)
		}
	}
	return filters
}

func loadZone(name string) (*time.Location, error) {
	switch {
	case strings.EqualFold(name, "UTC"):
		return time.UTC, nil
	case name == "Local" || name == "browser":
		return nil, badQuery("the time zone %q depends on who asks: name one, such as UTC or Europe/Berlin", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, badQuery("the time zone %q is unknown: it is a name such as UTC or Europe/Berlin", name)
	}
	return zone, nil
}
