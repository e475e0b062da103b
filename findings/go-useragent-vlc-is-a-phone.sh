#!/bin/bash
# go-useragent takes VLC, and ffmpeg and all that plays with its libraries, for a mobile device, without a name or a system, wherever they run; of an LG television, whose text has all that
# Chrome's has, it knows nothing at all, not even that a browser is there. One that says SMART-TV, a Roku or a PlayStation is a television.
#
# Guess before: no device for VLC, whose text says nothing of one, and a television, or at least Chrome, for LG's.
# Seen with github.com/medama-io/go-useragent v1.2.5, Go 1.26. Needs Go.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"

	"github.com/medama-io/go-useragent"
)

func main() {
	parser := useragent.NewParser()
	changed := false
	for _, client := range []struct{ text, browser, device string }{
		{"VLC/3.0.18 LibVLC/3.0.18", "", "Mobile"},
		{"Lavf/59.27.100", "", "Mobile"},
		{"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 WebAppManager", "", ""},
		{"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.5) AppleWebKit/537.36 (KHTML, like Gecko) 85.0.4183.93/6.5 TV Safari/537.36", "Safari", "TV"},
		{"Roku/DVP-12.5 (12.5.0.4178-88)", "", "TV"},
	} {
		agent := parser.Parse(client.text)
		fmt.Printf("%q %q: %s\n", agent.Browser(), agent.Device(), client.text)
		changed = changed || string(agent.Browser()) != client.browser || string(agent.Device()) != client.device
	}
	if changed {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/medama-io/go-useragent@v1.2.5 >/dev/null 2>&1
go list -m github.com/medama-io/go-useragent
go run .
