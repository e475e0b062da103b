#!/bin/bash
# A recording of a live stream may begin at any time of the stream's clock, while its first tags, which describe picture and sound, are at 0, as ffmpeg writes them. For two programs that put into
# an FLV file what players need to seek, 8 s recorded from the 1000th second on last long: 1007.88 s by yamdi, which takes the last time for the duration, and 2007.8 s by flvmeta, which
# has the time from 0 to the first picture twice. The frame rate becomes 0.2 and 0.1, the bit rate two and one kbit/s.
# ffmpeg, whose file it was, had written 8.08 s and 25, which they replace.
#
# Guess before: the duration is from the first picture to the last, and 8 s, wherever the clock stood.
# Seen with FLVMeta 1.2.1 (Debian 1.2.1-1+b1) and yamdi 1.4 (Debian 1.4-3). Needs ffmpeg with libx264.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# packages NAME=VERSION... downloads Debian packages and unpacks them into the folder; nothing is installed.
packages() {
  apt-get download -qq -o APT::Sandbox::User=root "$@" >/dev/null
  local package
  for package in *.deb; do
    dpkg -x "$package" root
  done
  export PATH="$folder/root/usr/bin:$PATH"
  LD_LIBRARY_PATH=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
  export LD_LIBRARY_PATH
}

packages flvmeta=1.2.1-1+b1 libyaml-0-2=0.2.5-1 yamdi=1.4-3

# said FILE prints duration and frame rate as the file says them, rounded to tenths.
said() {
  local json
  json=$(flvmeta --dump --json "$1")
  printf '%.1f %.1f' "$(grep -oP '"duration": *\K[0-9.]+' <<<"$json")" "$(grep -oP '"framerate": *\K[0-9.]+' <<<"$json")"
}

dpkg-deb -f flvmeta_*.deb Package Version
dpkg-deb -f yamdi_*.deb Package Version
seen=
for begin in 0 1000; do
  ffmpeg -loglevel error -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine -t 8 -c:v libx264 -g 50 -c:a aac -output_ts_offset "$begin" -f flv "$begin.flv"
  yamdi -i "$begin.flv" -o "$begin.yamdi.flv"
  flvmeta --update "$begin.flv" "$begin.flvmeta.flv"
  line="from $begin s on: $(said "$begin.flv") by ffmpeg, $(said "$begin.yamdi.flv") by yamdi, $(said "$begin.flvmeta.flv") by flvmeta"
  echo "$line"
  seen+="$line; "
done
if [ "$seen" != "from 0 s on: 8.1 25.0 by ffmpeg, 8.0 25.4 by yamdi, 8.0 25.2 by flvmeta; from 1000 s on: 8.1 25.0 by ffmpeg, 1007.9 0.2 by yamdi, 2007.8 0.1 by flvmeta; " ]; then
  echo CHANGED
  exit 1
fi
