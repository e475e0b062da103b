#!/bin/bash
# Varnish answers a request for two ranges that both exist with 416 Range Not Satisfiable, instead of a multipart answer or, as
# servers may that know no such requests, of the whole file with 200.
#
# Guess before: 206 with multipart/byteranges, or 200.
# Seen with Varnish 7.1.1 (Debian 7.1.1-2+deb12u1). Needs gcc, as Varnish does.
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

packages varnish=7.1.1-2+deb12u1 libvarnishapi3=7.1.1-2+deb12u1 libjemalloc2=5.3.0-1 \
  lighttpd=1.4.69-1 libnettle8=3.8.1-2

port=$(free_port)
origin=$(free_port)
mkdir "$folder/www"
head -c 80000 /dev/zero >"$folder/www/seg-1.ts"
cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $origin
END
start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf"
listening "$origin"
printf 'vcl 4.1;\nbackend default { .host = "127.0.0.1"; .port = "%s"; }\n' "$origin" >"$folder/default.vcl"
start varnishd -j none -n "$folder/varnish" -F -a "127.0.0.1:$port" -f "$folder/default.vcl" -s malloc,16m 2>/dev/null
listening "$port"
ask() { curl -s -o /dev/null -w '%{http_code}' -H "Range: bytes=$1" "http://127.0.0.1:$2/seg-1.ts"; }
one=$(ask 0-99 "$port")
two=$(ask 0-99,500-599 "$port")
direct=$(ask 0-99,500-599 "$origin")
varnishd -V 2>&1 | sed -n 1p
echo "one range: $one; two ranges: $two; two ranges of the server behind: $direct"
[[ $one == 206 && $direct == 206 ]] || fail "one range, or the server behind"
[[ $two == 416 ]] || fail "two ranges get $two"
