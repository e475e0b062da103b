#!/bin/bash
# nginx-rtmp's $bytes_received begins at 0 again when a connection has sent 4,026,531,840 bytes (0xf0000000): the access_log has a publisher of 4.3 GB, some
# three hours at 3 Mbit/s, with what came after that alone.
#
# Guess before: all bytes of the connection.
# Seen with nginx 1.22.1 and its RTMP module 1.2.2 (Debian 1:1.2.2+dfsg-3). Needs ffmpeg with libx264, and takes a minute.
set -euo pipefail

folder=$(mktemp -d)
chmod 755 "$folder" # servers give up their rights and must reach their files
pids=()

finish() {
  local status=$? pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true # it may have ended by itself
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
  exit "$status"
}
trap finish EXIT

# packages NAME=VERSION... downloads Debian packages and unpacks them into the folder; nothing is installed.
packages() {
  (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$@" >/dev/null)
  local package
  for package in "$folder"/*.deb; do
    dpkg -x "$package" "$folder/root"
  done
  export PATH="$folder/root/usr/sbin:$folder/root/usr/bin:$PATH"
  LD_LIBRARY_PATH=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
  export LD_LIBRARY_PATH
}

# start COMMAND... starts a server, which ends with the finding.
start() {
  "$@" &
  pids+=($!)
}

# free_port prints a port of 127.0.0.1 on which nothing listens.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    if ! (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}

# listening PORT waits until a server listens.
listening() {
  local i
  for ((i = 0; i < 200; i++)); do
    if (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
      return
    fi
    sleep 0.1
  done
  fail "nothing listens on $1"
}

fail() {
  echo "CHANGED: $*" >&2
  exit 1
}

packages nginx=1.22.1-9+deb12u11 libnginx-mod-rtmp=1:1.2.2+dfsg-3
rtmp=$(free_port)
mkdir "$folder/logs"
cat >"$folder/nginx.conf" <<END
load_module $folder/root/usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/logs/error.log;
events {}
rtmp {
  log_format sizes '\$command \$name \$bytes_received';
  access_log $folder/logs/rtmp.log sizes;
  server {
    listen 127.0.0.1:$rtmp;
    max_message 16M;
    application live {
      live on;
    }
  }
}
END
start nginx -e "$folder/logs/error.log" -c "$folder/nginx.conf" -p "$folder/"
listening "$rtmp"
nginx -e "$folder/logs/error.log" -v

ffmpeg -loglevel error -f lavfi -i testsrc2=size=1280x720:rate=25 -t 4 -vf noise=alls=60:allf=t -c:v libx264 -preset ultrafast -qp 4 -pix_fmt yuv420p -f flv "$folder/part.flv"
size=$(stat -c %s "$folder/part.flv")
loops=$((4300000000 / size))
ffmpeg -loglevel error -stream_loop "$loops" -i "$folder/part.flv" -c copy -f flv "rtmp://127.0.0.1:$rtmp/live/a"
nginx -e "$folder/logs/error.log" -c "$folder/nginx.conf" -p "$folder/" -s quit
sleep 1
logged=$(grep PUBLISH "$folder/logs/rtmp.log" | cut -d' ' -f3)
sent=$((size * (loops + 1)))
printf 'sent %s, and what RTMP adds\naccess_log %s\n' "$sent" "$logged"
missing=$((sent - logged))
# Headers of messages and chunks are less than a hundredth.
((missing > 4026531840 - sent / 100 && missing < 4026531840)) || fail "the log lacks $missing bytes"
