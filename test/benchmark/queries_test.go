package benchmark

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"golang.org/x/sync/errgroup"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
)

const (
	// queryRounds is how often each query is timed; the fastest counts, for the machine has other work.
	queryRounds = 7
	// browserRequests is how many panels a browser asks for at a time.
	browserRequests = 6
)

// panel is a query of a widget, and the same in MetricsQL on the minutes of single streams and countries, as one would ask it of a store
// without hours and families.
type panel struct {
	name    string
	query   widget.Query
	minutes []string // %s stands for the range, such as 43200m; none where the history has no such minutes
}

const (
	playoutMinutes = `streamlens_traffic_bytes_by_stream_country_1m{org="acme",direction="playout"%s}`
	ingestMinutes  = `streamlens_traffic_bytes_by_stream_country_1m{org="acme",direction="ingest"%s}`
	trafficMinutes = `streamlens_traffic_bytes_by_stream_country_1m{org="acme"%s}`
	viewingMinutes = `streamlens_viewing_ms_by_stream_country_1m{org="acme"%s}`
	playsMinutes   = `streamlens_plays_by_stream_country_1m{org="acme"%s}`
	serverMinutes  = `streamlens_server_viewers_by_stream_country_1m{org="acme"%s}`
)

// sumOf returns the MetricsQL of a sum over a range, by a label unless that is empty.
func sumOf(selector, filter, by string) string {
	if by != "" {
		by = " by (" + by + ") "
	}
	return "sum" + by + "(sum_over_time(" + fmt.Sprintf(selector, filter) + "[RANGE]))"
}

func peakOf(selector, filter string) string {
	return "max_over_time((sum(sum_over_time(" + fmt.Sprintf(selector, filter) + "[1m])))[RANGE:1m])"
}

// homePanels are those of the dashboard Home.
var homePanels = []panel{
	{"usageOverview", widget.Query{QueryType: "usageOverview"}, []string{sumOf(playoutMinutes, "", ""), sumOf(ingestMinutes, "", "")}},
	{"concurrentViewers", widget.Query{QueryType: "concurrentViewers"},
		[]string{peakOf(viewingMinutes, ""), sumOf(playsMinutes, "", ""), peakOf(serverMinutes, "")}},
	{"usageOverview, series", widget.Query{QueryType: "usageOverview", Form: widget.FormSeries},
		[]string{sumOf(playoutMinutes, "", ""), sumOf(ingestMinutes, "", "")}},
	{"usageByCountry", widget.Query{QueryType: "usageByCountry"}, []string{sumOf(trafficMinutes, "", "country")}},
	{"concurrentViewers, series", widget.Query{QueryType: "concurrentViewers", Form: widget.FormSeries},
		[]string{peakOf(viewingMinutes, ""), sumOf(playsMinutes, "", ""), peakOf(serverMinutes, "")}},
	{"monthToDate", widget.Query{QueryType: "monthToDate"}, nil},
	{"usagePlayout", widget.Query{QueryType: "usagePlayout"}, []string{sumOf(playoutMinutes, "", "protocol")}},
	{"usageIngest", widget.Query{QueryType: "usageIngest"}, []string{sumOf(ingestMinutes, "", "protocol")}},
	{"concurrentViewers, series again", widget.Query{QueryType: "concurrentViewers", Form: widget.FormSeries, Metric: "serverViewers"}, nil},
	{"monthToDate again", widget.Query{QueryType: "monthToDate"}, nil},
}

var morePanels = []panel{
	{"usageOverview of a country", widget.Query{QueryType: "usageOverview", Country: []string{"DE"}},
		[]string{sumOf(playoutMinutes, `,country="DE"`, ""), sumOf(ingestMinutes, `,country="DE"`, "")}},
	{"concurrentViewers of a country", widget.Query{QueryType: "concurrentViewers", Country: []string{"DE"}},
		[]string{peakOf(viewingMinutes, `,country="DE"`), sumOf(playsMinutes, `,country="DE"`, ""), peakOf(serverMinutes, `,country="DE"`)}},
	{"concurrentViewers of a tag of 40 streams", widget.Query{QueryType: "concurrentViewers", Tag: []string{"some"}}, nil},
	{"concurrentViewers of a tag of half the streams", widget.Query{QueryType: "concurrentViewers", Tag: []string{"half"}}, nil},
	{"usageOverview of a tag of half the streams", widget.Query{QueryType: "usageOverview", Tag: []string{"half"}}, nil},
	{"concurrentViewers of an event of 40 streams", widget.Query{QueryType: "concurrentViewers", Event: []string{"final"}}, nil},
	{"usageByStream", widget.Query{QueryType: "usageByStream"}, []string{sumOf(playoutMinutes, "", "stream"), sumOf(ingestMinutes, "", "stream")}},
	{"worldMap", widget.Query{QueryType: "worldMap"}, []string{sumOf(playsMinutes, "", "country")}},
	{"usageReport, series", widget.Query{QueryType: "usageReport", Form: widget.FormSeries},
		[]string{sumOf(playoutMinutes, "", ""), sumOf(ingestMinutes, "", "")}},
	{"bufferLength", widget.Query{QueryType: "bufferLength"}, nil},
	{"bufferLength of a tag of 40 streams", widget.Query{QueryType: "bufferLength", Tag: []string{"some"}}, nil},
	{"bufferLength of a tag of half the streams", widget.Query{QueryType: "bufferLength", Tag: []string{"half"}}, nil},
	{"usageByIP", widget.Query{QueryType: "usageByIP"}, nil},
	{"usageByIP, 20,000 rows", widget.Query{QueryType: "usageByIP", Top: 20_000}, nil},
}

var yearPanels = []panel{
	{"concurrentViewers of a tag of 40 streams", widget.Query{QueryType: "concurrentViewers", Tag: []string{"some"}}, nil},
	{"usageByStream", widget.Query{QueryType: "usageByStream"}, nil},
	{"usageReport, series", widget.Query{QueryType: "usageReport", Form: widget.FormSeries}, nil},
	{"usageOverview, days of a time zone", widget.Query{QueryType: "usageOverview", Form: widget.FormSeries, Interval: "1d", Timezone: "Europe/Berlin"}, nil},
	{"usageOverview, days of a time zone with half an hour", widget.Query{QueryType: "usageOverview", Form: widget.FormSeries, Interval: "1d", Timezone: "Asia/Kolkata"}, nil},
}

// TestQueriesBesideMinutes times widgets over a month and a year, beside the same MetricsQL on minutes and beside the time that
// VictoriaMetrics itself takes for the widgets; go tool mage benchmarkQueries runs it. QUERY_SERIES (of traffic), QUERY_DAYS and QUERY_HOURS (on air in a day)
// change the defaults of 10000, 30 and 6; with 24 each series has every minute.
func TestQueriesBesideMinutes(t *testing.T) {
	if os.Getenv("QUERY_BENCHMARK") == "" {
		t.Skip("QUERY_BENCHMARK is not set: go tool mage benchmarkQueries sets it")
	}
	h := history{streams: number(t, "QUERY_SERIES", 10_000) / (playoutCountries + 1), recent: number(t, "QUERY_DAYS", 30) + 1, days: 367,
		hoursOnAir: number(t, "QUERY_HOURS", 6), end: time.Now().UTC().Truncate(24 * time.Hour)}
	server := vmtest.StartWith(t, append(slices.Clone(vmtest.DefaultFlags), "-search.maxQueryDuration=10m", "-search.maxUniqueTimeseries=3000000")...)
	began := time.Now()
	h.write(t, server)
	t.Logf("%d streams, %d hours a day on air: %.1f million samples written in %s", h.streams, h.hoursOnAir,
		float64(h.samples)/1e6, time.Since(began).Round(time.Second))

	b := newQueries(t, server, h.end)
	month, year := time.Duration(h.recent-1)*24*time.Hour, 365*24*time.Hour

	b.compare(t, "month", slices.DeleteFunc(slices.Concat(homePanels, morePanels), func(p panel) bool { return strings.HasSuffix(p.name, "again") }), month)
	b.compare(t, "day", []panel{{"usageByIP", widget.Query{QueryType: "usageByIP"}, nil}}, 24*time.Hour)
	b.compare(t, "year", slices.DeleteFunc(slices.Concat(homePanels, yearPanels), func(p panel) bool { return strings.HasSuffix(p.name, "again") }), year)
	for name, length := range map[string]time.Duration{"month": month, "year": year} {
		t.Logf("| Home at once | %s | %s |", name, milli(b.home(t, length)))
	}
}

// queries times queries of one VictoriaMetrics.
type queries struct {
	url      string
	client   *vm.Client
	recorder *recorder
	to       time.Time
}

// newQueries returns queries of a VictoriaMetrics with a history that ends at the given midnight.
func newQueries(t *testing.T, server string, end time.Time) *queries {
	t.Helper()
	b := &queries{url: server, recorder: &recorder{next: http.DefaultTransport}, to: end.Add(-83 * time.Minute)}
	transport, err := tenant.NewTransport(server, "acme", b.recorder)
	if err != nil {
		t.Fatal(err)
	}
	if b.client, err = vm.NewClient(server, &http.Client{Transport: transport}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *queries) request(q widget.Query, length time.Duration) widget.Request {
	return widget.Request{Query: q, From: b.to.Add(-length), To: b.to, Now: time.Now(), Level: tenant.Premium}
}

// compare prints a row for each panel: our time, what of it is VictoriaMetrics', what we add to it, the time of the minutes and how many
// times ours that is, and how many requests, stored series and numbers ours took.
func (b *queries) compare(t *testing.T, name string, panels []panel, length time.Duration) {
	t.Helper()
	for _, p := range panels {
		if name == "year" {
			p.minutes = nil // there are none of the whole year
		}
		request := b.request(p.query, length)
		var frames data.Frames
		ours, bare := time.Hour, time.Hour
		var overheads []float64
		for range queryRounds {
			b.recorder.busy = 0
			began := time.Now()
			var err error
			if frames, err = widget.Run(t.Context(), b.client, request); err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			took := time.Since(began)
			ours, bare = min(ours, took), min(bare, b.recorder.busy)
			overheads = append(overheads, (took.Seconds()-b.recorder.busy.Seconds())/b.recorder.busy.Seconds())
		}
		minutes, ratio := "", ""
		if p.minutes != nil {
			took, sum := b.minutes(t, p, frames[0], length)
			minutes, ratio = milli(took), fmt.Sprintf("%.0f", took.Seconds()/ours.Seconds())
			// In series the first and the last interval are clipped.
			if want := storedSum(p, frames[0]); want != sum && p.query.Form == "" {
				t.Errorf("%s: minutes add up to %.0f, the widget to %.0f", p.name, sum, want)
			}
		}
		stats := frames[0].Meta.Stats
		t.Logf("| %s | %s | %s | %s | %.0f %% | %s | %s | %.0f | %.0f | %.0f |", p.name, name, milli(ours), milli(bare),
			100*median(overheads), minutes, ratio, stats[0].Value, stats[1].Value, stats[2].Value)
	}
}

// home returns how long all panels of Home take together, as a browser asks for them through one data source.
func (b *queries) home(t *testing.T, length time.Duration) time.Duration {
	t.Helper()
	fastest := time.Hour
	for range queryRounds {
		shared := vm.NewShared(b.client)
		var group errgroup.Group
		group.SetLimit(browserRequests)
		began := time.Now()
		for _, p := range homePanels {
			group.Go(func() error {
				_, err := widget.Run(t.Context(), shared, b.request(p.query, length))
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		fastest = min(fastest, time.Since(began))
	}
	return fastest
}

func milli(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// recorder measures how long VictoriaMetrics is busy: while it has a request whose answer is not here completely.
type recorder struct {
	next   http.RoundTripper
	mu     sync.Mutex
	active int
	since  time.Time
	busy   time.Duration
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.begin()
	defer r.end()
	response, err := r.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

func (r *recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active++; r.active == 1 {
		r.since = time.Now()
	}
}

func (r *recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active--; r.active == 0 {
		r.busy += time.Since(r.since)
	}
}

func post(ctx context.Context, url string, body []byte, to io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, err := io.ReadAll(response.Body)
		return fmt.Errorf("status %d: %s, %w", response.StatusCode, text, err)
	}
	_, err = io.Copy(to, response.Body)
	return err
}

// storedSum returns the sum of a frame's numbers in stored units, as minutes adds them up.
func storedSum(p panel, frame *data.Frame) float64 {
	sum := 0.0
	for _, field := range frame.Fields {
		scale := 1.0
		switch field.Name {
		case "viewers":
			scale = 60_000
		case "total", "rank", "share", "value":
			if field.Name != "value" || p.query.QueryType == "worldMap" {
				continue // follows from others
			}
		}
		for i := range field.Len() {
			if v, ok := field.At(i).(*float64); ok && v != nil {
				sum += *v * scale
			}
		}
	}
	return sum
}

// minutes asks the same of minutes, and returns how long the faster of two takes and the sum of all numbers.
func (b *queries) minutes(t *testing.T, p panel, frame *data.Frame, length time.Duration) (time.Duration, float64) {
	t.Helper()
	form := url.Values{"nocache": {"1"}, "timeout": {"10m"}}
	path, window := "/api/v1/query", length
	if p.query.Form == widget.FormSeries {
		// The same intervals, of which the first and the last are longer here: they are not clipped.
		times := frame.Fields[0]
		first, second := times.At(0).(time.Time), times.At(1).(time.Time)
		path, window = "/api/v1/query_range", second.Sub(first)
		form.Set("start", unix(second))
		form.Set("end", unix(times.At(times.Len()-1).(time.Time).Add(window)))
		form.Set("step", fmt.Sprintf("%ds", int(window.Seconds())))
	} else {
		form.Set("time", unix(b.to))
	}
	terms := make([]string, len(p.minutes))
	for i, text := range p.minutes {
		terms[i] = fmt.Sprintf("label_set(%s,%q,\"%d\")", strings.ReplaceAll(text, "RANGE", fmt.Sprintf("%dm", int(window.Minutes()))), "part", i)
	}
	form.Set("query", "union("+strings.Join(terms, ",")+")")
	fastest := time.Hour
	var answer bytes.Buffer
	for range 2 {
		answer.Reset()
		began := time.Now()
		if err := post(t.Context(), b.url+path, []byte(form.Encode()), &answer); err != nil {
			t.Fatalf("%s on minutes: %v", p.name, err)
		}
		fastest = min(fastest, time.Since(began))
	}
	var found struct {
		Data struct {
			Result []struct {
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(answer.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, series := range found.Data.Result {
		for _, pair := range append(series.Values, series.Value) {
			if text, ok := pair[1].(string); ok {
				v, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatal(err)
				}
				sum += v
			}
		}
	}
	return fastest, sum
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
