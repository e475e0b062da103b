#!/bin/bash
# webfs, a small server for files, writes the last request of each connection that is kept open twice, when it has been answered and again when the connection ends, and its bytes are those of the
# connection so far, header and all: of three segments that a player fetches on one connection, 1000 bytes each, the log has four lines with 11,097 bytes for 3000.
#
# Guess before: a line for each request, with the bytes of its body, as that format has them.
# Seen with webfs 1.21 (Debian 1.21+ds1-12+b1), webfsd -L. Needs libgnutls30.
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
packages webfs=1.21+ds1-12+b1
port=$(free_port)
mkdir "$folder/www"
head -c 1000 /dev/zero >"$folder/www/1.ts"
start webfsd -F -p "$port" -i 127.0.0.1 -r "$folder/www" -L "$folder/access.log"
listening "$port"
url="http://127.0.0.1:$port/1.ts"
curl -sS -I -H 'Connection: close' "$url?version" | grep -i '^server:'
curl -sS -o /dev/null -o /dev/null -o /dev/null "$url?1" "$url?2" "$url?3"
curl -sS -o /dev/null -H 'Connection: close' "$url?closed"
sleep 0.5
grep '"GET ' "$folder/access.log" >"$folder/gets"
cat "$folder/gets"
requests=$(sed 's/.*1.ts?\([a-z0-9]*\) .*/\1/' "$folder/gets" | paste -sd' ')
[ "$requests" = "1 2 3 3 closed" ] || fail "other lines"
awk '{ bytes[NR] = $NF } END { exit !(bytes[2] == 2 * bytes[1] && bytes[3] == 3 * bytes[1] && bytes[4] == bytes[3]) }' "$folder/gets" || fail "other bytes"
