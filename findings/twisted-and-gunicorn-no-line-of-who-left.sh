#!/bin/bash
# Who leaves before a file has come is in no log of two of Python's web servers: Twisted writes a line of a request when its answer has been handed over whole, and so does gunicorn. For a live
# stream those are the viewers that had to wait, whose player gave up a segment or changed the quality: reports have none of them, neither their requests nor their bytes, and all that are left
# went well. Tornado has a line of each.
#
# Guess before: a line with the status that was sent and the bytes.
# Seen with Twisted 22.4.0 (Debian 22.4.0-4+deb12u1, twisted web --logfile) and gunicorn 20.1.0 (Debian 20.1.0-6+deb12u1). Tornado 6.2.0. Needs Debian's python3.
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
packages gunicorn=20.1.0-6+deb12u1 python3-gunicorn=20.1.0-6+deb12u1 python3-twisted=22.4.0-4+deb12u1 python3-tornado=6.2.0-3+deb12u4 python3-attr python3-automat python3-constantly python3-hyperlink \
  python3-idna python3-incremental python3-pkg-resources python3-setuptools python3-six python3-typing-extensions python3-zope.interface
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
cd "$folder"
mkdir www
head -c 40000000 /dev/urandom >www/1.ts
cat >application.py <<'END'
def answer(environ, start):
    start("200 OK", [("Content-Length", "40000000"), ("Content-Type", "video/mp2t")])
    with open("www/1.ts", "rb") as file:
        while piece := file.read(65536):
            yield piece
END
cat >server.py <<'END'
import sys
import tornado.ioloop, tornado.log, tornado.web

tornado.log.enable_pretty_logging()
tornado.web.Application([("/(.*)", tornado.web.StaticFileHandler, {"path": "www"})]).listen(int(sys.argv[1]), "127.0.0.1")
tornado.ioloop.IOLoop.current().start()
END
/usr/bin/python3 -c 'import gunicorn, tornado, twisted; print("Twisted", twisted.__version__, "gunicorn", gunicorn.__version__, "Tornado", tornado.version)'
for name in twisted gunicorn tornado; do
  port=$(free_port)
  case $name in
  twisted) start /usr/bin/python3 -m twisted web --path www --listen "tcp:$port:interface=127.0.0.1" --logfile twisted.log >twisted.out 2>&1 ;;
  gunicorn) start /usr/bin/python3 -m gunicorn --bind "127.0.0.1:$port" --access-logfile gunicorn.log application:answer 2>gunicorn.err ;;
  tornado) start /usr/bin/python3 server.py "$port" 2>tornado.log ;;
  esac
  listening "$port"
  curl -sS -o /dev/null "http://127.0.0.1:$port/1.ts?stayed"
  curl -sS "http://127.0.0.1:$port/1.ts?left" 2>/dev/null | head -c 1 >/dev/null || true
  sleep 1
  curl -sS -o /dev/null "http://127.0.0.1:$port/1.ts?came"
  sleep 1
  echo "$name: $(grep -o '1.ts?[a-z]*' $name.log | cut -d'?' -f2 | paste -sd' ')" >>seen
done
cat seen
[ "$(<seen)" = "twisted: stayed came
gunicorn: stayed came
tornado: stayed left came" ] || fail "another line"
