#!/bin/bash
# varnishncsa cuts a URL in the middle, without a mark: what Varnish logs of a request is cut at 255 bytes (the parameter vsl_reclen),
# although requests may be far longer. Long query strings, such as CMCD's, lose their end; status and bytes of the line are right.
#
# Guess before: a log has the URL that was asked for, or a mark that it is cut.
# Seen with Varnish 7.1.1 (Debian 7.1.1-2+deb12u1) and its default parameters. Needs gcc, as Varnish does.
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

packages varnish=7.1.1-2+deb12u1 libvarnishapi3=7.1.1-2+deb12u1 libjemalloc2=5.3.0-1

port=$(free_port)
printf 'vcl 4.1;\nbackend default none;\nsub vcl_recv { return (synth(200)); }\n' >"$folder/default.vcl"
start varnishd -j none -n "$folder/varnish" -F -a "127.0.0.1:$port" -f "$folder/default.vcl" -s malloc,16m 2>/dev/null
listening "$port"
start varnishncsa -n "$folder/varnish" -w "$folder/access.log" -F '%U%q'
query=$(printf 'x%.0s' {1..400})
for _ in {1..50}; do # varnishncsa begins to read some time after its start
  curl -s -o /dev/null "http://127.0.0.1:$port/seg-1.ts?$query&sid=1"
  sleep 0.1
done
kill -USR1 "${pids[-1]}" # it writes what it holds
line=$(line_with '/seg-1.ts?xxx' "$folder/access.log")
varnishd -V 2>&1 | sed -n 1p
echo "${#line} of $((${#query} + 16)) bytes: $line"
[[ ${#line} -lt 256 && $line != *sid=1* ]] || fail "the URL is whole"
