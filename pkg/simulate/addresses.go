package simulate

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/streamlens/streamlens/pkg/geoip"
)

// networksPerCountry is how many networks of each country are kept to draw addresses from.
const networksPerCountry = 48

// unassigned is the network of benchmarks (RFC 2544), which belongs to no country.
var unassigned = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/15")}

// networks are those of the countries.
type networks map[string][]netip.Prefix

// readNetworks draws networks of the named countries from databases in MaxMind's format, all alike likely.
func readNetworks(paths []string, wanted map[string]bool, r *rand.Rand) (networks, error) {
	places, err := geoip.Open(geoip.Source{Databases: paths}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	found := networks{}
	seen := map[string]int{}
	for _, path := range paths {
		reader, err := maxminddb.Open(path)
		if err != nil {
			return nil, fmt.Errorf("GeoIP database: %w", err)
		}
		defer reader.Close()
		for result := range reader.Networks() {
			if err := result.Err(); err != nil {
				return nil, fmt.Errorf("GeoIP database %s: %w", path, err)
			}
			prefix := result.Prefix()
			country := places.Country(prefix.Addr())
			if !wanted[country] || !usable(prefix) {
				continue
			}
			seen[country]++
			if len(found[country]) < networksPerCountry {
				found[country] = append(found[country], prefix)
			} else if i := r.IntN(seen[country]); i < networksPerCountry {
				found[country][i] = prefix
			}
		}
	}
	return found, nil
}

// usable reports whether a network has room for viewers and none of its addresses could be taken for a private one.
func usable(p netip.Prefix) bool {
	a := p.Addr()
	return p.Bits() <= a.BitLen()-8 && a.IsGlobalUnicast() && !a.IsPrivate()
}

// address draws an address of the country.
func (n networks) address(r *rand.Rand, country string) netip.Addr {
	from := n[country]
	if len(from) == 0 {
		from = unassigned
	}
	prefix := from[r.IntN(len(from))]
	bytes := prefix.Addr().AsSlice()
	for i := range bytes {
		fixed := min(max(prefix.Bits()-8*i, 0), 8)
		bytes[i] |= byte(r.Uint32()) & (0xff >> fixed)
	}
	address, _ := netip.AddrFromSlice(bytes)
	return address
}
