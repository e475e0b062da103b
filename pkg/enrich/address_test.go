package enrich

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name         string
		remoteAddr   string
		forwardedFor []string
		want         string // "" = the zero Addr
	}{
		{"no proxy", "81.2.69.142:5000", nil, "81.2.69.142"},
		{"forged by a client", "81.2.69.142:5000", []string{"1.1.1.1"}, "81.2.69.142"},
		{"one proxy", "127.0.0.1:5000", []string{"81.2.69.142"}, "81.2.69.142"},
		{"forged behind a proxy", "127.0.0.1:5000", []string{"1.1.1.1, 81.2.69.142"}, "81.2.69.142"},
		{"chain of proxies", "127.0.0.1:5000", []string{"1.1.1.1, 81.2.69.142, 10.0.0.1, 10.0.0.2"}, "81.2.69.142"},
		{"several headers", "127.0.0.1:5000", []string{"1.1.1.1", "81.2.69.142, 10.0.0.1", "10.0.0.2"}, "81.2.69.142"},
		{"forged proxy address", "127.0.0.1:5000", []string{"10.0.0.9, 81.2.69.142"}, "81.2.69.142"},
		{"proxy without the header", "127.0.0.1:5000", nil, "127.0.0.1"},
		{"empty header", "127.0.0.1:5000", []string{""}, "127.0.0.1"},
		{"client inside the network", "127.0.0.1:5000", []string{"10.0.0.7, 10.0.0.1"}, "10.0.0.7"},
		{"no spaces", "127.0.0.1:5000", []string{"1.1.1.1,81.2.69.142"}, "81.2.69.142"},
		{"many spaces", "127.0.0.1:5000", []string{"  81.2.69.142\t"}, "81.2.69.142"},
		{"entry with port", "127.0.0.1:5000", []string{"81.2.69.142:1234"}, "81.2.69.142"},
		{"IPv6 entry", "127.0.0.1:5000", []string{"2001:0DB8:0::1"}, "2001:db8::1"},
		{"IPv6 entry in brackets", "127.0.0.1:5000", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 entry with port", "127.0.0.1:5000", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv6 peer", "[2001:db8::1]:5000", nil, "2001:db8::1"},
		{"IPv6 proxy", "[fd00::2]:5000", []string{"81.2.69.142"}, "81.2.69.142"},
		{"mapped peer is IPv4", "[::ffff:81.2.69.142]:5000", nil, "81.2.69.142"},
		{"mapped proxy is trusted", "[::ffff:10.0.0.1]:5000", []string{"::ffff:81.2.69.142"}, "81.2.69.142"},
		{"zone is dropped", "[fe80::1%eth0]:5000", nil, "fe80::1"},
		{"zone does not hide a proxy", "[fd00::2%eth0]:5000", []string{"81.2.69.142"}, "81.2.69.142"},
		{"garbage last", "127.0.0.1:5000", []string{"1.1.1.1, unknown"}, "127.0.0.1"},
		{"garbage behind a proxy", "127.0.0.1:5000", []string{"1.1.1.1, <script>, 10.0.0.1"}, "10.0.0.1"},
		{"garbage left of the client", "127.0.0.1:5000", []string{"<script>, 81.2.69.142"}, "81.2.69.142"},
		{"empty entry", "127.0.0.1:5000", []string{"1.1.1.1,"}, "127.0.0.1"},
		{"only commas", "127.0.0.1:5000", []string{strings.Repeat(",", 10_000)}, "127.0.0.1"},
		{"address out of range", "127.0.0.1:5000", []string{"300.1.1.1"}, "127.0.0.1"},
		{"Unix socket", "@", []string{"81.2.69.142"}, ""},
		{"no peer", "", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ClientIP(test.remoteAddr, test.forwardedFor, trusted)
			var want netip.Addr
			if test.want != "" {
				want = netip.MustParseAddr(test.want)
			}
			if got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func FuzzClientIP(f *testing.F) {
	f.Add("127.0.0.1:1", "1.1.1.1, 10.0.0.1", "81.2.69.142")
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	f.Fuzz(func(t *testing.T, remoteAddr, first, second string) {
		got := ClientIP(remoteAddr, []string{first, second}, trusted)
		if got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q, %q, %q: %v is not canonical", remoteAddr, first, second, got)
		}
	})
}

func TestStoredIP(t *testing.T) {
	tests := []struct {
		address string
		privacy tenant.IPPrivacy
		want    string
	}{
		{"81.2.69.142", tenant.IPFull, "81.2.69.142"},
		{"2001:0db8:0001:0002::0001", tenant.IPFull, "2001:db8:1:2::1"},
		{"::ffff:81.2.69.142", tenant.IPFull, "81.2.69.142"},
		{"fe80::1%eth0", tenant.IPFull, "fe80::1"},
		{"81.2.69.142", tenant.IPTruncated, "81.2.69.0"},
		{"::ffff:81.2.69.142", tenant.IPTruncated, "81.2.69.0"},
		{"2001:db8:1:2::1", tenant.IPTruncated, "2001:db8:1::"},
		{"fe80::1%eth0", tenant.IPTruncated, "fe80::"},
		{"81.2.69.142", tenant.IPOff, ""},
		{"81.2.69.142", "", ""},
	}
	for _, test := range tests {
		if got := StoredIP(netip.MustParseAddr(test.address), test.privacy, Salt{}); got != test.want {
			t.Errorf("StoredIP(%s, %s) = %q, want %q", test.address, test.privacy, got, test.want)
		}
	}
	for _, privacy := range []tenant.IPPrivacy{tenant.IPFull, tenant.IPTruncated, tenant.IPHashed, tenant.IPOff} {
		if got := StoredIP(netip.Addr{}, privacy, Salt{}); got != "" {
			t.Errorf("no address, %s: %q, want none", privacy, got)
		}
	}
}

func TestStoredIPHashed(t *testing.T) {
	salts := NewSalts()
	hash := func(salts *Salts, address, at string) string {
		t.Helper()
		instant, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		return StoredIP(netip.MustParseAddr(address), tenant.IPHashed, salts.At(instant))
	}
	first := hash(salts, "81.2.69.142", "2026-11-22T00:00:00Z")
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(first) {
		t.Errorf("hash %q is not 16 hexadecimal digits", first)
	}
	same := map[string]string{
		"end of the day":             hash(salts, "81.2.69.142", "2026-11-22T23:59:59.999Z"),
		"same day in another zone":   hash(salts, "81.2.69.142", "2026-11-23T00:30:00+01:00"),
		"mapped form of the address": hash(salts, "::ffff:81.2.69.142", "2026-11-22T12:00:00Z"),
	}
	for name, got := range same {
		if got != first {
			t.Errorf("%s: %q, want %q", name, got, first)
		}
	}
	other := map[string]string{
		"next day":                    hash(salts, "81.2.69.142", "2026-11-23T00:00:00Z"),
		"day before":                  hash(salts, "81.2.69.142", "2026-11-21T23:59:59.999Z"),
		"other address":               hash(salts, "81.2.69.143", "2026-11-22T00:00:00Z"),
		"IPv6 address of equal bytes": hash(salts, "::81.2.69.142", "2026-11-22T00:00:00Z"),
		"other collector":             hash(NewSalts(), "81.2.69.142", "2026-11-22T00:00:00Z"),
	}
	for name, got := range other {
		if got == first {
			t.Errorf("%s: the hash is the same", name)
		}
	}
}

func BenchmarkClientIP(b *testing.B) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}
	forwardedFor := []string{"81.2.69.142, 10.0.0.1"}
	b.ReportAllocs()
	for b.Loop() {
		ClientIP("127.0.0.1:5000", forwardedFor, trusted)
	}
}

func BenchmarkStoredIPHashed(b *testing.B) {
	salts, address, now := NewSalts(), netip.MustParseAddr("81.2.69.142"), time.Unix(1_763_800_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		StoredIP(address, tenant.IPHashed, salts.At(now))
	}
}
