#!/bin/bash
# Blank lines in a playlist are to be ignored (RFC 8216, 4.1). A Go library for playlists takes one between EXTINF and the address as
# the address: the segment has the right duration and no address, the real address is dropped, and nothing is said, also when asked to be strict.
#
# Guess before: a blank line is passed over, as comments are.
# Seen with github.com/grafov/m3u8 v0.12.0, Go 1.26. github.com/Eyevinn/hls-m3u8 v0.6.1, made from it, passes over it.
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

	eyevinn "github.com/Eyevinn/hls-m3u8/m3u8"
	grafov "github.com/grafov/m3u8"
)

const text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n\na.ts\n#EXTINF:3,\nb.ts\n#EXT-X-ENDLIST\n"

func main() {
	list, _, err := grafov.DecodeFrom(strings.NewReader(text), true)
	if err != nil {
		panic(err)
	}
	first := list.(*grafov.MediaPlaylist).Segments[0]
	other, _, err := eyevinn.DecodeFrom(strings.NewReader(text), true)
	if err != nil {
		panic(err)
	}
	right := other.(*eyevinn.MediaPlaylist).Segments[0]
	fmt.Printf("grafov:  %v s, address %q, of %d segments\n", first.Duration, first.URI, list.(*grafov.MediaPlaylist).Count())
	fmt.Printf("Eyevinn: %v s, address %q\n", right.Duration, right.URI)
	if first.URI != "" || right.URI != "a.ts" {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/grafov/m3u8@v0.12.0 github.com/Eyevinn/hls-m3u8@v0.6.1 >/dev/null 2>&1
go list -m github.com/grafov/m3u8 github.com/Eyevinn/hls-m3u8
go run .
