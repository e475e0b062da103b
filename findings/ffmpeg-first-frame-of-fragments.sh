#!/bin/bash
# The first picture of fragmented MP4 by ffmpeg, of which its HLS and DASH are made, lasts longer than all others: without an edit list, AAC's priming cannot be
# cut off, so the sound begins 1024 samples early, and what the picture must wait for it is given to its first frame alone. A player that takes the frame
# rate from the first two frames is wrong by a third, and the first segment is longer than the others.
#
# Guess before: each frame of 25 a second lasts 512 ticks of 12,800.
# Seen with ffmpeg 5.1.9 (Debian 12): the first 810, 23 ms more, all others 512; without sound all 512. Needs ffmpeg with libx264.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

ffmpeg -version | sed -n 1p
video=(-f lavfi -i testsrc=size=320x180:rate=25)
output=(-t 2 -c:v libx264 -preset ultrafast -g 25 -f mp4 -movflags frag_keyframe+empty_moov+default_base_moof)
ffmpeg -loglevel error "${video[@]}" -f lavfi -i sine -c:a aac "${output[@]}" sound.mp4
ffmpeg -loglevel error "${video[@]}" "${output[@]}" silent.mp4

# gaps FILE prints the times between the first four frames, in ticks.
gaps() {
  ffprobe -v error -select_streams v -show_entries packet=pts -of csv=p=0 "$1" | awk -F, 'NR > 4 {next} NR > 2 {printf " "} NR > 1 {printf "%d", $1 - before} {before = $1}'
}

sound=$(gaps sound.mp4)
silent=$(gaps silent.mp4)
printf 'with sound: %s\nwithout: %s\n' "$sound" "$silent"
if [[ $sound != "810 512 512" || $silent != "512 512 512" ]]; then
  echo CHANGED
  exit 1
fi
