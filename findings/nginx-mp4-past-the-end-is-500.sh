#!/bin/bash
# A viewer of a recording that nginx serves from a time on (mp4, ?start=) who asks for one past its end gets 500 Internal Server Error, as if the server failed: 10 s of a recording of 8 s are an error,
# 7 s are an answer with 200. The module beside it for FLV, whose start is a number of bytes, sends the whole file with 200 for
# one past the end, and for one in the middle a header and whatever bytes are there, no matter where a picture begins. Reports of errors of the server have viewers in them who moved too far.
#
# Guess before: 404 or 416, or the whole file.
# Seen with nginx 1.22.1 (Debian 1.22.1-9+deb12u11), ngx_http_mp4_module and ngx_http_flv_module. Needs ffmpeg with libx264.
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

packages nginx=1.22.1-9+deb12u11
port=$(free_port)
mkdir "$folder/logs" "$folder/www"
cat >"$folder/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/logs/error.log;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:$port;
    root $folder/www;
    location /a.mp4 {
      mp4;
    }
    location /a.flv {
      flv;
    }
  }
}
END
ffmpeg -loglevel error -f lavfi -i testsrc2=size=320x180:rate=25 -t 8 -c:v libx264 -g 25 "$folder/www/a.mp4"
ffmpeg -loglevel error -i "$folder/www/a.mp4" -c copy "$folder/www/a.flv"
start nginx -e "$folder/logs/error.log" -c "$folder/nginx.conf" -p "$folder/"
listening "$port"
nginx -e "$folder/logs/error.log" -v

# asked PATH prints the status, and how much of the file it is.
asked() {
  local size status
  size=$(stat -c %s "$folder/www/${1%%\?*}")
  read -r status got < <(curl -sS -o "$folder/answer" -w '%{http_code} %{size_download}\n' "http://127.0.0.1:$port/$1")
  if ((got == size)); then
    echo "$status whole"
  elif ((got > 1000)); then
    echo "$status part"
  else
    echo "$status none"
  fi
}

seen=
for path in a.mp4 'a.mp4?start=7' 'a.mp4?start=10' a.flv 'a.flv?start=5000' 'a.flv?start=99999999'; do
  answer=$(asked "$path")
  echo "$path: $answer"
  seen+="$answer, "
done
grep -o 'mp4 start time exceeds file duration' "$folder/logs/error.log"
[ "$seen" = "200 whole, 200 part, 500 none, 200 whole, 200 part, 200 whole, " ] || fail "other than seen"
