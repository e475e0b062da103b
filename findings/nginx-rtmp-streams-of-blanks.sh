#!/bin/bash
# nginx-rtmp writes a blank for each byte of a stream's name that is not ASCII into its statistics, so two streams with such names of one length are one name
# there, and neither is the name under which it is published. Its access_log has the names as they are.
#
# Guess before: the name in UTF-8, as the XML says of itself.
# Seen with nginx 1.22.1 and its RTMP module 1.2.2 (Debian 1:1.2.2+dfsg-3): größe and grüße are both "gr    e" in /stat. Needs ffmpeg and python3.
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
http=$(free_port)
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
http {
  access_log off;
  server {
    listen 127.0.0.1:$http;
    location /stat {
      rtmp_stat all;
    }
  }
}
END
start nginx -e "$folder/logs/error.log" -c "$folder/nginx.conf" -p "$folder/"
listening "$rtmp"
listening "$http"
nginx -e "$folder/logs/error.log" -v

publish() {
  ffmpeg -loglevel error -re -f lavfi -i testsrc=size=160x90:rate=10 -t "$2" -c:v flv1 -f flv "rtmp://127.0.0.1:$rtmp/live/$1"
}

publish größe 8 &
pids+=($!)
publish grüße 8 &
pids+=($!)
sleep 5
names=$(curl -sS "http://127.0.0.1:$http/stat" | python3 -c '
import re, sys
print("|".join(sorted(re.findall(r"<stream>\s*<name>([^<]*)</name>", sys.stdin.buffer.read().decode("utf-8", "replace")))))')
wait "${pids[1]}" "${pids[2]}"
nginx -e "$folder/logs/error.log" -c "$folder/nginx.conf" -p "$folder/" -s quit
sleep 1
logged=$(grep PUBLISH "$folder/logs/rtmp.log" | cut -d' ' -f2 | sort | paste -sd'|')
printf 'statistics: %s\naccess_log: %s\n' "$names" "$logged"
[[ $names == "gr    e|gr    e" ]] || fail "the statistics have other names"
[[ $logged == "größe|grüße" ]] || fail "the log has other names"
