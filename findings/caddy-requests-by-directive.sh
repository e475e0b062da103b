#!/bin/bash
# Caddy counts a request for Prometheus once for each directive that it goes through: a site with "header" and "encode" has caddy_http_requests_total four times for each request, told apart by a
# label that names the directive, so that a sum, which is what one asks of a counter, has 32 requests where 8 were, and four times the bytes. With a host's name before the site it is once, so two
# servers with the same traffic differ by how their sites are called. A request for a file that is not there has no status in it: of the histograms by code none has a 404, it is one of
# caddy_http_request_errors_total, which has no code.
#
# Guess before: the sum of caddy_http_requests_total is the number of requests.
# Seen with Caddy 2.6.2 (Debian 2.6.2-5), the option "metrics" of servers. Its access log has a line for each request.
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
mkdir "$folder/www"
head -c 1000000 /dev/urandom >"$folder/www/a.mp4"
export HOME=$folder XDG_CONFIG_HOME=$folder XDG_DATA_HOME=$folder
caddy version

# counted ADDRESS prints what Caddy counts of eight requests to a site with that address.
counted() {
  local port admin i
  port=$(free_port)
  admin=$(free_port)
  cat >"$folder/Caddyfile" <<END
{
  admin 127.0.0.1:$admin
  auto_https off
  servers {
    metrics
  }
}
$1:$port {
  log {
    output file $folder/$admin.log
  }
  root * $folder/www
  header Cache-Control max-age=5
  encode gzip
  file_server
}
END
  caddy run --config "$folder/Caddyfile" --adapter caddyfile 2>"$folder/caddy.err" &
  local caddy=$!
  listening "$port"
  for i in 1 2 3 4 5 6 7; do
    curl -sS -o /dev/null "http://127.0.0.1:$port/a.mp4"
  done
  curl -sS -o /dev/null "http://127.0.0.1:$port/nothing.mp4"
  sleep 0.5
  curl -sS "http://127.0.0.1:$admin/metrics" | awk '
    /^caddy_http_requests_total/ { requests += $2 }
    /^caddy_http_response_size_bytes_sum/ { bytes += $2 }
    /^caddy_http_response_size_bytes_count.*code="404"/ { missing += $2 }
    END { printf "%d requests, %d bytes, %d with 404", requests, bytes, missing }'
  echo ", $(wc -l <"$folder/$admin.log") lines"
  kill "$caddy"
  wait "$caddy" 2>/dev/null || true
}

named=$(counted http://127.0.0.1)
unnamed=$(counted "")
echo "site with a name: $named"
echo "site without one: $unnamed"
[ "$named" = "8 requests, 7000000 bytes, 0 with 404, 8 lines" ] || fail "another number with a name"
[ "$unnamed" = "32 requests, 28000000 bytes, 0 with 404, 8 lines" ] || fail "another number without a name"
