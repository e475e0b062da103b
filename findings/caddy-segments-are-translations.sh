#!/bin/bash
# On Debian the ending .ts is that of Qt's translations, and Caddy, which asks the system for types, serves segments of HLS as text/vnd.trolltech.linguist; charset=utf-8. As text is what is
# worth compressing ("encode gzip" takes text/*), it compresses every segment for every viewer whose player takes gzip: one gets larger, costs processor time on each request,
# comes in chunks without a length, by which players measure how far a download is, and without the word that ranges can be asked for. Segments of fragmented MP4 (.m4s) are left alone.
# A report by content type has no video.
#
# Guess before: video/mp2t, not compressed.
# Seen with Caddy 2.6.2 (Debian 2.6.2-5), media-types 10.0.0 and shared-mime-info 2.2, either of which is enough. Needs Debian's media-types.
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

packages caddy=2.6.2-5 libzstd1=1.5.4+dfsg2-5+deb12u1
port=$(free_port)
mkdir "$folder/www"
head -c 1000000 /dev/urandom >"$folder/www/a.ts"
cp "$folder/www/a.ts" "$folder/www/a.m4s"
cat >"$folder/Caddyfile" <<END
{
  admin off
  auto_https off
}
http://127.0.0.1:$port {
  root * $folder/www
  encode gzip
  file_server
}
END
start env HOME="$folder" XDG_CONFIG_HOME="$folder" XDG_DATA_HOME="$folder" caddy run --adapter caddyfile --config "$folder/Caddyfile" 2>/dev/null
listening "$port"
dpkg-deb -f "$folder"/caddy_*.deb Package Version

seen=
for name in a.ts a.m4s; do
  curl -sS -D "$folder/header" -o "$folder/body" -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/$name"
  size=$(stat -c %s "$folder/body")
  header=$(grep -iE '^(Content-(Type|Encoding|Length)|Accept-Ranges):' "$folder/header" | tr -d '\r' | sort | paste -sd, | tr -d ' ')
  echo "$name: $header; $size bytes"
  seen+="$name $header $((size > 1000000)); "
done
# The type of .m4s depends on the one of Debian's two lists that is asked.
[[ $seen =~ ^'a.ts Content-Encoding:gzip,Content-Type:text/vnd.trolltech.linguist;charset=utf-8 1; a.m4s Accept-Ranges:bytes,Content-Length:1000000,Content-Type:'[a-z./-]+' 0; '$ ]] || fail "other than seen"
