package collector

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
)

// counting counts what is asked through it.
type counting struct {
	vm.Asker
	asked atomic.Int64
	fails bool
}

func (c *counting) Ask(ctx context.Context, q vm.Question) (vm.Answer, error) {
	c.asked.Add(1)
	if c.fails {
		return vm.Answer{}, &vm.UnreachableError{Err: context.DeadlineExceeded}
	}
	return c.Asker.Ask(ctx, q)
}

func (c *counting) Query(ctx context.Context, query string, at time.Time, filters vm.Filters) ([]vm.Series, error) {
	c.asked.Add(1)
	return c.Asker.Query(ctx, query, at, filters)
}

// startReading starts a collector, whose readers read a real VictoriaMetrics, with keys of several kinds.
func startReading(t *testing.T) (c *collector, asker *counting, database string) {
	t.Helper()
	database = vmtest.Start(t)
	client, err := Reader(config.Config{VictoriaMetrics: config.VictoriaMetrics{URL: database}}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	asker = &counting{Asker: client}
	c = start(t, func(o *tenant.Organization) {
		o.Level = tenant.Premium
		o.ReadKeys = []tenant.ReadKey{
			{Name: "all", Key: "rk_all", Level: tenant.Premium},
			{Name: "sums", Key: "rk_default", Origins: []string{"https://Wall.example:443"}},
			{Name: "a", Key: "rk_a", Level: tenant.Premium, Filters: map[string][]string{"stream": {"a"}}},
		}
		o.ViewerTokens = []tenant.ViewerToken{
			{Token: "vt_any"},
			{Token: "vt_a", Streams: []string{"a"}, Origins: []string{"https://site.example"}},
		}
	})
	c.server.reads.open = func(organization string) (Readers, error) {
		if organization != "acme" {
			return Readers{}, errors.New("another organisation is read")
		}
		return Readers{Sums: asker}, nil
	}
	return c, asker, database
}

// read is an answer whose body was read.
type read struct {
	StatusCode int
	Header     http.Header
}

// get asks the collector, with headers as pairs.
func (c *collector) get(t *testing.T, path string, headers ...string) (read, string) {
	t.Helper()
	return c.do(t, http.MethodGet, path, headers...)
}

func (c *collector) do(t *testing.T, method, path string, headers ...string) (read, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.URL+path, nil)
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
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return read{response.StatusCode, response.Header}, string(body)
}

const (
	readAll = "Bearer rk_all"
	auth    = "Authorization"
)

// importStreams writes what streams a and b of acme, and c of victim, had in every measure a day ago.
func importStreams(t *testing.T, database string) (from, to time.Time) {
	t.Helper()
	var lines strings.Builder
	to = time.Now().UTC().Truncate(time.Hour).Add(-24 * time.Hour)
	for _, m := range measure.All() {
		if m.Kind == measure.Distribution {
			continue
		}
		for _, f := range m.Families() {
			for i, of := range []struct{ org, stream string }{{"acme", "a"}, {"acme", "b"}, {"victim", "c"}} {
				labels := []string{fmt.Sprintf("org=%q", of.org), `collector="x"`}
				for _, l := range slices.Concat(f.Labels, m.Dimensions) {
					value := map[string]string{measure.LabelCountry: "DE", measure.LabelStream: of.stream, measure.DimensionDirection: measure.Playout,
						measure.DimensionRange: measure.BucketRange(60)}[l]
					if value == "" {
						value = l + " of " + of.stream
					}
					labels = append(labels, fmt.Sprintf("%s=%q", l, value))
				}
				for _, r := range m.Resolutions(f) {
					fmt.Fprintf(&lines, "%s{%s} %d %d\n", m.Metric(f, r), strings.Join(labels, ","), 60_000*(i+1), to.Add(-2*time.Hour).UnixMilli()+1)
				}
			}
		}
	}
	vmtest.Import(t, database, lines.String())
	return to.Add(-4 * time.Hour), to
}

// TestGetWidget holds that every widget is answered as the query editor and the command line answer it, in both forms.
func TestGetWidget(t *testing.T) {
	c, asker, database := startReading(t)
	from, to := importStreams(t, database)
	c.server.keyRates.limiters[sha256.Sum256([]byte("rk_all"))] = rate.NewLimiter(rate.Inf, 1)
	for _, d := range append(widget.All(), widget.OfPlays()...) {
		t.Run(d.Type, func(t *testing.T) {
			request := widget.Request{
				Query: widget.Query{QueryType: d.Type, Country: []string{"DE", "FR"}, Timezone: "Asia/Kolkata"},
				From:  from, To: to, Now: time.Now(), Level: tenant.Premium,
			}
			parameters := url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}, "country": {"DE", "FR"}, "timezone": {"Asia/Kolkata"}}
			for _, form := range []struct{ format, accept, mediaType string }{{"json", "", "application/json"}, {"", "text/csv;q=1, application/json;q=0.5", report.CSV.MediaType()}} {
				parameters.Del("format")
				if form.format != "" {
					parameters.Set("format", form.format)
				}
				response, got := c.get(t, "/v1/widgets/"+d.Type+"?"+parameters.Encode(), auth, readAll, "Accept", form.accept)
				frames, err := widget.Run(t.Context(), asker.Asker, request)
				if err != nil {
					// Those of plays, of which there is no store.
					var refused struct{ Error string }
					if json.Unmarshal([]byte(got), &refused) != nil || refused.Error != err.Error() || response.StatusCode != http.StatusBadRequest {
						t.Errorf("%d %s, want 400 and %q", response.StatusCode, got, err)
					}
					continue
				}
				zone, _ := time.LoadLocation("Asia/Kolkata")
				export, err := report.NewExport(frames[0], zone)
				if err != nil {
					t.Fatal(err)
				}
				var want strings.Builder
				if form.format == "json" {
					err = export.WriteJSON(&want)
				} else {
					err = export.WriteCSV(&want)
				}
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != http.StatusOK || got != want.String() || response.Header.Get("Content-Type") != form.mediaType {
					t.Errorf("%d %s %s, want %s", response.StatusCode, response.Header.Get("Content-Type"), got, want.String())
				}
				if strings.Contains(got, "of c") || len(response.Header.Values("Streamlens-Notice")) != len(export.Notices) {
					t.Errorf("notices %q, want %q; %s", response.Header.Values("Streamlens-Notice"), export.Notices, got)
				}
			}
		})
	}
}

// TestReadKey holds what a key opens, and what no parameter widens.
func TestReadKey(t *testing.T) {
	c, _, database := startReading(t)
	from, to := importStreams(t, database)
	ranged := fmt.Sprintf("?from=%d&to=%d", from.UnixMilli(), to.UnixMilli())
	tests := []struct {
		name, path, key string
		status          int
		has, hasNot     string
	}{
		{"right key", "usageByStream" + ranged, "rk_all", 200, `"stream":"b"`, `"stream":"c"`},
		{"no key", "usageByStream" + ranged, "", 401, "read key", ""},
		{"wrong key", "usageByStream" + ranged, "rk_al", 401, "read key", ""},
		{"secret key of servers", "usageByStream" + ranged, "sk_acme", 401, "read key", ""},
		{"token of pages", "usageByStream" + ranged, "vt_any", 401, "read key", ""},
		{"level of the key", "bufferingRatio" + ranged, "rk_default", 403, "premium", ""},
		{"level in a parameter", "bufferingRatio" + ranged + "&level=premium", "rk_default", 400, `the parameter \"level\" is unknown`, ""},
		{"fixed filter", "usageByStream" + ranged, "rk_a", 200, `"stream":"a"`, `"stream":"b"`},
		{"fixed filter and another value", "usageByStream" + ranged + "&stream=b", "rk_a", 200, "fixed filters", `"stream":`},
		{"fixed filter and both values", "usageByStream" + ranged + "&stream=b&stream=a", "rk_a", 200, `"stream":"a"`, `"stream":"b"`},
		{"organisation in a parameter", "usageByStream" + ranged + "&org=victim", "rk_all", 400, `the parameter \"org\" is unknown`, ""},
		{"parameter of the database", "usageByStream" + ranged + "&extra_label=org%3Dvictim", "rk_all", 400, "unknown", ""},
		{"another widget in a parameter", "usageByStream" + ranged + "&widget=plays", "rk_all", 400, "in the path", ""},
		{"filter that breaks out", "usageByStream" + ranged + "&stream=" + url.QueryEscape(`"} or {org="victim`), "rk_all", 200, `"rows":[]`, "victim"},
		{"unknown widget", "up" + ranged, "rk_all", 404, `the widget \"up\" is unknown`, ""},
		{"unknown format", "usageByStream" + ranged + "&format=xml", "rk_all", 400, `the format \"xml\"`, ""},
		{"two formats", "usageByStream" + ranged + "&format=csv&format=json", "rk_all", 400, "more than once", ""},
		{"two units", "usageByStream" + ranged + "&unit=traffic&unit=playtime", "rk_all", 400, "more than once", ""},
		{"begin that is no time", "usageByStream?from=yesterday", "rk_all", 400, "from: ", ""},
		{"parameters that cannot be read", "usageByStream?from=%zz", "rk_all", 400, "cannot be read", ""},
		{"end before the begin", "usageByStream?from=now&to=now-1h", "rk_all", 400, "range", ""},
		{"too many points", "usageOverview?from=now-400d&to=now&form=series&interval=1m", "rk_all", 400, "intervals", ""},
		{"plays without a store", "plays" + ranged, "rk_all", 400, "no store of plays", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			response, body := c.get(t, "/v1/widgets/"+test.path, auth, "Bearer "+test.key)
			if response.StatusCode != test.status || !strings.Contains(body, test.has) {
				t.Errorf("%d %s, want %d with %s", response.StatusCode, body, test.status, test.has)
			}
			if test.hasNot != "" && strings.Contains(body, test.hasNot) {
				t.Errorf("%s has %s", body, test.hasNot)
			}
		})
	}
	if response, body := c.get(t, "/v1/widgets/usageByStream", auth, readAll, "Accept", "application/pdf"); response.StatusCode != http.StatusNotAcceptable {
		t.Errorf("a form that there is not: %d %s", response.StatusCode, body)
	}
	if response, body := c.do(t, http.MethodPost, "/v1/widgets/usageByStream", auth, readAll); response.StatusCode != http.StatusNotFound {
		t.Errorf("POST: %d %s", response.StatusCode, body)
	}
}

// TestReadOrigins holds that only pages of the sites that a key lists can read.
func TestReadOrigins(t *testing.T) {
	c, _, _ := startReading(t)
	const allow = "Access-Control-Allow-Origin"
	for _, test := range []struct{ name, method, path, key, origin, want string }{
		{"listed", "GET", "/v1/widgets/usageOverview", "rk_default", "https://wall.example", "https://wall.example"},
		{"not listed", "GET", "/v1/widgets/usageOverview", "rk_default", "https://evil.example", ""},
		{"listed by another key", "GET", "/v1/widgets/usageOverview", "rk_all", "https://wall.example", ""},
		{"sandboxed frame", "GET", "/v1/widgets/usageOverview", "rk_all", "null", ""},
		{"preflight", "OPTIONS", "/v1/widgets/usageOverview", "", "https://wall.example", "https://wall.example"},
		{"preflight of another site", "OPTIONS", "/v1/widgets/usageOverview", "", "https://evil.example", ""},
		{"viewers", "GET", "/v1/public/viewers/a?token=vt_a", "", "https://site.example", "https://site.example"},
		{"viewers on another site", "GET", "/v1/public/viewers/a?token=vt_any", "", "https://site.example", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, body := c.do(t, test.method, test.path, auth, "Bearer "+test.key, "Origin", test.origin)
			if got := response.Header.Get(allow); got != test.want || response.StatusCode/100 != 2 {
				t.Errorf("%d %s, %s: %q, want %q", response.StatusCode, body, allow, got, test.want)
			}
		})
	}
}

// TestReadLimits holds that a key asks so many questions a second, and an organisation so many at a time.
func TestReadLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates[string](readsPerSecond, readsBurst, "too many")
		for range readsBurst {
			if err := r.take(time.Now(), "rk_a"); err != nil {
				t.Fatal(err)
			}
		}
		var refused *refusal
		if err := r.take(time.Now(), "rk_a"); !errors.As(err, &refused) || refused.status != http.StatusTooManyRequests || refused.retryAfter <= 0 {
			t.Errorf("one more than the burst: %v", err)
		}
		if err := r.take(time.Now(), "rk_b"); err != nil {
			t.Errorf("another key: %v", err)
		}
		time.Sleep(time.Second)
		if err := r.take(time.Now(), "rk_a"); err != nil {
			t.Errorf("a second later: %v", err)
		}

		organizations := newReads(func(string) (Readers, error) { return Readers{}, nil })
		acme, err := organizations.of("acme")
		if err != nil {
			t.Fatal(err)
		}
		var done func()
		for range parallelReads {
			if done, err = acme.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := acme.turn(t.Context()); !errors.As(err, &refused) || refused.status != http.StatusServiceUnavailable {
			t.Errorf("one more than at a time: %v", err)
		}
		left, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if _, err := acme.turn(left); !errors.As(err, &refused) || refused.status != statusGone {
			t.Errorf("who leaves: %v", err)
		}
		other, err := organizations.of("other")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.turn(t.Context()); err != nil {
			t.Errorf("another organisation: %v", err)
		}
		done()
		if _, err := acme.turn(t.Context()); err != nil {
			t.Errorf("after one is done: %v", err)
		}
	})
}

func TestLongAnswer(t *testing.T) {
	b := &bounded{most: 10}
	if _, err := b.Write(make([]byte, 10)); err != nil {
		t.Error(err)
	}
	if _, err := b.Write([]byte{1}); !errors.Is(err, errLongAnswer) || b.Len() != 10 {
		t.Errorf("%v, %d bytes", err, b.Len())
	}
	var refused *refusal
	if err := inWords(errLongAnswer); !errors.As(err, &refused) || refused.status != http.StatusBadRequest {
		t.Errorf("it is answered with %v", err)
	}
}

// TestGetViewers holds the number of viewers, who may see it, and that many who ask cost one question.
func TestGetViewers(t *testing.T) {
	c, asker, database := startReading(t)
	now := time.Now().UTC().Truncate(time.Minute).Add(40 * time.Second)
	c.server.Clock = func() time.Time { return now }
	newest := now.Truncate(time.Minute).Add(-time.Minute)
	var lines strings.Builder
	for _, id := range []measure.ID{measure.Viewing, measure.ServerViewers} {
		m := measure.Get(id)
		for _, f := range m.Families() {
			if slices.Equal(f.Labels, []string{measure.LabelStream}) {
				value := map[measure.ID]int{measure.Viewing: 150_000, measure.ServerViewers: 7}[id]
				fmt.Fprintf(&lines, "%s{org=\"acme\",stream=\"a\",collector=\"x\"} %d %d\n", m.Metric(f, m.Resolutions(f)[0]), value, newest.UnixMilli()+1)
			}
		}
	}
	vmtest.Import(t, database, lines.String())
	want := fmt.Sprintf(`{"stream":"a","viewers":3,"serverViewers":7,"minute":%q}`+"\n", newest.Format(time.RFC3339))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			response, body := c.get(t, "/v1/public/viewers/a?token=vt_a")
			if response.StatusCode != http.StatusOK || body != want || response.Header.Get("Cache-Control") != "public, max-age=5" {
				t.Errorf("%d %s, want %s", response.StatusCode, body, want)
			}
		})
	}
	all.Wait()
	once := asker.asked.Load()
	if _, body := c.get(t, "/v1/public/viewers/a", auth, "Bearer vt_any"); body != want || asker.asked.Load() != once || once > 5 {
		t.Errorf("%s, %d questions and then %d", body, once, asker.asked.Load())
	}
	for _, test := range []struct {
		name, path string
		status     int
		has        string
	}{
		{"a stream that nobody watches", "b?token=vt_any", 200, `"viewers":0,"serverViewers":0`},
		{"a stream of which the token does not tell", "b?token=vt_a", 404, "nothing of this stream"},
		{"no token", "a", 401, "read key"},
		{"wrong token", "a?token=vt_b", 401, "read key"},
		{"read key", "a?token=rk_all", 401, "read key"},
		{"a name that is too long", strings.Repeat("a", 200) + "?token=vt_any", 400, "too long"},
	} {
		if response, body := c.get(t, "/v1/public/viewers/"+test.path); response.StatusCode != test.status || !strings.Contains(body, test.has) {
			t.Errorf("%s: %d %s, want %d with %s", test.name, response.StatusCode, body, test.status, test.has)
		}
	}
	asker.fails = true
	before := asker.asked.Load()
	for range 5 {
		if response, body := c.get(t, "/v1/public/viewers/c?token=vt_any"); response.StatusCode/100 != 5 || response.Header.Get("Cache-Control") != "" {
			t.Errorf("a database that does not answer: %d %s", response.StatusCode, body)
		}
	}
	if asked := asker.asked.Load() - before; asked != 1 {
		t.Errorf("a database that does not answer was asked %d times", asked)
	}
	limited := false
	for i := 0; i < 20*viewersBurst && !limited; i++ { // a busy machine asks little faster than it may
		response, _ := c.get(t, fmt.Sprintf("/v1/public/viewers/x%d?token=vt_any", i))
		limited = response.StatusCode == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("made-up streams are asked for without a limit")
	}
}
