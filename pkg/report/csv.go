package report

import (
	"encoding/csv"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/widget"
)

// WriteCSV writes the report as one table with the columns table, row, column, unit and value, one number a line: first the
// lines of the table "report", which say what the report is about, then a line for each number. Intervals of the histogram
// are named by their start in RFC 3339. Numbers are exact: bytes, seconds, or a part of 1.
//
// In a name that a spreadsheet could take for a formula an apostrophe stands before the sign that begins it.
func (r *Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	lines := [][]string{
		{"table", "row", "column", "unit", "value"},
		{"report", "title", "", "", NoFormula(r.Title)},
		{"report", "organization", "", "", NoFormula(r.Organization)},
		{"report", "from", "", "", r.From.In(r.Zone).Format(time.RFC3339)},
		{"report", "to", "", "", r.To.In(r.Zone).Format(time.RFC3339)},
		{"report", "timezone", "", "", r.Zone.String()},
		{"report", "made", "", "", r.Made.In(r.Zone).Format(time.RFC3339)},
	}
	if r.Unit != "" {
		lines = append(lines, []string{"report", "unit", "", "", r.Unit})
	}
	for _, f := range r.Filters {
		for _, v := range f.Values {
			lines = append(lines, []string{"report", "filter", f.Name, "", NoFormula(v)})
		}
	}
	if r.Fixed != "" {
		lines = append(lines, []string{"report", "only", "", "", NoFormula(r.Fixed)})
	}
	for _, n := range r.Notices {
		lines = append(lines, []string{"report", "notice", "", "", NoFormula(n)})
	}
	for _, t := range r.all() {
		for _, row := range t.Rows {
			for i, c := range t.Columns {
				if v := row.Values[i]; !math.IsNaN(v) {
					lines = append(lines, []string{t.Name, r.csvName(row), c.Name, string(c.Unit), exact(v, c.Unit)})
				}
			}
		}
	}
	// WriteAll reports the errors of all lines.
	return out.WriteAll(lines)
}

// all returns every table, the totals first.
func (r *Report) all() []Table {
	return slices.Concat([]Table{r.Totals, r.Histogram}, r.Charts, r.Tables)
}

func (r *Report) csvName(row Row) string {
	switch {
	case !row.Start.IsZero():
		return row.Start.In(r.Zone).Format(time.RFC3339)
	case row.Added:
		return "(" + row.Name + ")"
	}
	return NoFormula(row.Name)
}

// formula is where a spreadsheet could begin to read a formula: at the beginning of a cell, and behind what some spreadsheets, by their
// language, take for its end. Full-width signs count in Japanese and Chinese ones.
var formula = regexp.MustCompile(`((?:^|[;\t\r\n])["' ]*)([=+\-@＝＋－＠])`)

// NoFormula returns a text of a CSV with an apostrophe before each sign with which a spreadsheet could begin a formula.
func NoFormula(name string) string {
	name = formula.ReplaceAllString(name, "$1'$2")
	if name != "" && strings.ContainsAny(name[:1], "\t\r\n") {
		return "'" + name
	}
	return name
}

// exact writes a number as it is. Seconds are stored in ms, and what adding them up leaves beyond is cut off.
func exact(value float64, unit widget.Unit) string {
	if unit == widget.Seconds {
		s := strconv.FormatFloat(value, 'f', 3, 64)
		return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
