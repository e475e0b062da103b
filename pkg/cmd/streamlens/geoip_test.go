package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/geoip/geoiptest"
)

func TestGeoIP(t *testing.T) {
	directory := t.TempDir()
	city, asn := filepath.Join(directory, "city.mmdb"), filepath.Join(directory, "asn.mmdb")
	for path, schema := range map[string]geoiptest.Schema{city: geoiptest.MaxMindCity, asn: geoiptest.MaxMindASN} {
		if err := geoiptest.Write(path, schema, []geoiptest.Network{
			{Prefix: "81.2.0.0/16", Country: "GB", Region: "ENG", RegionName: "England", ASN: 20712, Operator: "A&A"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	broken, config := filepath.Join(directory, "broken.mmdb"), filepath.Join(directory, "streamlens.yaml")
	for path, content := range map[string]string{
		broken: "<html>",
		config: fmt.Sprintf("organizations: [{id: acme}]\ngeoip: {databases: [%q], networks: [{network: 10.0.0.0/8, country: DE}]}\n", city),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	today := time.Now().UTC().Format(time.DateOnly)
	cityLine := "city.mmdb: GeoLite2-City, built " + today + ", 1 networks; countries of IPv4 alone, regions of IPv4 alone; 0.00177 % of all IPv4 addresses\n"
	for _, test := range []struct {
		name, want, problem string
		args                []string
	}{
		{"files and addresses", cityLine + "asn.mmdb: GeoLite2-ASN, built " + today + ", 1 networks; operators of IPv4 alone\n" + `Warning: city.mmdb, asn.mmdb: countries of IPv4 addresses alone, none of IPv6
Warning: city.mmdb, asn.mmdb: regions of IPv4 addresses alone, none of IPv6
Warning: city.mmdb, asn.mmdb: operators of IPv4 addresses alone, none of IPv6
Warning: city.mmdb, asn.mmdb: countries of only 0.0018 % of all IPv4 addresses

81.2.69.142: GB, GB-ENG, AS20712 A&A
  city.mmdb  81.2.0.0/16  GB, GB-ENG
  asn.mmdb   81.2.0.0/16  AS20712 A&A

2a02::1: ZZ
  city.mmdb  2800::/5  does not know the address
  asn.mmdb   2800::/5  does not know the address
`, "", []string{city, asn, "81.2.69.142", "2a02::1"}},
		{"the configuration", cityLine + `Warning: city.mmdb: countries of IPv4 addresses alone, none of IPv6
Warning: city.mmdb: regions of IPv4 addresses alone, none of IPv6
Warning: city.mmdb: countries of only 0.0018 % of all IPv4 addresses

10.1.2.3: DE
  geoip.networks  10.0.0.0/8  DE
  10.1.2.3                    private (RFC 1918): databases are not asked
`, "", []string{"--config", config, "10.1.2.3"}},
		{"names alone", "asn.mmdb: GeoLite2-ASN, built " + today + ", 1 networks; operators of IPv4 alone\n" +
			"Warning: asn.mmdb: operators of IPv4 addresses alone, none of IPv6\n", "", []string{asn}},
		{"a broken file", "", "broken.mmdb: it is a page (HTML", []string{broken, "81.2.69.142"}},
		{"no file", "", "no such file", []string{"81.2.69"}},
		{"neither file nor configuration", "", "no such file", []string{"--config", filepath.Join(directory, "none.yaml"), "81.2.69.142"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := geoIPCommand()
			var output bytes.Buffer
			command.SetOut(&output)
			command.SetErr(&output)
			command.SilenceErrors, command.SilenceUsage = true, true
			command.SetArgs(test.args)
			err := command.ExecuteContext(t.Context())
			if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("error %v, want %q", err, test.problem)
			}
			if output.String() != test.want {
				t.Errorf("printed\n%s\nwant\n%s", output.String(), test.want)
			}
		})
	}
}
