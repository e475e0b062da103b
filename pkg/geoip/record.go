package geoip

import (
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"

	"github.com/streamlens/streamlens/pkg/measure"
)

// record is what a database says of a network, in any of the known schemas; the rest is skipped, and so is what has another type than
// expected. The schemas are those of MaxMind (and DB-IP and IP2Location, which have its keys), the flat one of ip-location-db, and IPinfo's.
type record struct {
	isoCode    string // country.iso_code
	registered string // registered_country.iso_code
	flat       string // country_code
	country    string // country, where it is a text: a code or a name

	subdivision, subdivisionName string // of the first of subdivisions, iso_code and names.en
	regionCode                   string // region_code
	region                       string // region: a name, or a code where there is region_name
	regionName                   string // region_name
	state                        string // state1

	asn          uint64 // autonomous_system_number, or asn
	organization string // autonomous_system_organization
	asName       string // as_name
	isp          string
	name         string // of the autonomous system, a company, a carrier, a hotel, ...

	located bool // the record has what only a record of a place has
}

// UnmarshalMaxMindDBCursor implements mmdbdata.CursorUnmarshaler.
func (r *record) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	*r = record{}
	return eachField(c, func(key string, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch key {
		case "country":
			if kind, err := c.Kind(); err == nil && kind == mmdbdata.KindString {
				return readText(c, &r.country)
			}
			return isoCode(c, &r.isoCode)
		case "registered_country":
			return isoCode(c, &r.registered)
		case "country_code":
			return readText(c, &r.flat)
		case "subdivisions":
			return firstItem(c, r.readSubdivision)
		case "region_code":
			return readText(c, &r.regionCode)
		case "region":
			return readText(c, &r.region)
		case "region_name":
			return readText(c, &r.regionName)
		case "state1":
			return readText(c, &r.state)
		case "traits":
			return eachField(c, r.readNetwork)
		case "name":
			return readText(c, &r.name)
		case "continent", "latitude", "lat":
			r.located = true
			return c.Skip()
		}
		return r.readNetwork(key, c)
	})
}

// readNetwork reads the fields of a network, which some schemas have in a map of their own.
func (r *record) readNetwork(key string, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch key {
	case "autonomous_system_number", "asn":
		return readNumber(c, &r.asn)
	case "autonomous_system_organization":
		return readText(c, &r.organization)
	case "as_name":
		return readText(c, &r.asName)
	case "isp":
		return readText(c, &r.isp)
	}
	return c.Skip()
}

func (r *record) readSubdivision(key string, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch key {
	case "iso_code":
		return readText(c, &r.subdivision)
	case "names":
		return eachField(c, func(key string, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
			if key == "en" {
				return readText(c, &r.subdivisionName)
			}
			return c.Skip()
		})
	}
	return c.Skip()
}

// eachField reads the fields of a map; what is none is skipped.
func eachField(c mmdbdata.Cursor, read func(string, mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil || kind != mmdbdata.KindMap {
		return skip(c, err)
	}
	fields, err := c.Map()
	if err != nil {
		return mmdbdata.Cursor{}, err
	}
	var next mmdbdata.Cursor
	for {
		key, value, more := fields.Next(next)
		if !more {
			return fields.End()
		}
		if next, err = read(string(key), value); err != nil {
			return mmdbdata.Cursor{}, err
		}
	}
}

// firstItem reads the fields of the first map of a list.
func firstItem(c mmdbdata.Cursor, read func(string, mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil || kind != mmdbdata.KindSlice {
		return skip(c, err)
	}
	items, err := c.Slice()
	if err != nil {
		return mmdbdata.Cursor{}, err
	}
	var next mmdbdata.Cursor
	for {
		i, item, more := items.Next(next)
		if !more {
			return items.End()
		}
		if i == 0 {
			next, err = eachField(item, read)
		} else {
			next, err = item.Skip()
		}
		if err != nil {
			return mmdbdata.Cursor{}, err
		}
	}
}

func isoCode(c mmdbdata.Cursor, code *string) (mmdbdata.Cursor, error) {
	return eachField(c, func(key string, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		if key == "iso_code" {
			return readText(c, code)
		}
		return c.Skip()
	})
}

func readText(c mmdbdata.Cursor, text *string) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil || kind != mmdbdata.KindString {
		return skip(c, err)
	}
	value, next, err := c.ReadString()
	*text = value
	return next, err
}

// readNumber reads a whole number, also one in the form "AS1221".
func readNumber(c mmdbdata.Cursor, number *uint64) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil {
		return skip(c, err)
	}
	switch kind {
	case mmdbdata.KindString:
		var text string
		next, err := readText(c, &text)
		*number, _ = strconv.ParseUint(strings.TrimPrefix(text, "AS"), 10, 32) // 0 if it is none
		return next, err
	case mmdbdata.KindUint16, mmdbdata.KindUint32, mmdbdata.KindUint64:
		value, next, err := c.ReadUint()
		*number = value
		return next, err
	}
	return c.Skip()
}

func skip(c mmdbdata.Cursor, err error) (mmdbdata.Cursor, error) {
	if err != nil {
		return mmdbdata.Cursor{}, err
	}
	return c.Skip()
}

// said is a fact as the record has it, and under which key.
type said struct{ key, value string }

// countries returns what the record says of the country, in the order in which it is believed.
func (r *record) countries() [4]said {
	text := r.country
	if r.holds() || len(text) != 2 {
		text = "" // a name, beside which there is country_code
	}
	return [...]said{
		{"country.iso_code", r.isoCode}, {"country_code", r.flat}, {"country", text}, {"registered_country.iso_code", r.registered},
	}
}

// holds reports whether the record's country is that of who holds the network, not of where it is.
func (r *record) holds() bool { return r.country != "" && r.name != "" && !r.located }

// place returns what the record says, with an empty country if it says none.
func (r *record) place() Place {
	var p Place
	for _, c := range r.countries() {
		if country := Country(c.value); country != measure.UnknownCountry {
			p.Country = country
			break
		}
	}
	if p.Country != "" {
		code, name := r.regionCode, r.region
		if r.regionName != "" {
			code, name = r.region, r.regionName
		}
		for _, one := range [...]string{
			region(p.Country, r.subdivision, r.subdivisionName), region(p.Country, code, name), r.state,
		} {
			if p.Region = clean(one); p.Region != "" {
				break
			}
		}
	}
	if r.asn <= math.MaxUint32 {
		p.ASN = uint32(r.asn)
	}
	operators := [...]string{r.organization, r.asName, "", r.isp}
	if p.ASN != 0 {
		operators[2] = r.name
	}
	for _, one := range operators {
		if p.Operator = clean(one); p.Operator != "" {
			break
		}
	}
	return p
}

// maxNameBytes bounds the names of operators and regions; the longest of the databases have some 100 bytes.
const maxNameBytes = 128

// clean makes a name of a database one that can be stored: UTF-8 without control characters and of bounded length.
func clean(name string) string {
	name = strings.TrimSpace(strings.ToValidUTF8(name, ""))
	if strings.ContainsFunc(name, unicode.IsControl) {
		name = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, name)
	}
	if len(name) > maxNameBytes {
		name = strings.ToValidUTF8(name[:maxNameBytes], "")
	}
	return name
}
