package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// noon is the start of a minute, an hour and a half day.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC).UnixMilli()

func TestSpread(t *testing.T) {
	tests := []struct {
		name               string
		value, length, end int64
		want               map[int64]int64
	}{
		{"inside a minute", 9200, 10_000, noon + 30_000, map[int64]int64{noon: 9200}},
		{"ends on the boundary", 9200, 10_000, noon, map[int64]int64{noon - minute: 9200}},
		{"shares are cumulative and rounded down", 10, 7, noon + 4, map[int64]int64{noon - minute: 4, noon: 6}},
		{"three minutes", 100_001, 150_000, noon + minute + 30_000,
			map[int64]int64{noon - minute: 40_000, noon: 40_000, noon + minute: 20_001}},
		{"nothing", 0, 0, noon, map[int64]int64{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := map[int64]int64{}
			spread(test.value, test.length, test.end, func(m, share int64) { got[m] += share })
			if !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// sessionFacts plays a session of one request and sums its facts by measure,
// and by reason for stops.
func sessionFacts(t *testing.T, kind, events string) map[string]int64 {
	t.Helper()
	book := NewBook(testOrganizations())
	deliver(t, book, time.UnixMilli(noon+300_000), kind, events)
	return sums(book.Facts())
}

func deliver(t *testing.T, book *Book, at time.Time, kind, events string) Verdict {
	t.Helper()
	body := fmt.Sprintf(`{"accountId":"beta-one","accountKey":"pk_beta_one","client":{"kind":%q},"sessionId":"s","stream":"x","interval":1,"events":[%s]}`, kind, events)
	verdict, err := book.Deliver(&Request{Header: http.Header{}, Envelope: &Envelope{}}, []byte(body), at)
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

func sums(facts []Fact) map[string]int64 {
	names := map[Measure]string{
		Load: "loads", Play: "plays", Stop: "stop ", StartTime: "startTime", PlayedTime: "played", Playing: "playing", Buffering: "buffering",
		BufferLength: "bufferLength", Latency: "latency", Status: "code ", FatalStatus: "fatal ", StatusPlay: "plays with ",
		Publish: "publishes", IngestTime: "ingestTime", OnAir: "onAir", VideoBitrate: "video", AudioBitrate: "audio",
	}
	got := map[string]int64{}
	for _, f := range facts {
		if name, told := names[f.Measure]; told { // outcomes are not asked for here
			got[name+f.label] += f.Value
		}
	}
	return got
}

// at writes an event whose ts is the given number of ms after noon.
func at(seq, ms int64, kind, rest string) string {
	return fmt.Sprintf(`{"seq":%d,"ts":%d,"type":%q%s}`, seq, noon+ms, kind, rest)
}

func TestSessionFacts(t *testing.T) {
	load, start := at(1, 0, "load", ""), at(2, 840, "start", "")
	report := at(3, 10_840, "stats", `,"playing":9.2,"buffering":0.8`)
	tests := []struct {
		name   string
		kind   string
		events []string
		want   map[string]int64
	}{
		{"load only", "h5live", []string{load}, map[string]int64{"loads": 1}},
		{"the example of the design", "h5live", []string{load, at(2, 840, "start", `,"startTime":0.84`),
			at(3, 10_840, "stats", `,"playing":9.2,"buffering":0.8,"paused":0,"bufferLength":1.1,"latency":1.4,"videoBitrate":2500000,"audioBitrate":128000`),
			at(4, 12_000, "status", `,"code":2002,"fatal":false`), at(5, 16_000, "stop", `,"reason":"normal","played":15.16`)},
			map[string]int64{"loads": 1, "plays": 1, "startTime": 840, "playing": 9200 + 5160, "buffering": 800, "stop normal": 1,
				"played": 15_160, "bufferLength": 1100, "latency": 1400, "code 2002": 1, "plays with 2002": 1}},
		{"start time from load to start", "h5live", []string{load, start},
			map[string]int64{"loads": 1, "plays": 1, "startTime": 840, "stop timeout": 1, "played": 0}},
		{"no start time without load", "h5live", []string{start}, map[string]int64{"plays": 1, "stop timeout": 1, "played": 0}},
		{"reports before the start do not count as playing", "h5live", []string{at(1, 0, "stats", `,"playing":5,"bufferLength":2`), start},
			map[string]int64{"plays": 1, "stop timeout": 1, "played": 0, "bufferLength": 2000}},
		{"reports without a start do not count as playing", "h5live", []string{report, at(4, 0, "stop", `,"reason":"normal"`)},
			map[string]int64{}},
		{"codes before the start and without one", "h5live", []string{load, at(2, 9, "status", `,"code":"e1","fatal":true`), at(3, 9, "status", `,"code":"e1"`)},
			map[string]int64{"loads": 1, "code e1": 2, "fatal e1": 1, "plays with e1": 1}},
		{"a webcaster is on air", "webcaster", []string{load, start, at(3, 10_840, "stats", `,"playing":9.2,"buffering":0.8,"latency":3,"videoBitrate":700,"audioBitrate":8`),
			at(4, 11_000, "status", `,"code":1`), at(5, 16_000, "stop", `,"reason":"normal"`)},
			map[string]int64{"publishes": 1, "onAir": 9200 + 5160, "ingestTime": 15_160, "video": 700, "audio": 8}},
		{"the first of repeated loads, starts and stops, and all their reports", "h5live", []string{
			at(9, 90_000, "stop", `,"reason":"second","playing":7`), at(7, 70_000, "start", ""), load, start, at(3, 3000, "load", ""),
			at(8, 20_840, "stop", `,"reason":"first"`)},
			map[string]int64{"loads": 1, "plays": 1, "startTime": 840, "playing": 27_000, "stop first": 1, "played": 20_000}},
		{"a stop before the start is none", "h5live", []string{at(1, 0, "stop", `,"reason":"normal"`), start},
			map[string]int64{"plays": 1, "stop timeout": 1, "played": 0}},
		{"a stop that carries a report", "h5live", []string{start, at(3, 5000, "stop", `,"reason":"normal","played":100,"paused":2`)},
			map[string]int64{"plays": 1, "stop normal": 1, "played": 100_000}},
		{"a duration is without pauses, those after the end aside", "h5live", []string{start, at(3, 5840, "stats", `,"playing":3,"paused":2`),
			at(4, 10_840, "stop", `,"reason":"normal","paused":1.5,"playing":1`), at(5, 20_000, "stats", `,"paused":3`)},
			map[string]int64{"plays": 1, "playing": 4000, "stop normal": 1, "played": 10_000 - 3500}},
		{"played bounds what is left", "h5live", []string{start, report, at(4, 16_000, "stop", `,"reason":"normal","played":12.5`)},
			map[string]int64{"plays": 1, "playing": 9200 + 2500, "buffering": 800, "stop normal": 1, "played": 12_500}},
		{"nothing is left if more was reported than played", "h5live", []string{start, report, at(4, 16_000, "stop", `,"reason":"normal","played":9`)},
			map[string]int64{"plays": 1, "playing": 9200, "buffering": 800, "stop normal": 1, "played": 9000}},
		{"a report after the stop adds its playing", "h5live", []string{start, at(3, 1840, "stop", `,"reason":"normal"`), at(4, 5000, "stats", `,"playing":3`)},
			map[string]int64{"plays": 1, "playing": 4000, "stop normal": 1, "played": 1000}},
		{"the first of equal seq, and a refused event leaves its seq free", "h5live", []string{start,
			at(3, 5000, "stats", `,"playing":-1`), at(3, 5000, "stats", `,"playing":2.0004`), at(3, 5000, "stats", `,"playing":4`)},
			map[string]int64{"plays": 1, "playing": 2000, "stop timeout": 1, "played": 4160}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := sessionFacts(t, test.kind, strings.Join(test.events, ",")); !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	book := NewBook(testOrganizations())
	received := time.UnixMilli(noon + 60_000)
	deliver(t, book, received, "h5live", at(2, 500, "stats", `,"playing":0.5`)+","+at(1, 0, "start", ""))
	// Silent for 10 s, which is more than three intervals of 1 s.
	late := at(3, 1500, "stats", `,"playing":1`) + "," + at(4, 2000, "stop", `,"reason":"normal","playing":0.5`) + "," + at(2, 9000, "stats", `,"playing":9`)
	if verdict := deliver(t, book, received.Add(10*time.Second), "h5live", late); verdict.Accepted != 3 {
		t.Errorf("accepted %d of 3", verdict.Accepted)
	}
	facts := book.Facts()
	if got, want := sums(facts), (map[string]int64{"plays": 1, "playing": 2000, "stop timeout": 1, "played": 500}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	i := slices.IndexFunc(facts, func(f Fact) bool { return f.Measure == Stop })
	if facts[i].At != noon+500 {
		t.Errorf("stopped %d ms after the start, want 500", facts[i].At-noon)
	}

	// Whether a silence of about three intervals is a timeout cannot be known.
	body := []byte(`{"accountId":"beta-one","accountKey":"pk_beta_one","sessionId":"s","interval":1,"events":[` + at(7, 0, "load", "") + `]}`)
	if _, err := book.Deliver(&Request{Header: http.Header{}, Envelope: &Envelope{}}, body, received.Add(13*time.Second)); err == nil {
		t.Error("no error after a silence of three intervals")
	}
}

func TestAcceptEvent(t *testing.T) {
	now := time.UnixMilli(noon)
	tests := []struct {
		name, event string
		good        bool
	}{
		{"load", at(1, 0, "load", ""), true},
		{"60 s ahead", at(1, 60_000, "load", ""), true},
		{"more than 60 s ahead", at(1, 60_001, "load", ""), false},
		{"7 days old", at(1, -7*24*3600_000, "load", ""), true},
		{"older than 7 days", at(1, -7*24*3600_000-1, "load", ""), false},
		{"unknown field", at(1, 0, "load", `,"color":"red"`), true},
		{"unknown type", at(1, 0, "seek", ""), false},
		{"seq 0", at(0, 0, "load", ""), false},
		{"fraction of ts", fmt.Sprintf(`{"seq":1,"ts":%d.5,"type":"load"}`, noon), false},
		{"no ts", `{"seq":1,"type":"load"}`, false},
		{"negative number", at(1, 0, "stats", `,"playing":-0.1`), false},
		{"negative number that is not counted", at(1, 0, "stats", `,"latency":-0.1`), false},
		{"number in a string", at(1, 0, "stats", `,"paused":"1"`), false},
		{"stop without reason", at(1, 0, "stop", ""), false},
		{"status without code", at(1, 0, "status", `,"fatal":true`), false},
		{"status", at(1, 0, "status", `,"code":2002`), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			book := NewBook(testOrganizations())
			verdict := deliver(t, book, now, "h5live", test.event)
			if (verdict.Accepted == 1) != test.good || (verdict.Status == http.StatusAccepted) != test.good {
				t.Errorf("verdict %+v", verdict)
			}
		})
	}
}

func TestClockCorrection(t *testing.T) {
	now := time.UnixMilli(noon)
	for name, test := range map[string]struct{ sentAt, want int64 }{
		"not told":         {0, 0},
		"30 s behind":      {noon - 30_000, 0},
		"30.6 s behind":    {noon - 30_600, 31_000},
		"an hour ahead":    {noon + 3600_400, -3600_000},
		"1 ms beyond 30 s": {noon - 30_001, 30_000},
	} {
		t.Run(name, func(t *testing.T) {
			if got := clockCorrection(test.sentAt, now); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestUsageLines(t *testing.T) {
	book := NewBook(testOrganizations())
	line := func(ts int64, direction, ip, id string, bytes string) string {
		return fmt.Sprintf(`{"ts":%d,"stream":"x","direction":%q,"protocol":"HLS","bytes":%s,"ip":%q,"id":%q}`, ts, direction, bytes, ip, id)
	}
	body := strings.Join([]string{
		line(noon, "playout", "81.2.1.9", "a", "100"),
		line(noon, "playout", "81.2.1.9", "a", "999"),
		line(noon, "ingest", "::ffff:81.2.0.9", "b", "20"),
		line(noon, "playout", "8.8.8.8", "c", "-1"),
		line(noon, "playout", "8.8.8.8", "c", "3"),
		line(noon+60_001, "playout", "81.2.1.9", "d", "1"),
		line(noon, "sideways", "81.2.1.9", "e", "1"),
	}, "\n")
	header := http.Header{"Authorization": {"Bearer sk_beta_0123456789"}}
	verdict, err := book.Deliver(&Request{Header: header}, []byte(body), time.UnixMilli(noon))
	if err != nil {
		t.Fatal(err)
	}
	if verdict.Accepted != 4 || !slices.Equal(verdict.Rejected, []int{3, 5, 6}) {
		t.Errorf("verdict %+v", verdict)
	}
	table := answer(t, book.Facts(), nil, Query{QueryType: "usageByCountry", Organization: "beta", From: noon, To: noon + minute})
	want := map[string]float64{"value{FR}": 100, "value{DE}": 20, "value{ZZ}": 3, "share{FR}": 100.0 / 123, "share{DE}": 20.0 / 123, "share{ZZ}": 3.0 / 123}
	if got := cells(table); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func answer(t *testing.T, facts []Fact, tags Tags, q Query) Table {
	t.Helper()
	table, err := Answer(facts, tags, q)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// cells are the cells of a table that are not null.
func cells(table Table) map[string]float64 {
	got := map[string]float64{}
	for cell, x := range table.Cells {
		if x != nil {
			got[cell.String()] = *x
		}
	}
	return got
}

func TestAnswer(t *testing.T) {
	here := &place{organization: "o", country: "DE", stream: "x", event: "e", os: "iOS", protocol: "h5live", ip: "81.2.0.1", referrer: "a.example"}
	there := &place{organization: "o", country: "FR", stream: "y", os: "Linux", protocol: "hls", ip: "81.2.1.1", referrer: "(none)"}
	nowhere := &place{organization: "o", country: "ZZ", stream: "y", protocol: "hls", referrer: "(none)"}
	other := &place{organization: "other", country: "DE", stream: "x"}
	facts := []Fact{
		{Playing, noon - minute, 60_000, here, ""},
		{StartTime, noon, 1000, here, ""},
		{Play, noon, 1, here, ""},
		{Play, noon, 1, there, ""},
		{StartTime, noon, 5000, there, ""},
		{Playing, noon, 90_000, here, ""},
		{Buffering, noon, 30_000, there, ""},
		{Sent, noon, 500, there, ""},
		{Sent, noon, 7000, other, ""},
		{OnAir, noon, 2500, there, ""},
		{Publish, noon, 1, there, ""},
		{Status, noon, 1, here, "2002"},
		{Status, noon, 1, here, "1001"},
		{FatalStatus, noon, 1, here, "1001"},
		{StatusPlay, noon, 1, here, "1001"},
		{Latency, noon, 1000, here, ""},
		{Playing, noon + minute, 30_000, there, ""},
		{Play, noon + minute, 1, there, ""},
		{StartTime, noon + minute, 2000, there, ""},
		{Stop, noon + minute, 1, there, "timeout"},
		{VideoBitrate, noon + minute, 700, there, ""},
		{Latency, noon + minute, 2000, here, ""},
		{Received, noon + 2*minute, 40, here, ""},
		{Sent, noon + 2*minute, 9, nowhere, ""},
	}
	tags := Tags{{"o", "x"}: {"a", "b"}, {"o", "y"}: {"b"}, {"other", "y"}: {"a"}}
	at := func(column string, minutes int64) string {
		return column + " at " + rfc3339(noon+minutes*minute)
	}
	tests := []struct {
		name string
		q    Query
		want map[string]float64
	}{
		{"traffic", Query{QueryType: "usageOverview"}, map[string]float64{"playout": 509, "ingest": 40, "total": 549}},
		{"an event does not filter traffic", Query{QueryType: "usageOverview", Event: []string{"e"}},
			map[string]float64{"playout": 509, "ingest": 40, "total": 549}},
		{"playtime", Query{QueryType: "usageOverview", Unit: "playtime"}, map[string]float64{"playout": 120, "ingest": 2.5, "total": 122.5}},
		{"by stream", Query{QueryType: "usageByStream", Unit: "playtime"},
			map[string]float64{"playout{x}": 90, "ingest{x}": 0, "playout{y}": 30, "ingest{y}": 2.5}},
		{"filters are AND", Query{QueryType: "usageByStream", Unit: "playtime", Country: []string{"DE", "FR"}, Event: []string{"e"}},
			map[string]float64{"playout{x}": 90, "ingest{x}": 0}},
		{"viewers", Query{QueryType: "concurrentViewers"}, map[string]float64{"viewers": 2, "plays": 3, "serverViewers": 0}},
		{"change of viewers", Query{QueryType: "concurrentViewers", Form: "series", Interval: "1m", Mode: "delta"}, map[string]float64{
			at("viewers", 0): 1, at("plays", 0): 2, at("viewers", 1): -1.5, at("plays", 1): 1, at("viewers", 2): -0.5, at("plays", 2): 0,
			at("serverViewers", 0): 0, at("serverViewers", 1): 0, at("serverViewers", 2): 0}},
		{"change of viewers, clipped", Query{QueryType: "concurrentViewers", Form: "series", Interval: "8m", Mode: "delta", From: noon + minute},
			map[string]float64{at("plays", 0): 1}},
		{"buffering ratio", Query{QueryType: "bufferingRatio"}, map[string]float64{"value": 30.0 / 150}},
		{"buffering ratio of nothing", Query{QueryType: "bufferingRatio", Country: []string{"US"}}, map[string]float64{}},
		{"start time, odd", Query{QueryType: "startTime"}, map[string]float64{"median": 2, "average": 8.0 / 3, "p95": 5, "p99": 5}},
		{"start time, even", Query{QueryType: "startTime", Country: []string{"FR"}}, map[string]float64{"median": 3.5, "average": 3.5, "p95": 5, "p99": 5}},
		{"operating systems", Query{QueryType: "playsByOS"},
			map[string]float64{"playingTime{iOS}": 90, "playingTime{Linux}": 30, "plays{iOS}": 1, "share{iOS}": 1.0 / 3, "plays{Linux}": 2, "share{Linux}": 2.0 / 3}},
		{"all tags, not any", Query{QueryType: "usageByStream", Tag: []string{"a", "b"}}, map[string]float64{"playout{x}": 0, "ingest{x}": 40}},
		{"by tag, of which a stream has two", Query{QueryType: "usageByTag"}, map[string]float64{"playout{a}": 0, "ingest{a}": 40, "playout{b}": 509, "ingest{b}": 40}},
		{"no stream has the tags", Query{QueryType: "usageByStream", Tag: []string{"a", "A"}}, map[string]float64{}},
		{"tag and stream", Query{QueryType: "usageByStream", Tag: []string{"b"}, Stream: []string{"y", "z"}}, map[string]float64{"playout{y}": 509, "ingest{y}": 0}},
		{"one column", Query{QueryType: "usageByStream", Metric: "ingest", Tag: []string{"a"}}, map[string]float64{"ingest{x}": 40}},
		{"methods of playout", Query{QueryType: "usagePlayout", Unit: "playtime"}, map[string]float64{"value{h5live}": 90, "value{hls}": 30}},
		{"methods of ingest", Query{QueryType: "usageIngest"}, map[string]float64{"value{h5live}": 40}},
		{"a referrer", Query{QueryType: "usageByReferrer", Referrer: []string{"(none)"}}, map[string]float64{"playout{(none)}": 509}},
		{"no row without an address", Query{QueryType: "usageByIP"},
			map[string]float64{"ingest{81.2.0.1}": 40, "playout{81.2.0.1}": 0, "ingest{81.2.1.1}": 0, "playout{81.2.1.1}": 500}},
		{"a code's fatal ones", Query{QueryType: "statusCodes"},
			map[string]float64{"count{2002}": 1, "fatal{2002}": 0, "plays{2002}": 0, "count{1001}": 1, "fatal{1001}": 1, "plays{1001}": 1}},
		{"the map leaves out unknown countries", Query{QueryType: "worldMap", Metric: "usageSent"},
			map[string]float64{"value{FR}": 500, "plays{FR}": 2, "rank{FR}": 1, "value{DE}": 0, "plays{DE}": 1, "rank{DE}": 2}},
		{"plays and publishes", Query{QueryType: "worldMap", Metric: "playoutsAndIngests"},
			map[string]float64{"value{FR}": 3, "plays{FR}": 2, "rank{FR}": 1, "value{DE}": 1, "plays{DE}": 1, "rank{DE}": 2}},
		{"no rank without a value", Query{QueryType: "worldMap", Metric: "latency"},
			map[string]float64{"value{DE}": 1.5, "plays{DE}": 1, "rank{DE}": 1, "weight{DE}": 2, "plays{FR}": 2, "weight{FR}": 0}},
		{"the middle of one", Query{QueryType: "videoBitrate"}, map[string]float64{"median": 700, "average": 700}},
		{"a report", Query{QueryType: "usageReport", Form: "series"}, map[string]float64{at("sent", 0): 509, at("received", 0): 40}},
		{"stops", Query{QueryType: "stopReasons", Form: "series", Interval: "2m", Stream: []string{"y"}},
			map[string]float64{at("stops{timeout}", 0): 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.q.Organization, test.q.From, test.q.To = "o", max(test.q.From, noon), noon+3*minute
			if got := cells(answer(t, facts, tags, test.q)); !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestMonthToDate has a byte in every hour of 2024 and the winter before it.
func TestMonthToDate(t *testing.T) {
	hour := func(month time.Month, day, hour int) int64 {
		return time.Date(2024, month, day, hour, 0, 0, 0, time.UTC).UnixMilli()
	}
	var facts []Fact
	for at := hour(-2, 1, 0); at < hour(13, 1, 0); at += 60 * minute {
		facts = append(facts, Fact{Sent, at, 1, &place{organization: "o"}, ""})
	}
	const day = 24
	tests := []struct {
		name, timezone      string
		to                  int64
		before, same, soFar float64
	}{
		{"middle of a month", "", hour(5, 11, 6), 30 * day, 10*day + 6, 10*day + 6},
		{"31 March, after a leap February", "UTC", hour(3, 31, 12), 29 * day, 29 * day, 30*day + 12},
		{"29 March, after a leap February", "UTC", hour(3, 29, 12), 29 * day, 28*day + 12, 28*day + 12},
		{"30 March, which February does not have", "UTC", hour(3, 30, 12), 29 * day, 29 * day, 29*day + 12},
		{"the end of a month", "UTC", hour(3, 1, 0), 31 * day, 29 * day, 29 * day},
		{"the end of a month that is longer than the one before", "UTC", hour(4, 1, 0), 29 * day, 29 * day, 31 * day},
		{"January, whose month before is of another year", "UTC", hour(1, 31, 23), 31 * day, 30*day + 23, 30*day + 23},
		// Berlin leaves an hour out on 31 March, and has 00:00 at 22:00 then.
		{"an April of Berlin", "Europe/Berlin", hour(4, 1, 22), 31*day - 1, day, day},
		{"an hour that is left out", "Europe/Berlin", hour(4, 30, 0), 31*day - 1, 29*day + 2, 29*day + 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := cells(answer(t, facts, nil, Query{QueryType: "monthToDate", Organization: "o", From: test.to - minute, To: test.to, Timezone: test.timezone}))
			for row, want := range map[string]float64{"previous month": test.before, "previous month to date": test.same, "month to date": test.soFar} {
				if got["total{"+row+"}"] != want {
					t.Errorf("%s: got %v, want %v", row, got["total{"+row+"}"], want)
				}
			}
		})
	}
}

// TestMonthToDateSeries has a byte in each of three months' first days.
func TestMonthToDateSeries(t *testing.T) {
	day := func(month time.Month, day int) int64 {
		return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC).UnixMilli()
	}
	here := &place{organization: "o"}
	facts := []Fact{{Sent, day(1, 1), 1, here, ""}, {Sent, day(2, 1), 2, here, ""}, {Sent, day(2, 28), 4, here, ""}, {Sent, day(3, 1), 8, here, ""}, {Sent, day(3, 2), 16, here, ""}}
	q := Query{QueryType: "monthToDate", Metric: "playout", Organization: "o", Form: "series", From: day(3, 1), To: day(3, 2)}
	table := answer(t, facts, nil, q)
	got, want := cells(table), map[string]float64{
		"playout{previous month} at 2026-02-01T00:00:00Z": 2, "playout{previous month to date} at 2026-02-01T00:00:00Z": 2,
		"playout{previous month} at 2026-02-28T00:00:00Z": 4, "playout{month to date} at 2026-03-01T00:00:00Z": 8,
	}
	maps.DeleteFunc(got, func(_ string, x float64) bool { return x == 0 })
	if len(table.Times) != 29 || !maps.Equal(got, want) {
		t.Errorf("got %v in %d days, want %v in 29", got, len(table.Times), want)
	}
}

// TestShortened checks the row for all rows beyond the first thousand.
func TestShortened(t *testing.T) {
	var facts []Fact
	for i := range int64(1003) {
		facts = append(facts, Fact{Sent, noon, 10_000 - i, &place{organization: "o", ip: fmt.Sprint(i)}, ""})
	}
	q := Query{QueryType: "usageByIP", Organization: "o", From: noon, To: noon + minute}
	got := cells(answer(t, facts, nil, q))
	if len(got) != 2*1001 || got["playout{999}"] != 9001 || got["playout{(other)}"] != 9000+8999+8998 {
		t.Errorf("%d cells, last %v, others %v", len(got), got["playout{999}"], got["playout{(other)}"])
	}
}

func TestStoredForms(t *testing.T) {
	for address, want := range map[string][3]string{
		"81.2.3.4":           {"81.2.3.4", "81.2.3.0", ""},
		"::ffff:81.2.3.4":    {"81.2.3.4", "81.2.3.0", ""},
		"2A02:C71:0:1:0::5":  {"2a02:c71:0:1::5", "2a02:c71::", ""},
		"2a02:c71:9:ff::0:5": {"2a02:c71:9:ff::5", "2a02:c71:9::", ""},
	} {
		for i, privacy := range []string{"full", "truncated", "off"} {
			if got := (Organization{Privacy: Privacy{IP: privacy}}).storedAddress(netip.MustParseAddr(address)); got != want[i] {
				t.Errorf("%s %s: got %q, want %q", address, privacy, got, want[i])
			}
		}
	}
	for referrer, want := range map[string]string{
		"https://WWW.TV.example:8443/live?a=b": "www.tv.example", "http://blog.example": "blog.example", "no url": "(none)", "": "(none)",
	} {
		if got := hostOf(referrer); got != want {
			t.Errorf("%q: got %q, want %q", referrer, got, want)
		}
	}
}

func TestIntervals(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day := func(day int) int64 { return time.Date(2026, 3, day, 0, 0, 0, 0, berlin).UnixMilli() }
	tests := []struct {
		name        string
		q           Query
		count       int
		first, last interval
	}{
		// 12:00 that day is 29,552,400 minutes after 1970, 3 more than a multiple of 7.
		{name: "clipped at both ends", q: Query{Interval: "7m", From: noon, To: noon + 10*minute}, count: 2,
			first: interval{noon - 3*minute, noon + 4*minute, noon, noon + 4*minute},
			last:  interval{noon + 4*minute, noon + 11*minute, noon + 4*minute, noon + 10*minute}},
		{name: "days in summer and winter time", q: Query{Interval: "1d", Timezone: "Europe/Berlin", From: day(28) + 5*minute, To: day(31)}, count: 3,
			first: interval{day(28), day(29), day(28) + 5*minute, day(29)},
			last:  interval{day(30), day(31), day(30), day(31)}},
		{name: "months of New York", q: Query{Interval: "1M", Timezone: "America/New_York",
			From: time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC).UnixMilli(), To: noon}, count: 2,
			first: interval{time.Date(2026, 2, 1, 5, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC).UnixMilli(),
				time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC).UnixMilli()},
			last: interval{time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2026, 4, 1, 4, 0, 0, 0, time.UTC).UnixMilli(),
				time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC).UnixMilli(), noon}},
		{name: "a report of two days", q: Query{QueryType: "usageReport", Timezone: "Asia/Kolkata", From: noon, To: noon + 48*60*minute}, count: 48,
			first: interval{noon, noon + 60*minute, noon, noon + 60*minute},
			last:  interval{noon + 47*60*minute, noon + 48*60*minute, noon + 47*60*minute, noon + 48*60*minute}},
		{name: "a longer report", q: Query{QueryType: "usageReport", Timezone: "Asia/Kolkata", From: noon, To: noon + 48*60*minute + minute}, count: 3,
			first: interval{noon - 720*minute, noon + 720*minute, noon, noon + 720*minute},
			last:  interval{noon + 36*60*minute, noon + 60*60*minute, noon + 36*60*minute, noon + 48*60*minute + minute}},
		{name: "300 minutes", q: Query{From: noon, To: noon + 300*minute}, count: 300,
			first: interval{noon, noon + minute, noon, noon + minute},
			last:  interval{noon + 299*minute, noon + 300*minute, noon + 299*minute, noon + 300*minute}},
		{name: "301 minutes", q: Query{From: noon, To: noon + 301*minute}, count: 61,
			first: interval{noon, noon + 5*minute, noon, noon + 5*minute},
			last:  interval{noon + 300*minute, noon + 305*minute, noon + 300*minute, noon + 301*minute}},
		{name: "days when even they are more than 300", q: Query{From: noon, To: noon + 400*24*60*minute}, count: 401,
			first: interval{noon - 720*minute, noon + 720*minute, noon, noon + 720*minute},
			last:  interval{noon + (400*24-12)*60*minute, noon + (400*24+12)*60*minute, noon + (400*24-12)*60*minute, noon + 400*24*60*minute}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := intervals(test.q)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != test.count || got[0] != test.first || got[len(got)-1] != test.last {
				t.Errorf("got %d from %+v to %+v", len(got), got[0], got[len(got)-1])
			}
		})
	}
	if summer := day(30) - day(29); summer != 23*3600_000 {
		t.Errorf("the day of the change has %d ms", summer)
	}
}

func TestClientAddress(t *testing.T) {
	for header, want := range map[string]string{
		"":                                "127.0.0.1",
		"81.2.1.1":                        "81.2.1.1",
		"9.9.9.9, 81.2.1.1":               "81.2.1.1",
		"81.2.1.1, 127.0.0.1":             "81.2.1.1",
		"9.9.9.9,2a02:c71::5 , 127.0.0.1": "2a02:c71::5",
	} {
		if got := clientAddress(http.Header{"X-Forwarded-For": {header}}); got.String() != want {
			t.Errorf("%q: got %v, want %s", header, got, want)
		}
	}
}

// TestPlaces holds the database against the table that it was made from.
func TestPlaces(t *testing.T) {
	var file bytes.Buffer
	if err := WritePlaces(&file); err != nil {
		t.Fatal(err)
	}
	database, err := maxminddb.OpenBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{"81.2.0.7": "DE", "81.2.9.250": "SE", "2a02:c71::1": "FR", "8.8.4.4": "", "2a03:2880::1": ""} {
		var record struct {
			Country struct {
				ISOCode string `maxminddb:"iso_code"`
			} `maxminddb:"country"`
		}
		if err := database.Lookup(netip.MustParseAddr(address)).Decode(&record); err != nil {
			t.Fatal(err)
		}
		if record.Country.ISOCode != want {
			t.Errorf("%s: got %q, want %q", address, record.Country.ISOCode, want)
		}
	}
	if got := countryOf(netip.MustParseAddr("::ffff:81.2.3.4")); got != "US" {
		t.Errorf("IPv4-mapped address is in %s, want US", got)
	}
	for address, want := range map[string][3]string{
		"81.2.1.1": {"FR", "FR-A1", "Telia One"}, "2a02:c71::1": {"FR", "Nord, FR", "Mobil*Net (2)"}, "81.2.3.200": {"CA", "CA-QC", `Own: "net" (1)`},
		"81.2.7.200": {"KR", "", `Kabel "Süd" | AG`}, "2a02:c75::9": {"IN", "IN-A1", "Office"}, "8.8.4.4": {"ZZ", "", ""},
	} {
		if got := networkOf(netip.MustParseAddr(address)); [3]string{got.country, got.region, got.operator} != want {
			t.Errorf("%s is in %+v, want %q", address, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	median, stream, reason := Widgets()["startTime"], Widgets()["usageByStream"], Widgets()["stopReasons"]
	tests := []struct {
		name   string
		widget Widget
		frames string
		want   Table
		wrong  string // part of the error, empty if there must be none
	}{
		{"median within 7 %", median, frame(`{"name":"median","type":"number"},{"name":"average","type":"number"}`, `[1.069],[2]`),
			Table{Cells: map[Cell]*float64{{Column: "median"}: number(1), {Column: "average"}: number(2)}}, ""},
		{"median beyond 7 %", median, frame(`{"name":"median","type":"number"},{"name":"average","type":"number"}`, `[1.071],[2]`),
			Table{Cells: map[Cell]*float64{{Column: "median"}: number(1), {Column: "average"}: number(2)}}, "median"},
		{"change of medians that are not shown", Widget{Columns: []string{"medianChange"}}, frame(`{"name":"medianChange","type":"number"}`, `[0.6]`),
			Table{Cells: map[Cell]*float64{{Column: "medianChange"}: number(0.5)}}, ""},
		{"change of medians that is too far off", Widget{Columns: []string{"medianChange"}}, frame(`{"name":"medianChange","type":"number"}`, `[0.8]`),
			Table{Cells: map[Cell]*float64{{Column: "medianChange"}: number(0.5)}}, "medianChange: expected 0.5, got 0.8"},
		{"change where nothing was before", Widget{Columns: []string{"medianChange"}}, frame(`{"name":"medianChange","type":"number"}`, `[0]`),
			Table{Cells: map[Cell]*float64{{Column: "medianChange"}: nil}}, "medianChange: expected null, got 0"},
		{"zero is not null", median, frame(`{"name":"median","type":"number"},{"name":"average","type":"number"}`, `[null],[0]`),
			Table{Cells: map[Cell]*float64{{Column: "median"}: nil, {Column: "average"}: nil}}, "average: expected null, got 0"},
		{"empty row left out", stream, frame(`{"name":"stream","type":"string"},{"name":"ingest","type":"number"},{"name":"playout","type":"number"}`, `["x"],[1],[2]`),
			Table{Cells: map[Cell]*float64{{Row: "x", Column: "ingest"}: number(1), {Row: "x", Column: "playout"}: number(2), {Row: "y", Column: "playout"}: number(0)}}, ""},
		{"row too many", stream, frame(`{"name":"stream","type":"string"},{"name":"ingest","type":"number"},{"name":"playout","type":"number"}`, `["x"],[1],[2]`),
			Table{Cells: map[Cell]*float64{}}, "expected nothing, got 1"},
		{"series", reason, frame(`{"name":"time","type":"time"},{"name":"stops","type":"number","labels":{"reason":"normal"}}`, `[60000,120000],[0,3]`),
			Table{Times: []int64{60000, 120000}, Cells: map[Cell]*float64{{120000, "normal", "stops"}: number(3)}}, ""},
		{"series that misses an interval", reason, frame(`{"name":"time","type":"time"},{"name":"stops","type":"number","labels":{"reason":"normal"}}`, `[120000],[3]`),
			Table{Times: []int64{60000, 120000}, Cells: map[Cell]*float64{{120000, "normal", "stops"}: number(3)}}, "intervals"},
		{"series under another name", reason, frame(`{"name":"time","type":"time"},{"name":"count","type":"number","labels":{"reason":"normal"}}`, `[120000],[3]`),
			Table{}, `unknown number column "count"`},
		{"rank without a value", Widgets()["worldMap"], frame(`{"name":"country","type":"string"},{"name":"value","type":"number"},{"name":"plays","type":"number"},{"name":"rank","type":"number"}`, `["DE","FR"],[0,3],[1,0],[2,1]`),
			Table{Cells: map[Cell]*float64{{Row: "DE", Column: "plays"}: number(1), {Row: "FR", Column: "value"}: number(3), {Row: "FR", Column: "rank"}: number(1)}}, ""},
		{"wrong rank", Widgets()["worldMap"], frame(`{"name":"country","type":"string"},{"name":"value","type":"number"},{"name":"plays","type":"number"},{"name":"rank","type":"number"}`, `["FR"],[3],[0],[2]`),
			Table{Cells: map[Cell]*float64{{Row: "FR", Column: "value"}: number(3), {Row: "FR", Column: "rank"}: number(1)}}, "rank{FR}: expected 1, got 2"},
		{"not a number", reason, `{"frames":[{"schema":{"fields":[{"name":"stops","type":"number"}]},"data":{"values":[[null]],"entities":[{"NaN":[0]}]}}]}`,
			Table{}, "not finite"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadFrames([]byte(test.frames), test.widget)
			if err == nil {
				err = Compare(test.want, got, test.widget)
			}
			switch {
			case err == nil && test.wrong != "":
				t.Errorf("no error, want one with %q", test.wrong)
			case err != nil && (test.wrong == "" || !strings.Contains(err.Error(), test.wrong)):
				t.Errorf("error %v, want one with %q", err, test.wrong)
			}
		})
	}
}

// TestGenerate checks that random input has every kind of trouble in it, and
// that queries find something in it. It books the delivery as if all of it
// were received at once.
func TestGenerate(t *testing.T) {
	base := time.UnixMilli(noon)
	generator := NewGenerator(1, base)
	delivery := generator.Generate(20_000)
	if delivery.EventCount < 20_000 {
		t.Errorf("%d events", delivery.EventCount)
	}
	book := NewBook(delivery.Organizations)
	seen := map[string]int{}
	receive := func(lanes [][]*Request, at time.Time) {
		for _, request := range slices.Concat(lanes...) {
			body, err := request.Body(at)
			if err != nil {
				t.Fatal(err)
			}
			verdict, err := book.Deliver(request, body, at)
			if err != nil {
				t.Fatal(err)
			}
			seen[fmt.Sprintf("%s %d", request.Endpoint(), verdict.Status)]++
			if verdict.Accepted > 0 && len(verdict.Rejected) > 0 {
				seen[request.Endpoint()+" some rejected"]++
			}
		}
	}
	receive(delivery.Early, base)
	receive(delivery.Main, base)
	receive(delivery.Late, base.Add(time.Minute))

	sessionIDs := map[string]bool{}
	for key, s := range book.sessions {
		if sessionIDs[key.id] {
			seen["session of two organisations"]++
		}
		sessionIDs[key.id] = true
		if s.timedOut {
			seen["late events"]++
		}
	}
	facts := book.Facts()
	for _, f := range facts {
		seen[fmt.Sprintf("measure %d", f.Measure)]++
		seen["country "+f.country]++
		seen["os "+f.os]++
		if f.Measure == Stop {
			seen["stop "+f.label]++
		}
	}
	wanted := []string{
		"/v1/events 202", "/v1/events 400", "/v1/events 401", "/v1/events 403", "/v1/events some rejected",
		"/v1/logs 202", "/v1/logs 400", "/v1/logs 401", "/v1/logs some rejected",
		"/v1/cmcd 204", "/v1/cmcd 400", "/v1/cmcd 410", "stop sourcestreamstopped", "stop playbackerror",
		"/v1/usage 202", "/v1/usage 401", "/v1/usage some rejected", "session of two organisations", "late events",
		"country ZZ", "country DE", "country SE", "os Windows", "os macOS", "os iOS", "os Android", "os Linux",
		"stop timeout", "stop normal", "stop destroy",
	}
	for measure := Sent; measure <= ServerViewer; measure++ {
		wanted = append(wanted, fmt.Sprintf("measure %d", measure))
	}
	for _, kind := range wanted {
		if seen[kind] == 0 {
			t.Errorf("no %s", kind)
		}
	}

	tags := Tags{}
	for range 100 {
		generator.changeTags(tags)
	}
	filled := 0
	const queries = 400
	for range queries {
		q, err := generator.Query(slices.Sorted(maps.Keys(Widgets())), facts, tags, base.Add(5*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if !isEmpty(answer(t, facts, tags, q)) {
			filled++
		}
	}
	if filled < queries/2 {
		t.Errorf("only %d of %d queries find something", filled, queries)
	}
	t.Logf("%d events, %d sessions, %d facts, %d of %d queries find something; seen %v",
		delivery.EventCount, len(book.sessions), len(facts), filled, queries, seen)
}

func TestGenerateIsRepeatable(t *testing.T) {
	encode := func() []byte {
		text, err := json.Marshal(NewGenerator(7, time.UnixMilli(noon)).Generate(500))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if !bytes.Equal(encode(), encode()) {
		t.Error("one seed makes two deliveries")
	}
}

// frame is an answer of one frame.
func frame(fields, values string) string {
	return fmt.Sprintf(`{"frames":[{"schema":{"fields":[%s]},"data":{"values":[%s]}}]}`, fields, values)
}
