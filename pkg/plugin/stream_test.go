package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
)

// door stands before a VictoriaMetrics: it counts who passes, and can be shut.
type door struct {
	url    string
	passed atomic.Int64
	shut   atomic.Bool
}

func newDoor(t *testing.T, to string) *door {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.passed.Add(1)
		if d.shut.Load() {
			http.Error(w, "shut", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

// live returns a data source that polls quickly, some minutes after the minute in which the bytes are.
func live(t *testing.T, settings backend.DataSourceInstanceSettings) *Datasource {
	t.Helper()
	d := newDatasource(t, settings)
	now := minute().Add(5 * time.Minute)
	d.now = func() time.Time { return now }
	d.pollEvery = 20 * time.Millisecond
	return d
}

// tenMinutes asks as a panel does whose range of ten minutes ends now.
func tenMinutes(refID, model string) backend.DataQuery {
	to := minute().Add(5 * time.Minute)
	return backend.DataQuery{RefID: refID, JSON: []byte(model), TimeRange: backend.TimeRange{From: to.Add(-10 * time.Minute), To: to}}
}

// offered returns the answer to a live query, and what it says of how to follow it, nil for nothing.
func offered(t *testing.T, d *Datasource, headers map[string]string, query backend.DataQuery) (backend.DataResponse, *subscription) {
	t.Helper()
	answer, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Headers: headers, Queries: []backend.DataQuery{query}})
	if err != nil {
		t.Fatal(err)
	}
	response := answer.Responses[query.RefID]
	if len(response.Frames) == 0 || response.Frames[0].Meta.Custom == nil {
		return response, nil
	}
	// As the front end gets it.
	text, err := json.Marshal(response.Frames[0].Meta.Custom)
	if err != nil {
		t.Fatal(err)
	}
	var custom struct{ Live *subscription }
	if err := json.Unmarshal(text, &custom); err != nil {
		t.Fatal(err)
	}
	return response, custom.Live
}

// forge returns the path and the data by which somebody who knows the source code would subscribe.
func forge(t *testing.T, q question) *backend.SubscribeStreamRequest {
	t.Helper()
	s, err := newSubscription(q)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return &backend.SubscribeStreamRequest{Path: s.Path, Data: text}
}

// total returns the first number of a message, or the error in it.
func total(t *testing.T, message []byte) (float64, string) {
	t.Helper()
	var failure struct{ Error string }
	if err := json.Unmarshal(message, &failure); err != nil {
		t.Fatalf("%s: %v", message, err)
	}
	if failure.Error != "" {
		return 0, failure.Error
	}
	var frame data.Frame
	if err := json.Unmarshal(message, &frame); err != nil {
		t.Fatalf("%s: %v", message, err)
	}
	return *frame.Fields[0].At(0).(*float64), ""
}

// bytesOf returns a line for VictoriaMetrics: bytes of acme in the minute.
func bytesOf(bytes, k int) string {
	m := measure.Get(measure.Traffic)
	family, _ := m.FamilyWith()
	return fmt.Sprintf("%s{org=\"acme\",collector=\"a\",direction=\"playout\",protocol=\"hls\"} %d %d\n",
		m.Metric(family, measure.Minute), bytes, minute().UnixMilli()+int64(k))
}

func TestLiveQueries(t *testing.T) {
	server := start(t, vmtest.DefaultFlags...)
	acme := live(t, instanceSettings(server, "acme", tenant.Default))
	away := live(t, instanceSettings("http://127.0.0.1:1", "acme", tenant.Default))
	long := make([]string, 200)
	for i := range long {
		long[i] = fmt.Sprintf("%q", fmt.Sprintf("%0100d", i))
	}
	wide := tenMinutes("A", `{"queryType":"usageOverview","live":true}`)
	wide.TimeRange.From = wide.TimeRange.To.Add(-7 * time.Hour)
	tests := []struct {
		name    string
		source  *Datasource
		headers map[string]string
		query   backend.DataQuery
		offered bool
		failed  bool
		notice  string
	}{
		{"live", acme, nil, tenMinutes("A", `{"queryType":"usageOverview","live":true}`), true, false, ""},
		{"not live", acme, nil, tenMinutes("A", `{"queryType":"usageOverview"}`), false, false, ""},
		{"switched off", acme, nil, tenMinutes("A", `{"queryType":"usageOverview","live":false}`), false, false, ""},
		{"an alert rule", acme, map[string]string{"http_" + backend.FromAlertHeaderName: "true"}, tenMinutes("A", `{"queryType":"usageOverview","live":true}`), false, false, ""},
		{"a long range", acme, nil, wide, false, false, "Does not update by itself: ranges of up to 6 hours can."},
		{"long filters", acme, nil, tenMinutes("A", `{"queryType":"usageByStream","live":true,"stream":[`+strings.Join(long, ",")+`]}`), false, false,
			"Does not update by itself: its filters are too long, with more than 16384 bytes."},
		{"a premium widget", acme, nil, tenMinutes("A", `{"queryType":"bufferingRatio","live":true}`), false, true, ""},
		{"a bad query", acme, nil, tenMinutes("A", `{"queryType":"nonsense","live":true}`), false, true, ""},
		{"VictoriaMetrics away", away, nil, tenMinutes("A", `{"queryType":"usageOverview","live":true}`), true, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, s := offered(t, tt.source, tt.headers, tt.query)
			if (response.Error != nil) != tt.failed || (s != nil) != tt.offered {
				t.Fatalf("got %+v, %v", response, s)
			}
			if s != nil && (response.Frames[0].RefID != "A" || len(s.Path) > 100 || s.Question.Minutes != 10) {
				t.Errorf("got %+v", s)
			}
			if tt.notice != "" {
				if notices := response.Frames[0].Meta.Notices; len(notices) == 0 || notices[len(notices)-1].Text != tt.notice {
					t.Errorf("notices %v", notices)
				}
			}
		})
	}
}

// TestOneChannelPerQuestion has viewers whose panels ask the same in other words.
func TestOneChannelPerQuestion(t *testing.T) {
	d := live(t, instanceSettings(start(t, vmtest.DefaultFlags...), "acme", tenant.Premium))
	path := func(refID, model string, extra time.Duration) string {
		query := tenMinutes(refID, model)
		query.TimeRange.From = query.TimeRange.From.Add(-extra)
		_, s := offered(t, d, nil, query)
		if s == nil {
			t.Fatalf("%s: cannot be followed", model)
		}
		return s.Path
	}
	first := path("A", `{"queryType":"usageOverview","live":true,"country":["DE","FR"],"stream":["s"]}`, 0)
	for name, same := range map[string]string{
		"another panel":    path("B", `{"queryType":"usageOverview","live":true,"country":["DE","FR"],"stream":["s"],"intervalMs":1000}`, 0),
		"another order":    path("A", `{"stream":["s"],"country":["FR","DE","FR"],"live":true,"queryType":"usageOverview"}`, 0),
		"a little longer":  path("A", `{"queryType":"usageOverview","live":true,"country":["DE","FR"],"stream":["s"]}`, time.Millisecond),
		"a little shorter": path("A", `{"queryType":"usageOverview","live":true,"country":["DE","FR"],"stream":["s"]}`, -time.Millisecond),
	} {
		if same != first {
			t.Errorf("%s: another channel", name)
		}
	}
	for name, other := range map[string]string{
		"another filter":  path("A", `{"queryType":"usageOverview","live":true,"country":["DE"],"stream":["s"]}`, 0),
		"no filter":       path("A", `{"queryType":"usageOverview","live":true}`, 0),
		"another kind":    path("A", `{"queryType":"usageOverview","live":true,"stream":["DE","FR"],"country":["s"]}`, 0),
		"another widget":  path("A", `{"queryType":"concurrentViewers","live":true,"country":["DE","FR"],"stream":["s"]}`, 0),
		"another range":   path("A", `{"queryType":"usageOverview","live":true,"country":["DE","FR"],"stream":["s"]}`, time.Minute),
		"another form":    path("A", `{"queryType":"usageOverview","live":true,"form":"series","country":["DE","FR"],"stream":["s"]}`, 0),
		"a longer filter": path("A", `{"queryType":"usageOverview","live":true,"country":["DE","FR","s"]}`, 0),
	} {
		if other == first {
			t.Errorf("%s: the same channel", name)
		}
	}
}

// TestForgedChannels has subscribers who make paths and questions by hand.
func TestForgedChannels(t *testing.T) {
	server := start(t, vmtest.DefaultFlags...)
	acme := live(t, instanceSettings(server, "acme", tenant.Premium))
	small := live(t, instanceSettings(server, "small", tenant.Default))
	away := live(t, instanceSettings("http://127.0.0.1:1", "acme", tenant.Default))
	broken := live(t, instanceSettings("", "acme", tenant.Premium))
	confined := instanceSettings(server, "acme", tenant.Premium)
	confined.JSONData = []byte(fmt.Sprintf(`{"url":%q,"organization":"acme","level":"premium","fixedFilters":{"stream":["none"]}}`, server))
	usage := forge(t, newQuestion(widget.Query{QueryType: "usageOverview"}, 10*time.Minute))
	with := func(path, data string) *backend.SubscribeStreamRequest {
		return &backend.SubscribeStreamRequest{Path: path, Data: []byte(data)}
	}
	query := func(q widget.Query) *backend.SubscribeStreamRequest { return forge(t, newQuestion(q, 10*time.Minute)) }
	const (
		ok        = backend.SubscribeStreamStatusOK
		notFound  = backend.SubscribeStreamStatusNotFound
		forbidden = backend.SubscribeStreamStatusPermissionDenied
	)
	tests := []struct {
		name    string
		source  *Datasource
		request *backend.SubscribeStreamRequest
		status  backend.SubscribeStreamStatus
		bytes   float64
		failure string
	}{
		{"as offered", acme, usage, ok, 42, ""},
		{"in another organisation", small, usage, ok, 0, ""},
		{"where fixed filters hold", live(t, confined), usage, ok, 0, ""},
		{"names of other organisations", small, with(usage.Path, strings.Replace(string(usage.Data), `{"query":{`, `{"org":"acme","organization":"acme","query":{"org":"acme","extra_label":"org=acme",`, 1)), ok, 0, ""},
		{"a filter that is a selector", small, query(widget.Query{QueryType: "usageOverview", Stream: []string{`x"} or {org="acme`, `.*`}}), ok, 0, ""},
		{"no data", acme, with(usage.Path, ``), notFound, 0, ""},
		{"broken data", acme, with(usage.Path, `{"query":`), notFound, 0, ""},
		{"data of another kind", acme, with(usage.Path, `[1]`), notFound, 0, ""},
		{"the path of another question", acme, with(usage.Path, string(query(widget.Query{QueryType: "usageByStream"}).Data)), notFound, 0, ""},
		{"a filter taken away", acme, with(query(widget.Query{QueryType: "usageOverview", Stream: []string{"s"}}).Path, string(usage.Data)), notFound, 0, ""},
		{"another path", acme, with("live/../"+usage.Path, string(usage.Data)), notFound, 0, ""},
		{"no hash", acme, with("live/", string(usage.Data)), notFound, 0, ""},
		{"no path", acme, with("", string(usage.Data)), notFound, 0, ""},
		{"a long path", acme, with("live/"+strings.Repeat("A", 10_000), string(usage.Data)), notFound, 0, ""},
		{"an unknown widget", acme, query(widget.Query{QueryType: "nonsense"}), notFound, 0, ""},
		{"an unknown filter", acme, query(widget.Query{QueryType: "usageOverview", Referrer: []string{"x"}}), notFound, 0, ""},
		{"a premium widget", small, query(widget.Query{QueryType: "statusCodes"}), forbidden, 0, ""},
		{"no range", acme, with(usage.Path, strings.Replace(string(usage.Data), `"minutes":10`, `"minutes":0`, 1)), notFound, 0, ""},
		{"a range into the future", acme, with(usage.Path, strings.Replace(string(usage.Data), `"minutes":10`, `"minutes":-10`, 1)), notFound, 0, ""},
		{"a range that overflows", acme, with(usage.Path, strings.Replace(string(usage.Data), `"minutes":10`, `"minutes":9223372036854775807`, 1)), notFound, 0, ""},
		{"a long range", acme, with(usage.Path, strings.Replace(string(usage.Data), `"minutes":10`, `"minutes":361`, 1)), notFound, 0, ""},
		{"a long question", acme, with(usage.Path, `{"query":{"stream":["`+strings.Repeat("a", 40_000)+`"]}}`), notFound, 0, ""},
		{"wrong settings", broken, usage, notFound, 0, ""},
		{"VictoriaMetrics away", away, usage, ok, 0, "VictoriaMetrics cannot be reached: connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.source.SubscribeStream(t.Context(), tt.request)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != tt.status || (got.InitialData != nil) != (tt.status == ok) {
				t.Fatalf("got %+v", got)
			}
			if tt.status == ok {
				if bytes, failure := total(t, got.InitialData.Data()); bytes != tt.bytes || failure != tt.failure {
					t.Errorf("got %v %s", bytes, failure)
				}
				return
			}
			run := &backend.RunStreamRequest{Path: tt.request.Path, Data: tt.request.Data}
			if _, err := readQuestion(run.Path, run.Data); err != nil {
				if got := tt.source.RunStream(t.Context(), run, backend.NewStreamSender(packets(make(chan []byte)))); got == nil {
					t.Error("the stream runs nevertheless")
				}
			}
		})
	}
	t.Run("nobody publishes", func(t *testing.T) {
		got, err := acme.PublishStream(t.Context(), &backend.PublishStreamRequest{Path: usage.Path, Data: usage.Data})
		if err != nil || got.Status != backend.PublishStreamStatusPermissionDenied {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// packets are what a stream has sent.
type packets chan []byte

func (p packets) Send(packet *backend.StreamPacket) error {
	p <- packet.Data
	return nil
}

// until returns when the stream has sent what is wanted, and fails if it does not.
func (p packets) until(t *testing.T, bytes float64, failure string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case message := <-p:
			if got, why := total(t, message); got == bytes && strings.HasPrefix(why, failure) && (why == "") == (failure == "") {
				return
			}
		case <-deadline:
			t.Fatalf("the stream never sent %v %s", bytes, failure)
		}
	}
}

// TestStream has a VictoriaMetrics that learns something, goes away and comes back, and a data source that is changed.
func TestStream(t *testing.T) {
	server := start(t, vmtest.DefaultFlags...)
	between := newDoor(t, server)
	d := live(t, instanceSettings(between.url, "acme", tenant.Default))
	request := forge(t, newQuestion(widget.Query{QueryType: "usageOverview"}, 10*time.Minute))
	run := func(ctx context.Context) (packets, <-chan error) {
		sent, ended := make(packets, 1000), make(chan error, 1)
		go func() {
			ended <- d.RunStream(ctx, &backend.RunStreamRequest{Path: request.Path, Data: request.Data}, backend.NewStreamSender(sent))
		}()
		return sent, ended
	}
	ctx, leave := context.WithCancel(t.Context())
	sent, ended := run(ctx)
	sent.until(t, 42, "")
	vmtest.Import(t, server, bytesOf(58, 2))
	sent.until(t, 100, "")
	between.shut.Store(true)
	sent.until(t, 0, "VictoriaMetrics answered with status 503")
	between.shut.Store(false)
	sent.until(t, 100, "")

	leave()
	if err := <-ended; err != nil {
		t.Errorf("a stream that nobody follows any more ended with %v", err)
	}
	passed := between.passed.Load()
	time.Sleep(10 * d.pollEvery)
	if more := between.passed.Load() - passed; more != 0 {
		t.Errorf("it asked %d times more", more)
	}

	sent, ended = run(t.Context())
	sent.until(t, 100, "")
	d.Dispose()
	if err := <-ended; !errors.Is(err, errReplaced) {
		t.Errorf("a stream of a data source that has changed ended with %v", err)
	}
}

// TestManySubscribers has a hundred who come at once: their first answers are asked for once a second at most.
func TestManySubscribers(t *testing.T) {
	between := newDoor(t, start(t, vmtest.DefaultFlags...))
	d := live(t, instanceSettings(between.url, "acme", tenant.Default))
	request := forge(t, newQuestion(widget.Query{QueryType: "usageOverview"}, 10*time.Minute))
	subscribe := func() {
		got, err := d.SubscribeStream(t.Context(), request)
		if err != nil || got.Status != backend.SubscribeStreamStatusOK {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	subscribe()
	time.Sleep(1100 * time.Millisecond) // what the first asked for is kept no longer
	before, begun := between.passed.Load(), time.Now()
	subscribe()
	each := between.passed.Load() - before
	for range 99 {
		subscribe()
	}
	seconds := int64(time.Since(begun)/time.Second) + 1
	if asked := between.passed.Load() - before; each == 0 || asked > each*seconds {
		t.Errorf("100 subscribers asked %d times in %d s, and one asks %d times", asked, seconds, each)
	}
}

// FuzzQuestion reads what subscribers send along: what is taken has the path of what is asked.
func FuzzQuestion(f *testing.F) {
	f.Add(`{"query":{"queryType":"usageOverview","country":["FR","DE"]},"minutes":10}`)
	f.Add(`{"query":{"queryType":"x","QueryType":"y","refId":"\u0000","stream":[""]},"minutes":1e2}`)
	f.Add(`{"query":null,"minutes":-1}`)
	f.Fuzz(func(t *testing.T, sent string) {
		if _, err := readQuestion("live/", []byte(sent)); err == nil {
			t.Fatal("a question without a hash is taken")
		}
		var q question
		if err := json.Unmarshal([]byte(sent), &q); err != nil {
			return
		}
		s, err := newSubscription(newQuestion(q.Query, q.length()))
		if err != nil || q.Minutes < 1 || q.Minutes > 360 || len(sent) > maxQuestion {
			return
		}
		again, err := readQuestion(s.Path, []byte(sent))
		if err != nil {
			t.Fatalf("%q is refused: %v", sent, err)
		}
		if twice, err := newSubscription(again); err != nil || twice.Path != s.Path || again.Query.RefID != "" {
			t.Errorf("%q is taken as %+v", sent, again)
		}
	})
}
