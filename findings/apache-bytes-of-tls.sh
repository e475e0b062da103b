#!/bin/bash
# Apache's %O has what TLS adds, with the handshake on a connection's first request, if the request came by HTTP/1.1, and nothing of it if it
# came by HTTP/2. Debian's http2.conf says that %O cannot be used with HTTP/2 at all; it works, and has header and frames.
#
# Guess before: either both or none; or, by that comment, no number for HTTP/2.
# Seen with Apache 2.4.71 (Debian 2.4.71-1~deb12u1). Needs openssl.
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
head -c 80000 /dev/zero >"$folder/www/seg-1.ts"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
modules=$folder/root/usr/lib/apache2/modules
cat >"$folder/apache.conf" <<END
ServerRoot $folder
ServerName localhost
PidFile $folder/apache.pid
Listen 127.0.0.1:$port
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule ssl_module $modules/mod_ssl.so
LoadModule http2_module $modules/mod_http2.so
User nobody
Group nogroup
ErrorLog $folder/error.log
DocumentRoot $folder/www
Protocols h2 http/1.1
SSLEngine on
SSLCertificateFile $folder/cert.pem
SSLCertificateKeyFile $folder/key.pem
SSLSessionCache none
LogFormat "%H %O" sent
CustomLog $folder/access.log sent
END
start apache2 -f "$folder/apache.conf" -D FOREGROUND
listening "$port"
curl -sk --http1.1 -o /dev/null "https://127.0.0.1:$port/seg-1.ts"
curl -sk --http2 -o /dev/null "https://127.0.0.1:$port/seg-1.ts"
one=$(line_with HTTP/1.1 "$folder/access.log")
two=$(line_with HTTP/2.0 "$folder/access.log")
apache2 -v | sed -n 1p
echo "of 80000: $one, $two"
[[ ${one#* } -gt 81200 ]] || fail "nothing of TLS in HTTP/1.1"
[[ ${two#* } -gt 80000 && ${two#* } -lt 80800 ]] || fail "HTTP/2"
