package oracle

import (
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

// network is a part of the address space that the test's database places in a
// country. They are public addresses but their countries are made up.
type network struct {
	prefix  netip.Prefix
	country string
}

func networks() []network {
	countries := []string{"DE", "FR", "GB", "US", "BR", "IN", "JP", "ZA", "AU", "SE"}
	var all []network
	for i, country := range countries {
		all = append(all,
			network{netip.PrefixFrom(netip.AddrFrom4([4]byte{81, 2, byte(i), 0}), 24), country},
			network{netip.MustParsePrefix(fmt.Sprintf("2a02:c7%d::/48", i)), country})
	}
	return all
}

// unplacedAddresses are in no network of the database.
func unplacedAddresses() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("8.8.4.4"), netip.MustParseAddr("2a03:2880::1")}
}

// WriteCountries writes the test's database in the schema of GeoLite2-Country.
func WriteCountries(w io.Writer) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-Country", RecordSize: 24})
	if err != nil {
		return fmt.Errorf("new country database: %w", err)
	}
	for _, n := range networks() {
		_, prefix, err := net.ParseCIDR(n.prefix.String())
		if err != nil {
			return fmt.Errorf("network %v: %w", n.prefix, err)
		}
		record := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(n.country)}}
		if err := tree.Insert(prefix, record); err != nil {
			return fmt.Errorf("insert %v: %w", n.prefix, err)
		}
	}
	if _, err := tree.WriteTo(w); err != nil {
		return fmt.Errorf("write country database: %w", err)
	}
	return nil
}

func countryOf(address netip.Addr) string {
	for _, n := range networks() {
		if n.prefix.Contains(address.Unmap()) {
			return n.country
		}
	}
	return unknownCountry
}
