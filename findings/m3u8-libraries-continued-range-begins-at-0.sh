#!/bin/bash
# EXT-X-BYTERANGE without an offset goes on where the range before it ended (RFC 8216, 4.3.2.2). Two Go libraries read it as the first bytes of the
# file: what is written again has @0 for every such segment, so all are the same picture, and bytes per segment are those of the wrong place.
# The range of EXT-X-MAP is a text in quotation marks (4.3.2.5): the one writes it without, as gohlslib does, and the other refuses it with them.
#
# Guess before: who keeps offsets at all keeps the running one.
# Seen with github.com/grafov/m3u8 v0.12.0 and github.com/Eyevinn/hls-m3u8 v0.6.1, Go 1.26. gohlslib v2.2.4 keeps the running one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	eyevinn "github.com/Eyevinn/hls-m3u8/m3u8"
	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
	grafov "github.com/grafov/m3u8"
)

const head = "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:4\n"

const ranges = head + "#EXTINF:4,\n#EXT-X-BYTERANGE:100@0\nall.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:50\nall.ts\n#EXT-X-ENDLIST\n"

const initial = head + "#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"720@0\"\n#EXTINF:4,\na.mp4\n#EXT-X-ENDLIST\n"

var found = regexp.MustCompile(`BYTERANGE[:=][^\n]*`)

func main() {
	libraries := []struct {
		name  string
		write func(string) (string, error)
	}{
		{"grafov", func(text string) (string, error) {
			list, _, err := grafov.DecodeFrom(strings.NewReader(text), true)
			if err != nil {
				return "", err
			}
			return list.Encode().String(), nil
		}},
		{"Eyevinn", func(text string) (string, error) {
			list, _, err := eyevinn.DecodeFrom(strings.NewReader(text), true)
			if err != nil {
				return "", err
			}
			return list.Encode().String(), nil
		}},
		{"gohlslib", func(text string) (string, error) {
			list, err := playlist.Unmarshal([]byte(text))
			if err != nil {
				return "", err
			}
			written, err := list.Marshal()
			return string(written), err
		}},
	}
	var seen []string
	for _, library := range libraries {
		for _, text := range []string{ranges, initial} {
			written, err := library.write(text)
			line := strings.Join(found.FindAllString(written, -1), " ")
			if err != nil {
				line = "refused: " + err.Error()
			}
			fmt.Printf("%-9s %s\n", library.name, line)
			seen = append(seen, line)
		}
	}
	if seen[0] != "BYTERANGE:100@0 BYTERANGE:50@0" || seen[1] != "BYTERANGE=720@0" || seen[2] != seen[0] || !strings.HasPrefix(seen[3], "refused") ||
		seen[4] != "BYTERANGE:100@0 BYTERANGE:50" || seen[5] != "BYTERANGE=720@0" {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/grafov/m3u8@v0.12.0 github.com/Eyevinn/hls-m3u8@v0.6.1 github.com/bluenviron/gohlslib/v2@v2.2.4 >/dev/null 2>&1
go list -m github.com/grafov/m3u8 github.com/Eyevinn/hls-m3u8 github.com/bluenviron/gohlslib/v2
go run .
