package enrich

import (
	"net/netip"
	"testing"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// FuzzForwardedFor checks that no header makes an address that a trusted proxy did not see.
func FuzzForwardedFor(f *testing.F) {
	f.Add("1.1.1.1, 10.0.0.1")
	f.Add("[2001:db8::1]:443,,;for=1.2.3.4")
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	f.Fuzz(func(t *testing.T, header string) {
		if got := ClientIP("192.0.2.7:1", []string{header}, trusted); got != netip.MustParseAddr("192.0.2.7") {
			t.Errorf("%q: a peer that is no proxy is %v", header, got)
		}
		client := netip.MustParseAddr("198.51.100.9")
		if got := ClientIP("127.0.0.1:1", []string{header, client.String()}, trusted); got != client {
			t.Errorf("%q: what the proxy saw is %v", header, got)
		}
		for _, privacy := range []tenant.IPPrivacy{tenant.IPFull, tenant.IPTruncated, tenant.IPHashed, tenant.IPOff} {
			address := ClientIP("127.0.0.1:1", []string{header}, trusted)
			if got := StoredIP(address, privacy, Salt{}); len(got) > 45 || privacy == tenant.IPOff && got != "" {
				t.Errorf("%q is stored as %q", header, got)
			}
		}
	})
}
