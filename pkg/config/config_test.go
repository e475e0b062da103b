package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// load writes the text to a file and loads it.
func load(t *testing.T, text string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "streamlens.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := Load(path)
	if err != nil && !strings.HasPrefix(err.Error(), path+":") {
		t.Errorf("error %q does not begin with the path", err)
	}
	return config, err
}

func TestLoadComplete(t *testing.T) {
	got, err := load(t, `
listen: "127.0.0.1:9000"
privateListen: "127.0.0.1:9001"
tls: {certificate: /etc/ssl/site.pem, key: /etc/ssl/site.key}
dataDir: /srv/streamlens            # write-ahead log and queue
maxDataBytes: 1000000000
victoriametrics: {url: "http://vm:8481/select/7/prometheus", writeUrl: "http://vm:8480/insert/7/prometheus"}
geoip: {database: /usr/share/GeoIP/GeoLite2-Country.mmdb}
trustedProxies: [127.0.0.1/32, "10.1.2.3/8", "2001:db8::1/32"]
organizations:
  - id: acme
    level: premium
    secretKey: sk_a1
    accounts: [{id: acme, key: pk_b2, origins: ["https://site.example"]}]
    privacy: {ip: hashed}
    limits: {eventsPerSecond: 7, streams: 8, ipsPerHour: 9}
    businessCodes: [expired, "4403"]
    quality: {startSeconds: 1.5, fairBufferingRatio: 0.1}
    streamPaths: [{path: '^/vod/(?P<stream>[^/]+)/', protocol: hls}]
logs:
  - {file: /var/log/nginx/access.log, format: nginx-combined}
  - {file: /var/log/wowza.log, format: wowza, timezone: Europe/Berlin, organization: acme}
servers:
  - {type: srs, url: "http://srs:1985", hookKey: hk_c3}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen:          "127.0.0.1:9000",
		PrivateListen:   "127.0.0.1:9001",
		TLS:             TLS{Certificate: "/etc/ssl/site.pem", Key: "/etc/ssl/site.key"},
		DataDir:         "/srv/streamlens",
		MaxDataBytes:    1_000_000_000,
		VictoriaMetrics: VictoriaMetrics{URL: "http://vm:8481/select/7/prometheus", WriteURL: "http://vm:8480/insert/7/prometheus"},
		GeoIP:           GeoIP{Databases: []string{"/usr/share/GeoIP/GeoLite2-Country.mmdb"}},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"),
			netip.MustParsePrefix("2001:db8::/32")},
		Organizations: []tenant.Organization{{
			ID: "acme", Level: tenant.Premium, SecretKey: "sk_a1",
			Accounts: []tenant.Account{{ID: "acme", Key: "pk_b2", Origins: []string{"https://site.example"}}},
			Privacy:  tenant.Privacy{IP: tenant.IPHashed},
			Limits:   tenant.Limits{EventsPerSecond: 7, EventsPerSecondPerAddress: 2000, Streams: 8, IPsPerHour: 9},

			BusinessCodes: []string{"expired", "4403"},
			Quality:       tenant.Quality{StartSeconds: 1.5, BufferingRatio: 0.01, FairStartSeconds: 4, FairBufferingRatio: 0.1},

			StreamPaths: []tenant.StreamPath{{Path: "^/vod/(?P<stream>[^/]+)/", Protocol: "hls"}},
		}},
		Logs: []LogFile{{File: "/var/log/nginx/access.log", Format: "nginx-combined", Organization: "acme"},
			{File: "/var/log/wowza.log", Format: "wowza", Timezone: "Europe/Berlin", Organization: "acme"}},
		Servers: []MediaServer{{Type: "srs", URL: "http://srs:1985", Name: "srs:1985", HookKey: "hk_c3", Interval: 10, Organization: "acme"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoadDefaults(t *testing.T) {
	got, err := load(t, "organizations:\n  - id: acme\n    limits: {streams: 5}\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen:          ":8095",
		DataDir:         "/var/lib/streamlens",
		MaxDataBytes:    10 << 30,
		VictoriaMetrics: VictoriaMetrics{URL: "http://127.0.0.1:8428"},
		Organizations: []tenant.Organization{{
			ID: "acme", Level: tenant.Default,
			Privacy: tenant.Privacy{IP: tenant.IPFull},
			Limits:  tenant.Limits{EventsPerSecond: 100_000, EventsPerSecondPerAddress: 2000, Streams: 5, IPsPerHour: 20_000},
			Quality: tenant.DefaultQuality(), BusinessCodes: tenant.DefaultBusinessCodes(),
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoadGeoIP(t *testing.T) {
	got, err := load(t, `
organizations: [{id: acme}]
geoip:
  databases: [/data/city-ipv4.mmdb, city-ipv6.mmdb]
  networks:
    - {network: 10.1.2.3/8, country: DE, region: DE-BY}
    - {network: "2001:db8::/32", asn: 4294967295, operator: Büro}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := geoip.Source{
		Databases: []string{"/data/city-ipv4.mmdb", got.GeoIP.Databases[1]},
		Networks: []geoip.Network{
			{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Place: geoip.Place{Country: "DE", Region: "DE-BY"}},
			{Prefix: netip.MustParsePrefix("2001:db8::/32"), Place: geoip.Place{ASN: 4_294_967_295, Operator: "Büro"}},
		},
	}
	if got := got.GeoIP.Source(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoadRelativeGeoIP(t *testing.T) {
	path := filepath.Join(t.TempDir(), "streamlens.yaml")
	if err := os.WriteFile(path, []byte("organizations: [{id: acme}]\ngeoip: {database: geo/city.mmdb}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(filepath.Dir(path), "geo", "city.mmdb")}; !reflect.DeepEqual(got.GeoIP.Databases, want) {
		t.Errorf("got %q, want %q from the folder of the configuration", got.GeoIP.Databases, want)
	}
}

func TestLoadPrivateListen(t *testing.T) {
	for _, text := range []string{
		"listen: :0\nprivateListen: :0\n",
		"listen: :1\nprivateListen: :2\n",
		"listen: \"10.0.0.1:1\"\nprivateListen: \"127.0.0.1:1\"\n",
	} {
		if _, err := load(t, text+"organizations: [{id: acme}]\n"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	const good = "organizations: [{id: acme}]\n"
	tests := []struct {
		name, text string
		want       []string // "line: message" of each line of the error, as far as it is given
	}{
		{"empty file", "", []string{"1: "}},
		{"no organisations", "listen: :1\n", []string{"1: organizations must have at least one"}},
		{"empty organisations", "listen: :1\norganizations: []\n", []string{"2: organizations must have at least one"}},
		{"unknown key", good + "lisen: :1\n", []string{`2: unknown key "lisen"`}},
		{"unknown nested key", good + "geoip:\n  databse: x\n", []string{`3: unknown key "databse"`}},
		{"unknown key of an organisation", "organizations:\n  - id: acme\n    levl: premium\n", []string{`3: unknown key "levl"`}},
		{"unknown key of an account", "organizations:\n  - id: acme\n    accounts:\n      - id: acme\n        key: pk_a\n        origin: x\n", []string{`6: unknown key "origin"`}},
		{"key twice", good + "listen: :1\nlisten: :2\n", []string{`3: mapping key "listen" already defined at line 2`}},
		{"broken YAML", good + "listen: a: b\n", []string{"2: "}},
		{"two documents", good + "---\n" + good, []string{"1: expected single document"}},
		{"list for text", good + "listen: [1]\n", []string{"2: expected text, found a list"}},
		{"text for a number", "organizations:\n  - id: acme\n    limits:\n      streams: many\n", []string{"4: expected a whole number, found text"}},
		{"text for a list", good + "trustedProxies: 10.0.0.0/8\n", []string{"2: expected a list, found text"}},
		{"text for keys", good + "geoip: x.mmdb\n", []string{"2: expected keys and values, found text"}},
		{"one database and several", good + "geoip: {database: a.mmdb, databases: [b.mmdb]}\n", []string{"2: geoip must have either database or databases"}},
		{"a database twice", good + "geoip:\n  databases:\n    - a.mmdb\n    - a.mmdb\n", []string{"5: geoip.databases[1] is there twice"}},
		{"a database without a path", good + "geoip: {databases: [\"\"]}\n", []string{"2: geoip.databases[0] must be the path"}},
		{"no network", good + "geoip: {networks: [{country: DE}]}\n", []string{"2: geoip.networks[0].network must be a network"}},
		{"an address for a network", good + "geoip:\n  networks:\n    - {network: 10.0.0.1, country: DE}\n", []string{"4: geoip.networks[0].network must be"}},
		{"a network twice", good + "geoip: {networks: [{network: 10.0.0.0/8, country: DE}, {network: 10.1.0.0/8, country: FR}]}\n",
			[]string{"2: geoip.networks[1].network is there twice"}},
		{"a network of a code that is no country", good + "geoip: {networks: [{network: 10.0.0.0/8, country: UK}]}\n", []string{"2: geoip.networks[0].country must be a code"}},
		{"a region without a country", good + "geoip: {networks: [{network: 10.0.0.0/8, region: DE-BY, asn: 1}]}\n", []string{"2: geoip.networks[0].country must be there beside region"}},
		{"a number that is none", good + "geoip: {networks: [{network: 10.0.0.0/8, asn: 4294967296}]}\n", []string{"2: geoip.networks[0].asn must be"}},
		{"an operator with a line break", good + "geoip: {networks: [{network: 10.0.0.0/8, operator: \"a\\nb\"}]}\n", []string{"2: geoip.networks[0].operator must be a text"}},
		{"a network without a place", good + "geoip: {networks: [{network: 10.0.0.0/8}]}\n", []string{"2: geoip.networks[0].network must have a country, an asn or an operator"}},
		{"listen without port", good + "listen: localhost\n", []string{"2: listen must be"}},
		{"listen with a large port", good + "listen: :65536\n", []string{"2: listen must be"}},
		{"listen with a URL", good + "listen: http://localhost:80\n", []string{"2: listen must be"}},
		{"empty listen", good + "listen: \"\"\n", []string{"2: listen must be"}},
		{"privateListen without port", good + "privateListen: localhost\n", []string{"2: privateListen must be \"host:port\""}},
		{"privateListen as listen", good + "listen: \"127.0.0.1:1\"\nprivateListen: \"127.0.0.1:1\"\n", []string{"3: privateListen must be another address"}},
		{"privateListen as the default of listen", good + "privateListen: :8095\n", []string{"2: privateListen must be another address"}},
		{"privateListen within listen", good + "listen: \"[::]:1\"\nprivateListen: \"127.0.0.1:1\"\n", []string{"3: privateListen must be another address"}},
		{"certificate without key", good + "tls:\n  certificate: a.pem\n", []string{"3: tls must have both certificate and key"}},
		{"key without certificate", good + "tls: {key: a.pem}\n", []string{"2: tls must have both certificate and key"}},
		{"unknown key of tls", good + "tls: {cert: a.pem}\n", []string{`2: unknown key "cert"`}},
		{"a log twice", good + "logs:\n  - {file: /a.log, format: wowza}\n  - {file: /a.log, format: nginx-combined}\n",
			[]string{"4: logs[1].file is there twice"}},
		{"a server twice", good + "servers:\n  - {type: srs, url: \"http://a\"}\n  - {type: srs, url: \"http://a\"}\n",
			[]string{"4: servers[1].url is there twice"}},
		{"little maxDataBytes", good + "maxDataBytes: 1000\n", []string{"2: maxDataBytes must be"}},
		{"empty dataDir", good + "dataDir: \"\"\n", []string{"2: dataDir must be"}},
		{"url without scheme", good + "victoriametrics: {url: localhost:8428}\n", []string{"2: victoriametrics.url must be"}},
		{"url with a query", good + "victoriametrics:\n  url: http://vm:8428/?extra_label=org=x\n", []string{"3: victoriametrics.url must be"}},
		{"writeUrl without scheme", good + "victoriametrics: {writeUrl: localhost:8429}\n", []string{"2: victoriametrics.writeUrl must be"}},
		{"plays without url", good + "plays: {keep: 30d}\n", []string{"2: plays.url must be"}},
		{"plays with credentials in a query", good + "plays: {url: \"http://vl:9428/?x=1\"}\n", []string{"2: plays.url must be"}},
		{"plays kept without unit", good + "plays:\n  url: http://vl:9428\n  keep: \"30\"\n", []string{"4: plays.keep must be"}},
		{"plays kept for nothing", good + "plays: {url: \"http://vl:9428\", keep: 0d}\n", []string{"2: plays.keep must be"}},
		{"plays with a key that is not there", good + "plays: {url: \"http://vl:9428\", live: true}\n", []string{"2: unknown key \"live\""}},
		{"url without host", good + "victoriametrics: {url: \"http://\"}\n", []string{"2: victoriametrics.url must be"}},
		{"proxy without length", good + "trustedProxies:\n  - 10.0.0.0/8\n  - 10.0.0.1\n", []string{"4: trustedProxies[1] must be a network"}},
		{"proxy as mapped IPv4", good + "trustedProxies: [\"::ffff:10.0.0.0/104\"]\n", []string{"2: trustedProxies[0] must be"}},
		{"limit of zero", "organizations:\n  - id: acme\n    limits:\n      streams: 0\n", []string{"4: organizations[0].limits.streams must be"}},
		{"empty level", "organizations:\n  - id: acme\n    level: \"\"\n", []string{"3: organizations[0].level must be"}},
		{"no id", "organizations:\n  - level: premium\n", []string{"2: organizations[0].id must be"}},
		{"several", "listen: x\norganizations:\n  - id: Acme\n    level: gold\n",
			[]string{"1: listen must be", "3: organizations[0].id must be", "4: organizations[0].level must be default or premium"}},
		{"a log of nobody", good + "logs:\n  - {file: a.log, format: nginx-combined, organization: beta}\n", []string{"3: logs[0].organization must be"}},
		{"a log without a format", good + "logs:\n  - file: a.log\n", []string{"3: logs[0]: unknown log format"}},
		{"a log on Mars", good + "logs:\n  - {file: a.log, format: wowza, timezone: Mars}\n", []string{"3: logs[0]: unknown time zone"}},
		{"a server of an unknown type", good + "servers:\n  - {type: red5, url: \"http://a\"}\n", []string{"3: servers[0]: \"red5\""}},
		{"a server that is asked once an hour", good + "servers:\n  - {type: srs, url: \"http://a\", interval: 3600}\n", []string{"3: servers[0].interval must be"}},
		{"two servers of one name", good + "servers:\n  - {type: srs, url: \"http://a\", name: x}\n  - {type: srs, url: \"http://b\", name: x}\n",
			[]string{"4: servers[1].name must be"}},
		{"a hook key without its prefix", good + "servers:\n  - {type: srs, url: \"http://a\", hookKey: sk_a}\n", []string{"3: servers[0].hookKey must start with hk_"}},
		{"a path without a stream", "organizations:\n  - id: a\n    streamPaths:\n      - path: ^/live/\n", []string{"4: organizations[0].streamPaths[0].path must be"}},
		{"an account twice", "organizations:\n  - id: a\n    accounts: [{id: x, key: pk_a}]\n  - id: b\n    accounts:\n      - {id: x, key: pk_b}\n",
			[]string{"6: organizations[1].accounts[0].id must be unique"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(t, test.text)
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("error %q has %d lines, want %d", err, len(lines), len(test.want))
			}
			for i, want := range test.want {
				_, got, _ := strings.Cut(lines[i], "streamlens.yaml:")
				if !strings.HasPrefix(got, want) {
					t.Errorf("line %q, want %q", got, want)
				}
			}
		})
	}
}

func TestLoadNeverShowsKeys(t *testing.T) {
	texts := []string{
		"organizations: [{id: acme, secretKey: [hidden]}]\n",
		"organizations: [{id: acme, secretKey: hidden}]\n",
		"organizations: [{id: acme, secretKey: {hidden: hidden}}]\n",
		"organizations: [{id: acme, accounts: [{id: a, key: hidden}]}]\n",
		"organizations: [{id: acme, accounts: hidden}]\n",
		"organizations: [{id: acme, limits: {streams: hidden}}]\n",
		"organizations: hidden\n",
		"organizations: [{id: acme, secretKey: *hidden}]\n",
	}
	for _, text := range texts {
		if _, err := load(t, text); err == nil {
			t.Errorf("%q: no error", text)
		} else if strings.Contains(err.Error(), "hidden") && !strings.Contains(text, "*hidden") {
			t.Errorf("%q: error shows the value: %v", text, err)
		}
	}
}

func TestLoadMissingFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "streamlens.yaml"))
	if err == nil || !strings.Contains(err.Error(), "read configuration") {
		t.Errorf("got %v", err)
	}
}
