#!/bin/bash
# XX is what Cloudflare (CF-IPCountry) and others say of an address whose country is not known. For the Go library countries it is a valid country with the name None, with codes, continent, capital and
# currency None, which is not in its list of all countries; ZZ and EU, which mean as little, are Unknown and not valid. A condition on IsValid lets viewers from
# nowhere in as one country more, the code that is written for them is no longer XX, and their flag is no text in UTF-8.
#
# Guess before: XX is Unknown, and not valid.
# Seen with github.com/biter777/countries v1.7.5, countries.go, Go 1.26. Needs Go.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/biter777/countries"
)

func main() {
	var seen []string
	for _, code := range []string{"XK", "XX", "ZZ", "EU"} {
		country := countries.ByName(code)
		seen = append(seen, fmt.Sprintf("%s: %s, %s, valid %t, in the list %t, flag %t", code, country, country.Alpha2(), country.IsValid(),
			slices.Contains(countries.All(), country), utf8.ValidString(country.Emoji())))
	}
	fmt.Println(strings.Join(seen, "\n"))
	if strings.Join(seen, "\n") != `XK: Kosovo, XK, valid true, in the list true, flag true
XX: None, None, valid true, in the list false, flag false
ZZ: Unknown, Unknown, valid false, in the list false, flag false
EU: Unknown, Unknown, valid false, in the list false, flag false` {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/biter777/countries@v1.7.5 >/dev/null 2>&1
go list -m github.com/biter777/countries
go run .
