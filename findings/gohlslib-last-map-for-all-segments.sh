#!/bin/bash
# gohlslib's playlists (what MediaMTX reads HLS with) have one EXT-X-MAP for the whole playlist, and it is the last: in a playlist that changes its
# initialisation after a discontinuity, the segments before it get the initialisation of those after it. Of two EXT-X-KEY for one segment (a key for
# each system of protection) the last is kept too. What is written has mistakes that were not in what was read: the list of
# EXT-X-SERVER-CONTROL begins with a comma if the server does not block, and CLOSED-CAPTIONS=NONE (there are none) becomes "NONE", the name of a group.
#
# Guess before: the map belongs to the segments that follow it, as RFC 8216 (4.3.2.5) says, or a second one is refused.
# Seen with github.com/bluenviron/gohlslib/v2 v2.2.4, Go 1.26.
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

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

const media = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24.0
#EXT-X-MAP:URI="first.mp4"
#EXTINF:4,
a.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="second.mp4"
#EXTINF:4,
b.mp4
#EXT-X-ENDLIST
`

const multivariant = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-STREAM-INF:BANDWIDTH=1280000,CODECS="avc1.4d401e,mp4a.40.2",CLOSED-CAPTIONS=NONE
low.m3u8
`

func main() {
	var written strings.Builder
	for _, text := range []string{media, multivariant} {
		list, err := playlist.Unmarshal([]byte(text))
		if err != nil {
			panic(err)
		}
		again, err := list.Marshal()
		if err != nil {
			panic(err)
		}
		written.Write(again)
	}
	seen := regexp.MustCompile(`#EXT-X-(MAP|SERVER-CONTROL)[^\n]*|CLOSED-CAPTIONS=[^\n]*|\w\.mp4\n`).FindAllString(written.String(), -1)
	for i := range seen {
		seen[i] = strings.TrimSpace(seen[i])
	}
	fmt.Println(strings.Join(seen, "\n"))
	if strings.Join(seen, " ") != `#EXT-X-SERVER-CONTROL:,CAN-SKIP-UNTIL=24.00000 #EXT-X-MAP:URI="second.mp4" a.mp4 b.mp4 CLOSED-CAPTIONS="NONE"` {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/bluenviron/gohlslib/v2@v2.2.4 >/dev/null 2>&1
go list -m github.com/bluenviron/gohlslib/v2
go run .
