#!/bin/bash
# Two of Python's web servers hand files to the system to send (sendfile), and do not count what it sends: in gunicorn's access log every file has 0 bytes, if the application gives it as WSGI has
# it for files (wsgi.file_wrapper), and its size, if it is given piece by piece; aiohttp's has the bytes of the header alone for files of a folder (add_static). Segments of a live stream, whole
# and in parts, took nothing, while playlists, which are made anew and given as text, have theirs.
#
# Guess before: the bytes that were sent, as a file is given is no matter of the log.
# Seen with gunicorn 20.1.0 (Debian 20.1.0-6+deb12u1) and aiohttp 3.8.4 (Debian 3.8.4-1+deb12u2), with their default formats, whose %(b)s is the "response length" and %b the
# "size of response in bytes, including HTTP headers". Needs Debian's python3.
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
packages gunicorn=20.1.0-6+deb12u1 python3-gunicorn=20.1.0-6+deb12u1 python3-aiohttp=3.8.4-1+deb12u2 python3-aiosignal python3-async-timeout python3-attr python3-charset-normalizer \
  python3-frozenlist python3-idna python3-multidict python3-pkg-resources python3-setuptools python3-typing-extensions python3-yarl
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
cd "$folder"
mkdir www
head -c 1000 /dev/urandom >www/1.ts
cat >application.py <<'END'
def answer(environ, start):
    start("200 OK", [("Content-Length", "1000"), ("Content-Type", "video/mp2t")])
    file = open("www/1.ts", "rb")
    if environ["PATH_INFO"] == "/file":
        return environ["wsgi.file_wrapper"](file)
    return [file.read()]
END
cat >server.py <<'END'
import logging, sys
from aiohttp import web

async def text(request):
    return web.Response(text="x" * 1000)

logging.basicConfig(level=logging.INFO, format="%(message)s")
application = web.Application()
application.router.add_get("/text", text)
application.router.add_static("/", "www")
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
END
one=$(free_port)
start /usr/bin/python3 -m gunicorn --bind "127.0.0.1:$one" --access-logfile gunicorn.log application:answer 2>gunicorn.err
listening "$one"
two=$(free_port)
start /usr/bin/python3 server.py "$two" 2>aiohttp.log
listening "$two"
/usr/bin/python3 -c 'import gunicorn, aiohttp; print("gunicorn", gunicorn.__version__, "aiohttp", aiohttp.__version__)'
curl -sS -o /dev/null -w '%{size_download} ' "http://127.0.0.1:$one/pieces" "http://127.0.0.1:$one/file" -o /dev/null >got
curl -sS -o /dev/null -o /dev/null -w '%{size_download} ' "http://127.0.0.1:$two/text" "http://127.0.0.1:$two/1.ts" >>got
curl -sS -o /dev/null -r 0-99 -w '%{size_download}\n' "http://127.0.0.1:$two/1.ts" >>got
sleep 0.5
# what stands behind the status of each line
bytes() { sed -n 's/.*HTTP\/1.1" [0-9]* \([0-9]*\) .*/\1/p' "$1" | paste -sd' '; }
echo "bytes of the bodies: $(<got)"
echo "by gunicorn, in pieces and as a file: $(bytes gunicorn.log)"
echo "by aiohttp, a text, a file and 100 bytes of it: $(bytes aiohttp.log)"
[ "$(<got)" = "1000 1000 1000 1000 100" ] || fail "other bodies"
[ "$(bytes gunicorn.log)" = "1000 0" ] || fail "another log of gunicorn"
read -r text file part < <(bytes aiohttp.log)
[ "$text" -gt 1000 ] && [ "$file" -lt 500 ] && [ "$part" -gt "$file" ] || fail "another log of aiohttp"
