package widget

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// inspector stands in for VictoriaMetrics: it checks each request with VictoriaMetrics' own parser, and answers with a tagged
// stream of any name, as players may choose it, and with nothing else.
type inspector struct {
	t      *testing.T
	stream string
}

func (i *inspector) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		i.t.Errorf("the form %q: %v", body, err)
	}
	if r.URL.RawQuery != "extra_label=org%3Dacme" {
		i.t.Errorf("the URL's parameters are %s", r.URL.RawQuery)
	}
	allowed := []string{"query", "time", "start", "end", "step", "nocache", "deny_partial_response", "extra_filters[]"}
	for name, values := range form {
		if !slices.Contains(allowed, name) || len(values) != 1 {
			i.t.Errorf("the form has %s=%q", name, values)
		}
	}
	i.checkQuery(form.Get("query"))
	if filters := form.Get("extra_filters[]"); filters != "" {
		i.checkSelector("m"+filters, measure.LabelCountry, measure.LabelStream, measure.LabelEvent, measure.DimensionReferrer, measure.DimensionTag,
			measure.DimensionVersion, measure.DimensionOS, measure.DimensionBrowser, measure.DimensionDevice, measure.DimensionProtocol)
	}
	result := []any{}
	if strings.Contains(form.Get("query"), measure.StreamTagMetric) {
		result = append(result, map[string]any{"metric": map[string]string{"stream": i.stream, "tag": i.stream}, "value": []any{1, "1"}})
	}
	if strings.Contains(form.Get("query"), measure.AddressesMetric) {
		result = append(result, map[string]any{"metric": map[string]string{}, "value": []any{1, "1"}})
	}
	answer, err := json.Marshal(map[string]any{"status": "success", "data": map[string]any{"result": result}})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(answer)))}, nil
}

// checkQuery checks that a query reads stored metrics, with no label in it but dimensions.
func (i *inspector) checkQuery(query string) {
	parsed, err := metricsql.Parse(query)
	if err != nil {
		i.t.Fatalf("%s does not parse: %v", query, err)
	}
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		if selector, ok := e.(*metricsql.MetricExpr); ok {
			i.checkFilters(query, selector, measure.DimensionDirection, measure.DimensionReason, measure.DimensionFatal,
				measure.DimensionOutcome, measure.DimensionQuality, measure.DimensionCause, measure.DimensionSwitch)
			if name := selector.LabelFilterss[0][0]; name.Label != "__name__" || !strings.HasPrefix(name.Value, measure.Prefix) || name.IsRegexp {
				i.t.Errorf("%s reads %s", query, name.AppendString(nil))
			}
		}
	})
}

func (i *inspector) checkSelector(text string, labels ...string) {
	parsed, err := metricsql.Parse(text)
	if err != nil {
		return // VictoriaMetrics refuses it
	}
	selector, ok := parsed.(*metricsql.MetricExpr)
	if !ok {
		i.t.Fatalf("%s is %T", text, parsed)
	}
	i.checkFilters(text, selector, labels...)
}

func (i *inspector) checkFilters(text string, selector *metricsql.MetricExpr, labels ...string) {
	if len(selector.LabelFilterss) != 1 {
		i.t.Fatalf("%s has alternatives", text)
	}
	for _, filter := range selector.LabelFilterss[0][1:] {
		switch string(filter.AppendString(nil)) {
		case `device!=""`: // leaves out what was stored before there were devices
			continue
		case `vmrange=""`, `vmrange!=""`: // plays that began, and those that ended
			continue
		}
		if !slices.Contains(labels, filter.Label) || filter.IsNegative || filter.Value == "" {
			i.t.Errorf("%s filters by %s", text, filter.AppendString(nil))
		}
	}
}

func inspected(t *testing.T, stream string) *vm.Client {
	const base = "http://victoriametrics:8428"
	transport, err := tenant.NewTransport(base, "acme", &inspector{t, stream})
	if err != nil {
		t.Fatal(err)
	}
	client, err := vm.NewClient(base, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// FuzzQuery checks what any query model asks of VictoriaMetrics.
func FuzzQuery(f *testing.F) {
	for _, d := range All() {
		for _, form := range []string{FormTotal, FormSeries} {
			model, err := json.Marshal(Query{QueryType: d.Type, Form: form, Country: []string{"DE", `F"R`}, Stream: []string{`a"} or {org="victim`}, Interval: "1d",
				Timezone: "Europe/Berlin"})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(model, int64(1_763_800_000), int64(86_400), "s", false)
		}
	}
	f.Add([]byte(`{"queryType":"usageByStream","tag":["a"],"organization":"victim","country":null}`), int64(0), int64(60), `"} or {org="victim"}`, true)
	f.Add([]byte(`{"queryType":"concurrentViewers","mode":"delta","form":"series","interval":"1M","timezone":"../../etc/passwd"}`), int64(1), int64(1e7), "\n", false)
	f.Add([]byte(`{"queryType":"playerHealth","dimension":"os\"} or {org=\"victim","values":["a"]}`), int64(1), int64(1e5), "s", true)
	f.Add([]byte(`{"queryType":"startTime","dimension":"version","values":["h5live 4.23.1","\"} or {org=\"victim"],"breakdown":"country"}`), int64(1), int64(1e5), "s", false)
	f.Add([]byte(`{"queryType":"worldMap","compare":"month","form":"series","interval":"1d","timezone":"Europe/Berlin"}`), int64(1_774_800_000), int64(1e6), "s", false)
	f.Add([]byte(`{"queryType":"startTime","compare":"previous","percentile":90,"breakdown":"stream"}`), int64(100), int64(1e5), "s", true)
	f.Add([]byte(`{"queryType":"usageByReferrer","referrer":["a\u0000","\ud800"]}`), int64(1), int64(1e7), "\xff", false)
	f.Fuzz(func(t *testing.T, model []byte, from, length int64, stream string, alert bool) {
		r := Request{From: time.Unix(from, 0), To: time.Unix(from, 0).Add(time.Duration(length%(400*86_400)) * time.Second), Now: time.Unix(1_764_000_000, 0),
			Level: tenant.Premium, Alert: alert}
		if json.Unmarshal(model, &r.Query) != nil {
			return
		}
		frames, err := Run(context.Background(), inspected(t, stream), r)
		switch {
		case err == nil:
			if _, err := json.Marshal(frames); err != nil {
				t.Errorf("%s: the frames have no JSON: %v", model, err)
			}
		case !errors.Is(err, ErrBadQuery) && !errors.Is(err, ErrUpstream):
			t.Errorf("%s: %v", model, err)
		}
	})
}

// FuzzValues checks what the values of a filter ask of VictoriaMetrics.
func FuzzValues(f *testing.F) {
	f.Add("stream", "DE", `a"} or {org="victim`, "a", "e", "r")
	f.Add("tag", "\xff", "\x00", "", "", "")
	f.Add("org", "", "", "", "", "")
	f.Add("version", "", "s", "a", "", "")
	f.Fuzz(func(t *testing.T, label, country, stream, tag, event, referrer string) {
		list := func(s string) []string {
			return slices.DeleteFunc(strings.Split(s, ","), func(v string) bool { return v == "" })
		}
		r := Request{From: time.Unix(1_763_800_000, 0), To: time.Unix(1_763_886_400, 0), Now: time.Unix(1_764_000_000, 0),
			Query: Query{Country: list(country), Stream: list(stream), Tag: list(tag), Event: list(event), Referrer: list(referrer)}}
		_, err := Values(context.Background(), inspected(t, stream), label, r)
		if err != nil && !errors.Is(err, ErrBadQuery) && !errors.Is(err, ErrUpstream) {
			t.Errorf("%q: %v", label, err)
		}
	})
}
