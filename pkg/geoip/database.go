package geoip

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Database says what a file is.
type Database struct {
	Path     string
	Type     string    // as the file names it: GeoLite2-City, "country ipv4"
	Built    time.Time // zero if the file does not say
	Networks int
	// Countries, Regions and Operators are the families of addresses of which the file knows these.
	Countries, Regions, Operators Families
	// Share is the part of all public IPv4 addresses whose country the file knows, 0 to 1.
	Share float64
}

// Families are families of addresses.
type Families struct{ IPv4, IPv6 bool }

// String names the families, in the order "ipv4,ipv6".
func (f Families) String() string {
	var names []string
	if f.IPv4 {
		names = append(names, "ipv4")
	}
	if f.IPv6 {
		names = append(names, "ipv6")
	}
	return strings.Join(names, ",")
}

// any reports whether there is one.
func (f Families) any() bool { return f.IPv4 || f.IPv6 }

func (f *Families) add(other Families) { f.IPv4, f.IPv6 = f.IPv4 || other.IPv4, f.IPv6 || other.IPv6 }

// note notes that there is something of the family of a network.
func (f *Families) note(p netip.Prefix, known bool) {
	if known {
		f.add(Families{IPv4: p.Addr().Is4(), IPv6: p.Addr().Is6()})
	}
}

// Kind says what the file knows, such as "country,region".
func (d *Database) Kind() string {
	var facts []string
	for _, fact := range [...]struct {
		name string
		of   Families
	}{{"country", d.Countries}, {"region", d.Regions}, {"operator", d.Operators}} {
		if fact.of.any() {
			facts = append(facts, fact.name)
		}
	}
	return strings.Join(facts, ",")
}

// Families returns the families of addresses of which the file knows anything.
func (d *Database) Families() Families {
	all := d.Countries
	all.add(d.Operators) // there is no region without a country
	return all
}

// loaded is what is kept of a file: the places of all networks. It never changes.
type loaded struct {
	Database
	ranges ranges
	places []Place // by the numbers of ranges; the first is that of nobody
}

// place returns what the file says of an address; the country is empty if it says none.
func (l *loaded) place(a netip.Addr) *Place { return &l.places[l.ranges.find(a)] }

// load reads a file, which must be whole and say something. Its reader and its bytes are returned as well.
func load(path string) (*loaded, *maxminddb.Reader, []byte, error) {
	reader, content, err := read(path)
	if err != nil {
		return nil, nil, nil, err
	}
	l, err := index(reader)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("GeoIP database %s: %w", path, err)
	}
	l.Path = path
	return l, reader, content, nil
}

// read opens a file for reading in memory. It is not mapped, because whoever wrote over a mapped file would kill the process.
func read(path string) (*maxminddb.Reader, []byte, error) {
	if _, err := versionOf(path); err != nil {
		return nil, nil, fmt.Errorf("GeoIP database: %w", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("GeoIP database: %w", err)
	}
	reader, err := maxminddb.OpenBytes(content)
	if err != nil {
		if other := format(path, content); other != "" {
			err = errors.New(other)
		}
		return nil, nil, fmt.Errorf("GeoIP database %s: %w", path, err)
	}
	return reader, content, nil
}

// index collects the places of all networks. It decodes every record, so that a damaged one is found before it is used; maxminddb's own
// Verify will not do: it refuses files whose metadata have no description.
func index(reader *maxminddb.Reader) (*loaded, error) {
	l := &loaded{places: []Place{{}}}
	l.Type = reader.Metadata.DatabaseType
	if reader.Metadata.BuildEpoch > 0 {
		l.Built = reader.Metadata.BuildTime().UTC()
	}
	numbers := map[Place]uint32{{}: 0}
	ofRecord := map[uintptr]uint32{} // records are shared by many networks
	special := newSpecial()
	var holds bool
	var known float64
	for result := range reader.Networks() {
		if err := result.Err(); err != nil {
			return nil, err
		}
		l.Networks++
		p := result.Prefix()
		number, decoded := ofRecord[result.Offset()]
		if !decoded {
			var r record
			if err := result.Decode(&r); err != nil {
				return nil, fmt.Errorf("record of %s: %w", p, err)
			}
			place := r.place()
			holds = holds || r.holds()
			var is bool
			if number, is = numbers[place]; !is {
				number = uint32(len(l.places))
				l.places, numbers[place] = append(l.places, place), number
			}
			ofRecord[result.Offset()] = number
		}
		if p.Bits() < 96 && p.Contains(netip.IPv6Unspecified()) {
			l.ranges.add(netip.PrefixFrom(netip.IPv4Unspecified(), 0), number) // the format has IPv4 there
		}
		l.ranges.add(p, number)
		place := &l.places[number]
		l.Countries.note(p, place.Country != "")
		l.Regions.note(p, place.Region != "")
		l.Operators.note(p, place.ASN != 0 || place.Operator != "")
		if place.Country != "" && p.Addr().Is4() {
			if _, nowhere := special.LookupPrefix(p); !nowhere {
				known += addresses(p)
			}
		}
	}
	l.ranges.done()
	l.places = slices.Clone(l.places)
	l.Share = min(known/publicIPv4(), 1)
	if l.Kind() == "" {
		return nil, l.saysNothing(reader, holds)
	}
	return l, nil
}

// saysNothing returns why nothing of a file can be used.
func (l *loaded) saysNothing(reader *maxminddb.Reader, holds bool) error {
	switch {
	case holds:
		return fmt.Errorf("of type %q: its countries are those of who holds a network, not of where the addresses are", l.Type)
	case l.Networks == 0:
		return fmt.Errorf("of type %q: there is no network in it", l.Type)
	}
	return fmt.Errorf("of type %q: it has neither countries nor names of networks; a record has %s", l.Type, keys(reader))
}

// keys names the keys of a file's first record that has any.
func keys(reader *maxminddb.Reader) string {
	for result := range reader.Networks() {
		var record map[string]any
		if result.Decode(&record) == nil && len(record) > 0 {
			return strings.Join(slices.Sorted(maps.Keys(record)), ", ")
		}
	}
	return "no keys"
}
