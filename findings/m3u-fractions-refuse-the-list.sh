#!/bin/bash
# jamesnetherton/m3u, which reads lists of channels, wants whole seconds in EXTINF: a list in which one duration has a fraction, as each of HLS has and as those of exporters do, is refused whole, at its
# first such line. In lists that it reads, an address in an attribute ends at its second equals sign, so that a logo or a guide with a query is another one, and a group with a comma in its
# name gives its end to the channel as a name.
#
# Guess before: names and attributes are whole, and durations are read.
# Seen with github.com/jamesnetherton/m3u v0.4.0, Go 1.26. Needs Go.
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

	"github.com/jamesnetherton/m3u"
)

func main() {
	var seen []string
	for _, list := range []string{
		"#EXTINF:9,One\nhttp://example.com/1\n#EXTINF:10,Two\nhttp://example.com/2\n",
		"#EXTINF:9,One\nhttp://example.com/1\n#EXTINF:9.5,Two\nhttp://example.com/2\n",
		"#EXTINF:-1 tvg-logo=\"http://example.com/logo?channel=1&size=2\",One\nhttp://example.com/1\n",
		"#EXTINF:-1 group-title=\"News, Sport\",One\nhttp://example.com/1\n",
	} {
		if err := os.WriteFile("list.m3u", []byte("#EXTM3U\n"+list), 0o644); err != nil {
			panic(err)
		}
		playlist, err := m3u.Parse("list.m3u")
		line := fmt.Sprint(err)
		for _, track := range playlist.Tracks {
			line += fmt.Sprintf("; %s %d s %v", track.Name, track.Length, track.Tags)
		}
		fmt.Println(line)
		seen = append(seen, line)
	}
	if strings.Join(seen, "\n") != `<nil>; One 9 s []; Two 10 s []
unable to parse length
<nil>; One -1 s [{tvg-logo http://example.com/logo?channel}]
<nil>; Sport" -1 s [{group-title News, Sport}]` {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/jamesnetherton/m3u@v0.4.0 >/dev/null 2>&1
go list -m github.com/jamesnetherton/m3u
go run .
