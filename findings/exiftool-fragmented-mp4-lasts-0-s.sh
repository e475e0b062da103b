#!/bin/bash
# ExifTool, which reads the data of media files, says of a recording in fragmented MP4, as live streams are recorded, that it lasts 0 s, and each of its tracks 0 s, with frames or an index of its
# segments in it or not: it takes the duration of the header, where 0 stands for what is told in the fragments. There is no warning. A recording of Ogg Vorbis of 60 s lasts 10.6 s, "approx", by
# its size and a bit rate that its encoder meant. So a list of recordings has a sum of hours far below what was recorded.
#
# Guess before: 8 s. (None was written of Ogg.)
# Seen with ExifTool 12.57 (Debian 12.57+dfsg-1). ffprobe has 8.1 and 60 s. Needs perl and ffmpeg.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root libimage-exiftool-perl=12.57+dfsg-1 >/dev/null
dpkg -x libimage-exiftool-perl_*.deb root
export PERL5LIB=$folder/root/usr/share/perl5
make() {
  ffmpeg -nostdin -loglevel error "$@"
}
make -f lavfi -i testsrc=size=160x90:rate=25 -f lavfi -i sine -t 8 -c:v libx264 -preset ultrafast -g 50 -c:a aac whole.mp4
make -i whole.mp4 -c copy -movflags frag_keyframe+empty_moov fragments.mp4
make -i whole.mp4 -c copy -movflags frag_keyframe+empty_moov+default_base_moof+global_sidx index.mp4
make -i whole.mp4 -c copy -movflags frag_keyframe+delay_moov frames.mp4
make -f lavfi -i sine -t 60 -c:a libvorbis sound.ogg
exiftool() {
  perl root/usr/bin/exiftool "$@"
}
echo "ExifTool $(exiftool -ver)"
seen=
for file in whole.mp4 fragments.mp4 index.mp4 frames.mp4 sound.ogg; do
  line="$file: $(exiftool -s3 -Duration "$file")"
  echo "$line, ffprobe $(ffprobe -loglevel error -show_entries format=duration -of csv=p=0 "$file")"
  if [[ $(exiftool -s3 -Warning "$file") ]]; then
    line+=" with a warning"
  fi
  seen+="$line
"
done
# what is guessed of Ogg depends on how much sound took
if [[ $seen != "whole.mp4: 8.00 s
fragments.mp4: 0 s
index.mp4: 0 s
frames.mp4: 0 s
sound.ogg: 1"?.?*" s (approx)
" ]]; then
  echo CHANGED
  exit 1
fi
