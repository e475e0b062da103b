#!/bin/bash
# coturn, the relay for WebRTC behind firewalls, writes what a session took in lines "usage" with its name and its realm. Each of them counts the 2048 packets since the line before, and the one
# before "closed", which looks like the bill, has what was left over: of a session that sent 4.5 MB it says some hundred kB. The lines do not say which they are, so whoever takes the last line, or
# the largest, of a session has the same number for one minute and for a day. Only all of them together are right, and a short session has one.
#
# Guess before: the last line before a session is closed has the bytes of all of it.
# Seen with coturn 4.6.1 (Debian 4.6.1-1), turnserver --verbose.
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
packages coturn=4.6.1-1 libevent-core-2.1-7 libevent-extra-2.1-7 libevent-openssl-2.1-7 libevent-pthreads-2.1-7 libhiredis0.14 libmariadb3 libpq5 libldap-2.5-0 libsasl2-2
port=$(free_port)
peer=$(free_port)
start turnserver -n --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --listening-port="$port" --lt-cred-mech --user=viewer:secret --realm=example.com --no-tls --no-dtls --no-cli \
  --allow-loopback-peers --log-file=stdout --simple-log --db="$folder/db" --pidfile="$folder/pid" --verbose >"$folder/turn.log" 2>&1
start turnutils_peer -L 127.0.0.1 -p "$peer" >/dev/null 2>&1
listening "$port"
# what a viewer sends comes back from the peer: 4500 packets of 1000 bytes
turnutils_uclient -p "$port" -u viewer -w secret -e 127.0.0.1 -r "$peer" -n 4500 -m 1 -l 1000 -z 2 -c 127.0.0.1 >"$folder/client.log" 2>&1
for ((i = 0; i < 100; i++)); do
  if grep -q 'closed (2nd stage), user <viewer>' "$folder/turn.log"; then
    break
  fi
  sleep 0.1
done
grep -m 1 -oE 'Coturn-[0-9.]+' "$folder/turn.log" || grep -m 1 -o 'Version Coturn.*' "$folder/turn.log"
grep -E ' usage: .*<viewer>| closed .*<viewer>' "$folder/turn.log" | grep -v 'peer usage'
sent=$(sed -n 's/.*tot_send_bytes ~ \([0-9]*\), .*/\1/p' "$folder/client.log" | tail -n 1)
read -r lines all last < <(grep ' usage: .*<viewer>' "$folder/turn.log" | grep -v 'peer usage' | sed 's/.* rb=\([0-9]*\),.*/\1/' | awk '{ all += $1; last = $1 } END { print NR, all, last }')
echo "the viewer sent $sent bytes; $lines lines have $all, the last of them $last"
[ "$sent" = 4500000 ] || fail "the client sent $sent"
[ "$lines" -gt 1 ] && [ "$all" -gt 4000000 ] && [ "$last" -lt 1000000 ] || fail "another count"
