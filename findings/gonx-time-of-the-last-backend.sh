#!/bin/bash
# nginx writes the times of all backends that it tried for a request as a list, "0.001, 0.004". gonx, a Go library for its logs by their log_format, reads a field up to the next
# blank and does not ask that the line ends where the format does: the time of the last backend is taken for the field behind, here the time of the whole request, and the rest of
# the line is dropped without an error. Just the requests that were slow because a backend failed look fast.
#
# Guess before: the list is read as one value, or the line is refused.
# Seen with github.com/satyrius/gonx v1.3.1-0.20181123214749-d96bd26e3b2c, Go 1.26, and nginx 1.22.1 (Debian 1.22.1-9+deb12u11). Needs Go and python3.
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

packages nginx=1.22.1-9+deb12u11

mkdir "$folder/go"
cd "$folder/go"
cat >main.go <<'END'
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/satyrius/gonx"
)

func main() {
	line, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	line = bytes.TrimSpace(line)
	entry, err := gonx.NewParser("$status $upstream_response_time $request_time").ParseString(string(line))
	if err != nil {
		fmt.Println("CHANGED: refused:", err)
		os.Exit(1)
	}
	fields := bytes.Fields(line)
	real, last := string(fields[len(fields)-1]), string(fields[len(fields)-2])
	read := entry.Fields()["request_time"]
	fmt.Printf("log: %s\nread: %v\n", line, entry.Fields())
	if len(fields) != 4 || read != last || read == real {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/satyrius/gonx@v1.3.1-0.20181123214749-d96bd26e3b2c >/dev/null 2>&1
go list -m github.com/satyrius/gonx

slow=$(free_port)
quick=$(free_port)
port=$(free_port)
cat >"$folder/backend.py" <<'END'
import http.server, sys, time


class Backend(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(float(sys.argv[2]))
        self.send_response(int(sys.argv[3]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Backend).serve_forever()
END
start python3 "$folder/backend.py" "$slow" 0.5 503
start python3 "$folder/backend.py" "$quick" 0 200
listening "$slow"
listening "$quick"
cat >"$folder/nginx.conf" <<END
daemon off; pid $folder/nginx.pid; error_log $folder/error.log;
events {}
http {
  client_body_temp_path $folder/1; proxy_temp_path $folder/2; fastcgi_temp_path $folder/3; uwsgi_temp_path $folder/4; scgi_temp_path $folder/5;
  log_format times '\$status \$upstream_response_time \$request_time';
  access_log $folder/access.log times;
  upstream media { server 127.0.0.1:$slow; server 127.0.0.1:$quick backup; }
  server { listen 127.0.0.1:$port; location / { proxy_pass http://media; proxy_next_upstream http_503; } }
}
END
start nginx -e "$folder/error.log" -c "$folder/nginx.conf"
listening "$port"
curl -sS "http://127.0.0.1:$port/seg-1.ts"
line_with "200 " "$folder/access.log" >"$folder/line"
nginx -v 2>&1
go run . "$folder/line" || fail "other than seen"
