package widget

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// day0 is where the hand-made facts begin: yesterday, so that they lie within the retention.
var day0 = time.Now().UTC().Truncate(day).Add(-2 * day)

func clock(hhmm string) time.Time {
	t, err := time.Parse("15:04", hhmm)
	if err != nil {
		panic(err)
	}
	return day0.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute)
}

// handMade are few facts around the edges of minutes and hours, from two collectors and some late.
func handMade() []fact {
	traffic := func(at, country, stream, direction string, bytes int64) fact {
		return fact{measure: measure.Traffic, at: clock(at), country: country, stream: stream,
			dimensions: []string{direction, "hls"}, value: bytes}
	}
	second := traffic("11:30", "DE", "s1", "playout", 1_000_000)
	second.collector = "b"
	late := traffic("11:30", "DE", "s1", "playout", 10_000_000)
	late.late = 3
	plain := func(id measure.ID, at string, value int64, dimensions ...string) fact {
		return fact{measure: id, at: clock(at), country: "DE", stream: "s1", event: "final", dimensions: dimensions, value: value}
	}
	return []fact{
		traffic("09:59", "DE", "s1", "playout", 1),
		traffic("10:00", "DE", "s1", "playout", 10),
		traffic("10:59", "FR", "s2", "playout", 100),
		traffic("11:00", "FR", "s2", "ingest", 1_000),
		traffic("11:30", "DE", "s1", "playout", 10_000),
		traffic("12:29", "ZZ", `s"3|{}.*`, "ingest", 100_000),
		traffic("12:30", "DE", "s1", "playout", 1_000_000_000),
		second, late,

		plain(measure.Viewing, "10:05", 90_000), plain(measure.Viewing, "10:06", 30_000),
		plain(measure.Viewing, "11:07", 240_000),
		plain(measure.Plays, "10:05", 2), plain(measure.Plays, "11:07", 3),
		plain(measure.Playing, "10:05", 81_000, "playout", "h5live"), plain(measure.Buffering, "10:05", 9_000),
		plain(measure.Playing, "10:05", 500_000, "ingest", "webcaster"),
		plain(measure.StartTime, "10:05", 1000), plain(measure.StartTime, "10:06", 2000), plain(measure.StartTime, "11:05", 6000),
		plain(measure.PlaysByOS, "10:05", 3, "iOS"), plain(measure.PlaysByOS, "10:06", 1, "Windows"),
		plain(measure.Stops, "10:05", 4, "normal"), plain(measure.Stops, "11:05", 4, "timeout"), plain(measure.Stops, "11:05", 5, "error"),
	}
}

// text shows frames as lines of words, numbers with up to four decimals and null as -.
func text(frames data.Frames) string {
	var b strings.Builder
	for _, f := range frames {
		for i, field := range f.Fields {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(field.Name)
			if len(field.Labels) > 0 {
				b.WriteString("{" + field.Labels.String() + "}")
			}
		}
		for row := range f.Rows() {
			b.WriteString("\n")
			for i, field := range f.Fields {
				if i > 0 {
					b.WriteString(" | ")
				}
				switch v := field.At(row).(type) {
				case *float64:
					if v == nil {
						b.WriteString("-")
					} else {
						b.WriteString(strconv.FormatFloat(math.Round(*v*1e4)/1e4, 'f', -1, 64))
					}
				case time.Time:
					b.WriteString(v.Sub(day0).String())
				default:
					fmt.Fprint(&b, v)
				}
			}
		}
	}
	return b.String()
}

func TestHandMadeFacts(t *testing.T) {
	client := store(t, handMade())
	tests := []struct {
		name     string
		query    Query
		from, to string
		want     string
	}{
		{"usage over ragged ends and whole hours", Query{QueryType: "usageOverview"}, "10:00", "12:30", `
playout | ingest | total
11010110 | 101000 | 11111110`},
		{"usage within an hour", Query{QueryType: "usageOverview"}, "11:00", "11:30", `
playout | ingest | total
0 | 1000 | 1000`},
		{"usage of a country", Query{QueryType: "usageOverview", Country: []string{"FR"}}, "10:00", "12:30", `
playout | ingest | total
100 | 1000 | 1100`},
		{"usage of two countries and a stream", Query{QueryType: "usageOverview", Country: []string{"FR", "DE"}, Stream: []string{"s1"}}, "09:00", "13:00", `
playout | ingest | total
1011010011 | 0 | 1011010011`},
		{"usage of a stream whose name is a hostile expression", Query{QueryType: "usageOverview", Stream: []string{`s"3|{}.*`}}, "09:00", "13:00", `
playout | ingest | total
0 | 100000 | 100000`},
		{"and of two of them", Query{QueryType: "usageOverview", Stream: []string{`s"3|{}.*`, "s2"}}, "09:00", "13:00", `
playout | ingest | total
100 | 101000 | 101100`},
		{"a name that as an expression would match", Query{QueryType: "usageOverview", Stream: []string{".*", "s1|s2", `"} or {stream="s1`}}, "09:00", "13:00", `
playout | ingest | total
0 | 0 | 0`},
		{"one metric", Query{QueryType: "usageOverview", Metric: "ingest"}, "10:00", "12:30", `
ingest
101000`},
		{"usage in seconds", Query{QueryType: "usageOverview", Unit: "playtime"}, "10:00", "12:30", `
playout | ingest | total
81 | 500 | 581`},
		{"usage in seconds of an event", Query{QueryType: "usageOverview", Unit: "playtime", Event: []string{"final"}}, "10:00", "12:30", `
playout | ingest | total
81 | 500 | 581`},
		{"usage in seconds of another event", Query{QueryType: "usageOverview", Unit: "playtime", Event: []string{"other"}}, "10:00", "12:30", `
playout | ingest | total
0 | 0 | 0`},
		{"series clipped at both ends", Query{QueryType: "usageOverview", Form: "series", Interval: "1h"}, "10:30", "12:30", `
time | playout | ingest | total
10h0m0s | 100 | 0 | 100
11h0m0s | 11010000 | 1000 | 11011000
12h0m0s | 0 | 100000 | 100000`},
		{"series of 30 minutes", Query{QueryType: "usageOverview", Form: "series", Interval: "30m", Metric: "playout"}, "09:30", "13:00", `
time | playout
9h30m0s | 1
10h0m0s | 10
10h30m0s | 100
11h0m0s | 0
11h30m0s | 11010000
12h0m0s | 0
12h30m0s | 1000000000`},
		{"countries", Query{QueryType: "usageByCountry"}, "10:00", "12:30", `
country | value | share
DE | 11010010 | 0.9909
ZZ | 100000 | 0.009
FR | 1100 | 0.0001`},
		{"countries per interval", Query{QueryType: "usageByCountry", Form: "series", Interval: "1h"}, "10:00", "12:00", `
time | value{country=DE} | share{country=DE} | value{country=FR} | share{country=FR}
10h0m0s | 10 | 0.0909 | 100 | 0.9091
11h0m0s | 11010000 | 0.9999 | 1000 | 0.0001`},
		{"streams", Query{QueryType: "usageByStream"}, "10:00", "12:30", `
stream | ingest | playout
s1 | 0 | 11010010
s"3|{}.* | 100000 | 0
s2 | 1000 | 100`},
		{"nothing happened in a breakdown", Query{QueryType: "usageByStream"}, "03:00", "04:00", `
stream | ingest | playout`},
		{"peak and plays", Query{QueryType: "concurrentViewers"}, "10:00", "12:00", `
viewers | plays
4 | 5`},
		{"peak of a part of an hour", Query{QueryType: "concurrentViewers", Country: []string{"DE"}}, "10:06", "10:07", `
viewers | plays
0.5 | 0`},
		{"peaks per interval", Query{QueryType: "concurrentViewers", Form: "series", Interval: "1h"}, "10:06", "12:30", `
time | viewers | plays
10h0m0s | 0.5 | 0
11h0m0s | 4 | 3
12h0m0s | 0 | 0`},
		{"differences of peaks", Query{QueryType: "concurrentViewers", Form: "series", Interval: "1h", Mode: "delta"}, "10:00", "12:30", `
time | viewers | plays
10h0m0s | 1.5 | 2
11h0m0s | 2.5 | 3
12h0m0s | -4 | 0`},
		{"differences of peaks, the first clipped", Query{QueryType: "concurrentViewers", Form: "series", Interval: "1h", Mode: "delta"}, "10:06", "11:05", `
time | viewers | plays
10h0m0s | - | 0
11h0m0s | 2.5 | 0`},
		{"buffering ratio", Query{QueryType: "bufferingRatio"}, "10:00", "11:00", `
value
0.1`},
		{"buffering ratio of nothing", Query{QueryType: "bufferingRatio"}, "11:00", "12:00", `
value
-`},
		{"buffering ratio per interval", Query{QueryType: "bufferingRatio", Form: "series", Interval: "1h", Event: []string{"final", "x"}}, "10:00", "12:00", `
time | value
10h0m0s | 0.1
11h0m0s | -`},
		{"start time", Query{QueryType: "startTime", Metric: "average"}, "10:00", "12:00", `
average
3`},
		{"start time per interval", Query{QueryType: "startTime", Form: "series", Interval: "1h", Metric: "average"}, "10:00", "13:00", `
time | average
10h0m0s | 1.5
11h0m0s | 6
12h0m0s | -`},
		{"operating systems", Query{QueryType: "playsByOS"}, "10:00", "12:00", `
os | plays | share
iOS | 3 | 0.75
Windows | 1 | 0.25`},
		{"reasons", Query{QueryType: "stopReasons"}, "10:00", "12:00", `
reason | stops
error | 5
normal | 4
timeout | 4`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, err := Run(t.Context(), client, Request{
				Query: tt.query, From: clock(tt.from), To: clock(tt.to), Now: day0.Add(2 * day), Level: tenant.Premium})
			if err != nil {
				t.Fatal(err)
			}
			if got := text(frames); got != strings.TrimPrefix(tt.want, "\n") {
				t.Errorf("got\n%s\nwant%s\n%s", got, tt.want, frames[0].Meta.ExecutedQueryString)
			}
		})
	}
}
