package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/widget"
)

// units are the shown units by Grafana's names of them. Counts have none.
var units = map[string]string{"decbytes": "bytes", "s": "seconds", "dthms": "seconds", "percentunit": "ratio", "bps": "bits per second"}

// Export is the answer of a widget as a table: a row per name of its breakdown in the total form, a row per interval and name in the
// series form.
type Export struct {
	Widget  string         `json:"widget"`
	Columns []ExportColumn `json:"columns"`
	// Rows have a value per column: a text for a name, an RFC 3339 time, as for the start of an interval, a number, or nil where nothing
	// can be said, as of a ratio of nothing.
	Rows    [][]any  `json:"-"`
	Notices []string `json:"notices"`
}

// ExportColumn is a column of an Export.
type ExportColumn struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"` // of numbers that are no counts: bytes, seconds, ratio (0 to 1), bits per second
}

// NewExport makes a table of the frame with which a widget answers. Times are shown in the zone.
func NewExport(frame *data.Frame, zone *time.Location) (*Export, error) {
	e := &Export{Widget: frame.Name, Columns: []ExportColumn{}, Notices: []string{}}
	if frame.Meta != nil {
		for _, n := range frame.Meta.Notices {
			e.Notices = append(e.Notices, n.Text)
		}
	}
	var keys []*data.Field // names and times, which every row has
	var groups []labelled  // the numbers of each label
	for _, field := range frame.Fields {
		if slices.Contains([]data.FieldType{data.FieldTypeString, data.FieldTypeTime, data.FieldTypeNullableTime}, field.Type()) {
			keys = append(keys, field)
			e.Columns = append(e.Columns, ExportColumn{Name: field.Name})
			continue
		}
		label := ""
		for _, label = range field.Labels {
		}
		if last := len(groups) - 1; last < 0 || groups[last].label != label {
			groups = append(groups, labelled{label: label})
		}
		of := &groups[len(groups)-1]
		of.numbers = append(of.numbers, field)
	}
	if len(groups) > 0 {
		first := groups[0].numbers
		for name := range first[0].Labels {
			e.Columns = append(e.Columns, ExportColumn{Name: name})
		}
		for _, field := range first {
			e.Columns = append(e.Columns, ExportColumn{field.Name, unitOf(field)})
		}
	}
	if len(groups) == 0 && slices.ContainsFunc(keys, func(f *data.Field) bool { return f.Type() == data.FieldTypeString }) {
		groups = append(groups, labelled{}) // rows of texts alone
	}
	for i := range frame.Rows() {
		for _, g := range groups {
			row, err := g.row(keys, i, zone)
			if err != nil {
				return nil, err
			}
			e.Rows = append(e.Rows, row)
		}
	}
	return e, nil
}

// timeForm is RFC 3339, with milliseconds where there are any.
const timeForm = "2006-01-02T15:04:05.999Z07:00"

// labelled are the numbers of one name, or all numbers where there are no labels.
type labelled struct {
	label   string
	numbers []*data.Field
}

func (g labelled) row(keys []*data.Field, i int, zone *time.Location) ([]any, error) {
	var row []any
	for _, field := range keys {
		value, known := field.ConcreteAt(i)
		if at, ok := value.(time.Time); ok && known {
			value = at.In(zone).Format(timeForm)
		} else if !known {
			value = nil
		}
		row = append(row, value)
	}
	if len(g.numbers) > 0 && len(g.numbers[0].Labels) > 0 {
		row = append(row, g.label)
	}
	for _, field := range g.numbers {
		value, err := field.NullableFloatAt(i)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", field.Name, err)
		}
		if value == nil || math.IsInf(*value, 0) {
			row = append(row, nil)
		} else if words, ok := widget.Words(field, *value); ok {
			row = append(row, words)
		} else {
			row = append(row, *value)
		}
	}
	return row, nil
}

func unitOf(field *data.Field) string {
	if field.Config == nil {
		return ""
	}
	return units[field.Config.Unit]
}

// WriteCSV writes the table with a line of heads, in which a unit stands in brackets. Numbers have all their digits; a cell without a
// value is empty. In a name that a spreadsheet could take for a formula an apostrophe stands before the sign that begins it. Notices
// are left out.
func (e *Export) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	heads := make([]string, len(e.Columns))
	for i, c := range e.Columns {
		if heads[i] = c.Name; c.Unit != "" {
			heads[i] += " (" + c.Unit + ")"
		}
	}
	lines := [][]string{heads}
	for _, row := range e.Rows {
		line := make([]string, len(row))
		for i, value := range row {
			switch v := value.(type) {
			case string:
				line[i] = NoFormula(v)
			case float64:
				line[i] = strconv.FormatFloat(v, 'f', -1, 64)
			}
		}
		lines = append(lines, line)
	}
	// WriteAll reports the errors of all lines.
	return out.WriteAll(lines)
}

// WriteJSON writes the table as an object with widget, columns, rows and notices; each row is an object with a value per column.
func (e *Export) WriteJSON(w io.Writer) error {
	rows := make([]map[string]any, len(e.Rows))
	for i, row := range e.Rows {
		rows[i] = make(map[string]any, len(row))
		for n, value := range row {
			rows[i][e.Columns[n].Name] = value
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		*Export
		Rows []map[string]any `json:"rows"`
	}{e, rows})
}
