#!/bin/bash
# Icecast's status in JSON writes whatever looks like a number, "true" and the like without quotation marks, titles and names too: the song "1979" is a number, so is the station
# 98.50 (and loses its zero), and a title of "-", as a station may send that has none, or of ".38", makes the whole answer no JSON, for all mounts of the server.
#
# Guess before: titles, names and descriptions are texts, whatever they say.
# Seen with Icecast 2.4.4 (Debian 2.4.4-4+b1), GET /status-json.xsl. Needs ffmpeg with libmp3lame and python3.
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

ffmpeg -loglevel error -re -f lavfi -i sine=frequency=440 -t 60 -c:a libmp3lame -b:a 64k -content_type audio/mpeg -ice_name 98.50 -f mp3 \
  "icecast://source:source@127.0.0.1:$port/radio.mp3" 2>/dev/null &
pids+=($!)

# status prints the status in JSON.
status() { curl -sS "http://127.0.0.1:$port/status-json.xsl"; }

# title TEXT sets the title, and prints what the status has for it once it is there, and whether the whole status is JSON.
title() {
  local i
  curl -sS -o "$folder/answer" -u admin:secret -G --data-urlencode "song=$1" --data-urlencode mode=updinfo --data-urlencode mount=/radio.mp3 \
    "http://127.0.0.1:$port/admin/metadata"
  for ((i = 0; i < 100; i++)); do
    status >"$folder/status.json"
    if grep -qF -- "$1" <(grep -oE '"title":[^,}]*' "$folder/status.json"); then
      break
    fi
    sleep 0.1
  done
  printf '%s' "$(grep -oE '"title":[^,}]*' "$folder/status.json")"
  python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$folder/status.json" 2>/dev/null || printf ', no JSON'
}

for ((i = 0; i < 100; i++)); do
  if grep -qF server_name <(status); then
    break
  fi
  sleep 0.1
done
icecast2 -v 2>&1 || true
name=$(status | grep -oE '"server_name":[^,}]*' || true)
seen="$name; $(title Song); $(title 1979); $(title true); $(title .38); $(title -)"
echo "$seen"
[[ $seen == '"server_name":98.50; "title":"Song"; "title":1979; "title":true; "title":.38, no JSON; "title":-, no JSON' ]] || fail "other than seen"
