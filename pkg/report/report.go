// Package report makes a report of an organisation's usage, as a PDF to print and to send, or as CSV of the same numbers.
// Every number is the answer of a widget; the package adds up nothing but the rows that a table does not list.
package report

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/widget"
)

// Ranges from which on a histogram has longer intervals.
const (
	longerThanHours = 2 * 24 * time.Hour
	longerThanDays  = 100 * 24 * time.Hour
)

// Format is the form of a report's file.
type Format string

// The forms.
const (
	PDF Format = "pdf"
	CSV Format = "csv"
)

// Kind is what a report is about.
type Kind string

// The kinds.
const (
	Usage Kind = "usage" // what was delivered and received
	Event Kind = "event" // what became of an event
)

// ParseKind returns the kind of a name; an empty one is Usage.
func ParseKind(name string) (Kind, error) {
	switch k := Kind(name); k {
	case Usage, Event:
		return k, nil
	case "":
		return Usage, nil
	}
	return "", fmt.Errorf("the kind %q is unknown: it is %s or %s", name, Usage, Event)
}

// Title returns the title of a report that nobody named.
func (k Kind) Title() string {
	if k == Event {
		return DefaultEventTitle
	}
	return DefaultTitle
}

// Make makes a report of the kind.
func (k Kind) Make(ctx context.Context, asker vm.Asker, request widget.Request, top int) (*Report, error) {
	if k == Event {
		return MakeEvent(ctx, asker, request, top)
	}
	return Make(ctx, asker, request, top)
}

// ParseFormat returns the form of a name in any case; an empty one is PDF.
func ParseFormat(name string) (Format, error) {
	switch f := Format(strings.ToLower(name)); f {
	case PDF, CSV:
		return f, nil
	case "":
		return PDF, nil
	}
	return "", fmt.Errorf("the format %q is unknown: it is %s or %s", name, PDF, CSV)
}

// MediaType returns what the content of a file is called.
func (f Format) MediaType() string {
	if f == CSV {
		return "text/csv; charset=utf-8"
	}
	return "application/pdf"
}

// DefaultTitle is the title of a report that nobody named.
const DefaultTitle = "Usage report"

// DefaultTop is how many rows of a breakdown are listed unless somebody wants another number.
const DefaultTop = 20

// Rest is the row that adds up the rows that a table does not list.
const Rest = "the rest"

// Sum is the row that adds up all rows of a table.
const Sum = "total"

// Report holds the numbers of a report.
type Report struct {
	Title        string
	Organization string    // its name
	From, To     time.Time // From ≤ t < To, whole minutes
	Zone         *time.Location
	Made         time.Time
	Unit         string   // widget.UnitTraffic or widget.UnitPlaytime
	Compare      string   // with which earlier range, as in widget.Query; empty if with none
	Interval     string   // of the histogram, as in widget.Query
	Filters      []Filter // those in force
	Fixed        string   // filters that hold for whoever asks, in words; the caller sets them

	Totals    Table // one row: sent and received in the range
	Histogram Table // sent and received per interval; of an event report none
	Kind      Kind
	Charts    []Table // of an event report
	Tables    []Table
	Notices   []string // what the widgets say about their answers, each once
}

// Filter is a filter in force: its name and values.
type Filter struct {
	Name   string
	Values []string
}

// Table is the answer of a widget.
type Table struct {
	Name    string // of the widget's query type
	Title   string
	Names   string // what the rows are named by; empty if there is one row alone
	Columns []Column
	Rows    []Row // of a long breakdown the greatest, then Rest; of a breakdown Sum at the end
}

// Column is a column of numbers.
type Column struct {
	Name string
	Unit widget.Unit // Bytes, Seconds or Ratio
	// BesideOf is the column that this one puts beside an earlier range; empty if it does not.
	BesideOf string
	IsChange bool // how much more it is, as a part of what was before
}

// Row is a row of a table.
type Row struct {
	Name   string
	Start  time.Time   // of an interval of the histogram, else zero
	Shown  string      // what people read in place of the name; empty if they read the name
	Values []float64   // by column; NaN for none
	Added  bool        // the row is Rest or Sum, and Name no name of a stream, country or protocol
	unit   widget.Unit // of the values, where it is not that of the column
}

// byTag is the widget whose rows share streams, so that the rest of its rows is for it to add up.
const byTag = "usageByTag"

// breakdowns are the widgets under the histograms. Those whose rows are parts of a whole have a sum.
var breakdowns = []struct {
	widget string
	title  string
	parts  bool
}{
	{"monthToDate", "Month to date", false},
	{"usagePlayout", "Delivered by protocol", true},
	{"usageIngest", "Received by protocol", true},
	{"usageByCountry", "Delivered and received by country", true},
	{"usageByStream", "Delivered and received by stream", true},
	{byTag, "Delivered and received by tag", false},
}

// Make asks the widgets. Of the request it takes the range, the filters, the unit, the interval of the histogram and the
// time zone. Without an interval, the histogram has hours, days if the range is longer than two days, or months if it is
// longer than 100 days; days and months are those of the time zone. Breakdowns list the top greatest rows; that by tag is left out where
// no stream has one. The caller sets
// Title, Organization and Fixed. Errors are those of widget.Run.
func Make(ctx context.Context, asker vm.Asker, request widget.Request, top int) (*Report, error) {
	r := newReport(Usage, request)
	if r.Interval == "" {
		r.Interval = r.automaticInterval()
	}
	request.Form, request.Metric, request.Mode, request.Interval = widget.FormTotal, "", "", ""

	var err error
	if r.Totals, err = r.ask(ctx, asker, request, "usageReport", "Usage"); err != nil {
		return nil, err
	}
	// The widget has answered, so that the name of the zone is known to be right.
	if r.Zone, err = Zone(request.Timezone); err != nil {
		return nil, err
	}
	series := request // compared too, so that it ends where the totals do
	series.Form, series.Interval = widget.FormSeries, r.Interval
	if r.Histogram, err = r.ask(ctx, asker, series, "usageReport", "Usage over time"); err != nil {
		return nil, err
	}
	r.Histogram.leaveOut(func(c Column) bool { return c.BesideOf != "" })
	for _, b := range breakdowns {
		of := request
		switch b.widget {
		case "monthToDate":
			of.Compare = "" // it compares by itself
			of.To = lastMoment(of.To)
		case byTag:
			of.Top = top
		}
		table, err := r.ask(ctx, asker, of, b.widget, b.title)
		if err != nil {
			return nil, err
		}
		// Shares have no room for it.
		table.leaveOut(func(c Column) bool { return c.BesideOf == "share" })
		table.sentFirst()
		if b.parts {
			table.shorten(top)
		}
		if b.widget == byTag {
			if !slices.ContainsFunc(table.Rows, func(r Row) bool { return r.Name != widget.Untagged }) {
				continue // nobody uses tags
			}
			if last := &table.Rows[len(table.Rows)-1]; last.Name == measure.Other {
				last.Name, last.Added = Rest, true
			}
		}
		r.Tables = append(r.Tables, table)
	}
	return r, r.addPlays(ctx, asker, request)
}

// newReport returns a report of a kind without numbers, of the range and the filters of a request.
func newReport(kind Kind, request widget.Request) *Report {
	r := &Report{
		Kind: kind,
		From: request.From.UTC().Truncate(time.Minute),
		To:   request.To.UTC().Add(time.Minute - time.Nanosecond).Truncate(time.Minute),
		Made: request.Now,
		Unit: request.Unit, Compare: request.Compare, Interval: request.Interval,
	}
	if r.Unit == "" {
		r.Unit = widget.UnitTraffic
	}
	for _, f := range []Filter{
		{measure.LabelCountry, request.Country}, {measure.LabelStream, request.Stream},
		{measure.DimensionTag, request.Tag}, {measure.LabelEvent, request.Event},
	} {
		if len(f.Values) > 0 {
			r.Filters = append(r.Filters, f)
		}
	}
	return r
}

// lastMoment is the last moment before the end of a range. A range that ends with a month is about this month, while the
// widget, asked at the end itself, answers about the next.
func lastMoment(to time.Time) time.Time { return to.Add(-time.Nanosecond) }

// Zone returns the time zone of a name that a widget has taken.
func Zone(name string) (*time.Location, error) {
	if strings.EqualFold(name, "UTC") {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load the time zone: %w", err)
	}
	return zone, nil
}

func (r *Report) automaticInterval() string {
	switch length := r.To.Sub(r.From); {
	case length > longerThanDays:
		return "1M"
	case length > longerThanHours:
		return "1d"
	}
	return "1h"
}

// ask returns the answer of a widget and keeps its notices.
func (r *Report) ask(ctx context.Context, asker vm.Asker, request widget.Request, queryType, title string) (Table, error) {
	request.QueryType = queryType
	frames, err := widget.Run(ctx, asker, request)
	if err != nil {
		return Table{}, err
	}
	if len(frames) != 1 {
		return Table{}, fmt.Errorf("the widget %s answers with %d frames", queryType, len(frames))
	}
	definition, ok := widget.Find(queryType)
	if !ok {
		return Table{}, fmt.Errorf("the widget %s is unknown", queryType)
	}
	frame := frames[0]
	if frame.Meta != nil {
		for _, notice := range frame.Meta.Notices {
			if !slices.Contains(r.Notices, notice.Text) {
				r.Notices = append(r.Notices, notice.Text)
			}
		}
	}
	table := Table{Name: queryType, Title: title, Rows: make([]Row, frame.Rows())}
	for _, field := range frame.Fields {
		switch field.Type() {
		case data.FieldTypeString:
			if table.Names != "" {
				continue // the first names the rows
			}
			table.Names = field.Name
			for i := range table.Rows {
				name, _ := field.At(i).(string)
				table.Rows[i].Name, table.Rows[i].Shown = name, shownName(field, name)
			}
		case data.FieldTypeTime:
			table.Names = field.Name
			for i := range table.Rows {
				table.Rows[i].Start, _ = field.At(i).(time.Time)
			}
		default:
			table.Columns = append(table.Columns, r.column(definition.ColumnsOf(request.Query), field.Name))
			for i := range table.Rows {
				value, err := field.NullableFloatAt(i)
				if err != nil {
					return Table{}, fmt.Errorf("column %s of the widget %s: %w", field.Name, queryType, err)
				}
				// A share or a change of nothing has no value.
				number := math.NaN()
				if value != nil {
					number = *value
				}
				table.Rows[i].Values = append(table.Rows[i].Values, number)
			}
		}
	}
	return table, nil
}

// shownName is what the panels show in place of a name, by the mappings of its field; empty if that is the name.
func shownName(field *data.Field, name string) string {
	if field.Config != nil {
		for _, mapping := range field.Config.Mappings {
			if values, ok := mapping.(data.ValueMapper); ok {
				return values[name].Text
			}
		}
	}
	return ""
}

func (r *Report) column(columns []widget.Column, name string) Column {
	c := Column{Name: name}
	if i := slices.IndexFunc(columns, func(c widget.Column) bool { return c.Name == name }); i >= 0 {
		c.Unit = columns[i].Unit
		c.BesideOf, c.IsChange = columns[i].BesideOf()
	}
	if c.Unit == widget.Bytes && r.Unit == widget.UnitPlaytime {
		c.Unit = widget.Seconds
	}
	return c
}

// leaveOut takes columns away.
func (t *Table) leaveOut(which func(Column) bool) {
	for i := len(t.Columns) - 1; i >= 0; i-- {
		if which(t.Columns[i]) {
			t.Columns = slices.Delete(t.Columns, i, i+1)
			for n := range t.Rows {
				t.Rows[n].Values = slices.Delete(t.Rows[n].Values, i, i+1)
			}
		}
	}
}

// sentFirst puts the column of playout before that of ingest, as in the other tables of the report.
func (t *Table) sentFirst() {
	first := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == measure.Playout })
	if len(t.Columns) == 0 || t.Columns[0].Name != measure.Ingest || first < 0 {
		return
	}
	// Each with what compares it.
	t.Columns = slices.Concat(t.Columns[first:], t.Columns[:first])
	for i, r := range t.Rows {
		t.Rows[i].Values = slices.Concat(r.Values[first:], r.Values[:first])
	}
}

// shorten adds up the rows after the first top ones in one, and all rows in another one.
func (t *Table) shorten(top int) {
	if len(t.Rows) == 0 {
		return
	}
	sum := t.add(Sum, t.Rows)
	if len(t.Rows) > top {
		t.Rows = append(slices.Clone(t.Rows[:top]), t.add(Rest, t.Rows[top:]))
	}
	t.Rows = append(t.Rows, sum)
}

// Write writes the report in a form; the layout is that of a PDF.
func (r *Report) Write(w io.Writer, format Format, layout Layout) error {
	if format == CSV {
		return r.WriteCSV(w)
	}
	return r.WritePDF(w, layout)
}

// WriteSummary writes what the report is about and its totals as text, for the mail with which it is sent.
func (r *Report) WriteSummary(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", r.Title, r.Organization)
	for _, f := range r.facts() {
		fmt.Fprintf(&b, "%-10s %s\n", f[0], f[1])
	}
	b.WriteString("\n")
	for i, c := range r.Totals.Columns {
		if c.BesideOf != "" {
			continue
		}
		value := r.Totals.Rows[0].Values[i]
		fmt.Fprintf(&b, "%-10s %s", title(shownColumn(c.Name)), format(value, c.Unit))
		if digits := exactly(value, c.Unit); digits != "" {
			fmt.Fprintf(&b, " (%s)", digits)
		}
		if compared := r.Totals.compared(r.Totals.Rows[0], c); compared != "" {
			b.WriteString(", " + compared)
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// title sets a capital letter before the others.
func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// facts are what the report is about: names, empty where the one before goes on, and texts.
func (r *Report) facts() [][2]string {
	facts := [][2]string{
		{"Range", moment(r.From, r.Zone) + " to " + moment(r.To, r.Zone)},
		{"Time zone", r.Zone.String()},
	}
	if r.Kind != Event {
		facts = append(facts, [2]string{"Usage", map[string]string{
			widget.UnitTraffic:  "Traffic: bytes that servers and access logs report",
			widget.UnitPlaytime: "Playtime: time that players were playing (delivered) and webcasters were on air (received)",
		}[r.Unit]})
	}
	if r.Compare != "" {
		facts = append(facts, [2]string{"Before", "is " + map[string]string{
			widget.ComparePrevious: "the range of the same length just before",
			widget.CompareDay:      "the same hours one day before",
			widget.CompareWeek:     "the same days and hours one week before",
			widget.CompareMonth:    "the same dates and hours one month before",
		}[r.Compare]})
	}
	if len(r.Filters) == 0 {
		facts = append(facts, [2]string{"Filters", "none"})
	}
	for i, f := range r.Filters {
		name := f.Name
		if len(f.Values) > 1 {
			name += map[bool]string{true: " all of", false: " one of"}[f.Name == measure.DimensionTag]
		}
		fact := [2]string{"", name + ": " + strings.Join(f.Values, ", ")}
		if i == 0 {
			fact[0] = "Filters"
		}
		facts = append(facts, fact)
	}
	if r.Fixed != "" {
		facts = append(facts, [2]string{"Only", r.Fixed})
	}
	facts = append(facts, [2]string{"Made", moment(r.Made, r.Zone)})
	for _, n := range r.Notices {
		facts = append(facts, [2]string{"Note", n})
	}
	return facts
}

func moment(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2 January 2006 15:04 MST")
}

// FileName returns the name of the report's file: whose it is, and its first and last day.
func (r *Report) FileName(organization string, format Format) string {
	return FileName(organization, string(cmp.Or(r.Kind, Usage)), r.From, r.To, r.Zone, string(format))
}

// FileName returns the name of a file: whose it is, what it is about, the first and the last day of its range, and its extension.
// Beside letters, digits and points it has hyphens and underscores only.
func FileName(organization, about string, from, to time.Time, zone *time.Location, extension string) string {
	name := fmt.Sprintf("%s-%s-%s-to-%s.%s", organization, about,
		from.In(zone).Format(time.DateOnly), lastMoment(to).In(zone).Format(time.DateOnly), extension)
	return strings.Map(func(c rune) rune {
		if c < 0x80 && (c == '.' || c == '-' || c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c)) {
			return c
		}
		return '_'
	}, name)
}

func (t *Table) add(name string, rows []Row) Row {
	sum := Row{Name: name, Values: make([]float64, len(t.Columns)), Added: true}
	for _, r := range rows {
		for i, v := range r.Values {
			if !math.IsNaN(v) {
				sum.Values[i] += v
			}
		}
	}
	for i, c := range t.Columns {
		if c.IsChange {
			sum.Values[i] = widget.Change(sum.Values[t.index(c.BesideOf)], sum.Values[i-1])
		}
	}
	return sum
}

// index returns the place of a column.
func (t *Table) index(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// compared returns what the row says of an earlier range about a column, in words: "+12.0 % from 1.08 TB"; empty if nothing.
func (t *Table) compared(row Row, column Column) string {
	var before, change float64
	some := false
	for i, c := range t.Columns {
		switch {
		case c.BesideOf != column.Name:
		case c.IsChange:
			change = row.Values[i]
		default:
			before, some = row.Values[i], true
		}
	}
	switch {
	case !some || math.IsNaN(before):
		return ""
	case math.IsNaN(change):
		return "before " + format(before, column.Unit)
	}
	return signed(change, widget.Ratio) + " from " + format(before, column.Unit)
}
