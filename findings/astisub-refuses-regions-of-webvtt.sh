#!/bin/bash
# go-astisub refuses a subtitle file with a region written as the W3C's WebVTT has it (a block REGION with a setting a line): it knows the spelling of a draft only
# (Region: id=…, all in one line), does not see the region, and then stops at the first cue that is to stand in it. The whole file is lost, not the region.
# The end of a voice is forgotten too: what stands after </v> is said by the same person when it is written again.
#
# Guess before: a region that is not understood is passed over, and the cues are read.
# Seen with github.com/asticode/go-astisub v0.35.0, Go 1.26.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/asticode/go-astisub"
)

const cue = "00:00:01.000 --> 00:00:05.000 region:left\n<v Ann>Hello</v> (laughter)\n"

func main() {
	_, now := astisub.ReadFromWebVTT(strings.NewReader("WEBVTT\n\nREGION\nid:left\nwidth:40%\nlines:3\n\n" + cue))
	fmt.Println("as it is:    ", now)
	old, err := astisub.ReadFromWebVTT(strings.NewReader("WEBVTT\n\nRegion: id=left width=40% lines=3\n\n" + cue))
	fmt.Println("as it was:   ", err)
	if err != nil {
		os.Exit(1)
	}
	var written bytes.Buffer
	if err := old.WriteToWebVTT(&written); err != nil {
		panic(err)
	}
	lines := strings.Split(strings.TrimSpace(written.String()), "\n")
	last := lines[len(lines)-1]
	fmt.Println("written again:", last)
	if now == nil || !strings.Contains(now.Error(), "Unknown region") || strings.Contains(last, "</v> ") {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/asticode/go-astisub@v0.35.0 >/dev/null 2>&1
go list -m github.com/asticode/go-astisub
go run .
