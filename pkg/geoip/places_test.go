package geoip

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/streamlens/streamlens/pkg/geoip/geoiptest"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/processtest"
)

// write writes a database and returns its path.
func write(t testing.TB, schema geoiptest.Schema, networks ...geoiptest.Network) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.mmdb")
	if err := geoiptest.Write(path, schema, networks); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, s Source) *Places {
	t.Helper()
	p, err := Open(s, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func own(prefix string, place Place) Network { return Network{netip.MustParsePrefix(prefix), place} }

// check compares the places of addresses, and that Country says the same as Place.
func check(t *testing.T, p *Places, want map[string]Place) {
	t.Helper()
	for address, want := range want {
		a := netip.MustParseAddr(address)
		if got := p.Place(a); got != want {
			t.Errorf("Place(%s) = %+v, want %+v", address, got, want)
		}
		if got := p.Country(a); got != want.Country {
			t.Errorf("Country(%s) = %s, want %s", address, got, want.Country)
		}
	}
}

func TestPlaceOfEachSchema(t *testing.T) {
	networks := []geoiptest.Network{
		{Prefix: "81.2.69.0/24", Country: "GB", Registered: "US", Region: "ENG", RegionName: "England", ASN: 20712, Operator: "Andrews & Arnold Ltd"},
		{Prefix: "2a02:c71::/32", Country: "FR", Region: "Île", RegionName: "Île-de-France", ASN: 64500},
		{Prefix: "5.1.0.0/24", Registered: "SE", Operator: "Nur ein Name"},
		{Prefix: "6.0.0.0/24"},
		{Prefix: "7.0.0.0/24", Country: "A1", Registered: "PT"},
		{Prefix: "8.0.0.0/24", Country: "EU"},
	}
	england, france := Place{Country: "GB", Region: "GB-ENG"}, Place{Country: "FR", Region: "Île-de-France"}
	names := func(p Place, name string) Place { p.Region = name; return p }
	runBy := func(p Place, number uint32, name string) Place { p.ASN, p.Operator = number, name; return p }
	aa := func(p Place) Place { return runBy(p, 20712, "Andrews & Arnold Ltd") }
	type places map[string]Place
	tests := map[geoiptest.Schema]places{
		geoiptest.MaxMindCountry: {"81.2.69.142": {Country: "GB"}, "2a02:c71::1": {Country: "FR"}, "5.1.0.1": {Country: "SE"}, "7.0.0.1": {Country: "PT"}},
		geoiptest.MaxMindCity:    {"81.2.69.142": england, "2a02:c71::1": france, "5.1.0.1": {Country: "SE"}, "7.0.0.1": {Country: "PT"}},
		geoiptest.Enterprise: {"81.2.69.142": aa(england), "2a02:c71::1": runBy(france, 64500, ""),
			"5.1.0.1": runBy(Place{Country: "SE"}, 0, "Nur ein Name"), "7.0.0.1": {Country: "PT"}},
		geoiptest.DBIP:     {"81.2.69.142": {Country: "GB"}, "2a02:c71::1": {Country: "FR"}, "5.1.0.1": {Country: "SE"}, "7.0.0.1": {Country: "PT"}},
		geoiptest.Flat:     {"81.2.69.142": {Country: "GB"}, "2a02:c71::1": {Country: "FR"}},
		geoiptest.FlatCity: {"81.2.69.142": names(england, "England"), "2a02:c71::1": france},
		geoiptest.IPinfoLite: {"81.2.69.142": aa(england), "2a02:c71::1": runBy(france, 64500, ""),
			"5.1.0.1": runBy(Place{Country: "ZZ"}, 0, "Nur ein Name")},
		geoiptest.IPinfoOld: {"81.2.69.142": aa(england), "2a02:c71::1": runBy(france, 64500, ""),
			"5.1.0.1": runBy(Place{Country: "ZZ"}, 0, "Nur ein Name")},
	}
	for schema, want := range tests {
		t.Run(string(schema), func(t *testing.T) {
			p := open(t, Source{Databases: []string{write(t, schema, networks...)}})
			for _, unknown := range []string{"5.1.0.1", "6.0.0.1", "7.0.0.1", "8.0.0.1", "81.2.70.0", "81.2.68.255", "2a02:c72::", "2a02:c70:ffff::"} {
				if _, known := want[unknown]; !known {
					want[unknown] = Place{Country: "ZZ"}
				}
			}
			check(t, p, want)
		})
	}
}

func TestPlaceOfNoAddress(t *testing.T) {
	p := open(t, Source{})
	for _, a := range []netip.Addr{{}, netip.MustParseAddr("81.2.69.142")} {
		if got := p.Place(a); got != (Place{Country: "ZZ"}) || p.Country(a) != "ZZ" {
			t.Errorf("%v without a database: %+v, country %s", a, got, p.Country(a))
		}
	}
}

// everywhere writes a database by which every IPv4 address is in one country, and every IPv6 address in another.
func everywhere(t testing.TB, four, six string) string {
	return write(t, geoiptest.Flat, geoiptest.Network{Prefix: "::/1", Country: six}, geoiptest.Network{Prefix: "8000::/1", Country: six},
		geoiptest.Network{Prefix: "0.0.0.0/0", Country: four})
}

func TestSpecialAddressesAreNowhere(t *testing.T) {
	p := open(t, Source{Databases: []string{everywhere(t, "AU", "NZ")}})
	want := map[string]Place{}
	for _, nowhere := range []string{
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "169.254.169.254",
		"172.16.0.0", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255",
		"198.51.100.255", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "64:ff9b:1::5102:458e", "100::1", "100:0:0:1::1", "2001::1", "2001:0:4136:e378:8000:63bf:aefd:ba71", "2001:2::1", "2001:10::1",
		"2001:2f:ffff::1", "2001:db8::1", "3fff:fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
		"::ffff:10.1.2.3", "::10.1.2.3", "2002:a01:203::1", "64:ff9b::a01:203", "64:ff9b::192.168.1.1",
	} {
		want[nowhere] = Place{Country: "ZZ"}
	}
	for _, somewhere := range []string{
		"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "172.15.255.255",
		"172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
		"203.0.112.255", "203.0.114.0", "223.255.255.255", "2000::1", "2001:1::1", "2001:3::1", "2001:30::", "2001:db7::1", "2001:db9::1", "3ffe::1",
		"3fff:1000::", "fbff::1", "fe00::1",
	} {
		want[somewhere] = Place{Country: "AU"}
		if strings.Contains(somewhere, ":") {
			want[somewhere] = Place{Country: "NZ"}
		}
	}
	check(t, p, want)
}

func TestAddressesWithin(t *testing.T) {
	p := open(t, Source{
		Databases: []string{
			write(t, geoiptest.Flat, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB"}, geoiptest.Network{Prefix: "2002::/16", Country: "US"}),
		},
		Networks: []Network{own("64:ff9b:1::/96", Place{Country: "CH"})},
	})
	gb, unknown := Place{Country: "GB"}, Place{Country: "ZZ"}
	check(t, p, map[string]Place{
		"81.2.69.142": gb, "::ffff:81.2.69.142": gb, "::81.2.69.142": gb, "2002:5102:458e::1": gb, "64:ff9b::5102:458e": gb, "::ffff:81.2.69.142%eth0": gb,
		"2002:5102:468e::1": unknown, "64:ff9b::1:5102:458e": unknown, "64:ff9c::5102:458e": unknown, "64:ff9b:1::5102:458e": {Country: "CH"},
	})
}

// TestIPv4WithinLargerNetwork has IPv4, which the format keeps in ::/96, within a larger network.
func TestIPv4WithinLargerNetwork(t *testing.T) {
	p := open(t, Source{Databases: []string{write(t, geoiptest.Flat, geoiptest.Network{Prefix: "::/64", Country: "GB"})}})
	check(t, p, map[string]Place{"81.2.69.142": {Country: "GB"}, "255.0.0.1": {Country: "ZZ"}, "0:0:0:1::": {Country: "ZZ"}})
}

// TestISOCountries holds the list of codes to that of the world map, which is made of a package of the standard.
func TestISOCountries(t *testing.T) {
	content, err := os.ReadFile("../../src/panels/worldmap/geography/countries.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]any
	if err := json.Unmarshal(content, &rows); err != nil {
		t.Fatal(err)
	}
	onMap := map[string]bool{}
	for _, row := range rows {
		onMap[row[0].(string)] = true
	}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			want := measure.UnknownCountry
			switch {
			case onMap[code]:
				want = code
			case code == "EL":
				want = "GR"
			case code == "UK":
				want = "GB"
			}
			if got := Country(code); got != want {
				t.Errorf("Country(%s) = %s, want %s", code, got, want)
			}
		}
	}
	for _, code := range []string{"", "D", "DE ", " D", "DEU", "de", "A1", "A2", "ÄÖ", "EU", "AP", "AN", "CS", "FX", "XX", "ZZ", "O1"} {
		if got := Country(code); got != measure.UnknownCountry {
			t.Errorf("Country(%q) = %s", code, got)
		}
	}
}

func TestCodesThatAreNoCountries(t *testing.T) {
	codes := map[string]string{"EL": "GR", "UK": "GB", "EU": "ZZ", "AP": "ZZ", "A1": "ZZ", "A2": "ZZ", "O1": "ZZ", "AN": "ZZ", "CS": "ZZ",
		"FX": "ZZ", "XX": "ZZ", "XK": "XK", "SU": "ZZ", "TP": "ZZ", "de": "ZZ"}
	var networks []geoiptest.Network
	want := map[string]Place{}
	for i, code := range slices.Sorted(func(yield func(string) bool) {
		for code := range codes {
			if !yield(code) {
				return
			}
		}
	}) {
		networks = append(networks, geoiptest.Network{Prefix: fmt.Sprintf("81.0.%d.0/24", i), Country: code})
		want[fmt.Sprintf("81.0.%d.1", i)] = Place{Country: codes[code]}
	}
	for _, schema := range []geoiptest.Schema{geoiptest.MaxMindCountry, geoiptest.Flat, geoiptest.IPinfoLite, geoiptest.IPinfoOld} {
		check(t, open(t, Source{Databases: []string{write(t, schema, networks...)}}), want)
	}
}

func TestFirstThatKnowsCounts(t *testing.T) {
	four := write(t, geoiptest.FlatIPv4, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB"}, geoiptest.Network{Prefix: "9.9.9.0/24", Country: "AP"})
	six := write(t, geoiptest.FlatCity, geoiptest.Network{Prefix: "2a02:c71::/32", Country: "FR", RegionName: "Bretagne"},
		geoiptest.Network{Prefix: "81.2.0.0/16", Country: "IE", RegionName: "Leinster"})
	city := write(t, geoiptest.MaxMindCity, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB", Region: "ENG"},
		geoiptest.Network{Prefix: "2a02:c71::/32", Country: "DE", Region: "BY"}, geoiptest.Network{Prefix: "9.9.9.0/24", Country: "CH", Region: "ZH"})
	asn := write(t, geoiptest.MaxMindASN, geoiptest.Network{Prefix: "81.2.0.0/16", ASN: 20712, Operator: "A"},
		geoiptest.Network{Prefix: "10.0.0.0/8", ASN: 1, Operator: "B"})
	p := open(t, Source{
		Databases: []string{four, six, city, asn},
		Networks: []Network{
			own("10.0.0.0/8", Place{Country: "DE"}), own("10.1.0.0/16", Place{Country: "AT", Region: "AT-9", ASN: 64500, Operator: "Office"}),
			own("192.168.0.0/16", Place{Operator: "Wi-Fi"}), own("81.2.70.0/24", Place{ASN: 64501}), own("2a02:c71:1::/48", Place{Country: "DE"}),
			own("fd00::/8", Place{Country: "NL"}),
		},
	})
	check(t, p, map[string]Place{
		"81.2.69.1":     {Country: "GB", Region: "GB-ENG", ASN: 20712, Operator: "A"}, // Leinster is of another country
		"81.2.71.1":     {Country: "IE", Region: "Leinster", ASN: 20712, Operator: "A"},
		"81.2.70.1":     {Country: "IE", Region: "Leinster", ASN: 64501},
		"9.9.9.9":       {Country: "CH", Region: "CH-ZH"}, // what is no country is not known
		"2a02:c71::1":   {Country: "FR", Region: "Bretagne"},
		"2a02:c71:1::1": {Country: "DE", Region: "DE-BY"},
		"10.2.3.4":      {Country: "DE"}, // databases are not asked
		"10.1.3.4":      {Country: "AT", Region: "AT-9", ASN: 64500, Operator: "Office"},
		"192.168.3.4":   {Country: "ZZ", Operator: "Wi-Fi"},
		"172.16.3.4":    {Country: "ZZ"},
		"fd00::1":       {Country: "NL"},
		"fc00::1":       {Country: "ZZ"},
	})
	if got := p.Warnings(); len(got) != 2 || !strings.Contains(got[0], "operators of IPv4 addresses alone, none of IPv6") ||
		!strings.Contains(got[1], "countries of only") {
		t.Errorf("warnings %q", got)
	}
}

func TestHalvesAreNamed(t *testing.T) {
	most := []geoiptest.Network{{Prefix: "0.0.0.0/1", Country: "US"}, {Prefix: "128.0.0.0/2", Country: "US"}}
	for _, test := range []struct {
		name     string
		networks []geoiptest.Network
		schema   geoiptest.Schema
		want     string // "" = no warning
	}{
		{"all", append(most, geoiptest.Network{Prefix: "2a00::/12", Country: "DE"}), geoiptest.Flat, ""},
		{"IPv4 alone", most, geoiptest.FlatIPv4, "countries of IPv4 addresses alone, none of IPv6"},
		{"IPv4 alone, with a tree for IPv6", most, geoiptest.Flat, "countries of IPv4 addresses alone, none of IPv6"},
		{"IPv6 alone", []geoiptest.Network{{Prefix: "2a00::/12", Country: "DE"}}, geoiptest.Flat, "countries of IPv6 addresses alone, none of IPv4"},
		{"a sample", []geoiptest.Network{{Prefix: "2a00::/12", Country: "DE"}, {Prefix: "81.0.0.0/8", Country: "DE"}, {Prefix: "10.0.0.0/8", Country: "DE"}},
			geoiptest.Flat, "test.mmdb: countries of only 0.45 % of all IPv4 addresses"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			p, err := Open(Source{Databases: []string{write(t, test.schema, test.networks...)}}, "", slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			got := p.Warnings()
			if test.want == "" && len(got) == 0 && !strings.Contains(log.String(), "WARN") {
				return
			}
			if len(got) != 1 || !strings.Contains(got[0], test.want) || !strings.Contains(log.String(), test.want) {
				t.Errorf("warnings %q, want one with %q; log: %s", got, test.want, log.String())
			}
		})
	}
}

func TestDatabases(t *testing.T) {
	path := write(t, geoiptest.Enterprise, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB", Region: "ENG"},
		geoiptest.Network{Prefix: "2a02::/32", ASN: 1})
	got := open(t, Source{Databases: []string{path}}).Databases()
	if len(got) != 1 || got[0].Path != path || got[0].Type != "GeoIP2-Enterprise" || got[0].Kind() != "country,region,operator" ||
		got[0].Families().String() != "ipv4,ipv6" || got[0].Countries.String() != "ipv4" || got[0].Operators.String() != "ipv6" ||
		got[0].Networks != 2 || time.Since(got[0].Built) > time.Minute {
		t.Errorf("got %+v", got)
	}
}

func TestWatch(t *testing.T) {
	address := netip.MustParseAddr("81.2.69.142")
	path := write(t, geoiptest.MaxMindCountry, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB"})
	other := write(t, geoiptest.MaxMindASN, geoiptest.Network{Prefix: "81.2.69.0/24", ASN: 1})
	var log processtest.Output
	p, err := Open(Source{Databases: []string{other, path}}, t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Watch(ctx, 5*time.Millisecond) })
	for range 4 { // look-ups must never meet a database that is gone
		running.Go(func() {
			for ctx.Err() == nil {
				if got := p.Country(address); got != "GB" && got != "DE" {
					t.Errorf("Country = %q during a change", got)
					return
				}
			}
		})
	}
	defer running.Wait()
	defer cancel()
	eventually := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not happen; log: %s", what, log.String())
			}
		}
	}
	refused := func(warning string) func() bool {
		return func() bool {
			warnings := p.Warnings()
			return slices.Equal(p.Refused(), []string{path}) && strings.Contains(warnings[0], warning) && !strings.Contains(warnings[0], path) &&
				strings.Contains(warnings[0], "the one that was read before is in use, built 2")
		}
	}

	if err := os.WriteFile(path, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually("refusal of a broken file", refused("test.mmdb: it is a text"))
	if got := p.Country(address); got != "GB" {
		t.Errorf("after a broken file: %q, want the old GB", got)
	}
	if err := geoiptest.Write(path, geoiptest.MaxMindASN, []geoiptest.Network{{Prefix: "81.2.69.0/24", ASN: 1}}); err != nil {
		t.Fatal(err)
	}
	eventually("refusal of the last database with countries", refused("no countries in it"))

	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually("report of a missing file", refused("no such file"))
	if got := p.Country(address); got != "GB" {
		t.Errorf("after the file was removed: %q, want the old GB", got)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually("refusal of a file that is back", refused("no countries in it"))

	if err := geoiptest.Write(path, geoiptest.Flat, []geoiptest.Network{{Prefix: "81.2.69.0/24", Country: "DE"}}); err != nil {
		t.Fatal(err)
	}
	eventually("change to the new file", func() bool { return p.Country(address) == "DE" && len(p.Refused()) == 0 })
	if n := strings.Count(log.String(), "it is a text"); n != 1 {
		t.Errorf("the broken file is %d times in the log, want once", n)
	}
}

func TestReplace(t *testing.T) {
	address := netip.MustParseAddr("81.2.69.142")
	p := open(t, Source{})
	british := write(t, geoiptest.MaxMindCountry, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB"})
	german := write(t, geoiptest.Flat, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "DE"})
	names := write(t, geoiptest.MaxMindASN, geoiptest.Network{Prefix: "81.2.69.0/24", ASN: 1})
	swiss := []Network{own("81.2.69.142/32", Place{Country: "CH"})}
	for _, test := range []struct {
		name    string
		source  Source
		want    string
		refused bool
	}{
		{"none to one", Source{Databases: []string{british}}, "GB", false},
		{"another", Source{Databases: []string{german}}, "DE", false},
		{"one that is not there", Source{Databases: []string{german, german + ".new"}}, "DE", true},
		{"one without countries", Source{Databases: []string{names}}, "DE", true},
		{"two", Source{Databases: []string{names, british, german}}, "GB", false},
		{"in another order", Source{Databases: []string{german, british}}, "DE", false},
		{"with a network", Source{Databases: []string{german}, Networks: swiss}, "CH", false},
		{"a network alone", Source{Networks: swiss}, "CH", false},
		{"one to none", Source{}, "ZZ", false},
	} {
		if err := p.Replace(test.source); (err != nil) != test.refused {
			t.Errorf("%s: error %v", test.name, err)
		}
		if got := p.Country(address); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestLastGoodCopy(t *testing.T) {
	directory, copied := t.TempDir(), filepath.Join(t.TempDir(), "geoip")
	path, other := filepath.Join(directory, "country.mmdb"), filepath.Join(directory, "other.mmdb")
	for _, file := range []string{path, other} {
		if err := geoiptest.Write(file, geoiptest.Flat, []geoiptest.Network{{Prefix: "81.2.69.0/24", Country: "GB"}}); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	start := func(databases ...string) (*Places, error) {
		log.Reset()
		return Open(Source{Databases: databases}, copied, slog.New(slog.NewTextHandler(&log, nil)))
	}
	files := func() int {
		entries, err := os.ReadDir(copied)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if _, err := start(path, other); err != nil || files() != 2 {
		t.Fatalf("error %v, %d copies", err, files())
	}
	for name, breakIt := range map[string]func() error{
		"refused": func() error { return os.WriteFile(path, []byte("<html>404</html>"), 0o600) },
		"missing": func() error { return os.Remove(path) },
	} {
		if err := breakIt(); err != nil {
			t.Fatal(err)
		}
		p, err := start(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		check(t, p, map[string]Place{"81.2.69.1": {Country: "GB"}})
		warning := p.Warnings()[0]
		if !slices.Equal(p.Refused(), []string{path}) || !strings.Contains(log.String(), "level=ERROR") ||
			!strings.Contains(warning, "the copy of the last good one is in use, built 2") || strings.Contains(warning, directory) {
			t.Errorf("%s: refused %q, warning %q, log: %s", name, p.Refused(), warning, log.String())
		}
		if got := p.Databases()[0].Path; got != path {
			t.Errorf("%s: path %s, want that of the file", name, got)
		}
		if files() != 1 {
			t.Errorf("%s: %d copies, want that of the file in use alone", name, files())
		}
		// A file that comes is taken into use.
		if err := geoiptest.Write(path, geoiptest.Flat, []geoiptest.Network{{Prefix: "81.2.69.0/24", Country: "IE"}}); err != nil {
			t.Fatal(err)
		}
		last := map[string]version{}
		p.look(last)
		p.look(last)
		check(t, p, map[string]Place{"81.2.69.1": {Country: "IE"}})
		if len(p.Refused()) != 0 || len(p.Warnings()) != 2 {
			t.Errorf("%s: refused %q, warnings %q after a good file came", name, p.Refused(), p.Warnings())
		}
		if err := geoiptest.Write(path, geoiptest.Flat, []geoiptest.Network{{Prefix: "81.2.69.0/24", Country: "GB"}}); err != nil {
			t.Fatal(err)
		}
		p.look(last)
		p.look(last)
	}

	// A copy that is broken is none.
	copies, err := filepath.Glob(filepath.Join(copied, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(copies, path) {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := start(path); err == nil || !strings.Contains(err.Error(), "country.mmdb: the file is empty") {
		t.Errorf("error %v, want what is wrong with the file", err)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	p := open(t, Source{Databases: []string{write(t, geoiptest.Enterprise, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB", ASN: 1})},
		Networks: []Network{own("10.0.0.0/8", Place{Country: "DE"})}})
	for _, address := range []string{"81.2.69.142", "2a02::1", "10.1.2.3", "2002:5102:458e::1"} {
		a := netip.MustParseAddr(address)
		if n := testing.AllocsPerRun(1000, func() { p.Place(a); p.Country(a) }); n != 0 {
			t.Errorf("%s: %v allocations per look-up, want 0", address, n)
		}
	}
}

// BenchmarkCountry looks up random addresses of the world, beside the reader of the file with a table of records, as it was done before.
// GEOIP_BENCHMARK names a database to use instead of one of 60,000 networks.
func BenchmarkCountry(b *testing.B) {
	path := os.Getenv("GEOIP_BENCHMARK")
	if path == "" {
		var networks []geoiptest.Network
		for i := range 60_000 {
			networks = append(networks, geoiptest.Network{
				Prefix: fmt.Sprintf("%d.%d.%d.0/24", 1+i%200, i/200%250, i*7%250), Country: isoCountries[i%250*3 : i%250*3+2],
			})
		}
		path = write(b, geoiptest.MaxMindCountry, networks...)
	}
	p := open(b, Source{Databases: []string{path}})
	addresses := make([]netip.Addr, 1<<16)
	for i := range addresses {
		n := uint32(i) * 2_654_435_761 // spread over all addresses
		addresses[i] = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	b.Run("Country", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			p.Country(addresses[i%len(addresses)])
		}
	})
	b.Run("Place", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			p.Place(addresses[i%len(addresses)])
		}
	})
	b.Run("reader", func(b *testing.B) {
		reader, err := maxminddb.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer reader.Close()
		codes := map[uintptr]string{}
		for result := range reader.Networks() {
			codes[result.Offset()] = "DE"
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if result := reader.Lookup(addresses[i%len(addresses)]); result.Found() {
				_ = codes[result.Offset()]
			}
		}
	})
}
