#!/bin/bash
# nginx's $body_bytes_sent has the framing of chunks, which is none of the body: more than 10,000 bytes for a body of 10,000. Apache's %B, with
# which nginx's documentation says it is compatible, has 10,000 for the same answer of the same server behind, sent in chunks as well.
#
# Guess before: the same number, as both are "bytes sent without the header".
# Seen with nginx 1.22.1 (Debian 1.22.1-9+deb12u11), https://nginx.org/en/docs/http/ngx_http_core_module.html#var_body_bytes_sent, and
# Apache 2.4.71 (Debian 2.4.71-1~deb12u1). Needs python3 for the server behind.
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

packages nginx=1.22.1-9+deb12u11 apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 libaprutil1=1.6.3-1+deb12u1 \
  libexpat1=2.5.0-1+deb12u5

origin=$(free_port)
of_nginx=$(free_port)
of_apache=$(free_port)
cat >"$folder/origin.py" <<'END'
import http.server, sys


class Chunks(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(10):
            self.wfile.write(b"3e8\r\n" + 1000 * b"x" + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Chunks).serve_forever()
END
start python3 "$folder/origin.py" "$origin"
listening "$origin"
cat >"$folder/nginx.conf" <<END
daemon off; pid $folder/nginx.pid; error_log $folder/nginx-error.log;
events {}
http {
  client_body_temp_path $folder/1; proxy_temp_path $folder/2; fastcgi_temp_path $folder/3; uwsgi_temp_path $folder/4; scgi_temp_path $folder/5;
  log_format body '\$status \$body_bytes_sent';
  access_log $folder/nginx.log body;
  server { listen 127.0.0.1:$of_nginx; location / { proxy_pass http://127.0.0.1:$origin; proxy_http_version 1.1; } }
}
END
modules=$folder/root/usr/lib/apache2/modules
cat >"$folder/apache.conf" <<END
ServerRoot $folder
ServerName localhost
PidFile $folder/apache.pid
Listen 127.0.0.1:$of_apache
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
User nobody
Group nogroup
ErrorLog $folder/apache-error.log
LogFormat "%>s %B" body
CustomLog $folder/apache.log body
ProxyPass / http://127.0.0.1:$origin/
END
start nginx -e "$folder/nginx-error.log" -c "$folder/nginx.conf"
start apache2 -f "$folder/apache.conf" -D FOREGROUND
listening "$of_nginx"
listening "$of_apache"
for port in "$of_nginx" "$of_apache"; do
  got=$(curl -s -o /dev/null -w '%{size_download}' "http://127.0.0.1:$port/")
  [[ $got -eq 10000 ]] || fail "the body has $got bytes"
done
by_nginx=$(line_with '200 ' "$folder/nginx.log")
by_apache=$(line_with '200 ' "$folder/apache.log")
nginx -v 2>&1
apache2 -v | sed -n 1p
echo "of 10000: nginx ${by_nginx#* }, Apache ${by_apache#* }"
[[ ${by_nginx#* } -gt 10000 ]] || fail "nginx"
[[ ${by_apache#* } -eq 10000 ]] || fail "Apache"
