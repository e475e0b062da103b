#!/bin/bash
# Sound alone goes by HLS as AAC too, each segment with an ID3 tag before it that has the time (RFC 8216, 3.4). Two Go libraries that tell by the first bytes of a file what it is say of such a
# segment that it is MP3 (audio/mpeg), as most files with such a tag are; of the same sound without the tag they say audio/aac. Who stores or serves
# segments by what they say has a station of MP3 in reports by content type.
#
# Guess before: audio/aac, since the sound behind the tag says what it is.
# Seen with github.com/gabriel-vasile/mimetype v1.4.16 and github.com/h2non/filetype v1.1.3, Go 1.26. Needs Go and ffmpeg.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ffmpeg -loglevel error -f lavfi -i sine -t 4 -c:a aac plain.aac
cat >main.go <<'END'
package main

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/gabriel-vasile/mimetype"
	"github.com/h2non/filetype"
)

func main() {
	plain, err := os.ReadFile("plain.aac")
	if err != nil {
		panic(err)
	}
	// The tag of ID3 2.4 has one frame, PRIV, with its owner and 10 s as MPEG-TS counts them.
	private := binary.BigEndian.AppendUint64([]byte("com.apple.streaming.transportStreamTimestamp\x00"), 900000)
	frame := append([]byte{'P', 'R', 'I', 'V', 0, 0, 0, byte(len(private)), 0, 0}, private...)
	tag := append([]byte{'I', 'D', '3', 4, 0, 0, 0, 0, 0, byte(len(frame))}, frame...)

	changed := false
	for _, file := range []struct {
		name    string
		content []byte
		seen    string
	}{
		{"AAC", plain, "audio/aac"},
		{"AAC with the tag", append(tag, plain...), "audio/mpeg"},
	} {
		kind, err := filetype.Match(file.content)
		if err != nil {
			panic(err)
		}
		first, second := mimetype.Detect(file.content).String(), kind.MIME.Value
		fmt.Printf("%s: %s by mimetype, %s by filetype\n", file.name, first, second)
		changed = changed || first != file.seen || second != file.seen
	}
	if changed {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/gabriel-vasile/mimetype@v1.4.16 github.com/h2non/filetype@v1.1.3 >/dev/null 2>&1
go list -m github.com/gabriel-vasile/mimetype github.com/h2non/filetype
go run .
