package tenancy

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/vl/vltest"
	"github.com/streamlens/streamlens/test/oracle"
)

// visible is how long what was sent may take to be in every answer.
const visible = time.Minute

// world is everything that runs.
type world struct {
	product  *oracle.Product
	plays    string // URL of the store of plays
	dir      string
	plugin   *grafana
	now      time.Time
	all      []organization
	ids      atomic.Int64
	attempts atomic.Int64
}

// newWorld starts everything with some organisations, or parts of one, and returns when the data of the last are in every answer that
// it gets.
func newWorld(t *testing.T, organizations ...organization) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), now: time.Now(), all: organizations}
	w.plays = vltest.Start(t)
	known := configured(organizations)
	for i, o := range known {
		known[i].ReadKeys = configuredReadKeys(o.ID)
		known[i].BlockListTokens = []oracle.ViewerToken{{Token: blockListToken(o.ID)}}
	}
	w.product = oracle.StartProduct(t, w.dir, known, w.plays)
	w.block(t)
	w.plugin = startPlugin(t)
	if err := fill(t.Context(), w.product.Collector, w.now, organizations); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(visible); ; time.Sleep(time.Second) {
		hidden := w.hidden(t, organizations[len(organizations)-1])
		if len(hidden) == 0 {
			return w
		}
		if time.Now().After(deadline) {
			t.Fatalf("the victim does not see its own data in %v, so that the search would prove nothing", hidden)
		}
	}
}

// source is the data source of an organisation, as it should be set up.
func (w *world) source(o organization) source {
	s := w.sourceOf(map[string]any{"url": w.product.VictoriaMetrics, "playsUrl": w.plays, "organization": o.id, "level": "premium",
		"collectorUrl": w.product.Collector})
	s.blockListToken = blockListToken(o.id)
	return s
}

// sourceOf is a data source with other settings. Each has an instance of its own in the plugin.
func (w *world) sourceOf(settings any) source {
	jsonData, err := json.Marshal(settings)
	if err != nil {
		panic(err) // the settings are constants
	}
	return source{id: w.ids.Add(1), jsonData: string(jsonData), user: &backend.User{Login: "viewer", Role: "Viewer"}}
}

func widgets() []string { return slices.Sorted(maps.Keys(oracle.Widgets())) }

// model is a query model that a widget can answer.
func model(widget string, fields map[string]any) string {
	q := map[string]any{"refId": "A", "queryType": widget}
	if widget == "worldMap" {
		q["metric"] = "playouts"
	}
	maps.Copy(q, fields)
	text, err := json.Marshal(q)
	if err != nil {
		panic(err) // the fields are constants
	}
	return string(text)
}

// hidden returns the questions to which a victim does not get its own data yet. A ratio has no value that is the victim's alone.
func (w *world) hidden(t *testing.T, victim organization) []string {
	t.Helper()
	s := w.source(victim)
	var hidden []string
	for _, widget := range widgets() {
		for _, form := range []string{"total", "series"} {
			a := w.ask(t, s, "", model(widget, map[string]any{"form": form, "unit": "traffic"}))
			// Neither a ratio nor viewers of a minute are large enough to be found.
			if widget != "bufferingRatio" && widget != "viewersByHeight" && len(leaks(a)) == 0 {
				hidden = append(hidden, widget+" "+form)
			}
		}
	}
	for _, label := range []string{"country", "stream", "tag", "event", "referrer"} {
		if a := w.call(t, s, http.MethodGet, "values", w.values(label, "")); len(leaks(a)) == 0 {
			hidden = append(hidden, "values of "+label)
		}
	}
	if a := w.ask(t, s, "", model("plays", nil)); len(leaks(a)) == 0 {
		hidden = append(hidden, "plays")
	}
	return hidden
}

// ask asks for all that happened.
func (w *world) ask(t *testing.T, s source, queryType, model string) answer {
	t.Helper()
	a, err := w.plugin.ask(t.Context(), s, queryType, model, begin(w.now), w.now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// attack asks as an attacker and complains about what leaks.
func (w *world) attack(t *testing.T, name string, s source, queryType, model string) answer {
	t.Helper()
	a := w.ask(t, s, queryType, model)
	w.attempts.Add(1)
	if found := leaks(a); len(found) > 0 {
		t.Errorf("%s: %.300s shows %v: %.600s", name, model, found, a.text)
	}
	return a
}

// attackCompared asks as an attacker for the second half of what happened beside the first.
func (w *world) attackCompared(t *testing.T, name string, s source, widget string, fields map[string]any) answer {
	t.Helper()
	fields = maps.Clone(fields)
	if fields == nil {
		fields = map[string]any{}
	}
	fields["compare"] = "previous"
	text := model(widget, fields)
	a, err := w.plugin.ask(t.Context(), s, "", text, w.now.Add(begin(w.now).Sub(w.now)/2), w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.attempts.Add(1)
	if found := leaks(a); len(found) > 0 {
		t.Errorf("%s, compared: %.300s shows %v: %.600s", name, text, found, a.text)
	}
	return a
}

// payloads are values of which each could end a text, begin another filter, or mean more than itself.
var payloads = []string{
	"victim", "acme|victim", "acme,victim", ".*", ".+", "^.*$", "(?i)VICTIM", "|", "a|.*", ")|(.*", "[^a]*", "\\", "\\\\", `\"`, `"`, `""`, "'", "`",
	`"}`, `{`, `}`, `{}`, `"} or {org="victim`, `x"} or {org="victim"} or {x="`, `x" or org="victim`, `x",org="victim`, `x",org=~".*`, `{org="victim"}`,
	`\x22} or {org=\x22victim`, `\u0022} or {org=\u0022victim`, `&#34;} or {org="victim`, `%22%7D%20or%20%7Borg%3D%22victim`,
	"x\"}\nor\n{org=\"victim", "\n", "\r\n\r\n", "\x00", "\u2028", "\ufeff", "＂} or {org=＂victim", "x'} or {org='victim", "$__all", "${org}",
	"${stream:regex}", "[[org]]", "$stream", "{{org}}", "*", "?", "#", "x # comment", "shared\x00", "shared\" ", "only-victim", "SHARED",
	"x&extra_label=org=victim", `&extra_filters[]={org="victim"}`, "x;extra_label=org=victim", `"}&extra_label=org%3Dvictim&x={"`,
	"x) or label_set(vector(1),\"org\",\"victim\"", "streamlens_traffic_bytes_1m", `__name__`, "../victim", "..%2fvictim", "victim/../acme",
	"<script>", "1 OR 1=1", "NaN", "-1", strings.Repeat("a", 5000), strings.Repeat("a|", 5000) + ".*", strings.Repeat(`"}`, 2000),
}

func TestQueriesShowNoOtherOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acme, victim)
	own := w.source(acme)

	// What an attack is compared with: acme has data of its own, so that an answer of nothing is not the reason.
	for _, widget := range widgets() {
		a := w.ask(t, own, "", model(widget, nil))
		if a.status != http.StatusOK || len(a.frames) == 0 {
			t.Errorf("%s: acme gets %d %s", widget, a.status, a.text)
		}
		if !strings.Contains(widget, "atio") && !strings.ContainsAny(a.text, "123456789") {
			t.Errorf("%s: acme has no data: %s", widget, a.text)
		}
		if found := leaks(a); len(found) > 0 {
			t.Errorf("%s: acme sees %v: %s", widget, found, a.text)
		}
		w.attackCompared(t, "no filter", own, widget, nil)
	}
	if a := w.attackCompared(t, "no filter", own, "usageByStream", nil); a.status != http.StatusOK || !beforeIsSomething(t, a) {
		t.Errorf("acme does not see what it had before: %d %s", a.status, a.text)
	}

	t.Run("filters", func(t *testing.T) { w.attackFilters(t, own) })
	t.Run("other fields", func(t *testing.T) { w.attackFields(t, own) })
	t.Run("options", func(t *testing.T) { w.attackOptions(t, own) })
	t.Run("models", func(t *testing.T) { w.attackModels(t, own) })
	t.Run("headers", func(t *testing.T) { w.attackHeaders(t) })
	t.Run("settings", func(t *testing.T) { w.attackSettings(t) })
	t.Run("resources", func(t *testing.T) { w.attackResources(t) })
	t.Run("downloads", func(t *testing.T) { w.attackDownloads(t, own, w.source(victim)) })
	t.Run("plays", func(t *testing.T) { w.attackPlays(t, own) })
	t.Run("block list", func(t *testing.T) { w.attackBlockList(t) })
	t.Run("read keys", func(t *testing.T) { w.attackReadKey(t, readKeys(acme.id, nil)) })
	t.Run("command line", func(t *testing.T) { w.attackCommandLine(t) })
	// At last, because acme plants a session under the id of one of victim's, which its export then has.
	t.Run("the way in", func(t *testing.T) { w.attackCollector(t) })
	if found := textLeaks(w.plugin.log.String()); len(found) > 0 {
		t.Errorf("the plugin's log shows %v", found)
	}
	// The search still finds what there is to find.
	if hidden := w.hidden(t, victim); len(hidden) > 0 {
		t.Errorf("at the end victim does not see its own data in %v", hidden)
	}
	t.Logf("%d hostile attempts", w.attempts.Load())
	if w.attempts.Load() < 200 {
		t.Errorf("only %d attempts", w.attempts.Load())
	}
}

// beforeIsSomething reports whether an answer has a number of the earlier range that is not 0.
func beforeIsSomething(t *testing.T, a answer) bool {
	for _, text := range a.frames {
		var frame data.Frame
		if err := json.Unmarshal(text, &frame); err != nil {
			t.Fatal(err)
		}
		for _, f := range frame.Fields {
			for i := range f.Len() {
				if v, err := f.NullableFloatAt(i); strings.HasSuffix(f.Name, "Before") && err == nil && v != nil && *v > 0 {
					return true
				}
			}
		}
	}
	return false
}

// attackFilters puts every payload into every filter, alone and beside a good value, of all widgets in turn.
func (w *world) attackFilters(t *testing.T, s source) {
	all := widgets()
	n := 0
	for _, filter := range []string{"country", "stream", "tag", "event", "referrer"} {
		for _, payload := range payloads {
			widget := all[n%len(all)]
			if filter == "referrer" {
				widget = "usageByReferrer"
			}
			n++
			form := []string{"total", "series"}[n%2]
			w.attack(t, filter, s, "", model(widget, map[string]any{filter: []string{payload}, "form": form}))
			w.attackCompared(t, filter, s, widget, map[string]any{filter: []string{payload}, "form": form})
			w.attack(t, filter+" of two", s, "", model("usageByStream", map[string]any{filter: []string{"DE", payload}, "stream": []string{sharedStream, payload}}))
		}
	}
	// What both organisations have shows acme's own.
	for field, value := range map[string]string{"stream": sharedStream, "tag": sharedTag, "event": sharedEvent} {
		for _, widget := range all {
			a := w.attack(t, "shared "+field, s, "", model(widget, map[string]any{field: []string{value}}))
			if field == "event" && a.status == http.StatusBadRequest && strings.Contains(a.text, "not by event") {
				continue // is not stored by event
			}
			if a.status != http.StatusOK {
				t.Errorf("%s of the shared %s: %d %s", widget, field, a.status, a.text)
			}
		}
	}
}

// attackFields puts payloads into the other fields, and names of fields that a query must not have.
func (w *world) attackFields(t *testing.T, s source) {
	for _, field := range []string{"queryType", "unit", "metric", "mode", "form", "interval", "timezone", "compare", "percentile", "refId"} {
		for _, payload := range payloads {
			w.attack(t, field, s, payload, model("usageByStream", map[string]any{field: payload}))
		}
	}
	values := []any{"victim", []string{"victim"}, map[string]any{"org": "victim", "$regex": ".*"}, `{org="victim"}`, true, 1e308}
	for _, field := range []string{
		"organization", "Organization", "org", "orgId", "OrgID", "org_id", "tenant", "accountId", "accountID", "namespace", "extra_label", "extra_label[]",
		"extra_filters", "extra_filters[]", "extraLabel", "match", "match[]", "url", "URL", "expr", "query", "rawQuery", "metricsql", "filters", "adhocFilters",
		"datasource", "datasourceUid", "jsonData", "headers", "httpHeaders", "level", "Level", "From", "To", "Now", "Alert", "scopedVars", "variables",
		"__proto__", "constructor", "Request", "Query", "",
	} {
		for _, value := range values {
			w.attack(t, field, s, "", model("usageOverview", map[string]any{field: value}))
		}
	}
}

// attackModels asks with models that are hard to read, or mean different things to different readers.
func (w *world) attackModels(t *testing.T, s source) {
	list := func(value string, n int) string {
		text, err := json.Marshal(slices.Repeat([]string{value}, n))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, model := range map[string]string{
		"nothing":                 "",
		"null":                    "null",
		"a list":                  `[{"queryType":"usageOverview"}]`,
		"a text":                  `"usageOverview"`,
		"a text of JSON":          `"{\"queryType\":\"usageOverview\",\"organization\":\"victim\"}"`,
		"broken":                  `{"queryType":"usageOverview"`,
		"two models":              `{"queryType":"usageOverview"}{"queryType":"usageOverview","organization":"victim"}`,
		"a comment":               `{"queryType":"usageOverview"/*,*/}`,
		"a mark of order":         "\xef\xbb\xbf" + `{"queryType":"usageOverview"}`,
		"no UTF-8":                `{"queryType":"usageByStream","stream":["` + "\xff\xfe" + `"]}`,
		"half a pair":             `{"queryType":"usageByStream","stream":["\ud800\"} or {org=\"victim"]}`,
		"keys twice":              `{"queryType":"usageByStream","queryType":"usageByIP","stream":["a"],"stream":[".*"],"organization":"acme","organization":"victim"}`,
		"keys in two cases":       `{"queryType":"usageByStream","stream":["a"],"STREAM":["only-victim"],"Stream":[".*"]}`,
		"an escaped key":          `{"queryType":"usageByStream","\u006frganization":"victim","stre\u0061m":["only-victim"]}`,
		"a filter as text":        `{"queryType":"usageByStream","stream":"only-victim"}`,
		"a filter as object":      `{"queryType":"usageByStream","stream":{"$ne":"a"}}`,
		"a filter as number":      `{"queryType":"usageByStream","stream":[1]}`,
		"lists in a filter":       `{"queryType":"usageByStream","stream":[["only-victim"]]}`,
		"null in a filter":        `{"queryType":"usageByStream","stream":[null]}`,
		"empty in a filter":       `{"queryType":"usageByStream","stream":[""]}`,
		"empty beside a value":    `{"queryType":"usageByStream","stream":["","only-victim"]}`,
		"an empty filter":         `{"queryType":"usageByStream","stream":[]}`,
		"many values":             `{"queryType":"usageByStream","stream":` + list(".*", 10_000) + `}`,
		"too many values":         `{"queryType":"usageByStream","stream":` + list(".*", 10_001) + `}`,
		"long values":             `{"queryType":"usageByStream","stream":` + list(strings.Repeat(`"`, 1000), 900) + `}`,
		"too long values":         `{"queryType":"usageByStream","stream":` + list(strings.Repeat(`"}`, 1000), 900) + `}`,
		"many tags":               `{"queryType":"usageByStream","tag":` + list(sharedTag, 5000) + `}`,
		"deep":                    `{"queryType":"usageOverview","x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`,
		"too deep":                `{"queryType":"usageOverview","x":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + `}`,
		"a zone of files":         `{"queryType":"usageOverview","timezone":"../../../../etc/passwd"}`,
		"a zone of the machine":   `{"queryType":"usageOverview","timezone":"/etc/localtime"}`,
		"an interval of nothing":  `{"queryType":"usageOverview","form":"series","interval":"0s"}`,
		"an interval backwards":   `{"queryType":"usageOverview","form":"series","interval":"-1h"}`,
		"an interval of a second": `{"queryType":"usageOverview","form":"series","interval":"1s"}`,
		"an interval of ages":     `{"queryType":"usageOverview","form":"series","interval":"9999999999999999999d"}`,
		"a delta of nothing":      `{"queryType":"concurrentViewers","mode":"delta"}`,
	} {
		w.attack(t, name, s, "usageOverview", model)
	}
	// Times of all kinds.
	for _, at := range [][2]time.Time{
		{time.Unix(0, 0), w.now}, {time.Unix(-1, 0), w.now}, {w.now, begin(w.now)}, {w.now, w.now}, {{}, {}},
		{time.Unix(1<<40, 0), time.Unix(1<<41, 0)}, {begin(w.now), time.Unix(1<<55, 0)}, {begin(w.now), w.now.AddDate(100, 0, 0)},
	} {
		for _, form := range []string{"total", "series"} {
			a, err := w.plugin.ask(t.Context(), s, "", model("usageByStream", map[string]any{"form": form}), at[0], at[1])
			w.attempts.Add(1)
			if err != nil || len(leaks(a)) > 0 {
				t.Errorf("from %s to %s: %v shows %v: %.500s", at[0], at[1], err, leaks(a), a.text)
			}
		}
	}
}

// hostileHeaders are headers by which a proxy or a database could be told another organisation or tenant.
func hostileHeaders() map[string]string {
	headers := map[string]string{}
	for name, value := range map[string]string{
		"AccountID": "1", "ProjectID": "1", "X-Scope-OrgID": "victim", "X-Grafana-Org-Id": "2", "X-Grafana-User": "admin", "X-Grafana-Id": "e30.e30.",
		"X-Prometheus-User": "victim", "VL-Multitenant": "victim", "Authorization": "Bearer " + victim.secretKey, "Cookie": "org=victim; grafana_session=x",
		"X-Id-Token": "victim", "Host": "victim", "X-Forwarded-Host": "victim", "X-Original-URL": "/api/v1/export?match[]={org=\"victim\"}",
		"X-Rewrite-URL": "/api/v1/export", "X-HTTP-Method-Override": "PUT", "X-Organization": "victim", "Extra-Label": "org=victim", "extra_label": "org=victim",
		"Content-Type": "multipart/form-data", "X-Grafana-Datasource-Uid": "victim", "Forwarded": "host=victim", "FromAlert": "true", "X-Cache-Skip": "true",
	} {
		headers[name] = value
		headers["http_"+name] = value
	}
	return headers
}

func (w *world) attackHeaders(t *testing.T) {
	all := hostileHeaders()
	for name, value := range all {
		s := w.source(acme)
		s.headers = map[string]string{name: value}
		for _, widget := range []string{"usageByStream", "stopReasons"} {
			a := w.attack(t, "header "+name, s, "", model(widget, nil))
			if a.status != http.StatusOK {
				t.Errorf("with the header %s: %d %s", name, a.status, a.text)
			}
		}
	}
	s := w.source(acme)
	s.headers = all
	w.attack(t, "all headers", s, "", model("usageByStream", nil))
	s = w.source(acme)
	s.user = nil // as some versions of Grafana ask for alert rules
	w.attack(t, "nobody", s, "", model("usageByStream", nil))
	s.user = &backend.User{Login: "grafana_scheduler", Role: "Admin"}
	w.attack(t, "the scheduler", s, "", model("usageByStream", nil))
	s.user = &backend.User{Login: "victim", Name: "victim", Email: "victim", Role: "Grafana Admin"}
	w.attack(t, "a user of that name", s, "", model("usageByStream", nil))
}

// attackSettings sets data sources up wrongly. Whoever may edit a data source may name any organisation; here are settings
// that name none, several, or acme and a URL that says more.
func (w *world) attackSettings(t *testing.T) {
	base := w.product.VictoriaMetrics
	with := func(url, organization any) any {
		return map[string]any{"url": url, "organization": organization, "level": "premium"}
	}
	host := strings.TrimPrefix(base, "http://")
	for name, settings := range map[string]any{
		"no settings":            nil,
		"a list":                 []string{"victim"},
		"no organisation":        map[string]any{"url": base, "level": "premium"},
		"an empty one":           with(base, ""),
		"a space":                with(base, " "),
		"upper case":             with(base, "VICTIM"),
		"two":                    with(base, "acme,victim"),
		"alternatives":           with(base, "acme|victim"),
		"all":                    with(base, ".*"),
		"a star":                 with(base, "*"),
		"not acme":               with(base, "!acme"),
		"a path":                 with(base, "../victim"),
		"dots":                   with(base, ".."),
		"all tenants":            with(base, "multitenant:victim"),
		"a line end":             with(base, "victim\n"),
		"a zero":                 with(base, "victim\x00"),
		"a second label":         with(base, "acme&extra_label=org=victim"),
		"a second label, quoted": with(base, `acme",org="victim`),
		"a list of one":          with(base, []string{"victim"}),
		"an object":              with(base, map[string]string{"id": "victim"}),
		"a number":               with(base, 1),
		"wide letters":           with(base, "ｖｉｃｔｉｍ"),
		"dotless":                with(base, "vıctım"),
		"a query string":         with(base+"?extra_label=org=victim", "acme"),
		"an empty query string":  with(base+"/?", "acme"),
		"a filter in the URL":    with(base+`?extra_filters[]={org="victim"}`, "acme"),
		"a fragment":             with(base+"#?extra_label=org=victim", "acme"),
		"an escaped question":    with(base+"/%3Fextra_label=org=victim", "acme"),
		"an escaped fragment":    with(base+"/%23", "acme"),
		"a way up":               with(base+"/select/0/../../", "acme"),
		"an escaped way up":      with(base+"/%2e%2e/", "acme"),
		"an escaped slash":       with(base+"/select%2F0/prometheus", "acme"),
		"a name":                 with("http://victim@"+host, "acme"),
		"a name and a word":      with("http://u:p@"+host, "acme"),
		"all tenants in the URL": with(base+"/select/multitenant/prometheus", "acme"),
		"all of a project":       with(base+"/select/multitenant:0/prometheus", "acme"),
		"all in capitals":        with(base+"/select/MultiTenant/prometheus", "acme"),
		"all, escaped":           with(base+"/select/%6dultitenant/prometheus", "acme"),
		"export":                 with(base+`/api/v1/export`, "acme"),
		"export and a question":  with(base+`/api/v1/export?match[]={org="victim"}&x=`, "acme"),
		"graphite":               with(base+`/graphite/render?target=*&x=`, "acme"),
		"the user interface":     with(base+"/vmui", "acme"),
		"federation":             with(base+"/federate", "acme"),
		"a line end in the URL":  with(base+"/\r\nX: y", "acme"),
		"a file":                 with("file:///etc/passwd", "acme"),
		"no scheme":              with("//"+host, "acme"),
		"another scheme":         with("ftp://"+host, "acme"),
		"a script":               with("javascript:alert(1)", "acme"),
		"a list of URLs":         with([]string{base}, "acme"),
		"nothing as URL":         with(nil, "acme"),
		"a higher level":         map[string]any{"url": base, "organization": "acme", "level": "root"},
		"a list as level":        map[string]any{"url": base, "organization": "acme", "level": []string{"premium"}},
	} {
		s := w.sourceOf(settings)
		s.url = base + "?extra_label=org=victim"
		w.attack(t, name, s, "", model("usageByStream", nil))
		w.attack(t, name, s, "", model("usageOverview", map[string]any{"organization": "victim"}))
		w.searched(t, name+": values", w.call(t, s, http.MethodGet, "values", w.values("stream", "")))
		a, err := w.plugin.check(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		w.searched(t, name+": health", a)
	}
	// A health check of good settings names its own organisation, whatever its headers say.
	s := w.source(acme)
	s.headers = hostileHeaders()
	a, err := w.plugin.check(t.Context(), s)
	if err != nil || a.status != int(backend.HealthStatusOk) || !strings.Contains(a.text, "organisation acme") {
		t.Errorf("health: %d %s %v", a.status, a.text, err)
	}
	w.searched(t, "health", a)
}

// searched complains about what leaks in an answer to an attempt.
func (w *world) searched(t *testing.T, name string, a answer) {
	t.Helper()
	w.attempts.Add(1)
	if found := leaks(a); len(found) > 0 {
		t.Errorf("%s shows %v: %.600s", name, found, a.text)
	}
}

// values is the target of the resource of that name.
func (w *world) values(label, more string) string {
	return fmt.Sprintf("values?label=%s&from=%d&to=%d%s", label, begin(w.now).UnixMilli(), w.now.UnixMilli(), more)
}
