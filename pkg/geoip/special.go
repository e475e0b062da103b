package geoip

import (
	"net/netip"

	"github.com/gaissmai/bart"
)

// specialNetworks are those whose addresses are nowhere, whatever a database says, and why. They are what the special-purpose
// address registries of IANA have and no viewer on the internet can have, and multicast.
var specialNetworks = [...]struct{ prefix, what string }{
	{"0.0.0.0/8", "unspecified (RFC 791)"},
	{"10.0.0.0/8", "private (RFC 1918)"},
	{"100.64.0.0/10", "shared by a carrier's NAT (RFC 6598)"},
	{"127.0.0.0/8", "loopback (RFC 1122)"},
	{"169.254.0.0/16", "link-local (RFC 3927)"},
	{"172.16.0.0/12", "private (RFC 1918)"},
	{"192.0.0.0/24", "of protocols (RFC 6890)"},
	{"192.0.2.0/24", "documentation (RFC 5737)"},
	{"192.168.0.0/16", "private (RFC 1918)"},
	{"198.18.0.0/15", "benchmarks (RFC 2544)"},
	{"198.51.100.0/24", "documentation (RFC 5737)"},
	{"203.0.113.0/24", "documentation (RFC 5737)"},
	{"224.0.0.0/4", "multicast (RFC 5771)"},
	{"240.0.0.0/4", "reserved (RFC 1112)"},
	{"::/128", "unspecified (RFC 4291)"},
	{"::1/128", "loopback (RFC 4291)"},
	{"64:ff9b:1::/48", "local NAT64 (RFC 8215)"},
	{"100::/64", "discarded (RFC 6666)"},
	{"100:0:0:1::/64", "a dummy (RFC 9780)"},
	{"2001::/32", "Teredo (RFC 4380), which says where the server is"},
	{"2001:2::/48", "benchmarks (RFC 5180)"},
	{"2001:10::/28", "no address to route to (RFC 4843)"},
	{"2001:20::/28", "no address to route to (RFC 7343)"},
	{"2001:db8::/32", "documentation (RFC 3849)"},
	{"3fff::/20", "documentation (RFC 9637)"},
	{"5f00::/16", "segment routing (RFC 9602)"},
	{"fc00::/7", "private (RFC 4193)"},
	{"fe80::/10", "link-local (RFC 4291)"},
	{"fec0::/10", "private (RFC 3879)"},
	{"ff00::/8", "multicast (RFC 4291)"},
}

// publicIPv4 is how many IPv4 addresses are not in specialNetworks.
func publicIPv4() (n float64) {
	n = 1 << 32
	for _, s := range specialNetworks {
		if p := netip.MustParsePrefix(s.prefix); p.Addr().Is4() {
			n -= addresses(p)
		}
	}
	return n
}

// addresses returns how many addresses an IPv4 network has.
func addresses(p netip.Prefix) float64 { return float64(uint64(1) << (32 - p.Bits())) }

// newSpecial returns why the addresses of specialNetworks are nowhere.
func newSpecial() *bart.Table[string] {
	table := new(bart.Table[string])
	for _, s := range specialNetworks {
		table.Insert(netip.MustParsePrefix(s.prefix), s.what)
	}
	return table
}

// within returns the IPv4 address that an IPv6 address carries, and how, for those that a translator or a tunnel made of it; all other
// addresses are returned as they are.
func within(a netip.Addr) (inner netip.Addr, how string) {
	if a.Is4() {
		return a, ""
	}
	b := a.As16()
	switch {
	case a.Is4In6():
		return a.Unmap(), "IPv4-mapped"
	case b[0] == 0x20 && b[1] == 0x02: // 2002::/16, RFC 3056
		return netip.AddrFrom4([4]byte(b[2:6])), "6to4"
	case [12]byte(b[:12]) == [12]byte{0, 0x64, 0xff, 0x9b}: // 64:ff9b::/96, RFC 6052
		return netip.AddrFrom4([4]byte(b[12:])), "NAT64"
	case [12]byte(b[:12]) == [12]byte{}: // ::/96, where the file format has IPv4; RFC 4291
		return netip.AddrFrom4([4]byte(b[12:])), "IPv4-compatible"
	}
	return a, ""
}
