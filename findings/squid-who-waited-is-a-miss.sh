#!/bin/bash
# Where many viewers ask at once for a segment that has just appeared, a cache asks the server behind once and lets the others wait (Squid: collapsed_forwarding). In Squid's log those who waited
# for a segment of 1 MB are misses (TCP_CF_MISS), and those who waited for a playlist of 1 kB are hits (TCP_CF_HIT), though the server behind was asked once for each: as if it mattered whether
# there is more to come when the wait is over. Of a live stream, whose viewers all ask at once, nearly no segment is a hit. nginx (proxy_cache_lock) and Varnish call all who waited hits.
#
# Guess before: one miss and four hits, TCP_HIT or TCP_CF_HIT.
# Seen with Squid 5.7 (Debian 5.7-2+deb12u6). Needs python3 for the server behind.
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

# line_with TEXT FILE waits for the first line with a text in a log, and prints it.
line_with() {
  local i
  for ((i = 0; i < 200; i++)); do
    if grep -aFm1 -- "$1" "$2" 2>/dev/null; then
      return
    fi
    sleep 0.1
  done
  fail "no line of the log has: $1"
}

fail() {
  echo "CHANGED: $*" >&2
  exit 1
}

packages squid=5.7-2+deb12u6 squid-common=5.7-2+deb12u6 squid-langpack=20220130-1 libecap3=1.0.1-3.4 libltdl7=2.4.7-7~deb12u1 \
  libnetfilter-conntrack3=1.0.9-3 libnfnetlink0=1.0.2-2 libmnl0=1.0.4-3 libgssapi-krb5-2=1.20.1-2+deb12u5 libkrb5-3=1.20.1-2+deb12u5 \
  libk5crypto3=1.20.1-2+deb12u5 libkrb5support0=1.20.1-2+deb12u5 libkeyutils1=1.6.3-2

port=$(free_port)
mkdir "$folder/log"
chmod 777 "$folder/log"
origin=$(free_port)
cat >"$folder/origin.py" <<END
import http.server, socketserver, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2)
        self.send_response(200)
        body = b"x" * (1000 if self.path.endswith("m3u8") else 1000000)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "public, max-age=60")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        print(self.path, flush=True)

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

Server(("127.0.0.1", $origin), Handler).serve_forever()
END
start python3 "$folder/origin.py" >"$folder/asked"
listening "$origin"
cat >"$folder/squid.conf" <<END
http_port 127.0.0.1:$port accel defaultsite=localhost
cache_peer 127.0.0.1 parent $origin 0 no-query no-digest originserver
http_access allow all
cache_effective_user nobody
collapsed_forwarding on
cache_mem 64 MB
maximum_object_size 8 MB
maximum_object_size_in_memory 8 MB
logformat own %ru %Ss:%Sh
access_log stdio:$folder/log/own.log own
cache_log $folder/log/cache.log
error_directory $folder/root/usr/share/squid-langpack/templates
icon_directory $folder/root/usr/share/squid/icons
mime_table $folder/root/usr/share/squid/mime.conf
unlinkd_program $folder/root/usr/lib/squid/unlinkd
pid_filename $folder/squid.pid
coredump_dir $folder/log
pinger_enable off
shutdown_lifetime 0 seconds
buffered_logs off
END
start squid -N -f "$folder/squid.conf" 2>/dev/null
listening "$port"
squid -v | sed -n 1p
for name in live.m3u8 seg-1.ts; do
  viewers=()
  for ((i = 0; i < 5; i++)); do
    curl -sS -o /dev/null "http://127.0.0.1:$port/$name" &
    viewers+=($!)
  done
  wait "${viewers[@]}"
  for ((i = 0; i < 50; i++)); do
    if [ "$(grep -c "/$name " "$folder/log/own.log")" = 5 ]; then
      break
    fi
    sleep 0.1
  done
  results=$(grep "/$name " "$folder/log/own.log" | cut -d' ' -f2 | cut -d: -f1 | sort | uniq -c | sed 's/^ *//' | paste -sd,)
  echo "$name: $results; the server behind was asked $(grep -c "^/$name\$" "$folder/asked") time"
done >"$folder/seen"
cat "$folder/seen"
[ "$(<"$folder/seen")" = "live.m3u8: 4 TCP_CF_HIT,1 TCP_MISS; the server behind was asked 1 time
seg-1.ts: 4 TCP_CF_MISS,1 TCP_MISS; the server behind was asked 1 time" ] || fail "other results"
