#!/bin/bash
# By Apache's log each request of HTTP/2 is the last of its connection and one of the first: %X is "-", the connection will be closed after the response, or, on a busy machine,
# "X", aborted before it was complete, for answers that are whole; and %k, the number of requests that the connection had before, is 1 or 0 for all of them.
# Of three requests on one connection of HTTP/1.1 they are "+" and 0, 1, 2. Who counts new or broken connections counts wrong as soon as browsers come by HTTP/2.
#
# Guess before: "+" and 0, 1, 2 by both.
# Seen with Apache 2.4.71 (Debian 2.4.71-1~deb12u1), https://httpd.apache.org/docs/2.4/mod/mod_log_config.html. Needs openssl.
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
LogFormat "%H %X %k" seen
CustomLog $folder/access.log seen
END
start apache2 -f "$folder/apache.conf" -D FOREGROUND
listening "$port"
url="https://127.0.0.1:$port/seg-1.ts"
curl -sk --http1.1 "$url" "$url" "$url" -o /dev/null -o /dev/null -o /dev/null
received=$(curl -sk --http2 "$url" "$url" "$url" | wc -c)
for ((i = 0; i < 100; i++)); do
  if (($(grep -c HTTP/2.0 "$folder/access.log" || true) == 3)); then
    break
  fi
  sleep 0.1
done
apache2 -v | sed -n 1p
cat "$folder/access.log"
# of each protocol what the lines say, in order
one=$(grep HTTP/1.1 "$folder/access.log" | cut -d' ' -f2- | paste -sd,)
two=$(grep HTTP/2.0 "$folder/access.log" | cut -d' ' -f2- | paste -sd,)
((received == 3000)) || fail "$received bytes of 3000 were received"
[[ $one == '+ 0,+ 1,+ 2' ]] || fail "HTTP/1.1: $one"
[[ $two =~ ^[-X]\ [01],[-X]\ [01],[-X]\ [01]$ ]] || fail "HTTP/2: $two"
