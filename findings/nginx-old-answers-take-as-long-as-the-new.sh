#!/bin/bash
# nginx can answer with what its cache has although it is old, and fetch it anew meanwhile (proxy_cache_use_stale updating, proxy_cache_background_update), as is done for playlists. The viewer has
# the old one at once, and in the log that took as long as the server behind did: a slow origin seems to slow down the very viewers who do not wait for it. What really is late is the
# next request on the same connection, which waits until the update has come, and its line has the time without the wait. The update is in no line: no status, no time, no bytes.
#
# Guess before: the old answer took 0 s, or if it took longer the viewer had it later; and one of the lines has the bytes that came from the server behind.
# Seen with nginx 1.22.1 (Debian 1.22.1-9+deb12u11), by HTTP/1.1. Needs python3 for the server behind.
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
mkdir "$folder/logs" "$folder/cache"
chmod 777 "$folder/cache"
cat >"$folder/origin.py" <<END
import http.server, socketserver, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(1.5)
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * 1000)

    def log_message(self, *arguments):
        print("asked", flush=True)

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

Server(("127.0.0.1", $origin), Handler).serve_forever()
END
cat >"$folder/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/logs/error.log;
events {}
http {
  proxy_cache_path $folder/cache keys_zone=playlists:1m use_temp_path=off;
  client_body_temp_path $folder/1; proxy_temp_path $folder/2; fastcgi_temp_path $folder/3; uwsgi_temp_path $folder/4; scgi_temp_path $folder/5;
  log_format times '\$uri \$upstream_cache_status \$request_time \$upstream_response_length';
  access_log $folder/logs/access.log times;
  server {
    listen 127.0.0.1:$port;
    location / {
      proxy_cache playlists;
      proxy_cache_valid 200 1s;
      proxy_cache_use_stale updating;
      proxy_cache_background_update on;
      proxy_pass http://127.0.0.1:$origin;
    }
  }
}
END
start python3 "$folder/origin.py" >"$folder/asked"
start nginx -e "$folder/logs/error.log" -c "$folder/nginx.conf" -p "$folder/"
listening "$origin"
listening "$port"
nginx -e "$folder/logs/error.log" -v
curl -sS -o /dev/null "http://127.0.0.1:$port/live.m3u8"
sleep 2.5
echo "seconds by the client, on one connection:"
curl -sS -o /dev/null -o /dev/null -w '%{url} %{time_total}\n' "http://127.0.0.1:$port/live.m3u8" "http://127.0.0.1:$port/1.ts" | sed 's/.*\///' | tee "$folder/client"
sleep 0.5
echo "the log:"
cat "$folder/logs/access.log"
echo "the server behind was asked $(wc -l <"$folder/asked") times"
# whole half seconds, of the client and of the log
halves() { awk -v column="$1" '{ printf "%s%d", separator, $column * 2 + 0.4; separator = " " }' "$2"; }
[ "$(halves 2 "$folder/client")" = "0 6" ] || fail "other times of the client"
[ "$(halves 3 "$folder/logs/access.log")" = "3 3 3" ] || fail "other times in the log"
[ "$(awk '{ printf "%s %s,", $2, $4 }' "$folder/logs/access.log")" = "MISS 1000,STALE -,MISS 1000," ] || fail "another log"
[ "$(wc -l <"$folder/asked")" = 3 ] || fail "another number of requests"
