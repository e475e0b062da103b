package oracle

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

const (
	unknownCountry = "ZZ"
	trustedProxy   = "127.0.0.1"
)

// network is a part of the address space and where it is. They are public
// addresses but their places are made up.
type network struct {
	prefix                    netip.Prefix
	country, region, operator string
	// subdivision is the region's code in the database, where its country is left out.
	subdivision string
}

func operators() []string {
	return []string{"Telia One", "Telia One", `Kabel "Süd" | AG`, "Mobil*Net (2)", ""}
}

// networks are those of the test's database.
func networks() []network {
	countries := []string{"DE", "FR", "GB", "US", "BR", "IN", "JP", "ZA", "AU", "SE"}
	var all []network
	for i, country := range countries {
		four := network{prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{81, 2, byte(i), 0}), 24), country: country, operator: operators()[i%5]}
		six := network{prefix: netip.MustParsePrefix(fmt.Sprintf("2a02:c7%d::/48", i)), country: country, operator: operators()[(i+2)%5]}
		if i%3 > 0 {
			four.subdivision, four.region = "A1", country+"-A1"
		}
		if i%3 > 1 { // the same, or one that has a name alone
			six.subdivision, six.region = "A1", country+"-A1"
		} else {
			six.region = "Nord, " + country
		}
		all = append(all, four, six)
	}
	return all
}

// ownNetworks are those that the configuration names: of what it does not say,
// the operator is that of the database, and the region is not.
func ownNetworks() []network {
	return []network{
		{prefix: netip.MustParsePrefix("81.2.3.128/25"), country: "CA", region: "CA-QC", operator: `Own: "net" (1)`},
		{prefix: netip.MustParsePrefix("81.2.7.128/25"), country: "KR"},
		{prefix: netip.MustParsePrefix("2a02:c75::/64"), country: "IN", operator: "Office"},
	}
}

// unplacedAddresses are in no network of the database.
func unplacedAddresses() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("8.8.4.4"), netip.MustParseAddr("2a03:2880::1")}
}

// WritePlaces writes the test's database, which has the keys of GeoIP2-Enterprise.
func WritePlaces(w io.Writer) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoIP2-Enterprise", RecordSize: 24})
	if err != nil {
		return fmt.Errorf("new database: %w", err)
	}
	for _, n := range networks() {
		_, prefix, err := net.ParseCIDR(n.prefix.String())
		if err != nil {
			return fmt.Errorf("network %v: %w", n.prefix, err)
		}
		record := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(n.country)}}
		switch {
		case n.subdivision != "":
			record["subdivisions"] = mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String(n.subdivision)}}
		case n.region != "":
			record["subdivisions"] = mmdbtype.Slice{mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(n.region)}}}
		}
		if n.operator != "" {
			record["traits"] = mmdbtype.Map{
				"autonomous_system_number": mmdbtype.Uint32(64500 + len(n.operator)), "autonomous_system_organization": mmdbtype.String(n.operator),
			}
		}
		if err := tree.Insert(prefix, record); err != nil {
			return fmt.Errorf("insert %v: %w", n.prefix, err)
		}
	}
	if _, err := tree.WriteTo(w); err != nil {
		return fmt.Errorf("write database: %w", err)
	}
	return nil
}

// settings are the networks as the configuration has them.
func settings(networks []network) []map[string]string {
	var all []map[string]string
	for _, n := range networks {
		one := map[string]string{"network": n.prefix.String(), "country": n.country}
		if n.region != "" {
			one["region"] = n.region
		}
		if n.operator != "" {
			one["operator"] = n.operator
		}
		all = append(all, one)
	}
	return all
}

// networkOf is where an address is; its country is the unknown one if nothing
// says.
func networkOf(address netip.Addr) network {
	find := func(networks []network) network {
		for _, n := range networks {
			if n.prefix.Contains(address.Unmap()) {
				return n
			}
		}
		return network{country: unknownCountry}
	}
	known, own := find(networks()), find(ownNetworks())
	if own.country == unknownCountry {
		return known
	}
	own.operator = cmp.Or(own.operator, known.operator)
	if own.country == known.country { // the database has regions of it
		own.region = cmp.Or(own.region, known.region)
	}
	return own
}

func countryOf(address netip.Addr) string { return networkOf(address).country }
