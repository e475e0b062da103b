package vm_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

func TestFilters(t *testing.T) {
	tests := []struct {
		name    string
		filters vm.Filters
		want    string
	}{
		{"none", nil, ""},
		{"one value", vm.Filters{{"country", []string{"DE"}}}, `{country="DE"}`},
		{"two values", vm.Filters{{"country", []string{"DE", "FR"}}}, `{country=~"DE|FR"}`},
		{"two filters", vm.Filters{{"country", []string{"DE"}}, {"stream", []string{"a", "b"}}}, `{country="DE",stream=~"a|b"}`},
		{"a quote", vm.Filters{{"stream", []string{`a"} or {org="b`}}}, `{stream="a\"} or {org=\"b"}`},
		{"expressions", vm.Filters{{"stream", []string{".*", "a|b"}}}, `{stream=~"\\.\\*|a\\|b"}`},
		{"an expression alone is text", vm.Filters{{"stream", []string{".*"}}}, `{stream=".*"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.filters.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFiltersAnd(t *testing.T) {
	one := vm.Filters{{"country", []string{"DE"}}}
	tests := []struct {
		name    string
		f, with vm.Filters
		want    string
		none    bool
	}{
		{"nothing", nil, nil, "", false},
		{"one side", one, nil, `{country="DE"}`, false},
		{"the other side", nil, one, `{country="DE"}`, false},
		{"two labels", one, vm.Filters{{"stream", []string{"a", "b"}}}, `{country="DE",stream=~"a|b"}`, false},
		{"what both have", vm.Filters{{"country", []string{"FR", "DE", "US"}}}, vm.Filters{{"country", []string{"US", "FR"}}}, `{country=~"FR|US"}`, false},
		{"twice one label", nil, vm.Filters{{"country", []string{"DE", "FR"}}, {"country", []string{"FR"}}}, `{country="FR"}`, false},
		{"nothing in common", one, vm.Filters{{"country", []string{"FR"}}}, `{country=~""}`, true},
		{"nothing on one side", one, vm.Filters{{"stream", nil}}, `{country="DE",stream=~""}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.f.String()
			got := tt.f.And(tt.with)
			if got.String() != tt.want || got.None() != tt.none {
				t.Errorf("got %s, none %t", got, got.None())
			}
			if tt.f.String() != before {
				t.Errorf("the filters became %s", tt.f)
			}
		})
	}
}

// TestFiltersMatchOnlyThemselves writes series with awkward names and reads each back alone and in a list.
func TestFiltersMatchOnlyThemselves(t *testing.T) {
	url := vmtest.Start(t)
	names := []string{"plain", `quo"te`, `back\slash`, "{brace}", "a|b", "a", "b", ".*", "com,ma", "ſtraße", "日本", "tab\tnew\nline",
		"$1", "(?i)PLAIN", "^plain$", "\x7f", "`tick`", "'", "%d", "=~", "#", "\u2028", "Plain"}
	now := time.Now()
	var lines strings.Builder
	for i, n := range names {
		escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(n)
		fmt.Fprintf(&lines, "m{org=\"acme\",stream=\"%s\"} %d %d\n", escaped, i+1, now.UnixMilli())
	}
	vmtest.Import(t, url, lines.String())
	client := newClient(t, url, "acme")
	for i, n := range names {
		series, err := client.Query(t.Context(), "sum_over_time(m[5m])", now, vm.Filters{{"stream", []string{n}}})
		if err != nil || len(series) != 1 || series[0].Points[0].Value != int64(i+1) || series[0].Label("stream") != n {
			t.Errorf("%q alone: %v, %v", n, series, err)
		}
		series, err = client.Query(t.Context(), "sum_over_time(m[5m])", now, vm.Filters{{"stream", []string{n, "absent"}}})
		if err != nil || len(series) != 1 || series[0].Label("stream") != n {
			t.Errorf("%q in a list: %v, %v", n, series, err)
		}
	}
	series, err := client.Query(t.Context(), "count(sum_over_time(m[5m]))", now, vm.Filters{{"stream", names}})
	if err != nil || len(series) != 1 || series[0].Points[0].Value != int64(len(names)) {
		t.Errorf("all: %v, %v", series, err)
	}
}

func TestQueryRange(t *testing.T) {
	url := vmtest.Start(t)
	start := time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour)
	var lines strings.Builder
	for minute := range 180 {
		// 2^53-1 is the greatest whole number below which all are exact.
		fmt.Fprintf(&lines, "m{org=\"acme\"} %d %d\n", int64(1)<<53-1-int64(minute), start.Add(time.Duration(minute)*time.Minute).UnixMilli()+1)
	}
	vmtest.Import(t, url, lines.String())
	client := newClient(t, url, "acme")
	answer, err := client.Ask(t.Context(), vm.Question{
		Query: "sum_over_time(m[1m])", Start: start.Add(time.Minute), End: start.Add(3 * time.Hour), Step: time.Minute})
	series := answer.Series
	if err != nil || len(series) != 1 || len(series[0].Points) != 180 || answer.Fetched != 1 {
		t.Fatalf("%v, %v", answer, err)
	}
	for i, p := range series[0].Points {
		if p.Value != 1<<53-1-int64(i) || p.Time != start.Add(time.Duration(i+1)*time.Minute).UnixMilli() {
			t.Fatalf("point %d is %+v", i, p)
		}
	}
}

func TestLimits(t *testing.T) {
	client := newClient(t, "http://127.0.0.1:1", "acme")
	now := time.Now()
	_, tooLong := client.Query(t.Context(), strings.Repeat("x", vm.MaxQueryText+1), now, nil)
	_, tooFine := client.Ask(t.Context(), vm.Question{Query: "m", Start: now.Add(-time.Hour), End: now, Step: time.Second})
	_, tooMany := client.Ask(t.Context(), vm.Question{Query: "m", Start: now.Add(-(vm.MaxPoints + 1) * time.Minute), End: now, Step: time.Minute})
	for _, err := range []error{tooLong, tooFine, tooMany} {
		if !errors.Is(err, vm.ErrLimit) {
			t.Errorf("got %v", err)
		}
	}
}

func TestErrors(t *testing.T) {
	const ok = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,%q]}]}}`
	tests := []struct {
		name   string
		status int
		body   string
		want   string // how the text of the error begins
	}{
		{"a page", 200, "<html></html>", "the server that answers at this URL is not VictoriaMetrics"},
		{"a page that is not there", 404, "<html></html>", "the server that answers at this URL is not VictoriaMetrics"},
		{"other JSON", 200, `{"message":"hello"}`, "the server that answers at this URL is not VictoriaMetrics"},
		{"a proxy wants a password", 401, "Unauthorized", "VictoriaMetrics answered with status 401: Unauthorized"},
		{"a proxy fails", 502, "<html>Bad gateway</html>", "VictoriaMetrics answered with status 502"},
		{"error of VictoriaMetrics", 422, `{"status":"error","errorType":"422","error":"remoteAddr: \"10.1.2.3:4\"; requestURI: /x?token=y; cannot reach http://storage:8400/z"}`,
			"VictoriaMetrics answered with status 422: cannot reach …"},
		{"partial", 200, `{"status":"success","isPartial":true,"data":{"result":[]}}`, "VictoriaMetrics could not read all"},
		{"no number", 200, fmt.Sprintf(ok, "NaN"), `answer of VictoriaMetrics: value "NaN" is no whole number`},
		{"no whole number", 200, fmt.Sprintf(ok, "1.5"), `answer of VictoriaMetrics: value "1.5" is no whole number`},
		{"no pair", 200, `{"status":"success","data":{"result":[{"metric":{},"values":[[1]]}]}}`, "answer of VictoriaMetrics: a point is no pair"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				if _, err := w.Write([]byte(tt.body)); err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			_, err := newClient(t, server.URL, "acme").Query(t.Context(), "m", time.Now(), nil)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if tt.status == 422 && strings.ContainsAny(err.Error(), "?") {
				t.Errorf("the error shows the request: %v", err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	over := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer stuck.Close()
	defer close(over)
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	cancelled, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	tests := []struct {
		name string
		ctx  context.Context
		url  string
		want string
	}{
		{"nobody listens", t.Context(), "http://127.0.0.1:1", "VictoriaMetrics cannot be reached: connection refused"},
		{"no such host", t.Context(), "http://streamlens.invalid", "VictoriaMetrics cannot be reached: the host name of its URL is unknown"},
		{"no TLS", t.Context(), strings.Replace(stuck.URL, "http:", "https:", 1), "VictoriaMetrics cannot be reached: http: server gave HTTP response to HTTPS client"},
		{"too slow", soon, stuck.URL, "VictoriaMetrics did not answer in time"},
		{"cancelled", cancelled, stuck.URL, "the query was cancelled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newClient(t, tt.url, "acme").Query(tt.ctx, "m", time.Now(), nil)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
