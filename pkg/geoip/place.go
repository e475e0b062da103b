// Package geoip finds out where an address is and whose network it belongs to, from databases in MaxMind's file format and from
// networks that the operator names.
package geoip

import (
	"strings"

	"github.com/streamlens/streamlens/pkg/measure"
)

// Place is what is known of an address. What is not known is empty, but the country, which then is measure.UnknownCountry.
type Place struct {
	Country string // ISO 3166-1 alpha-2
	// Region is the code of ISO 3166-2, or the name of the country's first subdivision where the database has no code.
	Region   string
	ASN      uint32 // number of the autonomous system that announces the network
	Operator string // its name
}

// isoCountries are the codes that ISO 3166-1 assigns, and XK for Kosovo, which all databases use. golang.org/x/text/language does not
// tell them from codes that were withdrawn or are reserved.
const isoCountries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW "

// Country returns the country that a code names, which is measure.UnknownCountry if it is none: EU, AP, A1 and others that databases
// have are no countries. EL and UK, which the European Union uses, are Greece and the United Kingdom.
func Country(code string) string {
	switch code {
	case "EL":
		return "GR"
	case "UK":
		return "GB"
	}
	if len(code) == 2 && !strings.Contains(code, " ") {
		if i := strings.Index(isoCountries, code+" "); i >= 0 {
			return isoCountries[i : i+2]
		}
	}
	return measure.UnknownCountry
}

// region returns the code of a subdivision, or its name if the code has not the form of ISO 3166-2.
func region(country, code, name string) string {
	if len(code) < 1 || len(code) > 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return name
	}
	return country + "-" + code
}
