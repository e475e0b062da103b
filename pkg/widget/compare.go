package widget

import (
	"fmt"
	"math"
	"time"
)

// Values of Query.Compare: the earlier range beside which the answer is put.
const (
	CompareNone     = "none"     // no comparison, as ""; a dashboard's variable has no empty value
	ComparePrevious = "previous" // of the same length, just before
	CompareDay      = "day"      // the same hours and minutes of the day, the week or the month before, by the calendar of the time zone
	CompareWeek     = "week"
	CompareMonth    = "month"
)

// What is put behind the name of a column for what a comparison adds.
const (
	beforeSuffix     = "Before"
	changeSuffix     = "Change"
	differenceSuffix = "Difference"
)

// comparison is what a column says of an earlier range.
type comparison uint8

const (
	notCompared comparison = iota
	valueBefore            // the value itself
	changeSince            // how much more the value is now, as a part of that before
	differenceSince
)

// compared returns each column of numbers with those that put it beside the earlier range. What orders and weighs has no change.
func compared(columns []Column) []Column {
	var all []Column
	for _, c := range columns {
		all = append(all, c)
		if c.value == nil {
			continue
		}
		now := c.value
		before := func(c cell) float64 { return now(c.before()) }
		of := func(suffix, help string, how comparison, unit Unit, value func(cell) float64) Column {
			return Column{Name: c.Name + suffix, Unit: unit, Help: help, value: value, whole: c.whole, of: c.of, compares: c.Name, how: how}
		}
		column := of(beforeSuffix, fmt.Sprintf("What %s was in the earlier range.", c.Name), valueBefore, c.Unit, before)
		column.long, column.words = c.long, c.words
		all = append(all, column)
		if c.unchanging {
			continue
		}
		all = append(all, of(changeSuffix, fmt.Sprintf("How much more %s is than before, as a part of that.", c.Name), changeSince, Ratio,
			func(c cell) float64 { return Change(now(c), before(c)) }))
		if c.Unit == Ratio {
			all = append(all, of(differenceSuffix, c.Name+" less what it was before.", differenceSince, Ratio,
				func(c cell) float64 { return now(c) - before(c) }))
		}
	}
	return all
}

// BesideOf returns the column that one of a comparison puts beside an earlier range, and "" of others; isChange is set if it says how much
// more that is, as a part of what was before.
func (c Column) BesideOf() (name string, isChange bool) { return c.compares, c.how == changeSince }

// ColumnsOf returns the columns of the answer to a query.
func (d Definition) ColumnsOf(q Query) []Column { return d.asked(q).Columns }

// Change returns how much more a number is than before, as a part of that: NaN, which is none, beside nothing.
func Change(now, before float64) float64 {
	if before == 0 {
		return math.NaN()
	}
	return (now - before) / before
}

// before returns the same row in the interval of the earlier range that belongs to the cell's.
func (c cell) before() cell { return cell{c.table, c.row, c.interval + c.table.shown} }

// moments returns by which moment of the earlier range each moment of a range is replaced. The later a moment, the later, or at least not
// earlier, is the one that replaces it: so ranges that follow each other are replaced by such that do.
func moments(compare string, from, to time.Time, zone *time.Location) func(time.Time) time.Time {
	switch compare {
	case ComparePrevious:
		length := to.Sub(from)
		return func(t time.Time) time.Time { return t.Add(-length) }
	case CompareDay:
		return func(t time.Time) time.Time { return sameClock(t, zone, 0, 1) }
	case CompareWeek:
		return func(t time.Time) time.Time { return sameClock(t, zone, 0, 7) }
	default:
		return func(t time.Time) time.Time { return sameClock(t, zone, 1, 0) }
	}
}

// sameClock returns the moment at which clocks showed the same as at t some months or days before. If the month had no such day it is its
// end. If clocks skipped this time it is the moment at which they did, and if they showed it twice the first. Of a time that they show
// twice around t, the second is as its end, so that what happened before is counted once.
func sameClock(t time.Time, zone *time.Location, months time.Month, days int) time.Time {
	t = t.In(zone)
	if since, _ := t.ZoneBounds(); !since.IsZero() {
		_, offset := t.Zone()
		_, offsetBefore := since.Add(-time.Second).Zone()
		if repeated := since.Add(time.Duration(offsetBefore-offset) * time.Second); t.Before(repeated) {
			t = repeated
		}
	}
	year, month, date := t.Date()
	if lastDate := time.Date(year, month-months+1, 0, 0, 0, 0, 0, time.UTC).Day(); months > 0 && date > lastDate {
		return startOfDay(year, month-months+1, 1, zone)
	}
	clock := time.Date(0, 1, 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
	return firstShown(year, month-months, date-days, clock, zone)
}

// earlierIntervals returns what each interval is compared with, in the time before it. One that has nothing there is empty.
func earlierIntervals(intervals []interval, of func(time.Time) time.Time) []interval {
	earlier := make([]interval, len(intervals))
	for i, in := range intervals {
		from, to := of(in.from).UTC(), of(in.to).UTC()
		earlier[i] = interval{from, from, to}
	}
	return earlier
}

func (in interval) isEmpty() bool { return !in.from.Before(in.to) }

// tellEarlier says in a notice what is special about the earlier range, if anything is.
func (res *result) tellEarlier(zone *time.Location) {
	r := res.request
	switch longer := res.earlier.to.Sub(res.earlier.from) - r.To.Sub(r.From); {
	case res.earlier.isEmpty():
		res.notices = append(res.notices, fmt.Sprintf("The %s before has no such time: there is nothing to compare with.", r.Compare))
	case longer <= -day:
		res.notices = append(res.notices, fmt.Sprintf("Compared with %s, which is %.3g days shorter.", shownRange(res.earlier, zone), -longer.Hours()/24))
	case longer >= day:
		res.notices = append(res.notices, fmt.Sprintf("Compared with %s, which is %.3g days longer.", shownRange(res.earlier, zone), longer.Hours()/24))
	}
}

// shownRange is a range in words, such as "1 November 2026 00:00 to 8 November 2026 00:00 UTC".
func shownRange(in interval, zone *time.Location) string {
	const form = "2 January 2006 15:04"
	from, to := in.from.In(zone), in.to.In(zone)
	text := from.Format(form)
	if from.Format("MST") != to.Format("MST") {
		text += from.Format(" MST")
	}
	return text + " to " + to.Format(form+" MST")
}

// Comparisons returns what Query.Compare may be but for none.
func Comparisons() []string { return []string{ComparePrevious, CompareDay, CompareWeek, CompareMonth} }
