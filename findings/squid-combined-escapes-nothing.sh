#!/bin/bash
# Squid's built-in format combined writes quotation marks of a user agent as they are, so that its value seems to end there. The same
# format as a logformat of one's own, letter by letter as the documentation has it, escapes them with a backslash.
#
# Guess before: both write the same.
# Seen with Squid 5.7 (Debian 5.7-2+deb12u6), http://www.squid-cache.org/Doc/config/logformat/.
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

packages squid=5.7-2+deb12u6 squid-common=5.7-2+deb12u6 squid-langpack=20220130-1 libecap3=1.0.1-3.4 libltdl7=2.4.7-7~deb12u1 \
  libnetfilter-conntrack3=1.0.9-3 libnfnetlink0=1.0.2-2 libmnl0=1.0.4-3 libgssapi-krb5-2=1.20.1-2+deb12u5 libkrb5-3=1.20.1-2+deb12u5 \
  libk5crypto3=1.20.1-2+deb12u5 libkrb5support0=1.20.1-2+deb12u5 libkeyutils1=1.6.3-2

port=$(free_port)
mkdir "$folder/log"
chmod 777 "$folder/log"
cat >"$folder/squid.conf" <<END
http_port 127.0.0.1:$port accel defaultsite=localhost
http_access allow all
cache_effective_user nobody
logformat own %>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh
access_log stdio:$folder/log/combined.log combined
access_log stdio:$folder/log/own.log own
cache_log $folder/log/cache.log
error_directory $folder/root/usr/share/squid-langpack/templates
icon_directory $folder/root/usr/share/squid/icons
mime_table $folder/root/usr/share/squid/mime.conf
pid_filename $folder/squid.pid
coredump_dir $folder/log
pinger_enable off
shutdown_lifetime 0 seconds
buffered_logs off
END
start squid -N -f "$folder/squid.conf" 2>/dev/null
listening "$port"
curl -s -o /dev/null -A 'a "b" c' "http://127.0.0.1:$port/seg-1.ts"
built_in=$(line_with seg-1.ts "$folder/log/combined.log")
own=$(line_with seg-1.ts "$folder/log/own.log")
squid -v | sed -n 1p
printf '%s\n' "$built_in" "$own"
[[ $built_in == *'"a "b" c"'* ]] || fail "the built-in format escapes"
[[ $own == *'"a \"b\" c"'* ]] || fail "the own format escapes not"
