#!/bin/bash
# gomedia, with which Go programs record RTMP streams as MP4, lets every track begin at 0, whatever its first time is: where the sound of a stream begins 2 s after the picture, as when a
# microphone is turned on later, it is heard 2 s early in the recording, for all of it. The last picture lasts no time, so each recording is a frame short. Written as MPEG-TS by the same library
# the times are kept. A picture that is handed over for the recording is changed within: its start codes (00 00 00 01) become lengths, so the same bytes are no longer what viewers can be
# sent, nor what another file can be made of.
#
# Guess before: what begins later does so in the recording, by an edit list or a longer first sample, and 200 pictures of 25 a second last 8 s.
# Seen with github.com/yapingcat/gomedia v0.0.0-20240906162731-17feea57090c, go-mp4/mp4muxer.go, Go 1.26. Needs Go and ffmpeg with libx264.
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

	"github.com/yapingcat/gomedia/go-codec"
	"github.com/yapingcat/gomedia/go-flv"
	"github.com/yapingcat/gomedia/go-mp4"
	"github.com/yapingcat/gomedia/go-mpeg2"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	input, err := os.ReadFile("stream.flv")
	check(err)
	recording, err := os.Create("recording.mp4")
	check(err)
	muxer, err := mp4.CreateMp4Muxer(recording)
	check(err)
	video, audio := muxer.AddVideoTrack(mp4.MP4_CODEC_H264), muxer.AddAudioTrack(mp4.MP4_CODEC_AAC)
	segment, err := os.Create("segment.ts")
	check(err)
	other := mpeg2.NewTSMuxer()
	other.OnPacket = func(packet []byte) {
		_, err := segment.Write(packet)
		check(err)
	}
	picture, sound := other.AddStream(mpeg2.TS_STREAM_H264), other.AddStream(mpeg2.TS_STREAM_AAC)
	pictures, changed := 0, 0
	reader := flv.CreateFlvReader()
	reader.OnFrame = func(id codec.CodecID, frame []byte, shown, decoded uint32) {
		if id == codec.CODECID_VIDEO_H264 {
			check(other.Write(picture, frame, uint64(shown), uint64(decoded)))
			before := bytes.Clone(frame)
			check(muxer.Write(video, frame, uint64(shown), uint64(decoded)))
			pictures++
			if !bytes.Equal(frame, before) {
				changed++
			}
		} else {
			check(other.Write(sound, frame, uint64(shown), uint64(decoded)))
			check(muxer.Write(audio, frame, uint64(shown), uint64(decoded)))
		}
	}
	check(reader.Input(input))
	check(muxer.WriteTrailer())
	check(recording.Close())
	check(segment.Close())
	fmt.Printf("%d of %d", changed, pictures)
}
END
go mod init finding >/dev/null 2>&1
go get github.com/yapingcat/gomedia@v0.0.0-20240906162731-17feea57090c >/dev/null 2>&1
go list -m github.com/yapingcat/gomedia
ffmpeg -loglevel error -f lavfi -i testsrc2=size=320x180:rate=25:duration=8 -itsoffset 2 -f lavfi -i sine=duration=6 -c:v libx264 -g 50 -bf 0 -c:a aac -f flv stream.flv
changed=$(go run .)

# first FILE KIND prints when the first packet of a kind is due.
first() {
  ffprobe -v error -select_streams "$2" -show_entries packet=pts_time -of csv=p=0 "$1" | awk -F, 'NR == 1 { print $1 }'
}

# behind FILE prints by how many tenths of a second the sound begins after the picture.
behind() {
  awk -v picture="$(first "$1" v)" -v sound="$(first "$1" a)" 'BEGIN { printf "%.0f", (sound - picture) * 10 }'
}

duration=$(ffprobe -v error -select_streams v -show_entries stream=duration -of csv=p=0 recording.mp4)
seen="$(behind stream.flv) $(behind segment.ts) $(behind recording.mp4) $duration"
echo "tenths of a second by which the sound begins later, in FLV, TS and MP4; seconds of 200 pictures in MP4: $seen"
echo "pictures changed when they were handed over: $changed"
if [ "$seen, $changed" != "20 20 0 7.920000, 200 of 200" ]; then
  echo CHANGED
  exit 1
fi
