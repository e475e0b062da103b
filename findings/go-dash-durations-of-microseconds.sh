#!/bin/bash
# go-dash writes durations by the text Go gives them, and below a millisecond that text has another unit: a period of half a millisecond (what is left of one
# after an advertisement was put in) becomes duration="PT500000�S", with the half of a µ that XML cannot hold. What an
# Event says (its SCTE-35 message) and which CDN a BaseURL belongs to are lost when a manifest is read and written again, without a word. Durations with
# years and months that are zero (P0Y0M0DT0H3M30S), as older packagers wrote them, are refused.
#
# Guess before: a valid manifest that is read and written again is valid, whatever else it loses.
# Seen with github.com/zencoder/go-dash/v3 v3.0.3, Go 1.26. github.com/Eyevinn/dash-mpd v0.13.0 keeps the event and the CDN, and makes it PT0.001S.
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

	eyevinn "github.com/Eyevinn/dash-mpd/mpd"
	zencoder "github.com/zencoder/go-dash/v3/mpd"
)

const manifest = `<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" minBufferTime="PT1S">
<BaseURL serviceLocation="cdn-1">https://media.example.com/</BaseURL>
<Period id="rest" duration="PT0.0005S">
<EventStream schemeIdUri="urn:scte:scte35:2014:xml+bin" timescale="1000"><Event presentationTime="0" id="1">message</Event></EventStream>
<AdaptationSet mimeType="video/mp4"><Representation id="v" bandwidth="1"/></AdaptationSet>
</Period></MPD>`

func main() {
	read, err := zencoder.ReadFromString(manifest)
	must(err)
	written, err := read.WriteToString()
	must(err)
	other, err := eyevinn.MPDFromBytes([]byte(manifest))
	must(err)
	right, err := other.WriteToString("", false)
	must(err)
	duration := regexp.MustCompile(`(?s)duration="[^"]*"`)
	fmt.Printf("go-dash:  %q, event: %v, CDN: %v\n", duration.FindString(written), strings.Contains(written, "message"), strings.Contains(written, "cdn-1"))
	fmt.Printf("dash-mpd: %q, event: %v, CDN: %v\n", duration.FindString(right), strings.Contains(right, "message"), strings.Contains(right, "cdn-1"))
	_, zeros := zencoder.ReadFromString(strings.Replace(manifest, "PT0.0005S", "P0Y0M0DT0H3M30S", 1))
	fmt.Println("P0Y0M0DT0H3M30S:", zeros)
	if duration.FindString(written) != "duration=\"PT500000\uFFFDS\"" || strings.Contains(written, "message") || strings.Contains(written, "cdn-1") || !strings.Contains(right, "message") || zeros == nil {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/zencoder/go-dash/v3/mpd@v3.0.3 github.com/Eyevinn/dash-mpd/mpd@v0.13.0 >/dev/null 2>&1
go list -m github.com/zencoder/go-dash/v3 github.com/Eyevinn/dash-mpd
go run .
