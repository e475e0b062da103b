package tenancy

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// house is an organisation with two customers. What the upper one has is on other streams, with other tags, in another country and of
// other events than what the lower one has, who is acme's double: small numbers. The upper one is victim's double.
const house = "house"

var (
	lower = organization{house, "sk_house_0123456789", "house-web", "pk_house", "81.2.0.", "acme", 4, 7, 0.5, 3001,
		[]string{"lower", "stream-acme", "lower-too"}}
	upper = organization{house, "sk_house_0123456789", "house-web", "pk_house", victimNetwork, marker, 1100, prime, 1500, json.Number(victimCode),
		[]string{"upper", "stream-" + marker, "upper-too"}}
)

// lowerFilters are fixed filters that each leave of house what the lower customer has, or a part of it.
var lowerFilters = map[string]map[string][]string{
	"a stream":     {"stream": {"lower"}},
	"streams":      {"stream": {"lower", "stream-acme", "lower-too"}},
	"a country":    {"country": {"DE"}},
	"a tag":        {"tag": {"tag-acme"}},
	"an event":     {"event": {"event-acme"}},
	"all of these": {"stream": {"lower", "upper"}, "country": {"DE", "FR"}, "tag": {"tag-acme", sharedTag}, "event": {"event-acme"}},
}

// TestFixedFiltersCannotBeWidened attacks data sources that show a part of an organisation.
func TestFixedFiltersCannotBeWidened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lower, upper)
	t.Run("filters", func(t *testing.T) {
		for name, fixed := range lowerFilters {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := w.sourceOf(w.fixedSettings(fixed))
				w.showsThePart(t, s, fixed)
				w.attackFixed(t, s)
				w.attackFixedValues(t, s)
				w.attackPlays(t, s)
				s.blockListToken = blockListToken(house)
				if a := w.attack(t, "block list", s, "", model("blockList", nil)); a.status != http.StatusForbidden {
					t.Errorf("the block list of the whole organisation: %d %s", a.status, a.text)
				}
				w.attackReadKey(t, readKeys(house, fixed))
				if len(fixed["event"]) > 0 {
					return // files of traffic, which has no events, are refused
				}
				w.attackDownloads(t, s, w.sourceOf(w.fixedSettings(nil)), "&stream=upper", "&var-stream=upper&var-stream=lower", "&tag="+sharedTag,
					"&country="+victimCountry, "&var-event="+sharedEvent, "&var-stream=$__all")
			})
		}
	})
	t.Run("settings", func(t *testing.T) { w.attackFixedSettings(t) })
	if found := textLeaks(w.plugin.log.String()); len(found) > 0 {
		t.Errorf("the plugin's log shows %v", found)
	}
	if hidden := w.hidden(t, upper); len(hidden) > 0 {
		t.Errorf("at the end what was looked for is not in %v without fixed filters", hidden)
	}
	t.Logf("%d hostile attempts", w.attempts.Load())
	if w.attempts.Load() < 1000 {
		t.Errorf("only %d attempts", w.attempts.Load())
	}
}

func (w *world) fixedSettings(fixed any) map[string]any {
	return map[string]any{"url": w.product.VictoriaMetrics, "playsUrl": w.plays, "organization": house, "level": "premium", "fixedFilters": fixed,
		"collectorUrl": w.product.Collector}
}

// showsThePart checks that something is left, without which no attack would prove anything.
func (w *world) showsThePart(t *testing.T, s source, fixed map[string][]string) {
	for _, widget := range widgets() {
		for _, unit := range []string{"traffic", "playtime"} {
			a := w.attack(t, "no filter", s, "", model(widget, map[string]any{"unit": unit}))
			if a.status == http.StatusBadRequest && strings.Contains(a.text, "not by event: the filters") {
				continue // is not stored by these filters
			}
			if len(fixed["event"]) > 0 && a.status == http.StatusForbidden && strings.Contains(a.text, "not stored by event") {
				continue // traffic
			}
			if a.status != http.StatusOK {
				t.Errorf("%s of %s: %d %s", widget, unit, a.status, a.text)
			}
			if !strings.Contains(widget, "atio") && !strings.ContainsAny(a.text, "123456789") {
				t.Errorf("%s of %s shows nothing: %s", widget, unit, a.text)
			}
		}
	}
	for label, want := range map[string]string{"country": "DE", "stream": "lower", "tag": "tag-acme", "event": "event-acme", "referrer": "acme.example"} {
		a := w.call(t, s, http.MethodGet, "values", w.values(label, ""))
		// The world waits for what the upper customer has; a new series of the lower one may show later.
		for deadline := time.Now().Add(visible); !strings.Contains(a.text, `"`+want+`"`) && time.Now().Before(deadline); {
			time.Sleep(time.Second)
			a = w.call(t, s, http.MethodGet, "values", w.values(label, ""))
		}
		w.searched(t, "values of "+label, a)
		if a.status != http.StatusOK || !strings.Contains(a.text, `"`+want+`"`) {
			t.Errorf("values of %s: %d %s", label, a.status, a.text)
		}
	}
}

// outside are filters that name what the upper customer has. The attacker does not know the mark, but it has been told the rest.
func outside() []map[string]any {
	var all []map[string]any
	for filter, values := range map[string][]string{
		"stream": {"upper", "upper-too"}, "country": {victimCountry}, "tag": {sharedTag}, "event": {sharedEvent},
	} {
		own := map[string]string{"stream": "lower", "country": "DE", "tag": "tag-acme", "event": "event-acme"}[filter]
		all = append(all, map[string]any{filter: values}, map[string]any{filter: append([]string{own}, values...)}, map[string]any{filter: []string{}},
			map[string]any{filter: nil})
	}
	return all
}

// attackFixed asks every widget for what is outside, and by what could end a filter or begin another.
func (w *world) attackFixed(t *testing.T, s source) {
	n := 0
	for _, widget := range widgets() {
		for _, fields := range outside() {
			n++
			fields["form"], fields["unit"] = []string{"total", "series"}[n%2], []string{"traffic", "playtime"}[n/2%2]
			w.attack(t, "outside", s, "", model(widget, fields))
			w.attackCompared(t, "outside", s, widget, fields)
		}
	}
	for _, dimension := range dimensions {
		for _, widget := range []string{"playerHealth", "streamHealth", "statusCodes", "startTime", "bufferingRatio"} {
			for _, values := range []any{nil, []string{".*"}, []string{`"} or {stream="upper`}} {
				w.attack(t, "dimension", s, "", model(widget, map[string]any{"dimension": dimension, "values": values}))
			}
		}
	}
	for _, field := range []string{"fixedFilters", "FixedFilters", "fixed", "Fixed", "filters", "Filters", "asker", "Confined"} {
		for _, value := range []any{nil, map[string]any{}, map[string][]string{"stream": {"upper"}}} {
			w.attack(t, field, s, "", model("usageByStream", map[string]any{field: value, "unit": "playtime"}))
		}
	}
	for _, filter := range []string{"country", "stream", "tag", "event", "referrer"} {
		for _, payload := range payloads {
			widget := widgets()[n%len(widgets())]
			if filter == "referrer" {
				widget = "usageByReferrer"
			}
			n++
			w.attack(t, filter, s, "", model(widget, map[string]any{filter: []string{payload}, "form": []string{"total", "series"}[n%2], "unit": "playtime"}))
		}
	}
	for name, value := range hostileHeaders() {
		s.headers = map[string]string{name: value}
		w.attack(t, "header "+name, s, "", model("usageByStream", map[string]any{"unit": "playtime"}))
	}
	// Alert rules and public dashboards are asked as administrators, or as nobody.
	s.headers = map[string]string{"FromAlert": "true", "http_X-Grafana-Org-Id": "1"}
	for _, user := range []*backend.User{nil, {Login: "grafana_scheduler", Role: "Admin"}, {Login: "admin", Role: "Grafana Admin"}} {
		s.user = user
		for _, widget := range widgets() {
			w.attack(t, "an alert rule", s, "", model(widget, map[string]any{"unit": "playtime"}))
		}
	}
}

// attackFixedValues asks the resource for what is outside.
func (w *world) attackFixedValues(t *testing.T, s source) {
	for _, label := range labels {
		for _, more := range []string{
			"&stream=upper", "&stream=lower&stream=upper", "&country=" + victimCountry, "&country=DE&country=" + victimCountry, "&tag=" + sharedTag,
			"&event=" + sharedEvent, "&event=event-acme&event=" + sharedEvent, "&fixedFilters={}", "&stream=.*", "&stream=" + url.QueryEscape(`"} or {stream="upper`),
		} {
			w.searched(t, "values of "+label+more, w.call(t, s, http.MethodGet, "values", w.values(label, more)))
		}
		for name, value := range hostileHeaders() {
			s.headers = map[string]string{name: value}
			w.searched(t, "values of "+label+" with "+name, w.call(t, s, http.MethodGet, "values", w.values(label, "")))
		}
		s.headers = nil
	}
}

// attackFixedSettings sets data sources up wrongly: what is not understood must not mean all.
func (w *world) attackFixedSettings(t *testing.T) {
	for name, fixed := range map[string]any{
		"another name":      map[string]any{"streams": []string{"lower"}},
		"capitals":          map[string]any{"STREAM": []string{"lower"}},
		"a further name":    map[string]any{"stream": []string{"lower"}, "org": []string{house}},
		"a text":            map[string]any{"stream": "lower"},
		"a number":          map[string]any{"stream": []int{1}},
		"an empty list":     map[string]any{"stream": []string{}},
		"null":              map[string]any{"stream": nil},
		"null in a list":    map[string]any{"stream": []any{nil}},
		"an empty text":     map[string]any{"stream": []string{""}},
		"a list of filters": []any{map[string]any{"stream": []string{"lower"}}},
		"text of JSON":      `{"stream":["lower"]}`,
		"an unset variable": "",
		"all":               map[string]any{"stream": []string{".*"}},
		"all by a star":     map[string]any{"stream": []string{"*"}},
		"all by a variable": map[string]any{"stream": []string{"$__all"}},
		"one that is gone":  map[string]any{"stream": []string{"gone"}},
		"a tag of none":     map[string]any{"tag": []string{"gone"}},
		"an event of none":  map[string]any{"event": []string{"gone"}},
		"a country of none": map[string]any{"country": []string{"AQ"}},
		"a small country":   map[string]any{"country": []string{"de"}},
	} {
		s := w.sourceOf(w.fixedSettings(fixed))
		for _, widget := range widgets() {
			w.attack(t, name, s, "", model(widget, map[string]any{"unit": "playtime"}))
		}
		for _, label := range labels {
			w.searched(t, name+": values", w.call(t, s, http.MethodGet, "values", w.values(label, "")))
		}
		a, err := w.plugin.check(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		w.searched(t, name+": health", a)
	}
}
