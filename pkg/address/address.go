// Package address reads the addresses of clients in the forms in which servers, proxies and logs write them.
//
// An IPv4 address that is mapped into IPv6 is IPv4, and a zone is dropped.
package address

import (
	"net/netip"
	"strings"
)

// Parse reads "address", "address:port", "[address]" and "[address]:port", the forms that proxies write.
func Parse(s string) (netip.Addr, bool) {
	if strings.Count(s, ":") == 1 || strings.Contains(s, "]:") {
		withPort, err := netip.ParseAddrPort(s)
		return withPort.Addr().Unmap().WithZone(""), err == nil
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return address.Unmap().WithZone(""), err == nil
}

// Client reads what a log has for the address of a client: one in any form, or a list of them between commas or spaces, as
// X-Forwarded-For has it, in which other words may stand, such as the name of a virtual host. Of a list it is the leftmost
// that is not internal, because proxies add to the right; if all are internal it is the leftmost.
func Client(s string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(s); err == nil {
		return address.Unmap().WithZone(""), true
	}
	var found netip.Addr
	for entry := range strings.FieldsFuncSeq(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`,;"'`, r) }) {
		address, ok := parseLoose(entry)
		switch {
		case !ok:
		case !Internal(address):
			return address, true
		case !found.IsValid():
			found = address
		}
	}
	return found, found.IsValid()
}

// parseLoose reads what Parse reads, and also IPv4 with leading zeros, a network ("192.0.2.0/24", its first address), and an
// IPv6 address with a port but without brackets where it can be nothing else.
func parseLoose(s string) (netip.Addr, bool) {
	s, _, _ = strings.Cut(s, "/")
	if address, ok := Parse(s); ok {
		return address, true
	}
	if strings.Count(s, ".") == 3 {
		octets := strings.Split(s, ".")
		for i, octet := range octets {
			if trimmed := strings.TrimLeft(octet, "0"); trimmed == "" || trimmed[0] == ':' {
				octets[i] = octet[max(0, len(octet)-len(trimmed)-1):]
			} else {
				octets[i] = trimmed
			}
		}
		if address, ok := Parse(strings.Join(octets, ".")); ok {
			return address, true
		}
	}
	if last := strings.LastIndexByte(s, ':'); strings.Count(s, ":") > 2 && isPort(s[last+1:]) {
		address, err := netip.ParseAddr(s[:last])
		return address.Unmap().WithZone(""), err == nil
	}
	return netip.Addr{}, false
}

func isPort(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 5
}

var sharedByCarriers = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// Internal reports whether an address is not of the Internet, so that it is a proxy's or of the server's own network: private,
// shared by a carrier's clients, of the machine, of the link, or of nobody.
func Internal(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() ||
		sharedByCarriers.Contains(a)
}
