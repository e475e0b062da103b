#!/bin/bash
# In a master playlist that ffmpeg writes for video of constant quality (-crf), BANDWIDTH is that of the sound: ffmpeg adds up the bit rates that it was told to make,
# and for such video that is none. 320x180 and 640x360 are both 70,400 bits a second, far below what they take, so a player takes the largest
# picture at once and by a slow network can never come to a smaller one. Nothing is said.
#
# Guess before: the bit rate is measured, or the variant is left out with a warning, as one is that has no bit rate at all.
# Seen with ffmpeg 5.1.9 (Debian 12). Needs ffmpeg with libx264.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

ffmpeg -version | sed -n 1p
ffmpeg -loglevel warning -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine -t 4 -map 0:v -map 1:a -map 0:v -map 1:a \
  -c:v libx264 -preset ultrafast -g 25 -crf 28 -s:v:0 320x180 -c:a aac -b:a 64k \
  -f hls -hls_time 1 -hls_list_size 0 -master_pl_name master.m3u8 -var_stream_map "v:0,a:0 v:1,a:1" -hls_segment_filename '%v_%d.ts' '%v.m3u8' 2>warnings

declared=$(grep -oE '[:,]BANDWIDTH=[0-9]+' master.m3u8 | grep -oE '[0-9]+$' | paste -sd' ')
# the bits of a variant's segments of 4 s, by the second
real() { echo $(($(cat "$1"_*.ts | wc -c) * 8 / 4)); }
small=$(real 0)
large=$(real 1)
echo "declared: $declared; real: $small $large bits a second; warnings of it: $(grep -ci bandwidth warnings || true)"
read -r first second <<<"$declared"
if ((first != second || first > 80000 || small < 4 * first || large < 2 * small)) || grep -qi bandwidth warnings; then
  echo CHANGED
  exit 1
fi
