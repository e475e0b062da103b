#!/bin/bash
# Apache's %b is the length of the body that was to be sent, also if the client left long before the end: 40,000,000 bytes with status 200
# for a client that read one. Nothing else in the formats common and combined shows it; %O is what went out.
#
# Guess before: %b, "size of response in bytes, excluding HTTP headers", is what was sent.
# Seen with Apache 2.4.71 (Debian 2.4.71-1~deb12u1), https://httpd.apache.org/docs/2.4/mod/mod_log_config.html.
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

packages apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 libaprutil1=1.6.3-1+deb12u1 libexpat1=2.5.0-1+deb12u5

port=$(free_port)
mkdir "$folder/www"
chmod 755 "$folder/www"
head -c 40000000 /dev/zero >"$folder/www/long.ts"
modules=$folder/root/usr/lib/apache2/modules
cat >"$folder/apache.conf" <<END
ServerRoot $folder
ServerName localhost
PidFile $folder/apache.pid
Listen 127.0.0.1:$port
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
User nobody
Group nogroup
ErrorLog $folder/error.log
DocumentRoot $folder/www
LogFormat "%h %r %>s b=%b O=%O" both
CustomLog $folder/access.log both
END
start apache2 -f "$folder/apache.conf" -D FOREGROUND
listening "$port"
leave_after 1000000 "http://127.0.0.1:$port/long.ts"
line=$(line_with /long.ts "$folder/access.log")
apache2 -v | sed -n 1p
echo "read 1000000: $line"
sent=${line##*O=}
[[ $line == *' 200 b=40000000 O='* ]] || fail "%b"
[[ $sent -lt 20000000 ]] || fail "%O has all of it, too"
