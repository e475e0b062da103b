#!/bin/bash
# Apache's %U, of which log formats are made that leave out the query or tell it apart (%m %U%q %H), is the path after its escapes are undone: a stream called "cam 1" has a
# blank in its path, so a line of words has one more, and one called "cam?1" seems to have a query. %r and %q have what was sent. lighttpd's %U, which
# is made after it, has the path as it was sent.
#
# Guess before: %U%q is what stands in %r.
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

fail() {
  echo "CHANGED: $*" >&2
  exit 1
}

packages apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 libaprutil1=1.6.3-1+deb12u1 libexpat1=2.5.0-1+deb12u5 \
  libnghttp2-14=1.52.0-1+deb12u3

port=$(free_port)
mkdir "$folder/www"
chmod 755 "$folder/www"
head -c 1000 /dev/zero >"$folder/www/seg-1.ts"
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
LogFormat "%r => %m %U%q %H" seen
CustomLog $folder/access.log seen
END
start apache2 -f "$folder/apache.conf" -D FOREGROUND
listening "$port"
for path in 'cam%201.ts?t=%20' 'cam%3F1.ts'; do
  curl -s -o /dev/null "http://127.0.0.1:$port/$path"
done
blank=$(line_with %20 "$folder/access.log")
mark=$(line_with %3F "$folder/access.log")
apache2 -v | sed -n 1p
printf '%s\n' "$blank" "$mark"
[[ $blank == 'GET /cam%201.ts?t=%20 HTTP/1.1 => GET /cam 1.ts?t=%20 HTTP/1.1' ]] || fail "the blank is another"
[[ $mark == 'GET /cam%3F1.ts HTTP/1.1 => GET /cam?1.ts HTTP/1.1' ]] || fail "the question mark is another"
