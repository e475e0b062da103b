#!/bin/bash
# The longest segment that a live playlist may have, EXT-X-TARGETDURATION, must not change (RFC 8216, 6.2.1): players ask for the playlist again after so long, and begin three of it before the
# end. ffmpeg writes the longest of those segments that happen to be in the list: with pictures to begin at as they come (a camera, or a copy of another's stream) it is 1, 3 for three segments,
# and 1 again. Who comes while it is 3 is to start 9 s behind the end, which is more than the list has, and before and after that 3 s, so viewers of one stream differ in their delay by when they
# came. Nothing is said.
#
# Guess before: it is the time of -hls_time, or grows once; never does it shrink.
# Seen with ffmpeg 5.1.9 (Debian 12). Needs ffmpeg with libx264.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ffmpeg -version | sed -n 1p
# a picture to begin at each second, but for two of them
ffmpeg -loglevel error -f lavfi -i testsrc=size=160x90:rate=25 -t 14 -c:v libx264 -preset ultrafast -g 1000 -force_key_frames 1,2,3,6,7,8,9,10,11,12,13 source.mp4
# the versions of the playlist, as who asks for it often enough sees them
ffmpeg -loglevel error -readrate 4 -i source.mp4 -c copy -f hls -hls_time 1 -hls_list_size 3 live.m3u8 &
encoder=$!
while kill -0 "$encoder" 2>/dev/null; do
  sed -n 's/#EXT-X-TARGETDURATION:\(.*\)/\1/p; s/#EXT-X-MEDIA-SEQUENCE:\(.*\)/\1/p' live.m3u8 2>/dev/null | paste -sd' ' || true
  sleep 0.02
done | awk 'NF == 2' | uniq >seen
wait "$encoder"
echo "target duration and first segment of each version:"
cat seen
if [ "$(cut -d' ' -f1 seen | uniq | paste -sd' ')" != "1 3 1" ]; then
  echo CHANGED
  exit 1
fi
