package collector

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/geoip/geoiptest"
)

func TestGeoIPDatabasesShow(t *testing.T) {
	c := start(t, nil)
	get := func(path string) string {
		t.Helper()
		response, err := http.Get(c.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
		}
		return string(body)
	}
	ready := func() (r readiness) {
		t.Helper()
		if err := json.Unmarshal([]byte(get("/readyz")), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := ready(); got.Status != "ready" || got.GeoIP != nil || got.Warnings != nil {
		t.Errorf("without a database: %+v", got)
	}
	if strings.Contains(get("/metrics"), "geoip_database") {
		t.Error("there are metrics of databases, and no database")
	}

	path := filepath.Join(t.TempDir(), "half.mmdb")
	if err := geoiptest.Write(path, geoiptest.FlatIPv4, []geoiptest.Network{{Prefix: "0.0.0.0/1", Country: "GB"}, {Prefix: "128.0.0.0/1", Country: "FR"}}); err != nil {
		t.Fatal(err)
	}
	if err := c.server.Places.Replace(geoip.Source{Databases: []string{path}}); err != nil {
		t.Fatal(err)
	}
	want := readiness{
		Status:   "ready",
		GeoIP:    []geoIPDatabase{{"half.mmdb", "country ipv4", time.Now().UTC().Format(time.DateOnly), "country", "ipv4"}},
		Warnings: []string{"half.mmdb: countries of IPv4 addresses alone, none of IPv6"},
	}
	if got := ready(); !reflect.DeepEqual(got, want) {
		t.Errorf("ready: %+v, want %+v", got, want)
	}
	built := `streamlens_collector_geoip_database_build_timestamp_seconds{file="` + path + `",type="country ipv4",kind="country",families="ipv4"} 1`
	refused := `streamlens_collector_geoip_database_refused{file="` + path + `"} `
	if got := get("/metrics"); !strings.Contains(got, built) || !strings.Contains(got, refused+"0\n") {
		t.Errorf("metrics have not %q and %q0", built, refused)
	}

	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	go c.server.Places.Watch(t.Context(), time.Millisecond)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(get("/metrics"), refused+"1\n"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no metric tells that a file is refused")
		}
	}
	if got := ready().Warnings; len(got) != 2 || !strings.HasPrefix(got[0], "GeoIP database half.mmdb: the file is empty; the one that was read before is in use") {
		t.Errorf("warnings %q", got)
	}
}
