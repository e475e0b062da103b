package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/useragent"
)

// store keeps what the pipeline writes.
type store struct {
	mu   sync.Mutex
	text strings.Builder
	// discard keeps nothing.
	discard bool
}

func (s *store) Write(_ context.Context, samples []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.discard {
		s.text.Write(samples)
	}
	return nil
}

func (s *store) Started(context.Context) (int64, error) { return 0, nil }

type collector struct {
	*httptest.Server
	store    *store
	server   *Server
	pipeline *ingest.Pipeline
	stop     func() // ends the pipeline, so that everything is in store
}

// documentation says that the viewers of tests, who come from networks of documentation, are in a country.
func documentation(country string) geoip.Source {
	return geoip.Source{Networks: []geoip.Network{{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Place: geoip.Place{Country: country}}}}
}

// TestViewer holds that a viewer's place is looked up before the address is taken away.
func TestViewer(t *testing.T) {
	c := start(t, func(o *tenant.Organization) { o.Privacy.IP = tenant.IPOff })
	place := geoip.Place{Country: "DE", Region: "DE-BY", ASN: 64500, Operator: "Netz"}
	if err := c.server.Places.Replace(geoip.Source{Networks: []geoip.Network{{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Place: place}}}); err != nil {
		t.Fatal(err)
	}
	o, _ := c.server.Directory.Organization("acme")
	request := httptest.NewRequest(http.MethodPost, "/v1/events", nil)
	request.RemoteAddr = "203.0.113.7:1234"
	v := c.server.viewer(request, o, "live", "", time.Now().UnixMilli())
	if got := (geoip.Place{Country: v.Country, Region: v.Region, ASN: v.ASN, Operator: v.Operator}); got != place || v.Address != "" {
		t.Errorf("viewer %+v, want the place %+v and no address", v, place)
	}
}

func start(t testing.TB, change func(*tenant.Organization)) *collector {
	t.Helper()
	return startWith(t, change, nil)
}

// startWith is start with other options of the pipeline.
func startWith(t testing.TB, change func(*tenant.Organization), options func(*ingest.Options)) *collector {
	t.Helper()
	// Tests expect what they send in one minute.
	if left := time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)); left < 3*time.Second {
		time.Sleep(left)
	}
	acme := tenant.NewOrganization("acme")
	acme.SecretKey = "sk_acme"
	acme.Accounts = []tenant.Account{{ID: "acme", Key: "pk_acme"}, {ID: "site", Key: "pk_site", Origins: []string{"https://site.example"}}}
	if change != nil {
		change(&acme)
	}
	directory, err := tenant.NewDirectory([]tenant.Organization{acme})
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	places, err := geoip.Open(documentation("DE"), "", logger)
	if err != nil {
		t.Fatal(err)
	}
	userAgents, err := useragent.NewAgents(useragent.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	stored := &store{}
	o := ingest.Options{
		Dir: t.TempDir(), Collector: "c", Target: stored, Limits: directory.Limits, Judgement: directory.Judgement, MaxBytes: 1 << 30, Clock: time.Now, Logger: logger,
	}
	if options != nil {
		options(&o)
	}
	pipeline, err := ingest.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	served := &Server{
		Directory:      directory,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Places:         places,
		UserAgents:     userAgents,
		Pipeline:       pipeline,
		BlockLists:     blocklist.NewStore(o.Dir),
		MaxUsageAge:    func() time.Duration { return 400 * 24 * time.Hour },
		Ready:          func(context.Context) error { return nil },
		Clock:          time.Now,
		Logger:         logger,
	}
	handler, err := served.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(context.Background())
	return &collector{server, stored, served, pipeline, func() {
		cancel()
		if err := pipeline.Run(ctx); err != nil {
			t.Error(err)
		}
	}}
}

// post sends a body and returns status and answer.
func (c *collector) post(t *testing.T, path, body string, headers ...string) (int, answered) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	a := answered{header: response.Header}
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		t.Fatalf("the answer is no JSON: %v", err)
	}
	return response.StatusCode, a
}

type answered struct {
	Accepted int
	Rejected []struct{ Error, Field string }
	Error    string
	Field    string
	header   http.Header
}

// recently is the middle of the minute before this one, in ms since 1970, so that no span crosses a minute.
func recently() string {
	return fmt.Sprint(time.Now().Truncate(time.Minute).Add(-30 * time.Second).UnixMilli())
}

// envelope returns a body with the events; changes are pairs of old and new text.
func envelope(events string, changes ...string) string {
	body := `{"accountId":"acme","accountKey":"pk_acme","client":{"kind":"h5live","version":"4.22.0"},"sessionId":"s1",` +
		`"stream":"live","interval":10,"events":[` + events + `]}`
	return strings.NewReplacer(append(changes, "NOW", recently())...).Replace(body)
}

const (
	loadEvent  = `{"seq":1,"ts":NOW,"type":"load"}`
	startEvent = `{"seq":2,"ts":NOW,"type":"start","startTime":0.84}`
)

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func TestRefusedRequests(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	many := strings.TrimSuffix(strings.Repeat(loadEvent+",", 10_000), ",")
	tests := []struct {
		name    string
		body    string
		headers []string
		status  int
		field   string // of the error
		error   string // part of it
	}{
		{"unknown account", envelope(loadEvent, `"accountId":"acme"`, `"accountId":"other"`), nil, 401, "", "unknown account"},
		{"wrong key", envelope(loadEvent, "pk_acme", "pk_wrong"), nil, 401, "", "key"},
		{"no origin where one is needed", envelope(loadEvent, `"accountId":"acme"`, `"accountId":"site"`, "pk_acme", "pk_site"), nil, 403, "", "origin"},
		{"foreign origin", envelope(loadEvent, `"accountId":"acme"`, `"accountId":"site"`, "pk_acme", "pk_site"), []string{"Origin", "https://evil.example"}, 403, "", "origin"},
		{"10 MB", strings.Repeat(" ", 10<<20), nil, 413, "", "at most"},
		{"10 MB in a small gzip", zipped(strings.Repeat(" ", 10<<20)), []string{"Content-Encoding", "gzip"}, 413, "", "at most"},
		{"broken gzip", zipped(envelope(loadEvent))[:40], []string{"Content-Encoding", "gzip"}, 400, "", "gzip"},
		{"no gzip at all", envelope(loadEvent), []string{"Content-Encoding", "gzip"}, 400, "", "gzip"},
		{"unknown encoding", envelope(loadEvent), []string{"Content-Encoding", "br"}, 415, "", "encoding"},
		{"unknown media type", envelope(loadEvent), []string{"Content-Type", "application/xml"}, 415, "", "content type"},
		{"truncated JSON", envelope(loadEvent)[:100], nil, 400, "", "JSON"},
		{"no body", "", nil, 400, "", "JSON"},
		{"an array", "[]", nil, 400, "", "object"},
		{"stream name of 10,000 bytes", envelope(loadEvent, `"live"`, `"`+long+`"`), nil, 400, "stream", "128 bytes"},
		{"stream name with a line feed", envelope(loadEvent, `"live"`, `"a\nb"`), nil, 400, "stream", "control"},
		{"stream name that is no text", envelope(loadEvent, `"live"`, `7`), nil, 400, "stream", "string"},
		{"no stream", envelope(loadEvent, `"stream":"live",`, ``), nil, 400, "stream", "missing"},
		{"no client kind", envelope(loadEvent, `"kind":"h5live",`, ``), nil, 400, "client.kind", "missing"},
		{"interval of a day", envelope(loadEvent, `"interval":10`, `"interval":86400`), nil, 400, "interval", "at most 60"},
		{"sentAt in seconds", envelope(loadEvent, `"interval":10`, `"interval":10,"sentAt":1795907010`), nil, 400, "sentAt", "in milliseconds since 1970, not in seconds"},
		{"no events", envelope(""), nil, 400, "events", "empty"},
		{"10,000 events", envelope(many), nil, 413, "events", "at most 1000"},
		{"ts in seconds", envelope(loadEvent, "NOW", "1795907010"), nil, 400, "events[0].ts", "in milliseconds since 1970, not in seconds"},
		{"only bad events", envelope(`{"seq":1,"ts":NOW,"type":"x"},{"seq":2}`), nil, 400, "events[0].type", "type of an event"},
	}
	c := start(t, nil)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, a := c.post(t, "/v1/events", test.body, test.headers...)
			if status != test.status || a.Field != test.field || !strings.Contains(a.Error, test.error) {
				t.Errorf("answered %d, %q, field %q; want %d, …%q…, field %q", status, a.Error, a.Field, test.status, test.error, test.field)
			}
		})
	}
	c.stop()
	if stored := c.store.text.String(); stored != "" {
		t.Errorf("refused requests changed\n%s", stored)
	}
}

func TestBadEventsAmongGoodOnes(t *testing.T) {
	tests := []struct {
		name  string
		event string
		field string
	}{
		{"unknown type", `{"seq":9,"ts":NOW,"type":"explode"}`, "type"},
		{"no type", `{"seq":9,"ts":NOW}`, "type"},
		{"no object", `7`, ""},
		{"no ts", `{"seq":9,"type":"load"}`, "ts"},
		{"ts that is not whole", `{"seq":9,"ts":1763800000000.5,"type":"load"}`, "ts"},
		{"ts as text", `{"seq":9,"ts":"NOW","type":"load"}`, "ts"},
		{"ts in 1970", `{"seq":9,"ts":1000,"type":"load"}`, "ts"},
		{"ts in 2100", `{"seq":9,"ts":4102444800000,"type":"load"}`, "ts"},
		{"absurd ts", `{"seq":9,"ts":1e300,"type":"load"}`, "ts"},
		{"no seq", `{"ts":NOW,"type":"load"}`, "seq"},
		{"seq 0", `{"seq":0,"ts":NOW,"type":"load"}`, "seq"},
		{"seq that is not whole", `{"seq":1.5,"ts":NOW,"type":"load"}`, "seq"},
		{"absurd seq", `{"seq":99999999999,"ts":NOW,"type":"load"}`, "seq"},
		{"negative number", `{"seq":9,"ts":NOW,"type":"stats","playing":-1}`, "playing"},
		{"absurd number", `{"seq":9,"ts":NOW,"type":"stats","playing":1e12}`, "playing"},
		{"NaN", `{"seq":9,"ts":NOW,"type":"stats","latency":NaN}`, "latency"},
		{"number as text", `{"seq":9,"ts":NOW,"type":"stats","bufferLength":"1"}`, "bufferLength"},
		{"bitrate of a terabit", `{"seq":9,"ts":NOW,"type":"stats","videoBitrate":1e12}`, "videoBitrate"},
		{"status without code", `{"seq":9,"ts":NOW,"type":"status"}`, "code"},
		{"code that is not whole", `{"seq":9,"ts":NOW,"type":"status","code":1.5}`, "code"},
		{"fatal as number", `{"seq":9,"ts":NOW,"type":"status","code":1,"fatal":1}`, "fatal"},
		{"stop without reason", `{"seq":9,"ts":NOW,"type":"stop"}`, "reason"},
		{"reason of 65 bytes", `{"seq":9,"ts":NOW,"type":"stop","reason":"` + strings.Repeat("r", 65) + `"}`, "reason"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, nil)
			status, a := c.post(t, "/v1/events", envelope(loadEvent+","+test.event+","+startEvent))
			if status != 202 || a.Accepted != 2 || len(a.Rejected) != 1 {
				t.Fatalf("answered %d %+v, want 202 with 2 accepted and 1 rejected", status, a)
			}
			if want := strings.TrimSuffix("events[1]."+test.field, "."); a.Rejected[0].Field != want || a.Rejected[0].Error == "" {
				t.Errorf("rejected %+v, want the field %s", a.Rejected[0], want)
			}
			c.stop()
			for _, want := range []string{"streamlens_loads_1m{", "streamlens_plays_1m{"} {
				if !strings.Contains(c.store.text.String(), want) {
					t.Errorf("the good events around are lost: no %s", want)
				}
			}
			if strings.Contains(c.store.text.String(), "playing") || strings.Contains(c.store.text.String(), "stops") {
				t.Errorf("the bad event counts:\n%s", c.store.text.String())
			}
		})
	}
}

func TestEventsAreEnriched(t *testing.T) {
	c := start(t, nil)
	agent := "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	status, a := c.post(t, "/v1/events", zipped(envelope(loadEvent+","+startEvent+","+`{"seq":3,"ts":NOW,"type":"stats","playing":2}`)),
		"Content-Encoding", "gzip", "Referer", "https://Site.example:8443/watch?v=1",
		"Content-Type", "text/plain;charset=UTF-8", "X-Forwarded-For", "198.51.100.1, 203.0.113.7", "User-Agent", agent)
	if status != 202 || a.Accepted != 3 {
		t.Fatalf("answered %d %+v", status, a)
	}
	if got := a.header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin is %q, so no page can read the answer", got)
	}
	c.stop()
	for _, want := range []string{
		`streamlens_plays_by_stream_country_1m{org="acme",collector="c",stream="live",country="DE"} 1 `,
		`streamlens_plays_os_1m{org="acme",collector="c",os="Windows",device="desktop"} 1 `,
		`streamlens_plays_browser_1h{org="acme",collector="c",browser="Firefox"} 1 `,
		`streamlens_plays_version_1m{org="acme",collector="c",version="h5live 4.22.0"} 1 `,
		`streamlens_playing_ip_ms_by_stream_country_1h{org="acme",collector="c",stream="live",country="DE",direction="playout",ip="203.0.113.7"} 2000 `,
		`streamlens_playing_referrer_ms_by_stream_country_1h{org="acme",collector="c",stream="live",country="DE",referrer="site.example"} 2000 `,
	} {
		if !strings.Contains(c.store.text.String(), want) {
			t.Errorf("%s is missing in\n%s", want, c.store.text.String())
		}
	}
}

// TestAgentThatWaitsIsToldWithTheNextReport posts a play while the organisation has had too many new user agents.
func TestAgentThatWaitsIsToldWithTheNextReport(t *testing.T) {
	c := start(t, nil)
	plenty := c.server.UserAgents
	var err error
	if c.server.UserAgents, err = useragent.NewAgents(useragent.Limits{Remembered: 1, Burst: 1}); err != nil {
		t.Fatal(err)
	}
	c.server.UserAgents.Look("acme", useragent.Headers{UserAgent: "another"})
	post := func(events string) {
		t.Helper()
		if status, a := c.post(t, "/v1/events", envelope(events), "User-Agent", "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36"); status != 202 {
			t.Fatalf("answered %d %+v", status, a)
		}
	}
	post(loadEvent + "," + startEvent)
	if got := c.server.UserAgents.Waited(); got != 1 {
		t.Fatalf("%d user agents wait, want 1", got)
	}
	c.server.UserAgents = plenty
	post(`{"seq":3,"ts":NOW,"type":"stats","playing":2}`)
	c.stop()
	for _, want := range []string{
		`streamlens_plays_1m{org="acme",collector="c"} 1 `,
		`streamlens_plays_os_1m{org="acme",collector="c",os="webOS",device="tv"} 1 `,
		`streamlens_plays_browser_1m{org="acme",collector="c",browser="Chrome"} 1 `,
	} {
		if !strings.Contains(c.store.text.String(), want) {
			t.Errorf("%s is missing in\n%s", want, c.store.text.String())
		}
	}
	if strings.Contains(c.store.text.String(), useragent.Unknown) {
		t.Errorf("a play has no agent:\n%s", c.store.text.String())
	}
}

func TestRepeatedEventsAreAcceptedAndCountOnce(t *testing.T) {
	c := start(t, nil)
	for range 3 {
		if status, a := c.post(t, "/v1/events", envelope(loadEvent+","+startEvent)); status != 202 || a.Accepted != 2 {
			t.Fatalf("answered %d %+v", status, a)
		}
	}
	c.stop()
	if want := `streamlens_loads_1m{org="acme",collector="c"} 1 `; !strings.Contains(c.store.text.String(), want) {
		t.Errorf("%s is missing in\n%s", want, c.store.text.String())
	}
}

func TestUsage(t *testing.T) {
	good := `{"ts":NOW,"stream":"live","direction":"playout","protocol":"HLS","bytes":812345,"ip":"203.0.113.9"}`
	tests := []struct {
		name     string
		line     string
		rejected string // field, "" if the line is good
	}{
		{"good", good, ""},
		{"without an address", strings.Replace(good, `,"ip":"203.0.113.9"`, "", 1), ""},
		{"no bytes", strings.Replace(good, `,"bytes":812345`, "", 1), "line[2].bytes"},
		{"negative bytes", strings.Replace(good, "812345", "-1", 1), "line[2].bytes"},
		{"half a byte", strings.Replace(good, "812345", "0.5", 1), "line[2].bytes"},
		{"unknown direction", strings.Replace(good, "playout", "sideways", 1), "line[2].direction"},
		{"no protocol", strings.Replace(good, `"protocol":"HLS",`, "", 1), "line[2].protocol"},
		{"in the future", strings.Replace(good, "NOW", "4102444800000", 1), "line[2].ts"},
		{"older than the retention", strings.Replace(good, "NOW", "1000", 1), "line[2].ts"},
		{"no address", strings.Replace(good, "203.0.113.9", "somewhere", 1), "line[2].ip"},
		{"no JSON", "stream=live", "line[2]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, nil)
			body := strings.ReplaceAll(good+"\n"+test.line+"\n\n"+good+"\n", "NOW", recently())
			status, a := c.post(t, "/v1/usage", body, "Authorization", "Bearer sk_acme")
			want := 3
			if test.rejected != "" {
				want = 2
				if len(a.Rejected) != 1 || a.Rejected[0].Field != test.rejected {
					t.Errorf("rejected %+v, want %s", a.Rejected, test.rejected)
				}
			}
			if status != 202 || a.Accepted != want {
				t.Errorf("answered %d, %d accepted; want 202, %d", status, a.Accepted, want)
			}
		})
	}
}

func TestUsageNeedsTheSecretKey(t *testing.T) {
	c := start(t, nil)
	for _, key := range []string{"", "Bearer ", "Bearer pk_acme", "Bearer sk_wrong", "sk_wrong"} {
		if status, a := c.post(t, "/v1/usage", "{}", "Authorization", key); status != 401 || a.Error == "" {
			t.Errorf("with %q it answers %d %q, want 401", key, status, a.Error)
		}
	}
}

func TestUsageWithTheSameIDCountsOnce(t *testing.T) {
	c := start(t, nil)
	line := fmt.Sprintf(`{"ts":%d,"stream":"live","direction":"ingest","protocol":"rtmp","bytes":5,"id":"a"}`, time.Now().UnixMilli())
	for range 2 {
		if status, a := c.post(t, "/v1/usage", line, "Authorization", "Bearer sk_acme"); status != 202 || a.Accepted != 1 {
			t.Fatalf("answered %d %+v", status, a)
		}
	}
	c.stop()
	if want := `streamlens_traffic_bytes_1m{org="acme",collector="c",direction="ingest",protocol="rtmp"} 5 `; !strings.Contains(c.store.text.String(), want) {
		t.Errorf("%s is missing in\n%s", want, c.store.text.String())
	}
}

func TestLimits(t *testing.T) {
	t.Run("streams", func(t *testing.T) {
		c := start(t, func(o *tenant.Organization) { o.Limits.Streams = 2 })
		for i, want := range []int{202, 202, 429} {
			session := fmt.Sprintf(`"s%d"`, i)
			status, a := c.post(t, "/v1/events", envelope(loadEvent, `"live"`, fmt.Sprintf(`"live%d"`, i), `"s1"`, session))
			if status != want || (want == 429) != (a.header.Get("Retry-After") != "") {
				t.Errorf("stream %d answers %d, Retry-After %q; want %d", i, status, a.header.Get("Retry-After"), want)
			}
		}
	})
	t.Run("events per second", func(t *testing.T) {
		c := start(t, func(o *tenant.Organization) { o.Limits.EventsPerSecond = 1 })
		body := envelope(strings.TrimSuffix(strings.Repeat(loadEvent+",", 600), ","))
		if status, _ := c.post(t, "/v1/events", body); status != 202 {
			t.Errorf("the first batch answers %d, want 202", status)
		}
		if status, a := c.post(t, "/v1/events", body); status != 429 || a.header.Get("Retry-After") == "" {
			t.Errorf("the second batch answers %d, Retry-After %q; want 429", status, a.header.Get("Retry-After"))
		}
	})
	t.Run("waiting samples", func(t *testing.T) {
		c := start(t, nil)
		c.pipeline.MaxBytes = 1
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.pipeline.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		time.Sleep(1500 * time.Millisecond) // one tick
		if status, a := c.post(t, "/v1/events", envelope(loadEvent)); status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("answers %d, Retry-After %q; want 503", status, a.header.Get("Retry-After"))
		}
	})
	t.Run("label values", func(t *testing.T) {
		c := start(t, nil)
		for batch := range 2 {
			var events []string
			for i := range 600 {
				seq := batch*600 + i + 1
				events = append(events, fmt.Sprintf(`{"seq":%d,"ts":NOW,"type":"status","code":%d}`, seq, seq))
			}
			if status, _ := c.post(t, "/v1/events", envelope(strings.Join(events, ","))); status != 202 {
				t.Fatalf("answers %d", status)
			}
		}
		c.stop()
		if want := `streamlens_statuses_1m{org="acme",collector="c",code="(other)",fatal="false"} 200 `; !strings.Contains(c.store.text.String(), want) {
			t.Errorf("the codes beyond 1,000 are not counted as %q", want)
		}
	})
}

func TestRefusalsAreCounted(t *testing.T) {
	c := start(t, nil)
	c.post(t, "/v1/events", envelope(loadEvent, "pk_acme", "pk_wrong"))
	c.post(t, "/v1/events", envelope(loadEvent+`,{"seq":0,"ts":NOW,"type":"load"},{"seq":2,"ts":1,"type":"load"}`))
	c.post(t, "/v1/nothing", "")
	response, err := http.Get(c.URL + "/metrics") //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`streamlens_collector_accepted_total 1`,
		`streamlens_collector_refused_total{reason="unauthorized"} 1`,
		`streamlens_collector_refused_total{reason="range"} 1`,
		`streamlens_collector_refused_total{reason="too_old"} 1`,
		`streamlens_collector_refused_total{reason="not_found"} 1`,
	} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

func TestPreflight(t *testing.T) {
	c := start(t, nil)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, c.URL+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "POST",
		"Access-Control-Allow-Headers": "Content-Type, Content-Encoding",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestAnswerWithoutReflection compares the answer to a batch that is all good with what JSON has for it.
func TestAnswerWithoutReflection(t *testing.T) {
	s := start(t, nil).server
	for _, good := range []int{0, 1, event.MaxEvents} {
		got, want := httptest.NewRecorder(), httptest.NewRecorder()
		if err := s.answerBatch(got, good, nil); err != nil {
			t.Fatal(err)
		}
		answer(want, http.StatusAccepted, accepted{Accepted: good})
		if got.Code != want.Code || got.Body.String() != want.Body.String() || !maps.EqualFunc(got.Header(), want.Header(), slices.Equal) {
			t.Errorf("%d: %d %v %q, want %d %v %q", good, got.Code, got.Header(), got.Body, want.Code, want.Header(), want.Body)
		}
	}
}
