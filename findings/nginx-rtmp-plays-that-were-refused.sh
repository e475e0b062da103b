#!/bin/bash
# nginx-rtmp's access_log has a line PLAY, with bytes, for a player that the hook on_play refused, and for one that waited for a stream that nobody publishes and left: the line
# has no status, and the bytes are the messages of the protocol. Plays that are counted by the log have all that were refused in them; only the bytes, some
# hundred, and the time tell them apart.
#
# Guess before: who was refused is not in the log, or with a word of it, as in nginx's log of HTTP.
# Seen with nginx 1.22.1 and its RTMP module 1.2.2 (Debian 1:1.2.2+dfsg-3). Needs ffmpeg and python3.
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

packages nginx=1.22.1-9+deb12u11 libnginx-mod-rtmp=1:1.2.2+dfsg-3
rtmp=$(free_port)
hook=$(free_port)
mkdir "$folder/logs"
cat >"$folder/hook.py" <<'END'
import http.server, sys


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403 if b"name=refused" in body else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hook).serve_forever()
END
start python3 "$folder/hook.py" "$hook"
listening "$hook"
cat >"$folder/nginx.conf" <<END
load_module $folder/root/usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/logs/error.log;
events {}
rtmp {
  access_log $folder/logs/rtmp.log;
  server {
    listen 127.0.0.1:$rtmp;
    application live {
      live on;
      on_play http://127.0.0.1:$hook/;
    }
  }
}
END
start nginx -e "$folder/logs/error.log" -c "$folder/nginx.conf" -p "$folder/"
listening "$rtmp"
nginx -e "$folder/logs/error.log" -v

# play NAME SECONDS plays a stream for so long at most.
play() {
  timeout "$2" ffmpeg -loglevel quiet -i "rtmp://127.0.0.1:$rtmp/live/$1" -f null - || true
}

play refused 20
play nothing 6
for ((i = 0; i < 100; i++)); do
  if (($(wc -l <"$folder/logs/rtmp.log") == 2)); then
    break
  fi
  sleep 0.1
done
cat "$folder/logs/rtmp.log"
for name in refused nothing; do
  grep -qE "PLAY \"live\" \"$name\" \"\" - [1-9][0-9]+ [1-9][0-9]+ " "$folder/logs/rtmp.log" || fail "$name is not in the log as a play"
done
