package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Table is an answer as plain numbers.
type Table struct {
	Cells map[Cell]*float64 // nil is null
	// Times are the starts of a series' intervals, ms since 1970.
	Times []int64
	// Notices are what the answer tells the reader beside the numbers.
	Notices []string
}

// Cell is the place of a number. A total form has no time, a widget of one row
// no row.
type Cell struct {
	Time        int64
	Row, Column string
}

// frameJSON is a data frame as Grafana writes it.
type frameJSON struct {
	Schema struct {
		Meta struct {
			Notices []struct {
				Text string `json:"text"`
			} `json:"notices"`
		} `json:"meta"`
		Fields []struct {
			Name   string            `json:"name"`
			Type   string            `json:"type"`
			Labels map[string]string `json:"labels"`
		} `json:"fields"`
	} `json:"schema"`
	Data struct {
		Values [][]any `json:"values"`
		// Entities hold what JSON has no number for: NaN and infinities.
		Entities []any `json:"entities"`
	} `json:"data"`
}

// ReadFrames reads {"frames": […]} into a Table.
func ReadFrames(answer []byte, widget Widget) (Table, error) {
	var decoded struct {
		Frames []frameJSON `json:"frames"`
	}
	if err := json.Unmarshal(answer, &decoded); err != nil {
		return Table{}, fmt.Errorf("decode frames: %w", err)
	}
	table := Table{Cells: map[Cell]*float64{}}
	for _, frame := range decoded.Frames {
		for _, notice := range frame.Schema.Meta.Notices {
			table.Notices = append(table.Notices, notice.Text)
		}
		if err := table.addFrame(frame, widget); err != nil {
			return Table{}, err
		}
	}
	return table, nil
}

func (t *Table) addFrame(frame frameJSON, widget Widget) error {
	fields, values := frame.Schema.Fields, frame.Data.Values
	if len(values) == 0 {
		return nil
	}
	if len(fields) != len(values) {
		return fmt.Errorf("frame with %d fields and %d columns of values", len(fields), len(values))
	}
	for _, entity := range frame.Data.Entities {
		if entity != nil {
			return errors.New("frame with a number that is not finite")
		}
	}
	var times, labels []any
	for i, field := range fields {
		switch {
		case field.Type == "time":
			times = values[i]
		case field.Type == "string" && field.Name == widget.Breakdown:
			labels = values[i]
		}
	}
	for i, field := range fields {
		if field.Type != "number" {
			continue
		}
		if !slices.Contains(widget.Columns, field.Name) {
			return fmt.Errorf("unknown number column %q", field.Name)
		}
		if widget.Breakdown == "" && times == nil && len(values[i]) != 1 {
			return fmt.Errorf("%d rows where there must be one", len(values[i]))
		}
		for n, value := range values[i] {
			cell := Cell{Row: field.Labels[widget.Breakdown], Column: field.Name}
			if times != nil {
				start, ok := times[n].(float64)
				if !ok {
					return fmt.Errorf("time %v", times[n])
				}
				cell.Time = int64(start)
				if !slices.Contains(t.Times, cell.Time) {
					t.Times = append(t.Times, cell.Time)
				}
			}
			if labels != nil {
				label, ok := labels[n].(string)
				if !ok {
					return fmt.Errorf("row label %v", labels[n])
				}
				cell.Row = label
			}
			if widget.Breakdown == "os" {
				cell.Row = osFamily(cell.Row)
			}
			if _, twice := t.Cells[cell]; twice {
				return fmt.Errorf("two values for %+v", cell)
			}
			x, ok := value.(float64)
			if !ok && value != nil {
				return fmt.Errorf("value %v of %+v", value, cell)
			}
			t.Cells[cell] = nil
			if ok {
				t.Cells[cell] = &x
			}
		}
	}
	return nil
}

// medianTolerance is how far a median or a percentile may be off (design, exactness).
const medianTolerance = 0.07

// Compare lists where got differs from want. A row of a breakdown in which
// nothing happened may be left out, and a row without a value has any rank.
func Compare(want, got Table, widget Widget) error {
	var differences []string
	differ := func(format string, arguments ...any) {
		differences = append(differences, fmt.Sprintf(format, arguments...))
	}
	if len(got.Cells) > 0 {
		slices.Sort(got.Times)
		if !slices.Equal(want.Times, got.Times) {
			differ("intervals: expected %s, got %s", describeTimes(want.Times), describeTimes(got.Times))
		}
	}
	cells := map[Cell]bool{}
	for cell := range want.Cells {
		cells[cell] = true
	}
	for cell := range got.Cells {
		cells[cell] = true
	}
	for cell := range cells {
		wanted, inWant := want.Cells[cell]
		found, inGot := got.Cells[cell]
		if widget.Breakdown != "" && isNothing(wanted) && isNothing(found) {
			continue
		}
		if value := (Cell{cell.Time, cell.Row, "value" + strings.TrimPrefix(cell.Column, "rank")}); strings.HasPrefix(cell.Column, "rank") && isNothing(want.Cells[value]) && isNothing(got.Cells[value]) {
			continue
		}
		if base, ok := changed(cell.Column); ok && isRounded(base) && inWant {
			// Of what is in buckets the change is that of the numbers shown, if they are.
			now, before := got.Cells[Cell{cell.Time, cell.Row, base}], got.Cells[Cell{cell.Time, cell.Row, base + "Before"}]
			switch _, shown := got.Cells[Cell{cell.Time, cell.Row, base + "Before"}]; {
			case shown:
				wanted = changeOf(now, before)
			case wanted != nil && found != nil && math.Abs(*wanted-*found) <= (1+*wanted)*2*medianTolerance/(1-medianTolerance):
				continue // by which the quotient of two numbers is off
			}
		}
		if !inWant || !inGot || !(equal(wanted, found, cell.Column) || slices.Contains(widget.Rounded, cell.Column) && equal(wanted, found, "median")) {
			differ("%s: expected %s, got %s", cell, describe(wanted, inWant), describe(found, inGot))
		}
	}
	if len(differences) == 0 {
		return nil
	}
	slices.Sort(differences)
	const shown = 10
	if count := len(differences); count > shown {
		differences = append(differences[:shown], fmt.Sprintf("… and %d more", count-shown))
	}
	return errors.New(strings.Join(differences, "\n"))
}

func isNothing(x *float64) bool { return x == nil || *x == 0 }

func equal(want, got *float64, column string) bool {
	if want == nil || got == nil {
		return want == got
	}
	tolerance := 1e-9
	if isRounded(strings.TrimSuffix(column, "Before")) {
		tolerance = medianTolerance
	}
	if _, ok := changed(column); ok || strings.HasSuffix(column, "Difference") {
		return math.Abs(*want-*got) <= tolerance*max(1, math.Abs(*want))
	}
	return math.Abs(*want-*got) <= tolerance*math.Abs(*want)
}

// changed is the column of whose change a column tells.
func changed(column string) (string, bool) { return strings.CutSuffix(column, "Change") }

// isRounded says whether a column shows what is kept in buckets.
func isRounded(column string) bool {
	digits, ok := strings.CutPrefix(column, "p")
	return column == "median" || column == "startupScore" || ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// String shows where the cell is.
func (c Cell) String() string {
	text := c.Column
	if c.Row != "" {
		text += fmt.Sprintf("{%s}", c.Row)
	}
	if c.Time != 0 {
		text += " at " + rfc3339(c.Time)
	}
	return text
}

func describe(x *float64, present bool) string {
	switch {
	case !present:
		return "nothing"
	case x == nil:
		return "null"
	}
	return fmt.Sprintf("%.12g", *x)
}

func describeTimes(times []int64) string {
	if len(times) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d from %s to %s", len(times), rfc3339(times[0]), rfc3339(times[len(times)-1]))
}
