package oracle

import (
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// checkReports compares so many reports, as CSV, with the brute force.
func checkReports(t *testing.T, command CommandAsker, generator *Generator, facts []Fact, tags Tags, count int) {
	t.Helper()
	rows := 0
	for range count {
		q, err := generator.Query([]string{"usageReport"}, facts, tags, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		q.Form, q.Metric = "", ""
		if q.Interval = pick(generator, []string{"1h", "1d", "1M"}); q.To-q.From > 7*24*60*minute {
			q.Interval = pick(generator, []string{"1d", "1M"})
		}
		lines, err := command.report(t.Context(), q)
		if err == nil {
			rows += len(lines)
			err = compareReport(lines, facts, tags, q)
		}
		if err != nil {
			t.Errorf("report: %s\n%v", q, err)
		}
	}
	t.Logf("%d reports with %d lines", count, rows)
}

// report is the report of the query's range and filters: lines of table, row, column, unit and value.
func (a CommandAsker) report(ctx context.Context, q Query) ([][]string, error) {
	arguments := []string{"report", "--config", a.Config, "--org", q.Organization, "--from", rfc3339(q.From), "--to", rfc3339(q.To),
		"--interval", q.Interval, "--format", "csv", "--output", "-", "--top", "5"}
	filters, err := filterFlags(q)
	if err != nil {
		return nil, err
	}
	arguments = append(arguments, filters...)
	for flag, value := range map[string]string{"unit": q.Unit, "timezone": q.Timezone, "compare": q.Compare} {
		if value != "" {
			arguments = append(arguments, "--"+flag, value)
		}
	}
	output, err := exec.CommandContext(ctx, a.Executable, arguments...).Output()
	if err != nil {
		return nil, fmt.Errorf("streamlens %s: %w", strings.Join(arguments, " "), err)
	}
	return csv.NewReader(strings.NewReader(string(output))).ReadAll()
}

// compareReport compares each table of a report with the answer to its widget. Rows that a table does not list are in its row
// "(the rest)", and its row "(total)" adds up all.
func compareReport(lines [][]string, facts []Fact, tags Tags, q Query) error {
	got := map[string]map[Cell]float64{} // by table
	for _, line := range lines[1:] {
		table, row, column := line[0], line[1], line[2]
		if table == "report" {
			continue
		}
		cell := Cell{Row: strings.ReplaceAll(row, "'", ""), Column: column}
		if at, err := time.Parse(time.RFC3339, row); err == nil {
			cell = Cell{Time: at.UnixMilli(), Column: column}
		}
		value, err := strconv.ParseFloat(line[4], 64)
		if err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
		if got[table] == nil {
			got[table] = map[Cell]float64{}
		}
		got[table][cell] = value
	}
	series := q
	series.Form, series.Compare = "series", "" // bars have nothing beside them
	for _, asked := range []Query{q, series} {
		if err := compareReportTable(got[q.QueryType], facts, tags, asked, false); err != nil {
			return err
		}
	}
	for _, widget := range []string{"usagePlayout", "usageIngest", "usageByCountry", "usageByStream"} {
		asked := q
		asked.QueryType = widget
		if err := compareReportTable(got[widget], facts, tags, asked, true); err != nil {
			return err
		}
	}
	return compareReportTags(got["usageByTag"], facts, tags, q)
}

// compareReportTags compares the table by tag, whose rest has each stream of the tags that are not listed once. It is left out where no
// stream has a tag.
func compareReportTags(got map[Cell]float64, facts []Fact, tags Tags, q Query) error {
	q.QueryType = "usageByTag"
	byTag, err := Answer(facts, tags, q)
	if err != nil {
		return err
	}
	q.QueryType = "usageByStream"
	byStream, err := Answer(facts, tags, q)
	if err != nil {
		return err
	}
	listed, expected, tagged := map[string]bool{}, map[Cell]float64{}, false
	for cell := range got {
		listed[cell.Row] = true
	}
	unlisted := func(tag string) bool { return !listed[strings.ReplaceAll(tag, "'", "")] }
	for cell, value := range byTag.Cells {
		tagged = tagged || cell.Row != untagged
		if _, isChange := changed(cell.Column); value != nil && !isChange && !unlisted(cell.Row) {
			cell.Row = strings.ReplaceAll(cell.Row, "'", "")
			expected[cell] = *value
		}
	}
	if !tagged {
		if len(got) > 0 {
			return fmt.Errorf("usageByTag: a table without a tag, %v", got)
		}
		return nil
	}
	for cell, value := range byStream.Cells {
		if _, isChange := changed(cell.Column); value == nil || isChange {
			continue
		}
		those := tags[[2]string{q.Organization, cell.Row}]
		if len(those) == 0 {
			those = []string{untagged}
		}
		if slices.ContainsFunc(those, unlisted) {
			expected[Cell{Row: "(the rest)", Column: cell.Column}] += *value
		}
	}
	addChanges(expected)
	for _, cell := range slices.Concat(slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(expected))) {
		// Seconds are written to the millisecond.
		if found, want := got[cell], expected[cell]; !equal(&want, &found, cell.Column) && (want-found > 0.0005 || found-want > 0.0005) {
			return fmt.Errorf("usageByTag, %s: expected %v, got %v", cell, want, found)
		}
	}
	return nil
}

// addChanges adds the changes of sums, which are not the sums of changes.
func addChanges(sums map[Cell]float64) {
	for _, cell := range slices.Collect(maps.Keys(sums)) {
		if column, ok := strings.CutSuffix(cell.Column, "Before"); ok && sums[cell] != 0 {
			now, before := sums[Cell{cell.Time, cell.Row, column}], sums[cell]
			sums[Cell{cell.Time, cell.Row, column + "Change"}] = *changeOf(&now, &before)
		}
	}
}

func compareReportTable(got map[Cell]float64, facts []Fact, tags Tags, q Query, parts bool) error {
	want, err := Answer(facts, tags, q)
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for cell := range got {
		listed[cell.Row] = true
	}
	expected := map[Cell]float64{}
	for cell, value := range want.Cells {
		_, isChange := changed(cell.Column) // follows from sums
		if value == nil || isChange || cell.Column != "share" && strings.HasPrefix(cell.Column, "share") {
			continue
		}
		cell.Row = strings.ReplaceAll(cell.Row, "'", "")
		if parts {
			expected[Cell{Row: "(total)", Column: cell.Column}] += *value
			if !listed[cell.Row] {
				cell.Row = "(the rest)"
			}
		}
		expected[cell] += *value
	}
	addChanges(expected)
	for _, cell := range slices.Collect(maps.Keys(expected)) {
		found, want := got[cell], expected[cell]
		// Seconds are written to the millisecond.
		if !equal(&want, &found, cell.Column) && (want-found > 0.0005 || found-want > 0.0005 || cell.Column == "share") {
			return fmt.Errorf("%s, %s: expected %v, got %v", q.QueryType, cell, want, found)
		}
	}
	for cell, found := range got {
		if _, ok := expected[cell]; !ok && found != 0 && (cell.Time != 0) == (q.Form == "series") {
			return fmt.Errorf("%s, %s: expected nothing, got %v", q.QueryType, cell, found)
		}
	}
	return nil
}
