package enrich

import (
	"net/netip"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/streamlens/streamlens/pkg/tenant"
)

func FuzzUserAgent(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", `"Chromium";v="142"`, `"Linux"`, "?0")
	f.Add("Mozilla/5.0 (Web0S; Linux/SmartTV)", `"`, "", "?1")
	f.Add("\xff\x00", "", "", "")
	agents, err := NewUserAgents(UserAgentLimits{Cached: 16, MissesPerSecond: 1 << 30, MissBurst: 1 << 30})
	if err != nil {
		f.Fatal(err)
	}
	var known []string
	for _, names := range []map[string]string{osNames, brandNames} {
		for _, name := range names {
			known = append(known, name)
		}
	}
	f.Fuzz(func(t *testing.T, userAgent, brands, platform, mobile string) {
		got := agents.UserAgent(UserAgentHeaders{userAgent, brands, platform, mobile})
		for _, name := range []string{got.OS, got.Browser} {
			// Names become labels: what a header says must not be one.
			if name == "" || len(name) > 64 || !utf8.ValidString(name) || name == userAgent && !slices.Contains(known, name) {
				t.Errorf("got %+v", got)
			}
		}
	})
}

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
