#!/bin/bash
# HAProxy's %B, "bytes read" of httplog, is what came from the server behind, header and content. It is not what the client got: it does
# not shrink when HAProxy compresses.
#
# Guess before: it counts what HAProxy sends; its documentation calls it the total number of bytes transmitted to the client.
# Seen with HAProxy 2.6.12 (Debian 2.6.12-1+deb12u4), https://docs.haproxy.org/2.6/configuration.html#8.2.3.
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

packages haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4 \
  lighttpd=1.4.69-1 libnettle8=3.8.1-2

port=$(free_port)
origin=$(free_port)
mkdir "$folder/www"
printf '#EXTINF:2.0,\nsegment.ts\n%.0s' {1..2000} >"$folder/www/index.txt"
cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $origin
mimetype.assign = (".txt" => "text/plain")
END
start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf"
listening "$origin"
cat >"$folder/haproxy.cfg" <<END
global
	log stdout format raw local0
defaults
	mode http
	log global
	option httplog
	timeout connect 5s
	timeout client 5s
	timeout server 5s
frontend f
	bind 127.0.0.1:$port
	compression algo gzip
	compression type text/plain
	default_backend b
backend b
	server s 127.0.0.1:$origin
END
start haproxy -db -f "$folder/haproxy.cfg" >"$folder/haproxy.log"
listening "$port"
got=$(curl -s -o /dev/null -H 'Accept-Encoding: gzip' -w '%{size_download}' "http://127.0.0.1:$port/index.txt")
line=$(line_with /index.txt "$folder/haproxy.log")
content=$(stat -c %s "$folder/www/index.txt")
logged=$(awk '{print $7}' <<<"$line")
haproxy -v | sed -n 1p
echo "file $content, received $got, logged $logged: $line"
[[ $got -lt $((content / 10)) ]] || fail "HAProxy did not compress"
[[ $logged -ge $content ]] || fail "the line has $logged bytes"
