#!/bin/bash
# A client that speaks TLS to lighttpd's port of HTTP is logged with the request "  ", two spaces: nothing of what it sent. nginx and
# Apache log the first bytes as \x16\x03\x01. A reader of logs that cuts the request at spaces finds three empty words.
#
# Guess before: the first bytes, escaped, or a hyphen.
# Seen with lighttpd 1.4.69 (Debian 1.4.69-1), mod_accesslog with its default format.
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

packages lighttpd=1.4.69-1 libnettle8=3.8.1-2

port=$(free_port)
mkdir "$folder/www"
cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_accesslog", "mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $port
accesslog.filename = "$folder/access.log"
END
start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf"
listening "$port"
if curl -sk "https://127.0.0.1:$port/"; then
  fail "this port speaks TLS"
fi
line=$(line_with ' 400 ' "$folder/access.log")
lighttpd -v
echo "$line"
[[ $line == *'] "  " 400 '* ]] || fail "the request is not two spaces"
