package widget

import (
	"regexp"
	"strconv"
	"time"
)

// maxAutomatic is the greatest number of intervals that the automatic choice gives.
const maxAutomatic = 300

const day = 24 * time.Hour

// automaticIntervals are those to choose from, the smallest first.
var automaticIntervals = []string{"1m", "5m", "10m", "1h", "6h", "1d"}

// period is a part of time that is a row of a widget.
type period struct {
	name     string
	from, to time.Time
}

// interval is one interval of the series form.
type interval struct {
	start    time.Time // its aligned start, which is its time stamp
	from, to time.Time // what of it lies in the range
}

// grid divides time into intervals.
type grid struct {
	length time.Duration // multiples of it since 1970 UTC begin the intervals; 0 for calendar days and months
	months bool          // calendar months instead of days
	zone   *time.Location
}

var intervalForm = regexp.MustCompile(`^([1-9][0-9]{0,8})(ms|[smhdwM])$`)

// newGrid reads an interval such as 10m. 1d and 1M are calendar days and months in the zone, all others have a fixed length.
// One shorter than a minute becomes a minute: panels ask for it when their range is short.
func newGrid(text string, zone *time.Location) (grid, error) {
	form := intervalForm.FindStringSubmatch(text)
	if form == nil {
		return grid{}, badQuery("the interval %q is no number with a unit, such as 10m, 1h, 1d or 1M", text)
	}
	number, err := strconv.Atoi(form[1])
	if err != nil {
		return grid{}, badQuery("the interval %q has no number: %w", text, err)
	}
	switch {
	case form[2] == "M" && number != 1:
		return grid{}, badQuery("the interval %q is not available: the only one in months is 1M", text)
	case form[2] == "M":
		return grid{months: true, zone: zone}, nil
	case text == "1d" && zone != time.UTC:
		return grid{zone: zone}, nil
	}
	unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": day, "w": 7 * day}[form[2]]
	if int64(number) > int64(maxIntervalLength/unit) {
		return grid{}, badQuery("the interval %q is longer than ten years", text)
	}
	length := max(time.Duration(number)*unit, time.Minute)
	if length%time.Minute != 0 {
		return grid{}, badQuery("the interval %q is no whole number of minutes", text)
	}
	return grid{length: length, zone: zone}, nil
}

const maxIntervalLength = 3660 * day

// automaticGrid returns the smallest of the automatic intervals that divides the range into at most so many, else days.
func automaticGrid(from, to time.Time, zone *time.Location, most int) (grid, error) {
	for _, text := range automaticIntervals {
		g, err := newGrid(text, zone)
		if err != nil {
			return grid{}, err
		}
		if _, err := g.intervals(from, to, most); err == nil {
			return g, nil
		}
	}
	return newGrid("1d", zone)
}

// start returns the start of the interval in which t lies.
func (g grid) start(t time.Time) time.Time {
	if g.length > 0 {
		length := int64(g.length / time.Second)
		return time.Unix(t.Unix()/length*length, 0).UTC()
	}
	year, month, date := t.In(g.zone).Date()
	if g.months {
		date = 1
	}
	return startOfDay(year, month, date, g.zone)
}

// next returns the start of the interval after the one that begins at start.
func (g grid) next(start time.Time) time.Time { return g.step(start, 1) }

// previous returns the start of the interval before the one that begins at start.
func (g grid) previous(start time.Time) time.Time { return g.step(start, -1) }

func (g grid) step(start time.Time, n int) time.Time {
	if g.length > 0 {
		return start.Add(time.Duration(n) * g.length)
	}
	year, month, date := start.In(g.zone).Date()
	if g.months {
		return startOfDay(year, month+time.Month(n), 1, g.zone)
	}
	return startOfDay(year, month, date+n, g.zone)
}

// startOfDay returns the first moment of a date. Where clocks are put forward at midnight that is not 0:00, and where they
// are put back then it is the earlier of two.
func startOfDay(year int, month time.Month, date int, zone *time.Location) time.Time {
	return firstShown(year, month, date, 0, zone)
}

// firstShown returns the first moment at which clocks show a time of a date, told since midnight, or, where they skip it, the moment
// at which they do.
func firstShown(year int, month time.Month, date int, clock time.Duration, zone *time.Location) time.Time {
	shown := time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Add(clock)
	// No clock is further from UTC than a day, so that these are the offsets before and after any change that matters.
	_, before := shown.Add(-day).In(zone).Zone()
	_, after := shown.Add(day).In(zone).Zone()
	for _, offset := range []int{max(before, after), min(before, after)} { // the greater offset is the earlier moment
		t := shown.Add(-time.Duration(offset) * time.Second)
		if _, at := t.In(zone).Zone(); at == offset {
			return t
		}
	}
	skipped, _ := shown.Add(-time.Duration(before) * time.Second).In(zone).ZoneBounds()
	return skipped.UTC()
}

// intervals returns the intervals from from to to, the first and last clipped, or an error if there are more than limit.
func (g grid) intervals(from, to time.Time, limit int) ([]interval, error) {
	if g.length > 0 && to.Sub(from)/g.length > time.Duration(limit) {
		return nil, tooMany(limit)
	}
	var intervals []interval
	if g.length > 0 {
		intervals = make([]interval, 0, to.Sub(from)/g.length+2)
	}
	for start := g.start(from); start.Before(to); {
		next := g.next(start)
		intervals = append(intervals, interval{start, later(start, from), earlier(next, to)})
		if len(intervals) > limit {
			return nil, tooMany(limit)
		}
		start = next
	}
	return intervals, nil
}

func tooMany(limit int) error {
	return badQuery("the range has more than %d of these intervals: choose a longer interval", limit)
}

// ceilMinute returns t, or the begin of the next minute if it lies within one.
func ceilMinute(t time.Time) time.Time {
	if whole := t.UTC().Truncate(time.Minute); whole.Before(t) {
		return whole.Add(time.Minute)
	}
	return t.UTC()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
