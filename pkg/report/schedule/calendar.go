// Package schedule delivers reports of whole days, weeks or months: each period once, also after the machine was off, and again with
// growing pauses while its delivery fails.
package schedule

import (
	"fmt"
	"time"
)

// Lengths of a period.
const (
	Day   = "day"
	Week  = "week" // from Monday
	Month = "month"
)

// Calendar says which periods there are, and when each is due: at a time of the day after it has ended.
type Calendar struct {
	every        string
	hour, minute int
	zone         *time.Location
}

// NewCalendar returns the calendar of a length, of a time such as 06:00, and of the name of the time zone in which days begin, UTC
// if it is empty.
func NewCalendar(every, at, timezone string) (Calendar, error) {
	if every != Day && every != Week && every != Month {
		return Calendar{}, fmt.Errorf("every is %q: it is %s, %s or %s", every, Day, Week, Month)
	}
	clock, err := time.Parse("15:04", at)
	if err != nil {
		return Calendar{}, fmt.Errorf("at is %q: it is a time such as 06:00", at)
	}
	zone, err := time.LoadLocation(timezone)
	if err != nil || timezone == "Local" {
		return Calendar{}, fmt.Errorf("timezone is %q: it is a name such as UTC or Europe/Berlin", timezone)
	}
	return Calendar{every: every, hour: clock.Hour(), minute: clock.Minute(), zone: zone}, nil
}

// Period is a day, a week or a month.
type Period struct {
	From, To time.Time // From ≤ t < To
	Due      time.Time
	Name     string // for files, such as 2026-10-28, 2026-W44 or 2026-10
	Title    string // for people, such as 28 October 2026, week of 26 October 2026 or October 2026

	first date
}

// date is a day of the calendar, as its midnight in UTC.
type date struct{ time.Time }

// Last returns the period that was the last one to become due by now.
func (c Calendar) Last(now time.Time) Period {
	year, month, day := now.In(c.zone).Date()
	today := date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
	p := c.period(c.add(c.first(today), -1))
	if now.Before(p.Due) {
		p = c.Before(p)
	}
	return p
}

// Before returns the period before another one.
func (c Calendar) Before(p Period) Period { return c.period(c.add(p.first, -1)) }

// first returns the first day of the period in which a day is.
func (c Calendar) first(d date) date {
	switch c.every {
	case Week:
		sinceMonday := (int(d.Weekday()) + 6) % 7
		return date{d.AddDate(0, 0, -sinceMonday)}
	case Month:
		return date{d.AddDate(0, 0, 1-d.Day())}
	}
	return d
}

// add returns the first day of the period that is n later than that of the first day d.
func (c Calendar) add(d date, n int) date {
	switch c.every {
	case Week:
		return date{d.AddDate(0, 0, 7*n)}
	case Month:
		return date{d.AddDate(0, n, 0)}
	}
	return date{d.AddDate(0, 0, n)}
}

func (c Calendar) period(first date) Period {
	after := c.add(first, 1)
	p := Period{From: c.begin(first), To: c.begin(after), first: first}
	p.Due = time.Date(after.Year(), after.Month(), after.Day(), c.hour, c.minute, 0, 0, c.zone)
	switch c.every {
	case Week:
		year, week := first.ISOWeek()
		p.Name = fmt.Sprintf("%d-W%02d", year, week)
		p.Title = "week of " + first.Format("2 January 2006")
	case Month:
		p.Name, p.Title = first.Format("2006-01"), first.Format("January 2006")
	default:
		p.Name, p.Title = first.Format("2006-01-02"), first.Format("2 January 2006")
	}
	return p
}

// begin returns the first moment of a day. That is not 0:00 where clocks are put forward at midnight, and is the earlier of two
// where they are put back then.
func (c Calendar) begin(d date) time.Time {
	t := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, c.zone)
	if t.Day() != d.Day() {
		_, t = t.ZoneBounds()
	} else if earlier := t.Add(-time.Hour); earlier.Day() == d.Day() {
		t = earlier
	}
	return t
}
