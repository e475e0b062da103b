package enrich

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/streamlens/streamlens/pkg/address"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// ClientIP returns the address of the sender of a request: the peer's, or if that is a trusted proxy, the rightmost in
// X-Forwarded-For that is none. IPv4-mapped addresses are IPv4, zones are dropped.
//
// remoteAddr is the peer's "address:port" as net/http gives it, forwardedFor the values of the header in their order.
// If every address is a trusted proxy, the leftmost is the sender: a client inside the own network. An entry that is no
// address ends the search at the last proxy before it, because all that stands left of it could be invented. The result
// is the zero Addr if the peer has no address.
func ClientIP(remoteAddr string, forwardedFor []string, trusted []netip.Prefix) netip.Addr {
	client, ok := address.Parse(remoteAddr)
	if !ok {
		return netip.Addr{}
	}
	for i := len(forwardedFor) - 1; i >= 0; i-- {
		rest, more := forwardedFor[i], true
		for more {
			if !containsAddress(trusted, client) {
				return client
			}
			entry := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				more = false
			}
			entered, ok := address.Parse(strings.TrimSpace(entry))
			if !ok {
				return client
			}
			client = entered
		}
	}
	return client
}

func containsAddress(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// Salt makes the hashes of addresses of one UTC day.
type Salt [sha256.Size]byte

// StoredIP returns an address in the form in which an organisation stores it: the address, its network address (/24 of
// IPv4, /48 of IPv6), 16 hexadecimal digits that differ from day to day, or "". The zero Addr is always "".
func StoredIP(address netip.Addr, privacy tenant.IPPrivacy, salt Salt) string {
	if !address.IsValid() {
		return ""
	}
	address = address.Unmap().WithZone("")
	switch privacy {
	case tenant.IPFull:
		return address.String()
	case tenant.IPTruncated:
		bits := 24
		if address.Is6() {
			bits = 48
		}
		return netip.PrefixFrom(address, bits).Masked().Addr().String()
	case tenant.IPHashed:
		bytes := address.As16()
		hash := sha256.Sum256(append(salt[:], bytes[:]...))
		return hex.EncodeToString(hash[:8])
	}
	return ""
}
