package geoip

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/streamlens/streamlens/pkg/geoip/geoiptest"
)

func TestOpenRefuses(t *testing.T) {
	whole, err := os.ReadFile(write(t, geoiptest.MaxMindCountry, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB"}))
	if err != nil {
		t.Fatal(err)
	}
	zipped := func(content []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var archive bytes.Buffer
	packer := tar.NewWriter(&archive)
	if err := packer.WriteHeader(&tar.Header{Name: "GeoLite2-Country_20260918/", Mode: 0o755, Format: tar.FormatUSTAR, Typeflag: tar.TypeDir}); err != nil {
		t.Fatal(err)
	}
	if err := packer.Close(); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	contents := map[string]struct {
		name    string
		content []byte
		want    string
	}{
		"empty file":                {"a.mmdb", nil, "a.mmdb: the file is empty"},
		"error page":                {"a.mmdb", []byte("\n<!DOCTYPE html>\n<html>404</html>"), "it is a page (HTML"},
		"error in JSON":             {"a.mmdb", []byte(`{"error": "Invalid license key"}`), "it is JSON"},
		"error as text":             {"a.mmdb", []byte("Ungültiger Schlüssel\n"), "it is a text"},
		"CSV":                       {"a.csv", []byte("1.0.0.0,1.0.0.255,AU\n"), "or CSV"},
		"pointer of Git LFS":        {"a.mmdb", []byte("version https://git-lfs.github.com/spec/v1\n"), "it is a pointer of Git LFS"},
		"gzip":                      {"a.mmdb", zipped(whole), "it is compressed with gzip: unpack it with gunzip"},
		"a cut gzip":                {"a.mmdb", zipped(whole)[:100], "it is compressed with gzip"},
		"tar.gz":                    {"a.mmdb", zipped(archive.Bytes()), "it is a compressed archive (tar.gz)"},
		"tar":                       {"a.mmdb", archive.Bytes(), "it is an archive (tar)"},
		"zip":                       {"a.mmdb", []byte("PK\x03\x04\x14\x00\x00\x00"), "it is a ZIP archive"},
		"xz":                        {"a.mmdb", []byte("\xfd7zXZ\x00\x00\x04"), "unxz"},
		"bzip2":                     {"a.mmdb", []byte("BZh91AY&SY\x00"), "bunzip2"},
		"zstd":                      {"a.mmdb", []byte("\x28\xb5\x2f\xfd\x04\x00"), "unzstd"},
		"format of before 2018":     {"a.mmdb", []byte("\x01\x00\x00\x7b\xff\xff\x10\xff\xff\x00\x00\x00GEO-106FREE 20180327 Build\xff\xff\xff\x01"), "format of before 2018"},
		"the same by its extension": {"GeoIPCity.dat", []byte("\x01\x00\x00\x7b\xff\xff\x10\xff\xff"), "format of before 2018"},
		"another format":            {"a.bin", []byte("\x01\x00\x00\x7b\xff\xff\x10\xff\xff"), "it is no MaxMind DB"},
		"first half":                {"a.mmdb", whole[:len(whole)/2], "or its end is missing"},
		"last half":                 {"a.mmdb", whole[len(whole)/2:], "a.mmdb: the MaxMind DB contains invalid metadata"},
		"damaged search tree":       {"a.mmdb", append(bytes.Repeat([]byte{0xff}, 300), whole[300:]...), "a.mmdb"},
	}
	tests := map[string]struct{ path, want string }{
		"missing file":      {filepath.Join(directory, "missing.mmdb"), "no such file"},
		"directory":         {directory, "not a regular file"},
		"of something else": {write(t, geoiptest.ConnectionType, geoiptest.Network{Prefix: "1.0.0.0/8"}), `"GeoIP2-Connection-Type": it has neither countries nor names of networks; a record has connection_type`},
		"names alone":       {write(t, geoiptest.MaxMindASN, geoiptest.Network{Prefix: "1.0.0.0/8", ASN: 1}), `"GeoLite2-ASN": there are no countries in it`},
		"countries of who holds a network": {write(t, geoiptest.IPinfoASN, geoiptest.Network{Prefix: "1.0.0.0/8", Country: "US", Operator: "Example"}),
			"its countries are those of who holds a network"},
		"no network": {write(t, geoiptest.MaxMindCountry), "there is no network in it"},
		"no country": {write(t, geoiptest.MaxMindCountry, geoiptest.Network{Prefix: "1.0.0.0/8"}), "a record has continent"},
	}
	for name, of := range contents {
		path := filepath.Join(t.TempDir(), of.name)
		if err := os.WriteFile(path, of.content, 0o600); err != nil {
			t.Fatal(err)
		}
		tests[name] = struct{ path, want string }{path, of.want}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Open(Source{Databases: []string{test.path}}, t.TempDir(), slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("error %v, want one with %q and the path", err, test.want)
			}
		})
	}
}

// TestRangesFindWhatTheReaderFinds compares look-ups in databases of random networks, at the edges of networks and between them.
func TestRangesFindWhatTheReaderFinds(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		var networks []geoiptest.Network
		var probes []netip.Addr
		for range 200 {
			var p netip.Prefix
			if r.IntN(2) == 0 {
				n := r.Uint32()
				p = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), 4+r.IntN(29)).Masked()
			} else {
				var b [16]byte
				for i := range b {
					b[i] = byte(r.Uint32())
				}
				b[0] = 0x26 | b[0]&0x08
				p = netip.PrefixFrom(netip.AddrFrom16(b), 6+r.IntN(123)).Masked()
			}
			// A few operators, so that neighbours have the same.
			networks = append(networks, geoiptest.Network{Prefix: p.String(), ASN: uint32(1 + r.IntN(5))})
			probes = append(probes, p.Addr(), p.Addr().Prev(), lastOf(p), lastOf(p).Next())
		}
		path := write(t, geoiptest.MaxMindASN, networks...)
		l, _, _, err := load(path)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := maxminddb.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range probes {
			if !a.IsValid() {
				continue
			}
			var want record
			if result := reader.Lookup(a); result.Found() {
				if err := result.Decode(&want); err != nil {
					t.Fatal(err)
				}
			}
			if got := l.place(a); *got != want.place() {
				t.Fatalf("seed %d, %s: %+v, the reader finds %+v", seed, a, *got, want.place())
			}
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestNamesAreClean(t *testing.T) {
	for name, want := range map[string]string{
		"  Example\x00 GmbH\n": "Example GmbH", "Caf\xe9": "Caf", "Ελλάδα": "Ελλάδα", "": "", "\n": "",
		strings.Repeat("ä", 100): strings.Repeat("ä", 64), "x" + strings.Repeat("ä", 100): "x" + strings.Repeat("ä", 63),
	} {
		if got := clean(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestExplain(t *testing.T) {
	s := Source{
		Databases: []string{
			write(t, geoiptest.MaxMindCity, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "GB", Region: "ENG", Registered: "US"},
				geoiptest.Network{Prefix: "5.1.0.0/24", Registered: "SE"}, geoiptest.Network{Prefix: "6.0.0.0/24"}),
			write(t, geoiptest.FlatIPv4, geoiptest.Network{Prefix: "81.2.0.0/16", Country: "UK"}, geoiptest.Network{Prefix: "9.0.0.0/8", Country: "AP"}),
			write(t, geoiptest.IPinfoASN, geoiptest.Network{Prefix: "81.2.69.0/24", Country: "FR", ASN: 20712, Operator: "A&A"}),
		},
		Networks: []Network{own("10.0.0.0/8", Place{Country: "DE"})},
	}
	e, err := NewExplainer(s)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"81.2.69.142": `GB, GB-ENG, AS20712 A&A
test.mmdb 81.2.69.0/24 GB, GB-ENG; registered_country.iso_code is US
test.mmdb 81.2.0.0/16 GB; country_code "UK" is GB
test.mmdb 81.2.69.0/24 AS20712 A&A; country "FR" is that of the holder, A&A`,
		"2002:509:901::": `ZZ
2002:509:901:: invalid Prefix 6to4 address of 5.9.9.1
test.mmdb 5.8.0.0/13 does not know the address
test.mmdb 0.0.0.0/5 does not know the address
test.mmdb 0.0.0.0/2 does not know the address`,
		"5.1.0.1": `SE
test.mmdb 5.1.0.0/24 SE; only registered there
test.mmdb 0.0.0.0/5 does not know the address
test.mmdb 0.0.0.0/2 does not know the address`,
		"6.0.0.1": `ZZ
test.mmdb 6.0.0.0/24 has the network, but says nothing of it
test.mmdb 0.0.0.0/5 does not know the address
test.mmdb 0.0.0.0/2 does not know the address`,
		"9.1.1.1": `ZZ
test.mmdb 8.0.0.0/5 does not know the address
test.mmdb 9.0.0.0/8 country_code "AP" is no country of ISO 3166-1
test.mmdb 0.0.0.0/2 does not know the address`,
		"10.1.1.1": `DE
geoip.networks 10.0.0.0/8 DE
10.1.1.1 invalid Prefix private (RFC 1918): databases are not asked`,
		"2a02::1": `ZZ
test.mmdb 2800::/5 does not know the address
test.mmdb invalid Prefix has IPv4 addresses alone
test.mmdb 2800::/5 does not know the address`,
	} {
		place, findings := e.Explain(netip.MustParseAddr(address))
		got := place.String()
		for _, f := range findings {
			got += fmt.Sprintf("\n%s %s %s", f.Source, f.Network, f.Says)
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", address, got, want)
		}
	}
}
