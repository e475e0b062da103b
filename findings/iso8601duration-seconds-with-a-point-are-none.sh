#!/bin/bash
# A Go library for ISO 8601's durations, as DASH manifests have them, takes seconds with a decimal point for no seconds at all: PT634.566S is 0 s and
# PT1H0.5S is 1 h, without an error. A minus sign is passed over the same way. Manifests write most of their durations so, PT2.0S too.
#
# Guess before: fractions are read, rounded, or refused.
# Seen with github.com/channelmeter/iso8601duration v0.0.0-20150204201828-8da3af7a2a61, Go 1.26. github.com/sosodev/duration v1.4.0 reads them.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"strings"

	channelmeter "github.com/channelmeter/iso8601duration"
	sosodev "github.com/sosodev/duration"
)

func main() {
	var seen []string
	for _, text := range []string{"PT2S", "PT2.0S", "PT634.566S", "PT1H0.5S", "-PT5S"} {
		short, err := channelmeter.FromString(text)
		if err != nil {
			panic(err)
		}
		right, err := sosodev.Parse(text)
		if err != nil {
			panic(err)
		}
		seen = append(seen, fmt.Sprintf("%s %s %s", text, short.ToDuration(), right.ToTimeDuration()))
	}
	fmt.Println(strings.Join(seen, "\n"))
	if strings.Join(seen, ", ") != "PT2S 2s 2s, PT2.0S 0s 2s, PT634.566S 0s 10m34.566s, PT1H0.5S 1h0m0s 1h0m0.5s, -PT5S 5s -5s" {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/channelmeter/iso8601duration@v0.0.0-20150204201828-8da3af7a2a61 github.com/sosodev/duration@v1.4.0 >/dev/null 2>&1
go list -m github.com/channelmeter/iso8601duration github.com/sosodev/duration
go run .
