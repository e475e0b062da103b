package collector

import (
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/geoip/geoiptest"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// reloading returns a collector and what reloads it, with the configuration that it runs with and the log of the reloads.
func reloading(t *testing.T) (*collector, *reloader, *strings.Builder) {
	t.Helper()
	c := start(t, nil)
	log := &strings.Builder{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	running := config.Config{
		Listen: ":8095", Organizations: c.server.Directory.Organizations(), TrustedProxies: c.server.TrustedProxies,
		VictoriaMetrics: config.VictoriaMetrics{URL: "http://127.0.0.1:8428"},
	}
	held := hold(running)
	return c, &reloader{held, c.server, nil, newProof(held, "c", http.DefaultClient, nil, logger), logger}, log
}

func TestReload(t *testing.T) {
	c, r, log := reloading(t)
	rules := c.server.settings.Load().rulesOf("acme")

	next := r.held.now()
	acme := tenant.NewOrganization("acme")
	acme.SecretKey = "sk_new"
	acme.StreamPaths = nil
	beta := tenant.NewOrganization("beta")
	beta.SecretKey = "sk_beta"
	beta.StreamPaths = []tenant.StreamPath{{Path: "^/vod/(?P<stream>[^/]+)/"}}
	next.Organizations = []tenant.Organization{acme, beta}
	next.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	database := filepath.Join(t.TempDir(), "other.mmdb")
	next.GeoIP.Databases = []string{database}
	next.GeoIP.Networks = []config.GeoIPNetwork{{Network: "203.0.113.0/24", Country: "FR"}}
	networks := []geoiptest.Network{{Prefix: "81.2.69.0/24", Country: "GB"}}
	if err := geoiptest.Write(database, geoiptest.MaxMindCountry, networks); err != nil {
		t.Fatal(err)
	}
	next.Listen, next.VictoriaMetrics.URL, next.Logs = ":1", "http://other", []config.LogFile{{File: "a"}}
	if err := r.apply(next); err != nil {
		t.Fatal(err)
	}

	if status, _ := c.post(t, "/v1/usage", "{}", "Authorization", "Bearer sk_acme"); status != http.StatusUnauthorized {
		t.Errorf("the old key: %d, want 401", status)
	}
	for _, key := range []string{"sk_new", "sk_beta"} {
		if status, _ := c.post(t, "/v1/usage", "{}", "Authorization", "Bearer "+key); status != http.StatusBadRequest {
			t.Errorf("the key %s and a bad body: %d, want 400", key, status)
		}
	}
	settings := c.server.settings.Load()
	if got := settings.trustedProxies; !slices.Equal(got, next.TrustedProxies) {
		t.Errorf("trusted proxies %v, want %v", got, next.TrustedProxies)
	}
	if settings.rulesOf("acme") != rules {
		t.Error("rules whose stream paths are as before have forgotten what they learnt")
	}
	if stream, _, _, _ := settings.rulesOf("beta").Match("/vod/film/1.ts"); stream != "film" {
		t.Errorf("the stream paths of a new organisation find %q, want film", stream)
	}
	for address, want := range map[string]string{"203.0.113.1": "FR", "81.2.69.1": "GB"} {
		if got := c.server.Places.Country(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: country %s, want %s", address, got, want)
		}
	}
	if !strings.Contains(log.String(), `keys="listen, logs"`) {
		t.Errorf("the log does not name the keys that need a restart:\n%s", log.String())
	}
	if r.held.now().Listen != ":8095" {
		t.Error("what is not applied is taken as applied")
	}
	if err := r.apply(r.held.now()); err != nil || strings.Count(log.String(), "need a restart") != 1 {
		t.Errorf("the same configuration: %v, log:\n%s", err, log.String())
	}
}

func TestReloadRefuses(t *testing.T) {
	c, r, _ := reloading(t)
	for _, test := range []struct {
		name   string
		change func(*config.Config)
	}{
		{"no database", func(c *config.Config) { c.GeoIP.Databases = []string{filepath.Join(t.TempDir(), "nothing.mmdb")} }},
		{"a stream path", func(c *config.Config) {
			c.Organizations[0].StreamPaths = []tenant.StreamPath{{Path: "("}}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			next := r.held.now()
			next.Organizations = []tenant.Organization{tenant.NewOrganization("beta")}
			next.TrustedProxies = nil
			test.change(&next)
			if err := r.apply(next); err == nil {
				t.Fatal("no error")
			}
			if _, ok := c.server.Directory.Organization("acme"); !ok {
				t.Error("the organisations were replaced")
			}
			if got := c.server.settings.Load().trustedProxies; len(got) != 1 {
				t.Errorf("trusted proxies %v", got)
			}
			if got := c.server.Places.Country(netip.MustParseAddr("203.0.113.1")); got != "DE" {
				t.Errorf("country %s, want DE", got)
			}
		})
	}
}

func TestReloadTakesDatabaseAway(t *testing.T) {
	c, r, _ := reloading(t)
	next := r.held.now()
	next.GeoIP.Databases = []string{"the one of start"}
	r.held.replace(next)
	next.GeoIP.Databases = nil
	if err := r.apply(next); err != nil {
		t.Fatal(err)
	}
	if got := c.server.Places.Country(netip.MustParseAddr("203.0.113.1")); got != measure.UnknownCountry {
		t.Errorf("country %s, want %s", got, measure.UnknownCountry)
	}
}

func TestPulledForNobody(t *testing.T) {
	c, r, _ := reloading(t)
	log, err := logreader.New(accesslog.Format{Name: "nginx-combined"})
	if err != nil {
		t.Fatal(err)
	}
	take := c.server.logTaker(config.LogFile{Organization: "acme"}, "log", log)
	line := []byte(`203.0.113.1 - - [24/Nov/2026:10:00:00 +0000] "GET /live/a/1.ts HTTP/1.1" 200 9 "-" "-"` + "\n")
	if err := take(t.Context(), line, "1"); err != nil {
		t.Fatal(err)
	}
	next := r.held.now()
	next.Organizations = []tenant.Organization{tenant.NewOrganization("beta")}
	if err := r.apply(next); err != nil {
		t.Fatal(err)
	}
	if err := take(t.Context(), line, "1"); err == nil || !strings.Contains(err.Error(), "acme") {
		t.Errorf("a log of an organisation that is gone: %v", err)
	}
	if err := (&mediaServerSink{c.server, "acme", "server"}).Take(nil, nil, "1"); err == nil {
		t.Error("traffic of an organisation that is gone was counted")
	}
}

// TestNeedRestart finds each key that is not reloaded, also one that is added later.
func TestNeedRestart(t *testing.T) {
	of := reflect.TypeFor[config.Config]()
	for i := range of.NumField() {
		field := of.Field(i)
		var running config.Config
		next := running
		changed := reflect.ValueOf(&next).Elem().Field(i)
		switch {
		case changed.CanInt():
			changed.SetInt(1)
		case changed.Kind() == reflect.String:
			changed.SetString("other")
		case changed.Kind() == reflect.Slice:
			changed.Set(reflect.MakeSlice(field.Type, 1, 1))
		default:
			changed.Field(0).SetString("other")
		}
		got := needRestart(running, next)
		if slices.Contains(reloadedFields, field.Name) {
			if len(got) > 0 {
				t.Errorf("%s is reloaded, and yet named as %v", field.Name, got)
			}
			continue
		}
		if want := field.Tag.Get("yaml"); len(got) != 1 || got[0] != want || want == "" || want == "-" {
			t.Errorf("%s: %v, want %q", field.Name, got, want)
		}
	}
}
