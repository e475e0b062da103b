package oracle

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// TestBadInput sends what no honest sender sends. Each gets a clear error and
// is counted, the good events around it are kept, and nothing else changes.
func TestBadInput(t *testing.T) {
	t.Parallel()
	product := StartProduct(t, t.TempDir(), testOrganizations())
	now := time.Now().UnixMilli()

	for name, request := range refusedRequests(now) {
		refused := refusedTotal(t, product)
		status, answer, err := rawPost(product, request)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if status != request.status || answer.Error == "" {
			t.Errorf("%s: got %d %+v, want %d and an error", name, status, answer, request.status)
		}
		if refusedTotal(t, product) <= refused {
			t.Errorf("%s: the refusal is not counted", name)
		}
	}

	// One bad event between two good ones, in a stream of the same name.
	played := Table{Cells: map[Cell]*float64{}}
	for name, event := range map[string]string{
		"NaN":                     fmt.Sprintf(`{"seq":2,"ts":%d,"type":"stats","playing":NaN}`, now),
		"a negative number":       fmt.Sprintf(`{"seq":2,"ts":%d,"type":"stats","playing":-1}`, now),
		"an infinite number":      fmt.Sprintf(`{"seq":2,"ts":%d,"type":"stats","playing":1e999}`, now),
		"an absurd number":        fmt.Sprintf(`{"seq":2,"ts":%d,"type":"stats","buffering":1e300}`, now),
		"years in one report":     fmt.Sprintf(`{"seq":2,"ts":%d,"type":"stats","playing":1e9}`, now),
		"a number as text":        fmt.Sprintf(`{"seq":2,"ts":%d,"type":"stats","playing":"1"}`, now),
		"1970":                    `{"seq":2,"ts":0,"type":"stats","playing":1}`,
		"2100":                    `{"seq":2,"ts":4102444800000,"type":"stats","playing":1}`,
		"a time beyond all times": `{"seq":2,"ts":1e300,"type":"stats","playing":1}`,
		"seq 0":                   fmt.Sprintf(`{"seq":0,"ts":%d,"type":"stats","playing":1}`, now),
		"an absurd seq":           fmt.Sprintf(`{"seq":1e300,"ts":%d,"type":"stats","playing":1}`, now),
		"a long reason":           fmt.Sprintf(`{"seq":2,"ts":%d,"type":"stop","reason":%q}`, now, strings.Repeat("r", 10_000)),
		"a long code":             fmt.Sprintf(`{"seq":2,"ts":%d,"type":"status","code":%q}`, now, strings.Repeat("c", 10_000)),
		"no object":               `7`,
	} {
		body := fmt.Sprintf(`{"accountId":"beta-one","accountKey":"pk_beta_one","client":{"kind":"hlsjs"},"sessionId":%q,"stream":%q,"events":[
			{"seq":1,"ts":%d,"type":"start"},%s,{"seq":3,"ts":%d,"type":"stats","playing":1.5}]}`, name, name, now-1500, event, now)
		played.Cells[Cell{Row: name, Column: "playout"}] = number(1.5)
		checkOneRefused(t, product, name, "events[1]", rawRequest{path: "/v1/events", body: body})
	}
	sent := Table{Cells: map[Cell]*float64{}}
	for name, line := range map[string]string{
		"a line cut short":       `{"ts":17638000`,
		"NaN bytes":              fmt.Sprintf(`{"ts":%d,"stream":"x","direction":"playout","protocol":"hls","bytes":NaN}`, now),
		"negative bytes":         fmt.Sprintf(`{"ts":%d,"stream":"x","direction":"playout","protocol":"hls","bytes":-1}`, now),
		"absurd bytes":           fmt.Sprintf(`{"ts":%d,"stream":"x","direction":"playout","protocol":"hls","bytes":1e30}`, now),
		"bytes of 1970":          `{"ts":0,"stream":"x","direction":"playout","protocol":"hls","bytes":1}`,
		"bytes of 2100":          `{"ts":4102444800000,"stream":"x","direction":"playout","protocol":"hls","bytes":1}`,
		"a long stream name":     fmt.Sprintf(`{"ts":%d,"stream":%q,"direction":"playout","protocol":"hls","bytes":1}`, now, strings.Repeat("x", 10_000)),
		"an address that is not": fmt.Sprintf(`{"ts":%d,"stream":"x","direction":"playout","protocol":"hls","bytes":1,"ip":"999.1.1.1"}`, now),
	} {
		good := fmt.Sprintf(`{"ts":%d,"stream":%q,"direction":"playout","protocol":"hls","bytes":50}`, now, name)
		sent.Cells[Cell{Row: name, Column: "playout"}] = number(100)
		checkOneRefused(t, product, name, "", rawRequest{path: "/v1/usage", key: "sk_beta_0123456789", body: good + "\n" + line + "\n" + good + "\n"})
	}

	time.Sleep(freshness)
	if err := processtest.GetOK(product.Collector + "/readyz"); err != nil {
		t.Error(err)
	}
	plugin := StartPlugin(t, product, testOrganizations())
	to := floor(now, minute) + 2*minute
	for _, organization := range testOrganizations() {
		for unit, want := range map[string]Table{"playtime": played, "traffic": sent} {
			if organization.ID != "beta" {
				want = Table{}
			}
			q := Query{QueryType: "usageByStream", Organization: organization.ID, Unit: unit, From: to - 30*minute, To: to}
			answer, err := plugin.Ask(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ReadFrames(answer, Widgets()[q.QueryType])
			if err == nil {
				err = Compare(want, got, Widgets()[q.QueryType])
			}
			if err != nil {
				t.Errorf("%s\n%v", q, err)
			}
		}
	}
}

// rawRequest is a POST whose body need not make sense.
type rawRequest struct {
	path, key, origin, encoding, body string
	status                            int // that it must get
}

// refusedRequests are requests of which nothing may be kept.
func refusedRequests(now int64) map[string]rawRequest {
	envelope := func(account, key, stream, more string, events int) string {
		event := fmt.Sprintf(`{"seq":1,"ts":%d,"type":"start"}`, now)
		return fmt.Sprintf(`{"accountId":%q,"accountKey":%q,"client":{"kind":"hlsjs"},"sessionId":"refused","stream":%q,"customField1":%q,"events":[%s]}`,
			account, key, stream, more, strings.TrimSuffix(strings.Repeat(event+",", events), ","))
	}
	good := envelope("beta-one", "pk_beta_one", "refused", "", 1)
	line := fmt.Sprintf(`{"ts":%d,"stream":"refused","direction":"playout","protocol":"hls","bytes":50}`+"\n", now)
	const megabyte = 1 << 20
	return map[string]rawRequest{
		"unknown account":    {path: "/v1/events", body: envelope("nobody", "pk_beta_one", "refused", "", 1), status: http.StatusUnauthorized},
		"wrong key":          {path: "/v1/events", body: envelope("beta-one", "pk_wrong", "refused", "", 1), status: http.StatusUnauthorized},
		"key of another":     {path: "/v1/events", body: envelope("beta-one", "pk_beta_two", "refused", "", 1), status: http.StatusUnauthorized},
		"foreign origin":     {path: "/v1/events", origin: "https://foreign.example", body: envelope("acme", "pk_acme_web", "refused", "", 1), status: http.StatusForbidden},
		"no origin":          {path: "/v1/events", body: envelope("acme", "pk_acme_web", "refused", "", 1), status: http.StatusForbidden},
		"10 MB":              {path: "/v1/events", body: envelope("beta-one", "pk_beta_one", "refused", strings.Repeat("x", 10*megabyte), 1), status: http.StatusRequestEntityTooLarge},
		"100 MB in gzip":     {path: "/v1/events", encoding: "gzip", body: zipped(strings.Repeat(" ", 100*megabyte)), status: http.StatusRequestEntityTooLarge},
		"broken gzip":        {path: "/v1/events", encoding: "gzip", body: zipped(good)[:40], status: http.StatusBadRequest},
		"no gzip":            {path: "/v1/events", encoding: "gzip", body: good, status: http.StatusBadRequest},
		"unknown encoding":   {path: "/v1/events", encoding: "br", body: good, status: http.StatusUnsupportedMediaType},
		"truncated":          {path: "/v1/events", body: good[:len(good)-9], status: http.StatusBadRequest},
		"no JSON":            {path: "/v1/events", body: "seq=1", status: http.StatusBadRequest},
		"nothing":            {path: "/v1/events", status: http.StatusBadRequest},
		"long stream name":   {path: "/v1/events", body: envelope("beta-one", "pk_beta_one", strings.Repeat("x", 10_000), "", 1), status: http.StatusBadRequest},
		"10,000 events":      {path: "/v1/events", body: envelope("beta-one", "pk_beta_one", "refused", "", 10_000), status: http.StatusRequestEntityTooLarge},
		"no events":          {path: "/v1/events", body: envelope("beta-one", "pk_beta_one", "refused", "", 0), status: http.StatusBadRequest},
		"no secret key":      {path: "/v1/usage", body: line, status: http.StatusUnauthorized},
		"wrong secret key":   {path: "/v1/usage", key: "sk_wrong", body: line, status: http.StatusUnauthorized},
		"public as secret":   {path: "/v1/usage", key: "pk_beta_one", body: line, status: http.StatusUnauthorized},
		"10 MB of usage":     {path: "/v1/usage", key: "sk_beta_0123456789", body: strings.Repeat(line, 10*megabyte/len(line)), status: http.StatusRequestEntityTooLarge},
		"nothing of usage":   {path: "/v1/usage", key: "sk_beta_0123456789", status: http.StatusBadRequest},
		"one bad usage line": {path: "/v1/usage", key: "sk_beta_0123456789", body: "{}", status: http.StatusBadRequest},
	}
}

func zipped(text string) string {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := io.WriteString(writer, text)
	if err := errors.Join(err, writer.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	return packed.String()
}

// collectorAnswer is any answer of the collector.
type collectorAnswer struct {
	Error    string
	Accepted int
	Rejected []struct{ Error, Field string }
}

func rawPost(product *Product, raw rawRequest) (status int, answer collectorAnswer, err error) {
	request, err := http.NewRequest(http.MethodPost, product.Collector+raw.path, strings.NewReader(raw.body))
	if err != nil {
		return 0, answer, fmt.Errorf("post: %w", err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Content-Encoding": raw.encoding, "Origin": raw.origin, "Authorization": "Bearer " + raw.key,
	} {
		if value != "" && value != "Bearer " {
			request.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, answer, fmt.Errorf("post: %w", err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, answer, fmt.Errorf("answer %s is no JSON: %w", response.Status, err)
	}
	return response.StatusCode, answer, nil
}

// checkOneRefused checks that of the three parts of the request the middle one
// is refused, by the name of the field if there is one to expect.
func checkOneRefused(t *testing.T, product *Product, name, field string, raw rawRequest) {
	t.Helper()
	status, answer, err := rawPost(product, raw)
	switch {
	case err != nil:
		t.Errorf("%s: %v", name, err)
	case status != http.StatusAccepted || answer.Accepted != 2 || len(answer.Rejected) != 1:
		t.Errorf("%s: got %d %+v, want one of three refused", name, status, answer)
	case answer.Rejected[0].Error == "" || !strings.HasPrefix(answer.Rejected[0].Field, field):
		t.Errorf("%s: got %+v, want an error in %s", name, answer.Rejected[0], field)
	}
}

// refusedTotal is the number of refusals that the collector has counted.
func refusedTotal(t *testing.T, product *Product) float64 {
	t.Helper()
	response, err := http.Get(product.Collector + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "} "); found && strings.HasPrefix(name, "streamlens_collector_refused_total{") {
			x, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			total += x
		}
	}
	return total
}
