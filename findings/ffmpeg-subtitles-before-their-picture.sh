#!/bin/bash
# In HLS of MPEG-TS by ffmpeg the pictures begin at 1.4 s of their clock, and the subtitles at 0 of theirs, without the line that ties the one clock to the other
# (X-TIMESTAMP-MAP). Without it both clocks are one for a player (RFC 8216, 3.5), so each caption is to be shown 1.4 s before its picture.
#
# Guess before: the line is written, or both begin at 0.
# Seen with ffmpeg 5.1.9 (Debian 12). Needs ffmpeg with libx264.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

ffmpeg -version | sed -n 1p
cat >captions.vtt <<'END'
WEBVTT

00:03.000 --> 00:03.500
with the picture of the third second
END
ffmpeg -loglevel error -f lavfi -i testsrc=size=160x90:rate=10 -i captions.vtt -t 6 -map 0:v -map 1:s -c:v libx264 -preset ultrafast -bf 0 -g 20 -c:s webvtt \
  -f hls -hls_time 2 -hls_list_size 0 -master_pl_name master.m3u8 -var_stream_map v:0,s:0,sgroup:captions 'live%v.m3u8'

# the second segment has the pictures from 2 s on, and the caption of 3 s
picture=$(ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 live01.ts | grep -oE '^[0-9.]+' | sed -n 11p)
caption=$(grep -F -- '-->' live01.vtt)
cat live01.vtt
echo "picture of the third second: $picture s, caption: $caption"
if [[ ! $picture =~ ^4\.4 || ! $caption =~ ^00:03\.0 ]] || grep -q X-TIMESTAMP-MAP live01.vtt; then
  echo CHANGED
  exit 1
fi
