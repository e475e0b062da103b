package oracle

import (
	"fmt"
	"slices"
	"time"
)

// earlierMoments says which moment of the earlier range each moment of the
// query's range is put beside (rule 35), in ms since 1970. Moments are whole
// minutes.
func earlierMoments(q Query) (func(int64) int64, error) {
	of, err := momentsBefore(q)
	if err != nil || !q.byHours() {
		return of, err
	}
	return func(t int64) int64 { return ceil(of(t), hour) }, nil
}

func momentsBefore(q Query) (func(int64) int64, error) {
	location, err := time.LoadLocation(q.Timezone)
	if err != nil {
		return nil, fmt.Errorf("time zone: %w", err)
	}
	switch q.Compare {
	case "previous":
		return func(t int64) int64 { return t - (q.To - q.From) }, nil
	case "day":
		return func(t int64) int64 { return sameReading(t, location, 0, 1) }, nil
	case "week":
		return func(t int64) int64 { return sameReading(t, location, 0, 7) }, nil
	case "month":
		return func(t int64) int64 { return sameReading(t, location, 1, 0) }, nil
	}
	return func(t int64) int64 { return t }, nil
}

// reading is what clocks show, as a number that is greater the later they show.
func reading(t int64, location *time.Location) int64 {
	at := time.UnixMilli(t).In(location)
	year, month, day := at.Date()
	return time.Date(year, month, day, at.Hour(), at.Minute(), 0, 0, time.UTC).UnixMilli()
}

// sameReading is the first minute at which clocks showed at least what they
// show at t, so many months or days before. A day that the month did not have
// is its end.
func sameReading(t int64, location *time.Location, months, days int) int64 {
	const hours = 3 * 60 // by which no clock of the test is moved
	// What clocks showed already counts as the end of that.
	for shown := true; shown; {
		shown = false
		for back := int64(1); back <= hours; back++ {
			shown = shown || reading(t-back*minute, location) >= reading(t, location)
		}
		if shown {
			t += minute
		}
	}
	now := time.UnixMilli(t).In(location)
	year, month, day := now.Date()
	want := time.Date(year, month-time.Month(months), day-days, now.Hour(), now.Minute(), 0, 0, time.UTC)
	if months > 0 && want.Day() != day {
		want = time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	}
	near := time.Date(want.Year(), want.Month(), want.Day(), want.Hour(), want.Minute(), 0, 0, location).UnixMilli()
	for at := near - hours*minute; ; at += minute {
		if reading(at, location) >= want.UnixMilli() {
			return at
		}
	}
}

// besideColumns are columns with what a comparison adds to each. What orders
// and weighs has no change.
func besideColumns(columns []string, q Query) []string {
	if q.Compare == "" {
		return columns
	}
	var all []string
	for _, column := range columns {
		all = append(all, column, column+"Before")
		if hasChange(column) {
			all = append(all, column+"Change")
		}
		if isRatio(column, q) {
			all = append(all, column+"Difference")
		}
	}
	return all
}

// hasChange says whether a comparison tells of a column's change.
func hasChange(column string) bool {
	return !slices.Contains([]string{"rank", "weight", "seconds", "state"}, column)
}

func isRatio(column string, q Query) bool {
	if q.QueryType == "goodPlays" {
		return column != "attempts"
	}
	if q.QueryType == "eventSummary" {
		return column == "shareWatched" || column == "goodPlays"
	}
	if column == "value" {
		return q.QueryType == "bufferingRatio" || q.QueryType == "worldMap" && q.Metric == "bufferingRatio"
	}
	return slices.Contains([]string{"ratio", "share", "bufferingRatio", "startFailures", "known", "packetLoss", "retained"}, column)
}

// beside are rows with the columns of a comparison. Before is nil if there is
// no such time.
func (w Widget) beside(now, before []Row, columns []string, q Query) []Row {
	values := func(rows []Row, label string) []*float64 {
		if rows == nil {
			return make([]*float64, len(columns))
		}
		if i := slices.IndexFunc(rows, func(r Row) bool { return r.Label == label }); i >= 0 {
			return rows[i].Values
		}
		// Nothing happened.
		of := w.Values(nil, q)
		if i := slices.Index(columns, "share"); i >= 0 {
			of = append(of[:min(i, len(of))], nil)
			if slices.ContainsFunc(rows, func(r Row) bool { return *r.Values[0] > 0 && r.Label != "playbackfailure" }) {
				of[i] = number(0)
			}
		}
		return of
	}
	if now == nil {
		now = []Row{}
	}
	var labels []string
	for _, row := range append(slices.Clone(now), before...) {
		if !slices.Contains(labels, row.Label) {
			labels = append(labels, row.Label)
		}
	}
	var rows []Row
	for _, label := range labels {
		is, was := values(now, label), values(before, label)
		row := Row{Label: label}
		for i, column := range columns {
			row.Values = append(row.Values, is[i], was[i])
			if hasChange(column) {
				row.Values = append(row.Values, changeOf(is[i], was[i]))
			}
			if isRatio(column, q) {
				row.Values = append(row.Values, differenceOf(is[i], was[i]))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// changeOf is how much more a number is than before, as a part of that.
func changeOf(now, before *float64) *float64 {
	if difference := differenceOf(now, before); difference != nil && *before != 0 {
		return number(*difference / *before)
	}
	return nil
}

func differenceOf(now, before *float64) *float64 {
	if now == nil || before == nil {
		return nil
	}
	return number(*now - *before)
}
