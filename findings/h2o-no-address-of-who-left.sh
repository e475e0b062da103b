#!/bin/bash
# If a client leaves while H2O sends to it by HTTP/1.1, the line has a hyphen for its address, as if H2O asked the system for it only
# when it writes the line. The line of a client that stays has it.
#
# Guess before: the address is that of the connection, whenever the line is written.
# Seen with H2O 2.2.5 (Debian 2.2.5+dfsg2-7), with its default log.
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

# leave_after BYTES URL [ARGUMENT...] asks with curl and leaves after so many bytes of the body.
leave_after() {
  local bytes=$1
  shift
  # curl ends with an error when its reader is gone: that is the client that leaves.
  (curl -sN "$@" || true) | head -c "$bytes" >/dev/null
}

fail() {
  echo "CHANGED: $*" >&2
  exit 1
}

packages h2o=2.2.5+dfsg2-7 libyaml-0-2=0.2.5-1

port=$(free_port)
mkdir "$folder/www"
head -c 40000000 /dev/zero >"$folder/www/long.ts"
head -c 1000 /dev/zero >"$folder/www/short.ts"
cat >"$folder/h2o.conf" <<END
listen: {host: 127.0.0.1, port: $port}
access-log: $folder/access.log
error-log: $folder/error.log
hosts: {default: {paths: {/: {file.dir: $folder/www}}}}
END
start h2o -m worker -c "$folder/h2o.conf"
listening "$port"
curl -s -o /dev/null "http://127.0.0.1:$port/short.ts"
leave_after 1000000 "http://127.0.0.1:$port/long.ts"
short=$(line_with /short.ts "$folder/access.log")
long=$(line_with /long.ts "$folder/access.log")
h2o -v
printf '%s\n' "$short" "$long"
[[ $short == '127.0.0.1 - - ['* ]] || fail "the address of the client that stayed"
[[ $long == '- - - ['*'HTTP/1.1" 200 '* ]] || fail "the address of the client that left is there"
