#!/bin/bash
# lighttpd writes -1 for the seconds that an answer took (%T) if it came in the part of a second between the second's begin and the tick by which lighttpd
# renews its own clock: begin and end are of two clocks. The time of the line (%t) is a second behind then. %D, in microseconds, is right.
#
# Guess before: 0 for what took less than a second.
# Seen with lighttpd 1.4.69 (Debian 1.4.69-1): 8 of 30 quick answers. Where in the second the tick falls depends on when the server was started, so several are.
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

mkdir "$folder/www"
head -c 1000 /dev/zero >"$folder/www/seg-1.ts"
lighttpd -v
lines=
for ((run = 0; run < 8; run++)); do
  port=$(free_port)
  cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_accesslog", "mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $port
accesslog.filename = "$folder/access.log"
accesslog.format = "%s, seconds %T, microseconds %D"
END
  start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf" 2>/dev/null
  listening "$port"
  for ((i = 0; i < 30; i++)); do
    curl -s -o /dev/null "http://127.0.0.1:$port/seg-1.ts"
    sleep 0.07
  done
  kill "${pids[-1]}"
  wait "${pids[-1]}" || true
  lines=$(grep -F '200, seconds -1' "$folder/access.log" | head -n 3 || true)
  if [[ $lines ]]; then
    break
  fi
  sleep 0.17
done
echo "$lines"
[[ $lines =~ 'seconds -1, microseconds '[0-9]{1,6}$ ]] || fail "no answer took -1 s"
