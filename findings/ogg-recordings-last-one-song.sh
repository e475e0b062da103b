#!/bin/bash
# Radio in Ogg is one stream for each song, one after another, since the title stands at a stream's begin (RFC 3533 calls it chaining), so a recording of a station is many of them in one file. How
# long it lasts is, of 8 s and 4 s: 4 s by ffprobe, which has the last and makes three times the bit rate of it, 8 s by MediaInfo and music-metadata, which have the first, and as much as there is,
# 12 s, when ffmpeg plays it. Nothing is said. Programs that list what is in it (ogginfo) name two streams.
#
# Guess before: 12 s by all of them.
# Seen with ffprobe 5.1.9 (Debian 12), MediaInfo 23.04 (Debian 23.04-1, library 23.04+dfsg-1) and music-metadata 10.9.1 (npm). Needs ffmpeg with libvorbis, node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root mediainfo=23.04-1 libmediainfo0v5=23.04+dfsg-1 libzen0v5=0.4.41-2 libtinyxml2-9=9.0.0+dfsg-3.1 \
  libmms0=0.6.4-3 libcurl3-gnutls=7.88.1-10+deb12u15 >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
npm install --silent --no-audit --no-fund --ignore-scripts music-metadata@10.9.1 >/dev/null
cat >duration.mjs <<'END'
import { parseFile } from 'music-metadata';

console.log((await parseFile(process.argv[2], { duration: true })).format.duration);
END
ffmpeg -loglevel error -f lavfi -i sine=frequency=440 -t 8 -c:a libvorbis first.ogg
ffmpeg -loglevel error -f lavfi -i sine=frequency=880 -t 4 -c:a libvorbis second.ogg
cat first.ogg second.ogg >both.ogg
mediainfo() {
  LD_LIBRARY_PATH=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:) "$folder/root/usr/bin/mediainfo" "$@"
}

ffprobe -version | sed -n 1p
mediainfo --Version | sed -n 2p
for file in first second both; do
  samples=$(ffmpeg -loglevel error -i $file.ogg -f s16le -ac 1 -ar 1000 - | wc -c)
  echo "$file: ffprobe $(ffprobe -loglevel error -show_entries format=duration -of csv=p=0 $file.ogg | cut -d. -f1)," \
    "MediaInfo $(($(mediainfo '--Inform=General;%Duration%' $file.ogg) / 1000)), music-metadata $(node duration.mjs $file.ogg | cut -d. -f1), played $(((samples / 2 + 500) / 1000))"
done | tee seen
if [ "$(<seen)" != "first: ffprobe 8, MediaInfo 8, music-metadata 8, played 8
second: ffprobe 4, MediaInfo 4, music-metadata 4, played 4
both: ffprobe 4, MediaInfo 8, music-metadata 8, played 12" ]; then
  echo CHANGED
  exit 1
fi
