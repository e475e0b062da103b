#!/bin/bash
# With "escape: json" Traffic Server writes each byte of UTF-8 as a code point of its own: ü becomes \u00c3\u00bc, which every reader
# of JSON takes for Ã¼.
#
# Guess before: \u00fc, or the two bytes as they are.
# Seen with Traffic Server 9.2 (Debian 9.2.5+ds-0+deb12u4). Needs openssl.
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

# trafficserver LOGGING starts Traffic Server in front of an origin, at the port $port.
# https_port and certificate are of TLS, and logging is the content of logging.yaml.
trafficserver() { # LOGGING
  packages trafficserver=9.2.5+ds-0+deb12u4 libhwloc15=2.9.0-1 libpcre3=2:8.39-15 libyaml-cpp0.7=0.7.0+dfsg-8+b1 \
    lighttpd=1.4.69-1 libnettle8=3.8.1-2
  port=$(free_port)
  https_port=$(free_port)
  local origin path
  origin=$(free_port)
  mkdir -p "$folder/www" "$folder/log" "$folder/run" "$folder/cache" "$folder/data"
  head -c 80000 /dev/zero >"$folder/www/seg-1.ts"
  cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $origin
END
  start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf" 2>/dev/null
  listening "$origin"
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
  cat "$folder/cert.pem" "$folder/key.pem" >"$folder/both.pem"
  cp -r "$folder/root/etc/trafficserver" "$folder/etc"
  sed -i "s|STRING 8080 8080:ipv6|STRING $port:ip-in=127.0.0.1 $https_port:ip-in=127.0.0.1:ssl|" "$folder/etc/records.config"
  cat >>"$folder/etc/records.config" <<END
CONFIG proxy.config.ssl.server.cert.path STRING $folder
CONFIG proxy.config.ssl.server.private_key.path STRING $folder
CONFIG proxy.config.admin.user_id STRING #-1
END
  echo "dest_ip=* ssl_cert_name=both.pem" >"$folder/etc/ssl_multicert.config"
  echo "map / http://127.0.0.1:$origin/" >"$folder/etc/remap.config"
  echo "$folder/cache 64M" >"$folder/etc/storage.config"
  echo "$1" >"$folder/etc/logging.yaml"
  chmod -R a+rwX "$folder/etc" "$folder/log" "$folder/run" "$folder/cache" "$folder/data"
  path=$folder/root/usr
  cat >"$folder/runroot.yaml" <<END
prefix: $folder
exec_prefix: $path
bindir: $path/bin
sbindir: $path/sbin
sysconfdir: $folder/etc
datadir: $folder/data
includedir: $path/include
libdir: $path/lib/trafficserver
libexecdir: $path/lib/trafficserver/modules
localstatedir: $folder/run
runtimedir: $folder/run
logdir: $folder/log
cachedir: $folder/cache
END
  start traffic_server --run-root="$folder/runroot.yaml" >/dev/null 2>&1
  listening "$port"
  listening "$https_port"
}

trafficserver "logging:
  formats: [{name: j, escape: json, format: '{\"path\":\"%<cqup>\",\"agent\":\"%<{User-Agent}cqh>\"}'}]
  logs: [{filename: j, format: j, mode: ascii}]"

curl -s -o /dev/null -A 'ü' "http://127.0.0.1:$port/seg-1.ts"
line=$(line_with seg-1.ts "$folder/log/j.log")
traffic_server -V 2>&1 | sed -n 1p
echo "$line"
[[ $line == *'"agent":"\u00c3\u00bc"'* ]] || fail "ü is written in another way"
