#!/bin/bash
# ffmpeg asks for everything of an HLS stream with `Range: bytes=0-`, playlists too, so a server logs 206 for whole segments and for playlists, and never
# 200. A report that counts 200 as views and 206 as parts of files has no such viewer at all, one that takes each 206 for a piece of something
# larger has too many. It also asks for the titles of a radio stream (Icy-MetaData) in each.
#
# Guess before: a whole file is asked for without a range, and a playlist always.
# Seen with ffmpeg 5.1 and nginx 1.22.1 of Debian 12. Needs apt-get.
set -euo pipefail

command -v ffmpeg >/dev/null && command -v nginx >/dev/null || apt-get install -y -qq ffmpeg nginx-light >/dev/null
folder=$(mktemp -d)
chmod 755 "$folder" # nginx gives up its rights and must reach its files
trap '[[ ! -e $folder/pid ]] || kill "$(cat "$folder/pid")"; sleep 0.5; rm -rf "$folder"' EXIT
mkdir "$folder/media"
port=$((20000 + RANDOM % 12000))
ffmpeg -v error -f lavfi -i testsrc=size=160x90:rate=25 -t 6 -c:v libx264 -preset ultrafast -g 50 -hls_time 2 -hls_list_size 0 "$folder/media/a.m3u8"
chmod -R a+rX "$folder/media"
cat >"$folder/nginx.conf" <<END
pid $folder/pid; error_log $folder/error.log; worker_processes 1; events {}
http {
  client_body_temp_path $folder/1; proxy_temp_path $folder/2; fastcgi_temp_path $folder/3; uwsgi_temp_path $folder/4; scgi_temp_path $folder/5;
  log_format short '\$status \$http_range \$body_bytes_sent \$http_icy_metadata \$uri';
  server { listen 127.0.0.1:$port; root $folder/media; access_log $folder/access.log short; }
}
END
nginx -c "$folder/nginx.conf"
ffmpeg -v error -i "http://127.0.0.1:$port/a.m3u8" -c copy -f null -
ffmpeg -version | sed -n 1p
nginx -v 2>&1
cat "$folder/access.log"
[[ $(wc -l <"$folder/access.log") == 4 && $(grep -c '^206 bytes=0- [0-9]* 1 ' "$folder/access.log") == 4 ]] || {
  echo CHANGED
  exit 1
}
