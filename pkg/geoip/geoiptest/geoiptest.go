// Package geoiptest builds GeoIP databases for tests.
package geoiptest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go4.org/netipx"
)

// Schema is the form of a database's records.
type Schema string

// The schemas that the product reads, by the types that they have in files.
const (
	MaxMindCountry Schema = "GeoLite2-Country"  // country.iso_code and registered_country.iso_code
	MaxMindCity    Schema = "GeoLite2-City"     // the same, subdivisions, city and location
	MaxMindASN     Schema = "GeoLite2-ASN"      // autonomous_system_number and autonomous_system_organization
	Enterprise     Schema = "GeoIP2-Enterprise" // MaxMindCity, and MaxMindASN under traits
	DBIP           Schema = "DBIP-Country-Lite" // that of MaxMind, made by DB-IP
	Flat           Schema = "country ipvAll"    // country_code alone and no description, that of @ip-location-db/*-mmdb
	FlatIPv4       Schema = "country ipv4"      // Flat without IPv6
	FlatCity       Schema = "city ipvAll"       // Flat with state1
	IPinfoLite     Schema = "ipinfo lite"       // country is a name, beside country_code, asn and as_name
	IPinfoOld      Schema = "ipinfo country"    // country is a code, beside country_name, region and asn
	IPinfoASN      Schema = "ipinfo asn"        // country is that of the holder, beside asn and name
	ConnectionType Schema = "GeoIP2-Connection-Type"
)

// Network is a network and its place. What is empty is left out.
type Network struct {
	Prefix     string // such as "81.2.69.0/24"
	Country    string // ISO 3166-1 alpha-2
	Registered string // country of registration; only MaxMind's schemas have it
	Region     string // code of a subdivision without its country's
	RegionName string
	ASN        uint32
	Operator   string
}

// Write writes a database with the networks, reserved ones allowed, in one step, so that a reader sees all or nothing.
func Write(path string, schema Schema, networks []Network) error {
	options := mmdbwriter.Options{DatabaseType: string(schema), RecordSize: 24, IncludeReservedNetworks: true}
	switch schema {
	case FlatIPv4:
		options.IPVersion = 4
	case Flat, FlatCity:
		options.DisableIPv4Aliasing = true // 6to4 is a network like others there
	}
	tree, err := mmdbwriter.New(options)
	if err != nil {
		return fmt.Errorf("new database: %w", err)
	}
	for _, network := range networks {
		prefix, err := netip.ParsePrefix(network.Prefix)
		if err != nil {
			return fmt.Errorf("network: %w", err)
		}
		if err := tree.Insert(netipx.PrefixIPNet(prefix), record(schema, network)); err != nil {
			return fmt.Errorf("insert %s: %w", prefix, err)
		}
	}

	file, err := os.CreateTemp(filepath.Dir(path), "*.mmdb.new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = tree.WriteTo(file)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write database: %w", err)
	}
	return os.Rename(file.Name(), path)
}

// fields is a record's map, from which empty values are left out.
type fields mmdbtype.Map

func (f fields) text(key, value string) {
	if value != "" {
		f[mmdbtype.String(key)] = mmdbtype.String(value)
	}
}

func (f fields) part(key string, part fields) {
	if len(part) > 0 {
		f[mmdbtype.String(key)] = mmdbtype.Map(part)
	}
}

func record(schema Schema, n Network) mmdbtype.Map {
	r := fields{}
	asText := ""
	if n.ASN != 0 {
		asText = fmt.Sprintf("AS%d", n.ASN)
	}
	switch schema {
	case Flat, FlatIPv4, FlatCity:
		r["country_code"] = mmdbtype.String(n.Country) // an empty one is there, too
		if schema == FlatCity {
			r["state1"], r["city"] = mmdbtype.String(n.RegionName), mmdbtype.String("City")
		}
	case ConnectionType:
		r.text("connection_type", "Cellular")
	case MaxMindASN:
		r.autonomousSystem(n)
	case IPinfoLite:
		r.text("country", "Country "+n.Country)
		r.text("country_code", n.Country)
		r.text("continent", "Europe")
		r.text("region", n.RegionName)
		r.text("region_code", n.Region)
		r.text("asn", asText)
		r.text("as_name", n.Operator)
	case IPinfoOld:
		r.text("country", n.Country)
		r.text("country_name", "Country "+n.Country)
		r.text("region", n.Region)
		r.text("region_name", n.RegionName)
		r.text("asn", asText)
		r.text("as_name", n.Operator)
	case IPinfoASN:
		r.text("country", n.Country)
		r.text("asn", asText)
		r.text("name", n.Operator)
	default:
		r.place(schema, n)
	}
	return mmdbtype.Map(r)
}

// place adds what MaxMind's schemas of places have.
func (f fields) place(schema Schema, n Network) {
	country, registered := fields{}, fields{}
	if n.Country != "" {
		country.text("iso_code", n.Country)
		country["names"] = mmdbtype.Map{"en": mmdbtype.String("Country " + n.Country)}
	}
	registered.text("iso_code", n.Registered)
	f.part("country", country)
	f.part("registered_country", registered)
	f.part("continent", fields{"code": mmdbtype.String("EU")})
	if !strings.Contains(string(schema), "City") && schema != Enterprise {
		return
	}
	f["city"] = mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String("City")}}
	f["location"] = mmdbtype.Map{"latitude": mmdbtype.Float64(51.5), "longitude": mmdbtype.Float64(-0.1)}
	if n.Region != "" || n.RegionName != "" {
		first := fields{}
		first.text("iso_code", n.Region)
		first["names"] = mmdbtype.Map{"de": mmdbtype.String("anders"), "en": mmdbtype.String(n.RegionName)}
		second := mmdbtype.Map{"iso_code": mmdbtype.String("XYZ"), "names": mmdbtype.Map{"en": mmdbtype.String("District")}}
		f["subdivisions"] = mmdbtype.Slice{mmdbtype.Map(first), second}
	}
	if schema == Enterprise {
		traits := fields{}
		traits.autonomousSystem(n)
		f.part("traits", traits)
	}
}

func (f fields) autonomousSystem(n Network) {
	if n.ASN != 0 {
		f["autonomous_system_number"] = mmdbtype.Uint32(n.ASN)
	}
	f.text("autonomous_system_organization", n.Operator)
}
