package address_test

import (
	"net/netip"
	"testing"

	"github.com/streamlens/streamlens/pkg/address"
)

func TestClient(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"IPv4", "81.2.69.142", "81.2.69.142"},
		{"IPv4 with a port", "81.2.69.142:42918", "81.2.69.142"},
		{"IPv6", "2001:DB8::7", "2001:db8::7"},
		{"IPv6 with a zone", "fe80::1%eth0", "fe80::1"},
		{"IPv6 in brackets", "[2001:db8::7]", "2001:db8::7"},
		{"IPv6 with a port", "[2001:db8::7]:443", "2001:db8::7"},
		{"IPv6 with a port without brackets", "::1:41224", "::1"},
		{"eight parts and a port", "2001:db8:1:2:3:4:5:6:443", "2001:db8:1:2:3:4:5:6"},
		{"what can be an address is one", "2001:db8::1:443", "2001:db8::1:443"},
		{"mapped", "::ffff:81.2.69.142", "81.2.69.142"},
		{"mapped with a port", "[::ffff:81.2.69.142]:80", "81.2.69.142"},
		{"spaces", " 81.2.69.142 ", "81.2.69.142"},
		{"quotation marks", `"81.2.69.142"`, "81.2.69.142"},
		{"quotation marks and a port", `"[2001:db8::7]:443"`, "2001:db8::7"},
		{"leading zeros", "081.002.069.142", "81.2.69.142"},
		{"zeros only", "010.000.0.0", "10.0.0.0"},
		{"leading zeros and a port", "081.002.069.000:0080", "81.2.69.0"},
		{"the network of one address", "81.2.69.142/32", "81.2.69.142"},
		{"a network", "81.2.69.0/24", "81.2.69.0"},
		{"a network of IPv6", "2001:db8::/48", "2001:db8::"},
		{"client and proxies", "81.2.69.142, 198.51.100.9, 10.0.0.1", "81.2.69.142"},
		{"an internal proxy first", "10.0.0.7,192.168.1.1,100.64.3.4, 81.2.69.142, 89.160.20.112", "81.2.69.142"},
		{"internal only", "10.0.0.7, 127.0.0.1", "10.0.0.7"},
		{"unknown", "unknown, 81.2.69.142:80", "81.2.69.142"},
		{"a virtual host in front", "www.example.com:443 81.2.69.142", "81.2.69.142"},
		{"nothing", "", ""},
		{"a hyphen", "-", ""},
		{"a name", "client.example.com", ""},
		{"a name that looks like an address", "81.2.69.142.example.com", ""},
		{"too many parts", "1.2.3.4.5", ""},
		{"too great", "81.2.69.256", ""},
		{"no port", "81.2.69.142:x", ""},
		{"no port of IPv6", "1:2:3:4:5:6:7:8:123456", ""},
		{"a socket", "unix:", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want netip.Addr
			if test.want != "" {
				want = netip.MustParseAddr(test.want)
			}
			if got, ok := address.Client(test.text); got != want || ok != want.IsValid() {
				t.Errorf("%q: got %v %v, want %v", test.text, got, ok, want)
			}
		})
	}
}

// FuzzClient checks that what is read is plain: it has no zone, is not mapped, and is read as itself.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{"::ffff:1.2.3.4", "[::1%x]:80", "001.02.3.4:5, 7", "a 1.2.3.4/5", "1:2:3:4:5:6:7:8:9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := address.Client(text)
		if ok != got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q: got %v %v", text, got, ok)
		}
		if again, _ := address.Client(got.String()); ok && again != got {
			t.Errorf("%q: got %v, which reads as %v", text, got, again)
		}
	})
}
