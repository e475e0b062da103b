package widget

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

func parseTime(t *testing.T, s string) time.Time {
	t.Helper()
	parsed, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestIntervals(t *testing.T) {
	tests := []struct {
		name, interval, zone, from, to string
		want                           []string // aligned start, from and to, in UTC
	}{
		{"aligned", "1h", "", "2026-03-01 10:00", "2026-03-01 12:00", []string{
			"03-01 10:00 | 03-01 10:00 - 03-01 11:00", "03-01 11:00 | 03-01 11:00 - 03-01 12:00"}},
		{"clipped", "1h", "", "2026-03-01 10:30", "2026-03-01 12:01", []string{
			"03-01 10:00 | 03-01 10:30 - 03-01 11:00", "03-01 11:00 | 03-01 11:00 - 03-01 12:00", "03-01 12:00 | 03-01 12:00 - 03-01 12:01"}},
		{"within one", "6h", "", "2026-03-01 10:30", "2026-03-01 10:31", []string{"03-01 06:00 | 03-01 10:30 - 03-01 10:31"}},
		{"7 minutes since 1970", "7m", "", "1970-01-01 00:13", "1970-01-01 00:15", []string{
			"01-01 00:07 | 01-01 00:13 - 01-01 00:14", "01-01 00:14 | 01-01 00:14 - 01-01 00:15"}},
		{"60 seconds", "60s", "", "2026-03-01 10:30", "2026-03-01 10:31", []string{"03-01 10:30 | 03-01 10:30 - 03-01 10:31"}},
		{"weeks begin on Thursday as in 1970", "1w", "", "2026-03-05 00:00", "2026-03-06 00:00", []string{"03-05 00:00 | 03-05 00:00 - 03-06 00:00"}},
		{"hours are the same in every zone", "6h", "Asia/Kolkata", "2026-03-01 06:00", "2026-03-01 12:00", []string{"03-01 06:00 | 03-01 06:00 - 03-01 12:00"}},
		{"days in Berlin over the change to summer", "1d", "Europe/Berlin", "2026-03-28 12:00", "2026-03-30 12:00", []string{
			"03-27 23:00 | 03-28 12:00 - 03-28 23:00", "03-28 23:00 | 03-28 23:00 - 03-29 22:00", "03-29 22:00 | 03-29 22:00 - 03-30 12:00"}},
		{"days in India", "1d", "Asia/Kolkata", "2026-03-01 00:00", "2026-03-02 00:00", []string{
			"02-28 18:30 | 03-01 00:00 - 03-01 18:30", "03-01 18:30 | 03-01 18:30 - 03-02 00:00"}},
		{"a day in Beirut that begins at 1:00", "1d", "Asia/Beirut", "2026-03-28 12:00", "2026-03-29 12:00", []string{
			"03-27 22:00 | 03-28 12:00 - 03-28 22:00", "03-28 22:00 | 03-28 22:00 - 03-29 12:00"}},
		{"a day in Havana with two midnights", "1d", "America/Havana", "2026-10-31 12:00", "2026-11-02 12:00", []string{
			"10-31 04:00 | 10-31 12:00 - 11-01 04:00", "11-01 04:00 | 11-01 04:00 - 11-02 05:00", "11-02 05:00 | 11-02 05:00 - 11-02 12:00"}},
		{"months", "1M", "", "2026-01-31 00:00", "2026-03-01 00:00", []string{
			"01-01 00:00 | 01-31 00:00 - 02-01 00:00", "02-01 00:00 | 02-01 00:00 - 03-01 00:00"}},
		{"months in New York", "1M", "America/New_York", "2026-03-01 00:00", "2026-04-01 12:00", []string{
			"02-01 05:00 | 03-01 00:00 - 03-01 05:00", "03-01 05:00 | 03-01 05:00 - 04-01 04:00", "04-01 04:00 | 04-01 04:00 - 04-01 12:00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone, err := loadZone(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			g, err := newGrid(tt.interval, zone)
			if err != nil {
				t.Fatal(err)
			}
			intervals, err := g.intervals(parseTime(t, tt.from), parseTime(t, tt.to), maxIntervals)
			if err != nil {
				t.Fatal(err)
			}
			const form = "01-02 15:04"
			var got []string
			for _, i := range intervals {
				got = append(got, i.start.Format(form)+" | "+i.from.Format(form)+" - "+i.to.Format(form))
				if !g.previous(g.next(i.start)).Equal(i.start) || !g.start(i.start).Equal(i.start) {
					t.Errorf("%s is no start, or not before its next", i.start)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestShortIntervalsBecomeMinutes(t *testing.T) {
	for _, text := range []string{"1ms", "500ms", "1s", "30s", "59s", "60s", "60000ms", "1m"} {
		if g, err := newGrid(text, time.UTC); err != nil || g.length != time.Minute {
			t.Errorf("%s: %s, %v", text, g.length, err)
		}
	}
}

func TestZoneUTCInAnyCase(t *testing.T) {
	for _, name := range []string{"", "UTC", "utc", "Utc"} {
		if zone, err := loadZone(name); err != nil || zone != time.UTC {
			t.Errorf("%q: %v, %v", name, zone, err)
		}
	}
}

func TestReportIntervals(t *testing.T) {
	from := parseTime(t, "2026-03-01 00:00")
	tests := []struct {
		name, interval string
		length         time.Duration
		want           time.Duration
	}{
		{"an hour", "", time.Hour, time.Hour},
		{"two days", "", 2 * day, time.Hour},
		{"two days and a minute", "", 2*day + time.Minute, day},
		{"ten years", "", 3650 * day, day},
		{"asked for", "6h", 31 * day, 6 * time.Hour},
	}
	berlin, err := loadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := &result{definition: usageReport(), request: Request{Query: Query{Interval: tt.interval}, From: from, To: from.Add(tt.length)}}
			if g, err := res.grid(berlin); err != nil || g.length != tt.want {
				t.Errorf("got %s, %v, want %s of UTC", g.length, err, tt.want)
			}
		})
	}
}

func TestMonthsToDate(t *testing.T) {
	tests := []struct{ name, to, zone, before, begin, same, end string }{
		{"in a month", "2026-11-22 14:30:00.000", "UTC", "2026-10-01 00:00", "2026-11-01 00:00", "2026-10-22 14:30", "2026-11-22 14:30"},
		{"within a minute", "2026-11-22 14:30:00.001", "UTC", "2026-10-01 00:00", "2026-11-01 00:00", "2026-10-22 14:31", "2026-11-22 14:31"},
		{"31 March", "2026-03-31 12:00:00.000", "UTC", "2026-02-01 00:00", "2026-03-01 00:00", "2026-03-01 00:00", "2026-03-31 12:00"},
		{"29 March", "2026-03-29 00:00:00.000", "UTC", "2026-02-01 00:00", "2026-03-01 00:00", "2026-03-01 00:00", "2026-03-29 00:00"},
		{"28 March", "2026-03-28 23:59:59.999", "UTC", "2026-02-01 00:00", "2026-03-01 00:00", "2026-03-01 00:00", "2026-03-29 00:00"},
		{"29 March of a leap year", "2028-03-29 12:00:00.000", "UTC", "2028-02-01 00:00", "2028-03-01 00:00", "2028-02-29 12:00", "2028-03-29 12:00"},
		{"30 March of a leap year", "2028-03-30 12:00:00.000", "UTC", "2028-02-01 00:00", "2028-03-01 00:00", "2028-03-01 00:00", "2028-03-30 12:00"},
		{"January", "2026-01-15 00:00:00.000", "UTC", "2025-12-01 00:00", "2026-01-01 00:00", "2025-12-15 00:00", "2026-01-15 00:00"},
		{"the end of a month", "2026-03-01 00:00:00.000", "UTC", "2026-01-01 00:00", "2026-02-01 00:00", "2026-01-29 00:00", "2026-03-01 00:00"},
		{"the end of a longer month", "2026-11-01 00:00:00.000", "UTC", "2026-09-01 00:00", "2026-10-01 00:00", "2026-10-01 00:00", "2026-11-01 00:00"},
		{"the end of a year", "2026-01-01 00:00:00.000", "UTC", "2025-11-01 00:00", "2025-12-01 00:00", "2025-12-01 00:00", "2026-01-01 00:00"},
		{"the end of a month in Berlin", "2026-10-31 23:00:00.000", "Europe/Berlin", "2026-08-31 22:00", "2026-09-30 22:00", "2026-09-30 22:00", "2026-10-31 23:00"},
		{"a millisecond of a month", "2026-03-01 00:00:00.001", "UTC", "2026-02-01 00:00", "2026-03-01 00:00", "2026-02-01 00:01", "2026-03-01 00:01"},
		{"the last millisecond of a month", "2026-02-28 23:59:59.999", "UTC", "2026-01-01 00:00", "2026-02-01 00:00", "2026-01-29 00:00", "2026-03-01 00:00"},
		{"another month in Berlin than in UTC", "2026-03-31 22:30:00.000", "Europe/Berlin", "2026-02-28 23:00", "2026-03-31 22:00", "2026-02-28 23:30", "2026-03-31 22:30"},
		{"summer time began in between", "2026-04-10 10:00:00.000", "Europe/Berlin", "2026-02-28 23:00", "2026-03-31 22:00", "2026-03-10 11:00", "2026-04-10 10:00"},
		{"India", "2026-11-22 14:30:00.000", "Asia/Kolkata", "2026-09-30 18:30", "2026-10-31 18:30", "2026-10-22 14:30", "2026-11-22 14:30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone, err := loadZone(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			to, err := time.Parse("2006-01-02 15:04:05.000", tt.to)
			if err != nil {
				t.Fatal(err)
			}
			got := monthsToDate(to, zone)
			for i, want := range [][2]string{{tt.before, tt.begin}, {tt.before, tt.same}, {tt.begin, tt.end}} {
				if !got[i].from.Equal(parseTime(t, want[0])) || !got[i].to.Equal(parseTime(t, want[1])) {
					t.Errorf("%s is %s to %s, want %s to %s", got[i].name, got[i].from, got[i].to, want[0], want[1])
				}
			}
		})
	}
}

func TestAutomaticInterval(t *testing.T) {
	from := parseTime(t, "2026-03-01 00:00")
	tests := []struct {
		name   string
		from   time.Time
		length time.Duration
		most   int
		want   time.Duration
	}{
		{"an hour", from, time.Hour, 300, time.Minute},
		{"300 minutes", from, 300 * time.Minute, 300, time.Minute},
		{"301 minutes", from, 301 * time.Minute, 300, 5 * time.Minute},
		{"1,500 minutes", from, 1500 * time.Minute, 300, 5 * time.Minute},
		{"1,500 minutes that touch 301 intervals", from.Add(time.Minute), 1500 * time.Minute, 300, 10 * time.Minute},
		{"3,000 minutes", from, 3000 * time.Minute, 300, 10 * time.Minute},
		{"four days", from, 4 * day, 300, time.Hour},
		{"300 hours", from, 300 * time.Hour, 300, time.Hour},
		{"30 days", from, 30 * day, 300, 6 * time.Hour},
		{"90 days", from, 90 * day, 300, day},
		{"ten years", from, 3650 * day, 300, day},
		{"an hour of records of plays", from, time.Hour, maxPlayIntervals, time.Minute},
		{"six hours of records of plays", from, 6 * time.Hour, maxPlayIntervals, 10 * time.Minute},
		{"a week of records of plays", from, 7 * day, maxPlayIntervals, 6 * time.Hour},
		{"31 days of records of plays", from, 31 * day, maxPlayIntervals, day},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, err := automaticGrid(tt.from, tt.from.Add(tt.length), time.UTC, tt.most)
			if err != nil || g.length != tt.want {
				t.Errorf("got %s, %v, want %s", g.length, err, tt.want)
			}
		})
	}
}

func TestPieces(t *testing.T) {
	tests := []struct {
		name     string
		of       measure.ID
		from, to string
		want     []string
	}{
		{"within an hour", measure.Plays, "10:10", "10:50", []string{"1m 10:10-10:50"}},
		{"over the full hour", measure.Plays, "10:10", "11:50", []string{"1m 10:10-11:50"}},
		{"one hour", measure.Plays, "10:00", "11:00", []string{"1h 10:00-11:00"}},
		{"ragged ends", measure.Plays, "09:59", "12:01", []string{"1m 09:59-10:00", "1h 10:00-12:00", "1m 12:00-12:01"}},
		{"ragged start", measure.Plays, "09:59", "12:00", []string{"1m 09:59-10:00", "1h 10:00-12:00"}},
		{"ragged end", measure.Plays, "10:00", "12:59", []string{"1h 10:00-12:00", "1m 12:00-12:59"}},
		{"what has no minutes", measure.TrafficByIP, "10:10", "10:50", []string{"1h 10:00-11:00"}},
		{"what has no minutes, whole hours", measure.PlayingByReferrer, "10:00", "12:00", []string{"1h 10:00-12:00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			of := read{measure: tt.of}
			for _, p := range pieces(clock(tt.from), clock(tt.to), of, of.byHour("", nil)) {
				got = append(got, strings.TrimSuffix(strings.TrimSuffix(p.resolution.Length.String(), "0s"), "0m")+
					" "+p.from.Format("15:04")+"-"+p.to.Format("15:04"))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("a peak over 130 days", func(t *testing.T) {
		var sum time.Duration
		all := pieces(day0, day0.Add(130*day), read{kind: peakMinute}, false)
		for _, p := range all {
			sum += p.to.Sub(p.from)
		}
		if len(all) != 3 || sum != 130*day {
			t.Errorf("got %v", all)
		}
	})
}
