// Package enrichtest builds GeoIP databases for tests.
package enrichtest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go4.org/netipx"
)

// Schema is the form of a database's records.
type Schema string

// The schemas that the product reads.
const (
	MaxMindCountry Schema = "GeoLite2-Country"  // country.iso_code and registered_country.iso_code
	MaxMindCity    Schema = "GeoLite2-City"     // the same beside city and location
	DBIP           Schema = "DBIP-Country-Lite" // that of MaxMind, made by DB-IP
	Flat           Schema = "country ipvAll"    // country_code alone and no description, that of @ip-location-db/*-mmdb
	FlatIPv4       Schema = "country ipv4"      // Flat without IPv6
	NoCountry      Schema = "GeoLite2-ASN"      // a database of another kind, to be refused
)

// Network is a network and its place. Codes are ISO 3166-1 alpha-2, empty ones are left out.
type Network struct {
	Prefix     string // such as "81.2.69.0/24"
	Country    string
	Registered string // country of registration; Flat has none
}

// Write writes a database with the networks, reserved ones allowed, in one step, so that a reader sees all or nothing.
func Write(path string, schema Schema, networks []Network) error {
	options := mmdbwriter.Options{DatabaseType: string(schema), RecordSize: 24, IncludeReservedNetworks: true}
	if schema == FlatIPv4 {
		options.IPVersion = 4
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

func record(schema Schema, network Network) mmdbtype.Map {
	switch schema {
	case Flat, FlatIPv4:
		return mmdbtype.Map{"country_code": mmdbtype.String(network.Country)}
	case NoCountry:
		return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500)}
	}
	r := mmdbtype.Map{"continent": mmdbtype.Map{"code": mmdbtype.String("EU")}}
	if network.Country != "" {
		r["country"] = mmdbtype.Map{
			"iso_code": mmdbtype.String(network.Country),
			"names":    mmdbtype.Map{"en": mmdbtype.String("Country " + network.Country)},
		}
	}
	if network.Registered != "" {
		r["registered_country"] = mmdbtype.Map{"iso_code": mmdbtype.String(network.Registered)}
	}
	if schema == MaxMindCity {
		r["city"] = mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String("City")}}
		r["location"] = mmdbtype.Map{"latitude": mmdbtype.Float64(51.5), "longitude": mmdbtype.Float64(-0.1)}
	}
	return r
}
