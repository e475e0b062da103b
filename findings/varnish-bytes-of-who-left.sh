#!/bin/bash
# A viewer who leaves in the middle of a file is logged by varnishncsa with all of it, body (%b) and bytes on the wire (%O), if it came from the cache: 40,000,000 bytes for a client that had
# 128,000 of them when it went. Of a file that came from the server behind while it was sent it has what was sent until then. So the more is served from the cache, the more traffic there seems to
# be that nobody had, and nothing in the line tells it from a file that arrived.
#
# Guess before: what was sent, in both; at most some MB more than the client had, as much as lies in buffers.
# Seen with Varnish 7.1.1 (Debian 7.1.1-2+deb12u1). Needs gcc, as Varnish does, and python3 for the client.
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

packages varnish=7.1.1-2+deb12u1 libvarnishapi3=7.1.1-2+deb12u1 libjemalloc2=5.3.0-1 \
  lighttpd=1.4.69-1 libnettle8=3.8.1-2

port=$(free_port)
origin=$(free_port)
mkdir "$folder/www"
head -c 40000000 /dev/zero >"$folder/www/a.mp4"
cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $origin
END
start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf"
listening "$origin"
printf 'vcl 4.1;\nbackend default { .host = "127.0.0.1"; .port = "%s"; }\n' "$origin" >"$folder/default.vcl"
start varnishd -j none -n "$folder/varnish" -F -a "127.0.0.1:$port" -f "$folder/default.vcl" -s malloc,100m 2>/dev/null
listening "$port"
start varnishncsa -n "$folder/varnish" -F '%U%q %s %b %O %{Varnish:hitmiss}x' >"$folder/access.log" 2>/dev/null
# a client that takes 1000 bytes, waits half a second and goes
cat >"$folder/leave.py" <<END
import fcntl, socket, struct, termios, time

with socket.create_connection(("127.0.0.1", $port)) as client:
    client.sendall(b"GET /a.mp4?left HTTP/1.1\r\nHost: 127.0.0.1:$port\r\n\r\n")
    took = len(client.recv(1000, socket.MSG_WAITALL))
    time.sleep(0.5)
    took += struct.unpack("i", fcntl.ioctl(client, termios.FIONREAD, struct.pack("i", 0)))[0]
print(took)
END
sleep 1
curl -sS -o /dev/null "http://127.0.0.1:$port/a.mp4?left"
had=$(python3 "$folder/leave.py")
for ((i = 0; i < 100; i++)); do
  if [ "$(grep -c left "$folder/access.log")" = 2 ]; then
    break
  fi
  sleep 0.1
done
varnishd -V 2>&1 | sed -n 1p
cat "$folder/access.log"
read -r _ status body wire hit < <(sed -n 2p "$folder/access.log")
echo "the second client had $had bytes when it went"
[ "$status $hit" = "200 hit" ] || fail "no answer from the cache"
[ "$had" -lt 20000000 ] || fail "the client had $had"
[ "$body" = 40000000 ] && [ "$wire" -gt 40000000 ] || fail "a body of $body"
