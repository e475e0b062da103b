package plugin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// FuzzSettings makes data sources of any settings: what is taken names one organisation and one plain URL.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"url":"http://vm:8428","organization":"acme","level":"premium","collectorUrl":"http://c"}`))
	f.Add([]byte(`{"url":"http://vm/select/multitenant/prometheus","organization":"acme"}`))
	f.Add([]byte(`{"url":"http://vm?extra_label=org=victim","organization":"acme","Organization":"victim","ORGANIZATION":"\u0000"}`))
	f.Add([]byte(`{"url":"http://u:p@vm/a/../b#x","organization":["acme"],"level":null}`))
	f.Add([]byte(`{"url":"http://vm","organization":"acme","fixedFilters":{"stream":["a",""],"tag":[],"country":null},"FixedFilters":{"x":["y"]}}`))
	f.Fuzz(func(t *testing.T, jsonData []byte) {
		settings, err := LoadSettings(backend.DataSourceInstanceSettings{JSONData: jsonData, DecryptedSecureJSONData: map[string]string{"token": "MARKED4711"}})
		if err != nil {
			if strings.Contains(err.Error(), "MARKED4711") && !strings.Contains(string(jsonData), "MARKED4711") {
				t.Errorf("the error shows the token: %v", err)
			}
			return
		}
		for name, values := range settings.FixedFilters {
			if len(values) == 0 || slices.Contains(values, "") {
				t.Errorf("the fixed filter %q has %q", name, values)
			}
		}
		if !tenant.ValidID(settings.Organization) || !settings.Level.Valid() {
			t.Errorf("taken: %+v", settings)
		}
		if _, err := tenant.NewTransport(settings.URL, settings.Organization, http.DefaultTransport); err != nil {
			return
		}
		if strings.ContainsAny(settings.URL, "?#@") || strings.Contains(settings.URL, "..") {
			t.Errorf("the URL %q is taken", settings.URL)
		}
	})
}

// FuzzValuesRequest reads the parameters of the resource "values".
func FuzzValuesRequest(f *testing.F) {
	f.Add("label=stream&from=0&to=60000&country=DE&country=FR&tag=a")
	f.Add("label=stream&from=0&to=60000&extra_filters[]={}&match[]=x")
	f.Add("label=%zz;from=-9223372036854775808&to=9223372036854775807")
	f.Fuzz(func(t *testing.T, rawQuery string) {
		_, request, err := valuesRequest(rawQuery)
		if err != nil {
			if body, err := json.Marshal(map[string]string{"error": err.Error()}); err != nil || len(body) == 0 {
				t.Errorf("the error has no JSON: %v", err)
			}
			return
		}
		if request.QueryType != "" || request.Metric != "" || request.Level != "" {
			t.Errorf("%q sets %+v", rawQuery, request)
		}
	})
}
