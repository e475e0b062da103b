package widget

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// planRecorder stands in for a VictoriaMetrics that has nothing, and keeps what it is asked.
type planRecorder struct {
	mu    sync.Mutex
	asked []string
}

func (p *planRecorder) Query(context.Context, string, time.Time, vm.Filters) ([]vm.Series, error) {
	return nil, nil
}

// Ask keeps a question as lines: its range, if it is one, and its filters, and then its terms without what all of them have.
func (p *planRecorder) Ask(_ context.Context, q vm.Question) (vm.Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	head := "instant"
	if q.Step > 0 {
		head = fmt.Sprintf("range from %s to %s every %s", q.Start.Format("Jan 2 15:04"), q.End.Format("Jan 2 15:04"), q.Step)
	}
	text := strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(q.Query, measure.Prefix, ""), "union("), "))")
	text = strings.ReplaceAll(strings.TrimPrefix(text, "label_set("), "),label_set(", "\n")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, `,"part"`)
	}
	p.asked = append(p.asked, head+q.Filters.String()+"\n"+strings.Join(lines, "\n")+"\n")
	return vm.Answer{}, nil
}

// TestPlans shows for each kind of question which families and resolutions are chosen: the smallest family with the labels of filters
// and grouping, hours for whole hours, minutes for what is left of them and for peaks.
func TestPlans(t *testing.T) {
	tests := []struct {
		name     string
		query    Query
		from, to string
		want     string
	}{
		{"whole hours", Query{QueryType: "usageOverview"}, "2026-03-01 10:00", "2026-03-31 10:00", `
instant
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[43200m] @ 1774951200))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[43200m] @ 1774951200))
`},
		{"ragged ends and the current hour", Query{QueryType: "usageOverview", Unit: UnitPlaytime}, "2026-03-01 10:50", "2026-03-31 10:07", `
instant
sum(sum_over_time(playing_ms_1m{direction="playout"}[10m] @ 1772362800))
sum(sum_over_time(playing_ms_1h{direction="playout"}[43140m] @ 1774951200))
sum(sum_over_time(playing_ms_1m{direction="playout"}[7m] @ 1774951620))
sum(sum_over_time(playing_ms_1m{direction="ingest"}[10m] @ 1772362800))
sum(sum_over_time(playing_ms_1h{direction="ingest"}[43140m] @ 1774951200))
sum(sum_over_time(playing_ms_1m{direction="ingest"}[7m] @ 1774951620))
`},
		{"less than an hour", Query{QueryType: "loadsByCountry"}, "2026-03-01 10:50", "2026-03-01 11:40", `
instant
sum by (country) (sum_over_time(loads_by_country_1m[50m] @ 1772365200))
`},
		{"grouped by country and filtered by stream", Query{QueryType: "usageByCountry", Stream: []string{"s"}}, "2026-03-01 10:00", "2026-03-31 10:00", `
instant{stream="s"}
sum by (country) (sum_over_time(traffic_bytes_by_stream_country_1h[43200m] @ 1774951200))
`},
		{"grouped and filtered by country", Query{QueryType: "worldMap", Country: []string{"DE", "FR"}}, "2026-03-01 10:00", "2026-03-31 10:00", `
instant{country=~"DE|FR"}
sum by (country) (sum_over_time(plays_by_country_1h[43200m] @ 1774951200))
`},
		{"a breakdown by a dimension", Query{QueryType: "usagePlayout"}, "2026-03-01 10:00", "2026-03-31 10:00", `
instant
sum by (protocol) (sum_over_time(traffic_bytes_1h{direction="playout"}[43200m] @ 1774951200))
`},
		{"addresses, which are in the finest family only", Query{QueryType: "usageByIP"}, "2026-03-01 10:00", "2026-03-31 10:00", `
instant
topk_last(1101,sum by (ip) (sum_over_time(traffic_ip_bytes_by_stream_country_1h[43200m] @ 1774951200)),"others=1")
sum by (ip) (sum_over_time(traffic_ip_bytes_by_stream_country_1h{direction="ingest"}[43200m] @ 1774951200))
`},
		{"an event, which traffic does not know", Query{QueryType: "worldMap", Metric: "usageSent", Event: []string{"e"}}, "2026-03-01 10:00", "2026-03-31 10:00", `
instant
sum by (country) (sum_over_time(traffic_bytes_by_country_1h{direction="playout"}[43200m] @ 1774951200))
instant{event="e"}
sum by (country) (sum_over_time(plays_by_event_1h[43200m] @ 1774951200))
`},
		{"peaks from minutes, plays from hours", Query{QueryType: "concurrentViewers", Country: []string{"DE"}}, "2026-03-01 10:00", "2026-03-31 10:00", `
instant{country="DE"}
max_over_time((sum(sum_over_time(viewing_ms_by_country_1m[1m])))[43200m:1m] @ 1774951200)
sum(sum_over_time(plays_by_country_1h[43200m] @ 1774951200))
max_over_time((sum(sum_over_time(server_viewers_by_country_1m[1m])))[43200m:1m] @ 1774951200)
`},
		{"peaks of a year", Query{QueryType: "concurrentViewers", Metric: "viewers"}, "2025-12-01 00:00", "2026-04-01 00:00", `
instant
max_over_time((sum(sum_over_time(viewing_ms_1m[1m])))[86400m:1m] @ 1769731200)
max_over_time((sum(sum_over_time(viewing_ms_1m[1m])))[86400m:1m] @ 1774915200)
max_over_time((sum(sum_over_time(viewing_ms_1m[1m])))[1440m:1m] @ 1775001600)
sum(sum_over_time(plays_1h[174240m] @ 1775001600))
max_over_time((sum(sum_over_time(server_viewers_1m[1m])))[86400m:1m] @ 1769731200)
max_over_time((sum(sum_over_time(server_viewers_1m[1m])))[86400m:1m] @ 1774915200)
max_over_time((sum(sum_over_time(server_viewers_1m[1m])))[1440m:1m] @ 1775001600)
`},
		{"a median", Query{QueryType: "startTime", Stream: []string{"s"}}, "2026-03-01 10:00", "2026-03-31 10:00", `
instant{stream="s"}
sum(sum_over_time(start_time_ms_sum_by_stream_1h[43200m] @ 1774951200))
sum(sum_over_time(start_time_ms_count_by_stream_1h[43200m] @ 1774951200))
sum by (vmrange) (sum_over_time(start_time_ms_bucket_by_stream_1h[43200m] @ 1774951200))
`},
		{"a median by country and stream, of whole hours", Query{QueryType: "startTime", Stream: []string{"s"}, Breakdown: "country"}, "2026-03-01 10:50", "2026-03-01 11:40", `
instant{stream="s"}
sum by (country) (sum_over_time(start_time_ms_sum_by_stream_country_1h[120m] @ 1772366400))
sum by (country) (sum_over_time(start_time_ms_count_by_stream_country_1h[120m] @ 1772366400))
sum by (country,vmrange) (sum_over_time(start_time_ms_bucket_by_stream_country_1h[120m] @ 1772366400))
`},
		{"an average by country and stream", Query{QueryType: "startTime", Stream: []string{"s"}, Breakdown: "country", Metric: "average"}, "2026-03-01 10:50", "2026-03-01 11:40", `
instant{stream="s"}
sum by (country) (sum_over_time(start_time_ms_sum_by_stream_country_1m[50m] @ 1772365200))
sum by (country) (sum_over_time(start_time_ms_count_by_stream_country_1m[50m] @ 1772365200))
`},
		{"versions of a stream", Query{QueryType: "bufferingRatio", Stream: []string{"s"}, Breakdown: "version"}, "2026-03-01 10:50", "2026-03-01 11:40", `
instant{stream="s"}
sum by (version) (sum_over_time(buffering_ms_by_stream_version_1m[50m] @ 1772365200))
sum by (version) (sum_over_time(viewing_ms_by_stream_version_1m[50m] @ 1772365200))
`},
		{"systems of a stream, of whole hours", Query{QueryType: "bufferingRatio", Stream: []string{"s"}, Breakdown: "os"}, "2026-03-01 10:50", "2026-03-01 11:40", `
instant{stream="s"}
sum by (os) (sum_over_time(buffering_ms_by_stream_os_1h[120m] @ 1772366400))
sum by (os) (sum_over_time(viewing_ms_by_stream_os_1h[120m] @ 1772366400))
`},
		{"systems of a stream, in intervals of hours", Query{QueryType: "bufferingRatio", Form: FormSeries, Interval: "10m", Stream: []string{"s"}, Dimension: "os", Values: []string{"iOS"}},
			"2026-03-01 10:50", "2026-03-01 12:40", `
range from Mar 1 11:00 to Mar 1 13:00 every 1h0m0s{stream="s",os="iOS"}
sum(sum_over_time(buffering_ms_by_stream_os_1h[60m]))
sum(sum_over_time(viewing_ms_by_stream_os_1h[60m]))
`},
		{"intervals of hours, clipped at both ends", Query{QueryType: "usageReport", Form: FormSeries, Interval: "6h"}, "2026-03-01 10:30", "2026-03-31 10:07", `
instant
sum(sum_over_time(traffic_bytes_1m{direction="playout"}[30m] @ 1772362800))
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[60m] @ 1772366400))
sum(sum_over_time(traffic_bytes_1m{direction="ingest"}[30m] @ 1772362800))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[60m] @ 1772366400))
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[240m] @ 1774951200))
sum(sum_over_time(traffic_bytes_1m{direction="playout"}[7m] @ 1774951620))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[240m] @ 1774951200))
sum(sum_over_time(traffic_bytes_1m{direction="ingest"}[7m] @ 1774951620))
range from Mar 1 18:00 to Mar 31 06:00 every 6h0m0s
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[360m]))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[360m]))
`},
		{"intervals of minutes", Query{QueryType: "bufferingRatio", Form: FormSeries, Interval: "90m"}, "2026-03-01 00:00", "2026-03-03 00:00", `
range from Mar 1 01:30 to Mar 3 00:00 every 1h30m0s
sum(sum_over_time(buffering_ms_1m[90m]))
sum(sum_over_time(viewing_ms_1m[90m]))
`},
		{"peaks per interval", Query{QueryType: "concurrentViewers", Form: FormSeries, Interval: "1d"}, "2026-01-01 00:00", "2026-04-01 00:00", `
range from Jan 2 00:00 to Mar 2 00:00 every 24h0m0s
max_over_time((sum(sum_over_time(viewing_ms_1m[1m])))[1440m:1m])
sum(sum_over_time(plays_1h[1440m]))
max_over_time((sum(sum_over_time(server_viewers_1m[1m])))[1440m:1m])
range from Mar 3 00:00 to Apr 1 00:00 every 24h0m0s
max_over_time((sum(sum_over_time(viewing_ms_1m[1m])))[1440m:1m])
sum(sum_over_time(plays_1h[1440m]))
max_over_time((sum(sum_over_time(server_viewers_1m[1m])))[1440m:1m])
`},
		{"days of a time zone, whose clocks change", Query{QueryType: "usageByStream", Form: FormSeries, Interval: "1d", Timezone: "Europe/Berlin"}, "2026-03-01 23:00", "2026-04-05 22:00", `
instant
sum by (stream) (sum_over_time(traffic_bytes_by_stream_1h{direction="ingest"}[1380m] @ 1774821600))
sum by (stream) (sum_over_time(traffic_bytes_by_stream_1h{direction="playout"}[1380m] @ 1774821600))
range from Mar 2 23:00 to Mar 28 23:00 every 24h0m0s
sum by (stream) (sum_over_time(traffic_bytes_by_stream_1h{direction="ingest"}[1440m]))
sum by (stream) (sum_over_time(traffic_bytes_by_stream_1h{direction="playout"}[1440m]))
range from Mar 30 22:00 to Apr 5 22:00 every 24h0m0s
sum by (stream) (sum_over_time(traffic_bytes_by_stream_1h{direction="ingest"}[1440m]))
sum by (stream) (sum_over_time(traffic_bytes_by_stream_1h{direction="playout"}[1440m]))
`},
		{"days of a time zone with half an hour", Query{QueryType: "loadsByCountry", Form: FormSeries, Interval: "1d", Timezone: "Asia/Kolkata"}, "2026-03-01 18:30", "2026-04-05 18:30", `
range from Mar 2 18:30 to Apr 5 18:30 every 24h0m0s
sum by (country) (sum_over_time(loads_by_country_1m[30m] offset 1410m))
sum by (country) (sum_over_time(loads_by_country_1h[1380m] offset 30m))
sum by (country) (sum_over_time(loads_by_country_1m[30m]))
`},
		{"months", Query{QueryType: "monthToDate"}, "2026-03-14 00:00", "2026-03-15 10:20", `
instant
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[20760m] @ 1771149600))
sum(sum_over_time(traffic_bytes_1m{direction="playout"}[20m] @ 1771150800))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[20760m] @ 1771149600))
sum(sum_over_time(traffic_bytes_1m{direction="ingest"}[20m] @ 1771150800))
sum(sum_over_time(traffic_bytes_1m{direction="playout"}[40m] @ 1771153200))
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[19500m] @ 1772323200))
sum(sum_over_time(traffic_bytes_1m{direction="ingest"}[40m] @ 1771153200))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[19500m] @ 1772323200))
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[20760m] @ 1773568800))
sum(sum_over_time(traffic_bytes_1m{direction="playout"}[20m] @ 1773570000))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[20760m] @ 1773568800))
sum(sum_over_time(traffic_bytes_1m{direction="ingest"}[20m] @ 1773570000))
`},
		{"days of months", Query{QueryType: "monthToDate", Form: FormSeries, Metric: "total"}, "2026-03-14 00:00", "2026-03-15 10:20", `
instant
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[600m] @ 1771149600))
sum(sum_over_time(traffic_bytes_1m{direction="playout"}[20m] @ 1771150800))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[600m] @ 1771149600))
sum(sum_over_time(traffic_bytes_1m{direction="ingest"}[20m] @ 1771150800))
sum(sum_over_time(traffic_bytes_1m{direction="playout"}[40m] @ 1771153200))
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[780m] @ 1771200000))
sum(sum_over_time(traffic_bytes_1m{direction="ingest"}[40m] @ 1771153200))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[780m] @ 1771200000))
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[600m] @ 1773568800))
sum(sum_over_time(traffic_bytes_1m{direction="playout"}[20m] @ 1773570000))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[600m] @ 1773568800))
sum(sum_over_time(traffic_bytes_1m{direction="ingest"}[20m] @ 1773570000))
range from Feb 17 00:00 to Mar 15 00:00 every 24h0m0s
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[1440m]))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[1440m]))
range from Feb 2 00:00 to Feb 15 00:00 every 24h0m0s
sum(sum_over_time(traffic_bytes_1h{direction="playout"}[1440m]))
sum(sum_over_time(traffic_bytes_1h{direction="ingest"}[1440m]))
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := func(text string) time.Time {
				moment, err := time.ParseInLocation("2006-01-02 15:04", text, time.UTC)
				if err != nil {
					t.Fatal(err)
				}
				return moment
			}
			recorder := &planRecorder{}
			if _, err := Run(t.Context(), recorder, Request{
				Query: tt.query, From: at(tt.from), To: at(tt.to), Now: at("2027-01-01 00:00"), Level: tenant.Premium,
				Alert: true, // nobody reads why there is nothing
			}); err != nil {
				t.Fatal(err)
			}
			slices.Sort(recorder.asked)
			if got := strings.Join(recorder.asked, ""); got != strings.TrimPrefix(tt.want, "\n") {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// TestInspector has what Grafana's query inspector shows of a query: what was chosen, all that was asked, and what it took.
func TestInspector(t *testing.T) {
	answer := answers{series: []vm.Series{{Labels: []vm.Label{{Name: partLabel, Value: "0"}}, Points: []vm.Point{{Value: 1}}}}, fetched: 3}
	frames, err := Run(t.Context(), answer, Request{Query: Query{QueryType: "usageReport", Unit: UnitPlaytime, Country: []string{"DE"}},
		From: noon.Add(-90 * time.Minute), To: noon, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	begin := "# reads playing_ms by country, per minute\n# reads playing_ms by country, per hour\n" +
		`# extra_filters[]={country="DE"}` + "\nunion(label_set(sum("
	if meta := frames[0].Meta; !strings.HasPrefix(meta.ExecutedQueryString, begin) {
		t.Errorf("got %s", meta.ExecutedQueryString)
	}
	got := ""
	for _, s := range frames[0].Meta.Stats {
		got += fmt.Sprintf("%s: %v\n", s.DisplayName, s.Value)
	}
	if want := "Requests to VictoriaMetrics: 1\nStored series read: 3\nNumbers answered: 1\n"; got != want {
		t.Errorf("got %s", got)
	}
}
