#!/bin/bash
# MediaInfo reads an HLS playlist of MPEG-TS with all its segments, and says format, duration, picture and sound. Of one of fragmented MP4 (EXT-X-MAP), as most packagers make them now, it says that
# it is HLS and how large all files are together, and nothing of picture, sound or duration, nor that something is missing. A segment alone is QuickTime to it, without a
# track. Of a recording in FLV that begins at the 1000th second of its stream's clock it says 25,323 pictures where there are 200: it makes them up from a duration of 1012.919 s.
#
# Guess before: the duration of a playlist is that of its segments, whatever they are, and of such a recording 8 s.
# Seen with MediaInfo 23.04 (Debian 23.04-1, library 23.04+dfsg-1). Needs ffmpeg with libx264.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root mediainfo=23.04-1 libmediainfo0v5=23.04+dfsg-1 libzen0v5=0.4.41-2 libtinyxml2-9=9.0.0+dfsg-3.1 \
  libmms0=0.6.4-3 libcurl3-gnutls=7.88.1-10+deb12u15 >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done

# mediainfo WORD... runs MediaInfo with its own libraries.
mediainfo() {
  LD_LIBRARY_PATH=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:) "$folder/root/usr/bin/mediainfo" "$@"
}

ffmpeg -loglevel error -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine -t 8 -c:v libx264 -g 50 -c:a aac -output_ts_offset 1000 -f flv late.flv
ffmpeg -loglevel error -i late.flv -c copy -f hls -hls_time 2 -hls_playlist_type vod ts.m3u8
ffmpeg -loglevel error -i late.flv -c copy -f hls -hls_segment_type fmp4 -hls_time 2 -hls_playlist_type vod mp4.m3u8
mediainfo --Version | tail -1

# said FILE prints the format, the streams, and the seconds and the number of pictures, as MediaInfo says them.
said() {
  mediainfo --Inform='General;%Format%, %VideoCount% video, %AudioCount% audio, ms %Duration%, pictures %FrameCount%' "$1"
}

seen=
for file in ts.m3u8 mp4.m3u8 mp40.m4s late.flv; do
  line="$file: $(said "$file")"
  echo "$line"
  seen+="$line; "
done
# The milliseconds, and how much MediaInfo makes up, depend on the sound; that it is a thousand seconds too much does not.
coarse=$(sed -E 's/ms 80[0-9]{2},/ms 80..,/; s/ms 10[0-9]{5}, pictures 25[0-9]{3};/ms 10....., pictures 25...;/' <<<"$seen")
expected='ts.m3u8: HLS, 1 video, 1 audio, ms 80.., pictures ; mp4.m3u8: HLS,  video,  audio, ms , pictures ; mp40.m4s: QuickTime,  video,  audio, ms , pictures ; '
if [ "$coarse" != "${expected}late.flv: Flash Video, 1 video, 1 audio, ms 10....., pictures 25...; " ]; then
  echo CHANGED
  exit 1
fi
