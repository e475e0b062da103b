package schedule

import (
	"strings"
	"testing"
	"time"
)

func calendar(t *testing.T, every, at, zone string) Calendar {
	t.Helper()
	c, err := NewCalendar(every, at, zone)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestLast(t *testing.T) {
	tests := []struct {
		name, every, at, zone, now string
		from, to, period, title    string
	}{
		{"day", Day, "06:00", "", "2026-10-29T06:00:00Z", "2026-10-28T00:00:00Z", "2026-10-29T00:00:00Z", "2026-10-28", "28 October 2026"},
		{"day before it is due", Day, "06:00", "", "2026-10-29T05:59:59Z", "2026-10-27T00:00:00Z", "2026-10-28T00:00:00Z", "2026-10-27", "27 October 2026"},
		{"week", Week, "06:00", "", "2026-11-02T06:00:00Z", "2026-10-26T00:00:00Z", "2026-11-02T00:00:00Z", "2026-W44", "week of 26 October 2026"},
		{"week on a Sunday", Week, "06:00", "", "2026-11-01T23:00:00Z", "2026-10-19T00:00:00Z", "2026-10-26T00:00:00Z", "2026-W43", "week of 19 October 2026"},
		{"week of two years", Week, "00:00", "", "2027-01-04T00:00:00Z", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z", "2026-W53", "week of 28 December 2026"},
		{"month", Month, "06:00", "", "2026-11-01T06:00:00Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-10", "October 2026"},
		{"month before it is due", Month, "06:00", "", "2026-11-01T05:59:00Z", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-09", "September 2026"},
		{"month of the year before", Month, "06:00", "", "2027-01-31T12:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-12", "December 2026"},
		{"month with both offsets", Month, "06:00", "Europe/Berlin", "2026-11-01T05:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z", "2026-10", "October 2026"},
		{"another zone, before it is due", Month, "06:00", "Europe/Berlin", "2026-11-01T04:59:00Z", "2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z", "2026-09", "September 2026"},
		{"a day ahead of UTC", Day, "06:00", "Pacific/Auckland", "2026-11-01T18:00:00Z", "2026-10-31T11:00:00Z", "2026-11-01T11:00:00Z", "2026-11-01", "1 November 2026"},
		{"day of 23 hours", Day, "06:00", "Europe/Berlin", "2026-03-30T05:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-29", "29 March 2026"},
		{"due at a time that is left out", Day, "02:30", "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-28", "28 March 2026"},
		{"a day without 0:00", Day, "06:00", "America/Santiago", "2026-09-07T12:00:00Z", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z", "2026-09-06", "6 September 2026"},
		{"a day with 23:00 twice before it", Day, "06:00", "America/Santiago", "2026-04-06T12:00:00Z", "2026-04-05T04:00:00Z", "2026-04-06T04:00:00Z", "2026-04-05", "5 April 2026"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := calendar(t, test.every, test.at, test.zone)
			got := c.Last(at(t, test.now))
			if !got.From.Equal(at(t, test.from)) || !got.To.Equal(at(t, test.to)) || got.Name != test.period || got.Title != test.title {
				t.Errorf("got %s to %s, %s, %s", got.From.UTC(), got.To.UTC(), got.Name, got.Title)
			}
			if before := c.Before(got); !before.To.Equal(got.From) || !before.From.Before(before.To) {
				t.Errorf("the period before is %s to %s", before.From.UTC(), before.To.UTC())
			}
		})
	}
}

func TestNewCalendarRefuses(t *testing.T) {
	for _, test := range []struct{ name, every, at, zone, want string }{
		{"no length", "", "06:00", "", "every"},
		{"an unknown length", "year", "06:00", "", `every is "year"`},
		{"no time", Day, "", "", "at"},
		{"a time with seconds", Day, "06:00:00", "", "at"},
		{"a time that is none", Day, "24:00", "", "at"},
		{"an unknown zone", Day, "06:00", "Moon", "timezone"},
		{"the zone of the machine", Day, "06:00", "Local", "timezone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := NewCalendar(test.every, test.at, test.zone); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}
