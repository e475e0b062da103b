#!/bin/bash
# Icecast renews total_bytes_read of a mount every 5 s only: a source that is connected for less shows 0 bytes for all of its life,
# although its listeners have had their sound by then.
#
# Guess before: the counter grows with each packet, or each second.
# Seen with Icecast 2.4.4 (Debian 2.4.4-4+b1), GET /admin/stats. Needs ffmpeg.
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

packages icecast2=2.4.4-4+b1 libxslt1.1=1.1.35-1+deb12u3

port=$(free_port)
mkdir "$folder/log"
chmod 777 "$folder/log"
cat >"$folder/icecast.xml" <<END
<icecast>
<authentication><source-password>source</source-password><admin-user>admin</admin-user><admin-password>secret</admin-password></authentication>
<limits><burst-size>8192</burst-size></limits>
<hostname>localhost</hostname><location>here</location><admin>admin@example.com</admin>
<listen-socket><port>$port</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>$folder/log</basedir><logdir>$folder/log</logdir>
<webroot>$folder/root/usr/share/icecast2/web</webroot><adminroot>$folder/root/usr/share/icecast2/admin</adminroot></paths>
<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
<security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>
</icecast>
END
start icecast2 -c "$folder/icecast.xml" >/dev/null 2>&1
listening "$port"

# source_of SECONDS sends a sound of so many seconds, and prints the greatest total_bytes_read that was seen of it.
source_of() {
  local seen greatest=0 sender
  ffmpeg -loglevel error -re -f lavfi -i sine=frequency=440 -t "$1" -c:a libmp3lame -b:a 128k -content_type audio/mpeg -f mp3 \
    "icecast://source:source@127.0.0.1:$port/radio.mp3" &
  sender=$!
  while kill -0 "$sender" 2>/dev/null; do
    seen=$(curl -sS -u admin:secret "http://127.0.0.1:$port/admin/stats" | grep -oE '<total_bytes_read>[0-9]+' | grep -oE '[0-9]+$' || true)
    if ((${seen:-0} > greatest)); then
      greatest=$seen
    fi
    sleep 0.1
  done
  wait "$sender"
  echo "$greatest"
}

short=$(source_of 2.5)
long=$(source_of 12)
icecast2 -v 2>&1 || true
echo "2.5 s of 128 kbit/s: $short bytes; 12 s: $long bytes"
((short == 0)) || fail "a short source has bytes"
((long > 0)) || fail "a long source has none"
