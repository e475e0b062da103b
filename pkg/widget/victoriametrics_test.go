package widget

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
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
	elsewhere := func(id measure.ID, at string, value int64, country, stream string) fact {
		f := plain(id, at, value)
		f.country, f.stream, f.event = country, stream, ""
		return f
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
		plain(measure.PlaysByOS, "10:05", 2, "iOS", "mobile"), plain(measure.PlaysByOS, "10:05", 1, "iOS", "tablet"), plain(measure.PlaysByOS, "10:06", 1, "Windows", ""),
		elsewhere(measure.Plays, "10:05", 5, "FR", "s2"), elsewhere(measure.Plays, "11:05", 1, measure.UnknownCountry, "s2"),
		plain(measure.Publishes, "10:05", 4), elsewhere(measure.Publishes, "11:05", 2, "AT", "s2"),
		plain(measure.Latency, "10:05", 1000), plain(measure.Latency, "10:07", 4000), elsewhere(measure.Latency, "10:05", 9000, "FR", "s2"),
		plain(measure.PlayedTime, "10:05", 60_000), plain(measure.PlayedTime, "10:06", 30_000),
		plain(measure.BufferLength, "10:05", 1000), plain(measure.BufferLength, "10:05", 2000),
		plain(measure.VideoBitrate, "10:05", 2_500_000), plain(measure.AudioBitrate, "10:05", 128_000), plain(measure.IngestTime, "10:05", 3_600_000),
		plain(measure.Loads, "10:05", 7), elsewhere(measure.Loads, "10:05", 9, measure.UnknownCountry, "s2"),
		plain(measure.PlaysByBrowser, "10:05", 3, "Chrome"), plain(measure.PlaysByVersion, "10:05", 3, "h5live 4.22.0"),
		plain(measure.PublishesByOS, "10:05", 1, "macOS", "desktop"), plain(measure.PublishesByBrowser, "10:05", 1, "Safari"),
		plain(measure.PublishesByVersion, "10:05", 1, "webcaster 6.1.0"),
		plain(measure.Statuses, "10:05", 3, "2002", "false"), plain(measure.Statuses, "10:06", 2, "2002", "true"), plain(measure.Statuses, "11:05", 4, "1005", "true"),
		plain(measure.PlaysByCode, "10:05", 1, "2002"), plain(measure.PlaysByCode, "11:05", 4, "1005"),
		plain(measure.TrafficByIP, "10:05", 70, "playout", "192.0.2.1"), plain(measure.TrafficByIP, "10:06", 5, "ingest", "192.0.2.1"),
		plain(measure.TrafficByIP, "10:06", 80, "ingest", "2001:db8::1"), plain(measure.PlayingByIP, "10:05", 9000, "playout", "192.0.2.7"),
		plain(measure.TrafficByReferrer, "10:05", 70, "site.example"), plain(measure.TrafficByReferrer, "10:05", 90, "(none)"),
		plain(measure.PlayingByReferrer, "10:05", 9000, "site.example"),
		plain(measure.ServerViewers, "10:05", 3), elsewhere(measure.ServerViewers, "10:05", 2, "FR", "s2"), plain(measure.ServerViewers, "11:05", 4),
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
		{"tags, of which a stream has two", Query{QueryType: "usageByTag"}, "10:00", "12:30", `
tag | ingest | playout
a | 1000 | 11010110
b | 0 | 11010010
(none) | 100000 | 0`},
		{"tags of a country per interval", Query{QueryType: "usageByTag", Form: "series", Interval: "1h", Metric: "playout", Country: []string{"FR"}}, "10:00", "12:00", `
time | playout{tag=a}
10h0m0s | 100
11h0m0s | 0`},
		{"tags beyond the greatest, each stream once", Query{QueryType: "usageByTag", Top: 1, Unit: "playtime"}, "10:00", "12:30", `
tag | ingest | playout
a | 500 | 81
(other) | 500 | 81`},
		{"an average by tag", Query{QueryType: "latency", Breakdown: "tag", Metric: "average"}, "10:00", "12:30", `
tag | average
a | 4.6667
b | 2.5`},
		{"nothing happened in a breakdown", Query{QueryType: "usageByStream"}, "03:00", "04:00", `
stream | ingest | playout`},
		{"peak and plays", Query{QueryType: "concurrentViewers"}, "10:00", "12:00", `
viewers | plays | serverViewers
4 | 11 | 5`},
		{"peak of a part of an hour", Query{QueryType: "concurrentViewers", Country: []string{"DE"}}, "10:06", "10:07", `
viewers | plays | serverViewers
0.5 | 0 | 0`},
		{"peaks per interval", Query{QueryType: "concurrentViewers", Form: "series", Interval: "1h"}, "10:06", "12:30", `
time | viewers | plays | serverViewers
10h0m0s | 0.5 | 0 | 0
11h0m0s | 4 | 4 | 4
12h0m0s | 0 | 0 | 0`},
		{"differences of peaks", Query{QueryType: "concurrentViewers", Form: "series", Interval: "1h", Mode: "delta"}, "10:00", "12:30", `
time | viewers | plays | serverViewers
10h0m0s | 1.5 | 7 | 5
11h0m0s | 2.5 | 4 | -1
12h0m0s | -4 | 0 | -4`},
		{"differences of peaks, the first clipped", Query{QueryType: "concurrentViewers", Form: "series", Interval: "1h", Mode: "delta"}, "10:06", "11:05", `
time | viewers | plays | serverViewers
10h0m0s | - | 0 | -
11h0m0s | 2.5 | 0 | -1`},
		{"buffering ratio", Query{QueryType: "bufferingRatio"}, "10:00", "11:00", `
value
0.075`},
		{"buffering ratio of nothing", Query{QueryType: "bufferingRatio"}, "12:00", "13:00", `
value
-`},
		{"buffering ratio per interval", Query{QueryType: "bufferingRatio", Form: "series", Interval: "1h", Event: []string{"final", "x"}}, "10:00", "12:00", `
time | value
10h0m0s | 0.075
11h0m0s | 0`},
		{"start time", Query{QueryType: "startTime", Metric: "average"}, "10:00", "12:00", `
average
3`},
		{"start time per interval", Query{QueryType: "startTime", Form: "series", Interval: "1h", Metric: "average"}, "10:00", "13:00", `
time | average
10h0m0s | 1.5
11h0m0s | 6
12h0m0s | -`},
		{"operating systems", Query{QueryType: "playsByOS"}, "10:00", "12:00", `
os | plays | share | playingTime
iOS | 3 | 0.75 | 0
Windows | 1 | 0.25 | 0`},
		{"devices, but for plays of before", Query{QueryType: "playsByDevice"}, "10:00", "12:00", `
device | plays | share | playingTime
mobile | 2 | 0.6667 | 0
tablet | 1 | 0.3333 | 0`},
		{"devices of webcasters", Query{QueryType: "publishesByDevice"}, "10:00", "12:00", `
device | publishes | share
desktop | 1 | 1`},
		{"reasons", Query{QueryType: "stopReasons"}, "10:00", "12:00", `
reason | stops
error | 5
normal | 4
timeout | 4`},
		{"playout per protocol", Query{QueryType: "usagePlayout"}, "10:00", "12:30", `
protocol | value
hls | 11010110`},
		{"playout in seconds per protocol and interval", Query{QueryType: "usagePlayout", Unit: "playtime", Form: "series", Interval: "1h"}, "10:00", "12:00", `
time | value{protocol=h5live}
10h0m0s | 81
11h0m0s | 0`},
		{"ingest per protocol", Query{QueryType: "usageIngest", Unit: "playtime"}, "10:00", "12:30", `
protocol | value
webcaster | 500`},
		{"referrers", Query{QueryType: "usageByReferrer"}, "10:00", "12:30", `
referrer | playout
(none) | 90
site.example | 70`},
		{"one referrer", Query{QueryType: "usageByReferrer", Referrer: []string{"site.example"}, Country: []string{"DE"}}, "10:00", "12:30", `
referrer | playout
site.example | 70`},
		{"two referrers of an event, in seconds", Query{QueryType: "usageByReferrer", Referrer: []string{"(none)", "site.example"}, Event: []string{"final"}, Unit: "playtime"}, "10:00", "12:30", `
referrer | playout
site.example | 9`},
		{"addresses", Query{QueryType: "usageByIP"}, "10:00", "12:30", `
ip | ingest | playout
2001:db8::1 | 80 | 0
192.0.2.1 | 5 | 70`},
		{"addresses of the hours of which a part is in the range", Query{QueryType: "usageByIP", Form: "series", Interval: "25m"}, "10:30", "11:10", `
time | ingest{ip=2001:db8::1} | playout{ip=2001:db8::1} | ingest{ip=192.0.2.1} | playout{ip=192.0.2.1}
10h0m0s | 80 | 0 | 5 | 70
11h0m0s | 0 | 0 | 0 | 0`},
		{"addresses of a tag, in seconds", Query{QueryType: "usageByIP", Unit: "playtime", Tag: []string{"b"}}, "10:00", "12:30", `
ip | ingest | playout
192.0.2.7 | 0 | 9`},
		{"addresses of another tag", Query{QueryType: "usageByIP", Tag: []string{"b", "unknown"}}, "10:00", "12:30", `
ip | ingest | playout`},
		{"map of plays", Query{QueryType: "worldMap"}, "10:00", "12:00", `
country | value | plays | rank | weight
DE | 5 | 5 | 1 | -
FR | 5 | 5 | 2 | -`},
		{"map of publishes", Query{QueryType: "worldMap", Metric: "ingests"}, "10:00", "12:00", `
country | value | plays | rank | weight
DE | 4 | 5 | 1 | -
AT | 2 | 0 | 2 | -
FR | 0 | 5 | 3 | -`},
		{"map of both per interval", Query{QueryType: "worldMap", Metric: "playoutsAndIngests", Form: "series", Interval: "1h", Country: []string{"AT", "DE"}}, "10:00", "12:00", `
time | value{country=DE} | plays{country=DE} | rank{country=DE} | weight{country=DE} | value{country=AT} | plays{country=AT} | rank{country=AT} | weight{country=AT}
10h0m0s | 6 | 2 | 1 | - | 0 | 0 | - | -
11h0m0s | 3 | 3 | 1 | - | 2 | 0 | 2 | -`},
		{"map of latency", Query{QueryType: "worldMap", Metric: "latency"}, "10:00", "12:00", `
country | value | plays | rank | weight
FR | 9 | 5 | 1 | 1
DE | 2.5 | 5 | 2 | 2`},
		{"map of what was sent, whose event filter is of the plays", Query{QueryType: "worldMap", Metric: "usageSent", Event: []string{"final"}}, "10:00", "12:00", `
country | value | plays | rank | weight
DE | 11010010 | 5 | 1 | -
FR | 100 | 0 | 2 | -`},
		{"map of what was received, in seconds", Query{QueryType: "worldMap", Metric: "usageReceived", Unit: "playtime", Country: []string{"DE"}}, "10:00", "12:00", `
country | value | plays | rank | weight
DE | 500 | 5 | 1 | -`},
		{"map of buffering", Query{QueryType: "worldMap", Metric: "bufferingRatio"}, "10:00", "12:00", `
country | value | plays | rank | weight
DE | 0.1 | 5 | 1 | 90
FR | - | 5 | - | 0`},
		{"map of played time", Query{QueryType: "worldMap", Metric: "playtimeAverage", Stream: []string{"s1"}}, "10:00", "12:00", `
country | value | plays | rank | weight
DE | 45 | 5 | 1 | 2`},
		{"browsers", Query{QueryType: "playsByBrowser", Metric: "plays"}, "10:00", "12:00", `
browser | plays
Chrome | 3`},
		{"versions", Query{QueryType: "playsByVersion"}, "10:00", "12:00", `
version | plays | share | playingTime
h5live 4.22.0 | 3 | 1 | 0`},
		{"operating systems of webcasters", Query{QueryType: "publishesByOS"}, "10:00", "12:00", `
os | publishes | share
macOS | 1 | 1`},
		{"browsers of webcasters", Query{QueryType: "publishesByBrowser"}, "10:00", "12:00", `
browser | publishes | share
Safari | 1 | 1`},
		{"versions of webcasters", Query{QueryType: "publishesByVersion"}, "10:00", "12:00", `
version | publishes | share
webcaster 6.1.0 | 1 | 1`},
		{"loads", Query{QueryType: "loadsByCountry"}, "10:00", "12:00", `
country | loads
ZZ | 9
DE | 7`},
		{"buffer length", Query{QueryType: "bufferLength", Metric: "average"}, "10:00", "12:00", `
average
1.5`},
		{"played time", Query{QueryType: "playedTime", Metric: "average"}, "10:00", "12:00", `
average
45`},
		{"video bitrate", Query{QueryType: "videoBitrate", Metric: "average"}, "10:00", "12:00", `
average
2500000`},
		{"audio bitrate", Query{QueryType: "audioBitrate", Metric: "average"}, "10:00", "12:00", `
average
128000`},
		{"ingest time", Query{QueryType: "ingestTime", Metric: "average"}, "10:00", "12:00", `
average
3600`},
		{"codes", Query{QueryType: "statusCodes"}, "10:00", "12:00", `
code | count | fatal | plays
2002 | 5 | 2 | 1
1005 | 4 | 4 | 4`},
		{"report of hours", Query{QueryType: "usageReport", Form: "series"}, "10:30", "12:30", `
time | sent | received
10h0m0s | 100 | 0
11h0m0s | 11010000 | 1000
12h0m0s | 0 | 100000`},
		{"report of a day in total", Query{QueryType: "usageReport"}, "00:00", "23:59", `
sent | received
1011010111 | 101000`},
		{"usage of a tag", Query{QueryType: "usageOverview", Tag: []string{"a"}}, "10:00", "12:30", `
playout | ingest | total
11010110 | 1000 | 11011110`},
		{"usage of two tags", Query{QueryType: "usageOverview", Tag: []string{"b", "a", "b"}}, "10:00", "12:30", `
playout | ingest | total
11010010 | 0 | 11010010`},
		{"usage of a tag and a stream", Query{QueryType: "usageOverview", Tag: []string{"a"}, Stream: []string{"s2", "s9"}}, "10:00", "12:30", `
playout | ingest | total
100 | 1000 | 1100`},
		{"usage of a tag that the stream lacks", Query{QueryType: "usageOverview", Tag: []string{"b"}, Stream: []string{"s2"}}, "10:00", "12:30", `
playout | ingest | total
0 | 0 | 0`},
		{"a tag that as an expression would match", Query{QueryType: "usageOverview", Tag: []string{".*"}}, "10:00", "12:30", `
playout | ingest | total
0 | 0 | 0`},
		{"a ratio of a tag of no stream, per interval", Query{QueryType: "bufferingRatio", Tag: []string{"x"}, Form: "series", Interval: "1h"}, "10:00", "12:00", `
time | value
10h0m0s | -
11h0m0s | -`},
		{"seconds of a tag and an event", Query{QueryType: "usageOverview", Unit: "playtime", Tag: []string{"a"}, Event: []string{"final"}}, "10:00", "12:00", `
playout | ingest | total
81 | 500 | 581`},
		{"a tag of viewers, with the interval of a short panel", Query{QueryType: "concurrentViewers", Tag: []string{"a"}, Form: "series", Interval: "15s", Metric: "viewers"}, "10:05", "10:07", `
time | viewers
10h5m0s | 1.5
10h6m0s | 0.5`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, err := Run(t.Context(), client, Request{
				Query: tt.query, From: clock(tt.from), To: clock(tt.to), Now: day0.Add(3 * day), Level: tenant.Premium})
			if err != nil {
				t.Fatal(err)
			}
			if got := text(frames); got != strings.TrimPrefix(tt.want, "\n") {
				t.Errorf("got\n%s\nwant%s\n%s", got, tt.want, frames[0].Meta.ExecutedQueryString)
			}
		})
	}
}

// TestAddressesThatAreNotStored has some from before privacy was switched off.
func TestAddressesThatAreNotStored(t *testing.T) {
	url := vmtest.Start(t)
	vmtest.Import(t, url, lines("acme", handMade()))
	client := newClient(t, url, "acme")
	now := time.Now()
	for i, addresses := range []bool{true, false} {
		settings := vm.Settings{Addresses: addresses}
		at := now.Add(time.Duration(i) * time.Minute)
		if err := vm.WriteCanary(t.Context(), http.DefaultClient, url, "acme", "a", settings, at); err != nil {
			t.Fatal(err)
		}
		vmtest.Flush(t, url)
		for form, rows := range map[string]int{FormTotal: 2, FormSeries: 2} {
			frames, err := Run(t.Context(), client, Request{Query: Query{QueryType: "usageByIP", Form: form, Interval: "1h"},
				From: clock("10:00"), To: clock("12:00"), Now: at.Add(time.Second)})
			if err != nil {
				t.Fatal(err)
			}
			f := frames[0]
			switch {
			case addresses && (f.Rows() != rows || len(f.Fields) < 3 || len(f.Meta.Notices) != 0):
				t.Errorf("%s: got\n%s\nand notices %v", form, text(frames), f.Meta.Notices)
			case !addresses && (strings.Contains(text(frames), "192.0.2.1") || len(f.Meta.Notices) != 1 ||
				!strings.Contains(f.Meta.Notices[0].Text, "privacy.ip is off")):
				t.Errorf("%s with privacy off: got\n%s\nand notices %v", form, text(frames), f.Meta.Notices)
			case !addresses && form == FormTotal && f.Rows() != 0:
				t.Errorf("%d rows with privacy off", f.Rows())
			}
		}
	}
}

// TestManyTaggedStreams filters by a tag of 5,000 streams, half of which have another one too.
func TestManyTaggedStreams(t *testing.T) {
	const streams = 5_000
	url := vmtest.Start(t)
	var facts []fact
	var tags strings.Builder
	for i := range streams + 100 {
		stream := fmt.Sprintf("stream.%d", i)
		facts = append(facts, fact{measure: measure.Traffic, at: clock("10:00"), country: "DE", stream: stream,
			dimensions: []string{measure.Playout, "hls"}, value: 1})
		if i < streams {
			fmt.Fprintf(&tags, "%s{org=\"acme\",stream=%q,tag=\"many\"} 1 %d\n", measure.StreamTagMetric, stream, time.Now().UnixMilli())
		}
		if i%2 == 0 {
			fmt.Fprintf(&tags, "%s{org=\"acme\",stream=%q,tag=\"even\"} 1 %d\n", measure.StreamTagMetric, stream, time.Now().UnixMilli())
		}
	}
	vmtest.Import(t, url, lines("acme", facts)+tags.String())
	client := newClient(t, url, "acme")
	for want, tags := range map[float64][]string{streams: {"many"}, streams / 2: {"many", "even"}} {
		for _, form := range []string{FormTotal, FormSeries} {
			begun := time.Now()
			frames, err := Run(t.Context(), client, Request{Query: Query{QueryType: "usageReport", Tag: tags, Form: form},
				From: clock("09:30"), To: clock("10:30"), Now: day0.Add(3 * day)})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v, %s: %s", tags, form, time.Since(begun))
			sum := 0.0
			for _, f := range frames[0].Fields {
				for i := range f.Len() {
					if f.Name == "sent" {
						sum += valueAt(f, i)
					}
				}
			}
			if sum != want {
				t.Errorf("%v, %s: %v streams, want %v", tags, form, sum, want)
			}
		}
	}
}
