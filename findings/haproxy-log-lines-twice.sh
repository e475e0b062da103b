#!/bin/bash
# A frontend that names its log, below defaults with "log global" as Debian's configuration has, writes each request twice, to both: a
# "log" adds, it does not replace, although other settings of defaults are replaced. With the same target twice, as when one wants
# longer lines (len), the log has each request twice.
#
# Guess before: what a frontend says replaces what the defaults say.
# Seen with HAProxy 2.6.12 (Debian 2.6.12-1+deb12u4).
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

packages haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4

port=$(free_port)
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
	log stdout len 8192 format raw local0
	bind 127.0.0.1:$port
	http-request return status 200
END
start haproxy -db -f "$folder/haproxy.cfg" >"$folder/haproxy.log"
listening "$port"
curl -s -o /dev/null "http://127.0.0.1:$port/seg-1.ts"
line_with /seg-1.ts "$folder/haproxy.log" >/dev/null
sleep 0.5
lines=$(grep -c /seg-1.ts "$folder/haproxy.log")
haproxy -v | sed -n 1p
cat "$folder/haproxy.log"
[[ $lines -eq 2 ]] || fail "one request makes $lines lines"
