package tenancy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/test/oracle"
)

// keysOfAReader is how many read keys each reader has, because each may ask so often only.
const keysOfAReader = 16

// readKeys are the read keys of an organisation with some fixed filters.
func readKeys(organization string, fixed map[string][]string) []string {
	text, err := json.Marshal(fixed)
	if err != nil {
		panic(err) // the filters are constants
	}
	hash := sha256.Sum256(text)
	var keys []string
	for i := range keysOfAReader {
		keys = append(keys, fmt.Sprintf("rk_%s_%s_%d", organization, hex.EncodeToString(hash[:4]), i))
	}
	return keys
}

// configuredReadKeys are all read keys of an organisation, as the collector's configuration has them.
func configuredReadKeys(organization string) []oracle.ReadKey {
	var all []oracle.ReadKey
	for _, fixed := range append(slices.Collect(maps.Values(lowerFilters)), nil) {
		for _, key := range readKeys(organization, fixed) {
			all = append(all, oracle.ReadKey{Key: key, Level: "premium", Filters: fixed})
		}
	}
	return all
}

// registered is a widget as the front end knows it, by which a new one is attacked without a change here.
type registered struct {
	Type    string   `json:"type"`
	Options []string `json:"options"`
	Filters []string `json:"filters"`
	Metrics []string `json:"metrics"`
}

func registry(t *testing.T) []registered {
	t.Helper()
	text, err := os.ReadFile("../../src/widgets.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []registered
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 40 {
		t.Fatalf("%d widgets, %v", len(all), err)
	}
	return all
}

// playPayloads are values that could end a text of LogsQL, begin another filter or question, or mean more than themselves.
var playPayloads = []string{
	`") or org:"victim`, `") or ({org="victim"}`, `"} or {org="victim`, `" or *`, `*`, `x" or _stream:{org="victim"} or "`, `in({org="victim"} | fields session)`,
	`") | union ({org="victim"}) | filter ("`, `x") | join by (session) ({org="victim"}) ("`, "x\\\") or *", "(none)", "~.*", "re(.*)", `" | extra_stream_filters={} "`,
	"a\nor *", strings.Repeat(`" or * or "`, 1000), "\x00", "{org=~\".*\"}", "_stream_id:*", `options(ignore_global_filters=true)`, "x\") options(ignore_global_filters=true) *(\"",
}

// playColumns are the columns of plays by which conditions, sorting and breakdowns may go, and some that are none.
var playColumns = []string{
	"start", "end", "duration", "stream", "user", "country", "operator", "device", "player", "outcome", "quality", "startTime", "bufferingRatio", "bitrate", "code",
	"stop", "event", "region", "ip", "os", "browser", "protocol", "referrer", "direction", "session", "version", "cdn", "tag", "org", "kind", "_stream", "_msg", "timeline", "asn",
}

// columnsOfAWidget is by how many columns, in turn, each widget is attacked.
const columnsOfAWidget = 6

// attackPlays attacks the store of plays through a data source: every widget, by every dimension, filter, condition and order.
func (w *world) attackPlays(t *testing.T, s source) {
	own := w.attack(t, "no filter", s, "", model("plays", nil))
	if own.status != http.StatusOK || !strings.Contains(own.text, "acme") {
		t.Errorf("there are no plays of acme, so that the attack proves nothing: %d %.600s", own.status, own.text)
	}
	w.attackRunning(t, s)
	n := 0
	next := func(list []string) string { n++; return list[n%len(list)] }
	hostile := append(slices.Clone(payloads), playPayloads...)
	for _, d := range registry(t) {
		for range columnsOfAWidget {
			column := next(playColumns)
			w.attack(t, "breakdown", s, "", model(d.Type, map[string]any{"breakdown": column}))
			w.attack(t, "dimension", s, "", model(d.Type, map[string]any{"dimension": column}))
			w.attack(t, "values", s, "", model(d.Type, map[string]any{"dimension": column, "values": []string{next(hostile)}}))
			if len(d.Filters) > 0 {
				w.attack(t, "breakdown and filter", s, "", model(d.Type, map[string]any{"breakdown": column, next(d.Filters): []string{next(hostile)}}))
			}
		}
		for _, metric := range d.Metrics {
			w.attack(t, "metric", s, "", model(d.Type, map[string]any{"metric": metric, "breakdown": "operator"}))
		}
		// What no widget of sums reads: fields of those that read plays.
		if slices.Contains(d.Options, "compare") {
			continue
		}
		for _, payload := range hostile {
			for _, filter := range d.Filters {
				w.attack(t, filter, s, "", model(d.Type, map[string]any{filter: []string{payload}, "session": "h5live-acme-0"}))
			}
			column := next(playColumns)
			w.attack(t, "condition", s, "", model(d.Type, map[string]any{"where": []string{column + "=" + payload, column + "!=" + payload}, "session": payload}))
			w.attack(t, "condition on nothing", s, "", model(d.Type, map[string]any{"where": []string{payload + "=" + payload}, "sort": payload, "metric": payload}))
			w.attack(t, "order", s, "", model(d.Type, map[string]any{"sort": "-" + column, "page": n % 3}))
		}
	}
	for _, column := range playColumns {
		for _, payload := range playPayloads {
			w.attack(t, "every column", s, "", model("plays", map[string]any{"where": []string{column + next([]string{"=", "!=", ">=", "<="}) + payload}}))
		}
		w.searched(t, "values of "+column, w.call(t, s, http.MethodGet, "values", w.values(column, "")))
	}
	for _, form := range []string{"csv", "json"} {
		for _, payload := range hostile {
			target := "export?widget=plays&format=" + form + "&where=" + url.QueryEscape("stream!="+payload)
			a := w.download(t, s, target, "")
			w.attempts.Add(1)
			if found := textLeaks(a.text); len(found) > 0 {
				t.Errorf("%s shows %v: %.600s", target, found, a.text)
			}
		}
	}
}

// attackRunning lets each organisation have plays that run, and attacks these.
func (w *world) attackRunning(t *testing.T, s source) {
	now := time.Now()
	var lines bytes.Buffer
	for _, o := range w.all {
		country, seconds := "DE", 1
		if o.mark == marker {
			country, seconds = victimCountry, 10*most
		}
		for i := range 20 {
			at := now.Add(-time.Minute).UnixMilli()
			line, err := json.Marshal(map[string]any{
				"_msg": "play", "_time": strconv.FormatInt(at, 10), "kind": "part", "org": o.id, "session": fmt.Sprintf("running-%s-%d", o.mark, i), "begin": at - 1, "end": at,
				"stream": o.streams[0], "event": "event-" + o.mark, "country": country, "ip": o.network + "1", "user": "user-" + o.mark, "operator": "operator-" + o.mark,
				"direction": "playout", "outcome": "running", "played_ms": seconds * 1000, "player": "v-" + o.mark,
			})
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
	}
	w.insertPlays(t, lines.Bytes())
	ask := func(widget string, fields map[string]any) answer {
		a, err := w.plugin.ask(t.Context(), s, "", model(widget, fields), now.Add(-time.Hour), now)
		if err != nil {
			t.Fatal(err)
		}
		w.attempts.Add(1)
		if found := leaks(a); len(found) > 0 {
			t.Errorf("running plays by %v show %v: %.600s", fields, found, a.text)
		}
		return a
	}
	if own := ask("plays", map[string]any{"where": []string{"outcome=running"}}); own.status != http.StatusOK || !strings.Contains(own.text, "running-acme-") {
		t.Errorf("no plays of acme run, so that the attack proves nothing: %d %.600s", own.status, own.text)
	}
	for i, payload := range append(slices.Clone(payloads), playPayloads...) {
		column := playColumns[i%len(playColumns)]
		ask("plays", map[string]any{"where": []string{"outcome=running", column + "!=" + payload}, "sort": "-" + column})
		ask("plays", map[string]any{"where": []string{"outcome=running", payload}, "stream": []string{payload}, "country": []string{payload}})
		ask("play", map[string]any{"session": payload})
		ask("play", map[string]any{"session": "running-" + strings.Repeat("*", i%2) + "-1", "where": []string{payload}})
	}
}

// insertPlays puts lines into the store of plays.
func (w *world) insertPlays(t *testing.T, lines []byte) {
	t.Helper()
	status, text, err := request(t.Context(), http.MethodPost, w.plays+"/insert/jsonline?_stream_fields=org,kind", lines, "Content-Type", "application/stream+json")
	if err == nil && status == http.StatusOK {
		status, text, err = request(t.Context(), http.MethodGet, w.plays+"/internal/force_flush", nil)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %s, %v", status, text, err)
	}
}

// attackReadKey attacks through the collector with read keys of one reader.
func (w *world) attackReadKey(t *testing.T, keys []string) {
	n := 0
	read := func(path string, parameters url.Values, headers ...string) (int, string) {
		t.Helper()
		parameters = maps.Clone(parameters)
		for name, at := range map[string]time.Time{"from": begin(w.now), "to": w.now} {
			if _, ok := parameters[name]; !ok {
				parameters.Set(name, fmt.Sprint(at.UnixMilli()))
			}
		}
		for {
			n++
			status, text, err := request(t.Context(), http.MethodGet, w.product.Collector+path+"?"+parameters.Encode(), nil,
				append([]string{"Authorization", "Bearer " + keys[n%len(keys)]}, headers...)...)
			if err != nil {
				t.Fatal(err)
			}
			if status == http.StatusTooManyRequests {
				time.Sleep(50 * time.Millisecond)
				continue
			}
			w.attempts.Add(1)
			if found := append(textLeaks(text), largeInRows(text)...); len(found) > 0 {
				t.Errorf("%s?%s shows %v: %.600s", path, parameters.Encode(), found, text)
			}
			return status, text
		}
	}
	if status, text := read("/v1/widgets/plays", url.Values{}); status != http.StatusOK || !strings.Contains(text, "acme") {
		t.Errorf("there are no plays of acme, so that the attack proves nothing: %d %.600s", status, text)
	}
	hostile := append(slices.Clone(payloads), playPayloads...)
	all := registry(t)
	readCSV := func(path string, parameters url.Values, headers ...string) {
		t.Helper()
		status, text := read(path, parameters, headers...)
		if found := fileLeaks(answer{text: text, status: status}); len(found) > 0 {
			t.Errorf("%s?%s as CSV shows %v: %.600s", path, parameters.Encode(), found, text)
		}
	}
	for i, d := range all {
		compare, form := []string{"previous", "day", "week", "month"}[i%4], []string{"total", "series"}[i/4%2]
		read("/v1/widgets/"+d.Type, url.Values{"compare": {compare}, "form": {form}, "stream": {"only-victim"}})
		readCSV("/v1/widgets/"+d.Type, url.Values{"compare": {compare}, "form": {form}, "format": {"csv"}})
		readCSV("/v1/widgets/"+d.Type, url.Values{"stream": {"only-victim", sharedStream}, "event": {sharedEvent}}, "Accept", "text/csv")
		status, text := read("/v1/widgets/"+d.Type, url.Values{})
		if status == http.StatusInternalServerError {
			t.Errorf("%s: %d %s", d.Type, status, text)
		}
		read("/v1/widgets/"+d.Type, url.Values{"breakdown": {playColumns[i%len(playColumns)]}, "form": {"series"}, "stream": {"only-victim", sharedStream}})
		read("/v1/widgets/"+d.Type, url.Values{"country": {victimCountry}, "tag": {sharedTag}, "event": {sharedEvent}})
	}
	for i, payload := range hostile {
		d := all[i%len(all)]
		for _, name := range []string{"country", "stream", "event", "where", "sort", "session", "org", "extra_label", "filters", "level"} {
			read("/v1/widgets/"+d.Type, url.Values{name: {payload}})
		}
		read("/v1/widgets/plays", url.Values{"where": {"user!=" + payload, "stream!=" + payload}, "sort": {"-start"}})
		read("/v1/widgets/play", url.Values{"session": {payload}})
		read("/v1/widgets/"+url.PathEscape(payload), url.Values{})
	}
	for name, value := range hostileHeaders() {
		if name != "Authorization" && name != "Host" {
			read("/v1/widgets/plays", url.Values{}, name, value)
			read("/v1/widgets/usageByStream", url.Values{}, name, value)
		}
	}
}

// largeInRows returns a number of a JSON answer that acme cannot have.
func largeInRows(text string) []string {
	text, _, _ = strings.Cut(text, "\n")
	var decoded struct {
		Rows []map[string]any `json:"rows"`
	}
	if json.Unmarshal([]byte(text), &decoded) != nil {
		return nil // a refusal or CSV, in which the text is searched
	}
	for _, row := range decoded.Rows {
		for column, value := range row {
			if number, ok := value.(float64); ok && (number >= most || number <= -most) {
				return []string{fmt.Sprintf("the %s %v", column, number)}
			}
		}
	}
	return nil
}
