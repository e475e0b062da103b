package widget

import (
	"fmt"
	"time"
)

// storedByHour is what the documentation says of what is stored per hour alone.
const storedByHour = "It is stored by the hour: a range is widened to whole hours of UTC, and so is an interval; a notice says which."

// widen widens the range to whole hours if something that is read is stored by the hour alone.
func (res *result) widen() {
	if r := &res.request; res.hourly {
		r.From, r.To = r.From.Truncate(time.Hour), ceilHour(r.To)
	}
}

// tellWidened says in a notice which hours are shown in place of the range that was asked for, if they are not the same.
func (res *result) tellWidened(asked interval) {
	r := res.request
	if hours := (interval{from: r.From.Truncate(time.Hour), to: ceilHour(r.To)}); res.besideHours && !res.hourly && !res.nothing &&
		(!r.From.Equal(hours.from) || !r.To.Equal(hours.to)) {
		res.notices = append(res.notices, fmt.Sprintf("Playing time is stored by the hour with these filters: it is from %s.", shownRange(hours, res.zone)))
	}
	if res.hourly && !res.nothing && (!r.From.Equal(asked.from) || r.To.After(asked.to)) {
		res.notices = append(res.notices, fmt.Sprintf("Stored by the hour: this is from %s.", shownRange(interval{from: r.From, to: r.To}, res.zone)))
	}
}

// ofHours returns the grid whose intervals are as long, or longer so that they are whole hours.
func (g grid) ofHours() grid {
	if rest := g.length % time.Hour; rest > 0 {
		g.length += time.Hour - rest
	}
	return g
}

// onHours moves ends of intervals that lie within an hour, such as those of days in India, to the end of the hour: so each hour is in the
// interval in which it begins.
func onHours(intervals []interval) []interval {
	moved := make([]interval, len(intervals))
	for i, in := range intervals {
		moved[i] = interval{in.start, ceilHour(in.from), ceilHour(in.to)}
	}
	return moved
}

// ceilHour returns t, or the begin of the next hour of UTC if it lies within one.
func ceilHour(t time.Time) time.Time {
	if whole := t.UTC().Truncate(time.Hour); whole.Before(t) {
		return whole.Add(time.Hour)
	}
	return t.UTC()
}
