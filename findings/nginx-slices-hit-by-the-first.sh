#!/bin/bash
# Where nginx keeps large files in slices (the slice module, so that a cache can hold parts of recordings), its log says of a request what became of its first slice, and nothing of the others: a
# viewer of four slices, of which one was in the cache, is a HIT, and no byte came from the server behind ($upstream_bytes_received, $upstream_response_length, $upstream_addr and the time are
# "-"), although three quarters of the recording did. By such a log nearly everything is served from the cache, and the traffic to the origin is a part of what the origin's own log has.
#
# Guess before: MISS, as not all was there, or a list, as of several servers that were tried; and the bytes of all slices.
# Seen with nginx 1.22.1 (Debian 1.22.1-9+deb12u11), ngx_http_slice_module.
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
origin=$(free_port)
mkdir "$folder/logs" "$folder/www" "$folder/cache"
chmod 777 "$folder/cache"
head -c 4000000 /dev/urandom >"$folder/www/a.mp4"
cat >"$folder/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/logs/error.log;
events {}
http {
  proxy_cache_path $folder/cache keys_zone=slices:1m use_temp_path=off;
  proxy_temp_path $folder/cache/temp;
  log_format cache '\$upstream_cache_status sent=\$body_bytes_sent from_upstream=\$upstream_response_length';
  log_format origin '\$body_bytes_sent';
  server {
    listen 127.0.0.1:$port;
    access_log $folder/logs/cache.log cache;
    location / {
      slice 1m;
      proxy_cache slices;
      proxy_cache_key \$uri\$slice_range;
      proxy_cache_valid 200 206 1h;
      proxy_set_header Range \$slice_range;
      proxy_http_version 1.1;
      proxy_pass http://127.0.0.1:$origin;
    }
  }
  server {
    listen 127.0.0.1:$origin;
    access_log $folder/logs/origin.log origin;
    root $folder/www;
  }
}
END
start nginx -e "$folder/logs/error.log" -c "$folder/nginx.conf" -p "$folder/"
listening "$port"
nginx -e "$folder/logs/error.log" -v
curl -sS -o /dev/null -r 0-99 "http://127.0.0.1:$port/a.mp4"
curl -sS -o /dev/null "http://127.0.0.1:$port/a.mp4"
for ((i = 0; i < 50; i++)); do
  if [ "$(wc -l <"$folder/logs/cache.log")" = 2 ] && [ "$(wc -l <"$folder/logs/origin.log")" = 4 ]; then
    break
  fi
  sleep 0.1
done
echo "the first 100 bytes, then all:"
cat "$folder/logs/cache.log"
echo "bytes by the log of the origin:" $(<"$folder/logs/origin.log")
[ "$(<"$folder/logs/cache.log")" = "MISS sent=100 from_upstream=1048576
HIT sent=4000000 from_upstream=-" ] || fail "another log"
[ "$(paste -sd+ "$folder/logs/origin.log" | tr + '\n' | sort -n | paste -sd' ')" = "854272 1048576 1048576 1048576" ] || fail "another traffic"
