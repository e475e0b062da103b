package plugin

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"go.yaml.in/yaml/v4"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/widget"
)

func TestScheduleResource(t *testing.T) {
	server := withUsage(t)
	settings := instanceSettings(server, "acme", tenant.Default)
	parameters := "schedule?var-unit=playtime&timezone=Europe%2FBerlin&var-stream=" + "a%2Cb%3A%20%5B" + "&var-country=$__all&" + rangeOf()
	for _, test := range []struct {
		name, query string
		user        *backend.User
		every, to   string
	}{
		{"by default each week", "", &backend.User{Email: "sam@site.example"}, "week", "sam@site.example"},
		{"each month, of somebody without an address", "&every=month", &backend.User{Login: "admin"}, "month", "you@site.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var answer *backend.CallResourceResponse
			request := &backend.CallResourceRequest{PluginContext: backend.PluginContext{User: test.user}, Method: http.MethodGet, Path: "schedule", URL: parameters + test.query}
			err := newDatasource(t, settings).CallResource(t.Context(), request, backend.CallResourceResponseSenderFunc(
				func(r *backend.CallResourceResponse) error { answer = r; return nil }))
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("status %d, %v: %s", answer.Status, err, answer.Body)
			}
			var got struct{ Reports []config.Report }
			if err := yaml.Load(answer.Body, &got, yaml.WithKnownFields()); err != nil || len(got.Reports) != 1 {
				t.Fatalf("%v in\n%s", err, answer.Body)
			}
			r := got.Reports[0]
			if r.Organization != "acme" || r.Every != test.every || r.Timezone != "Europe/Berlin" || r.Unit != widget.UnitPlaytime ||
				!slices.Equal(r.Stream, []string{"a,b: ["}) || len(r.Country) > 0 || !slices.Equal(r.Mail.To, []string{test.to}) {
				t.Errorf("got %+v", r)
			}
		})
	}
	t.Run("fixed filters refuse", func(t *testing.T) {
		settings := settings
		settings.JSONData = []byte(`{"url":"` + server + `","organization":"acme","fixedFilters":{"stream":["one"]}}`)
		if answer := get(t, settings, parameters); answer.Status != http.StatusBadRequest || !strings.Contains(string(answer.Body), "ask whoever") {
			t.Errorf("status %d: %s", answer.Status, answer.Body)
		}
	})
	t.Run("UTC as Grafana writes it", func(t *testing.T) {
		if answer := get(t, settings, "schedule?timezone=utc&"+rangeOf()); !strings.Contains(string(answer.Body), "timezone: UTC\n") {
			t.Errorf("status %d: %s", answer.Status, answer.Body)
		}
	})
	t.Run("an unknown time zone", func(t *testing.T) {
		if answer := get(t, settings, "schedule?timezone=Mars&"+rangeOf()); answer.Status != http.StatusBadRequest {
			t.Errorf("status %d: %s", answer.Status, answer.Body)
		}
	})
	t.Run("an unknown period", func(t *testing.T) {
		if answer := get(t, settings, parameters+"&every=year"); answer.Status != http.StatusBadRequest {
			t.Errorf("status %d: %s", answer.Status, answer.Body)
		}
	})
}
