#!/bin/bash
# Streamlink, a program that takes streams from pages and hands them to a player of one's own, says in every request that it is Firefox on Windows, and no word of itself, whatever system it runs on:
# in logs its viewers are people with a browser, which does not run there. Nothing was told to be hidden; it is the default. yt-dlp says Chrome on Windows, another version in each run.
#
# Guess before: streamlink/5.2.1, as ffmpeg, VLC and curl name themselves.
# Seen with Streamlink 5.2.1 (Debian 5.2.1-1) and yt-dlp 2023.03.04 (Debian 2023.03.04-1). Needs Debian's python3.
set -euo pipefail

folder=$(mktemp -d)
pid=
trap 'kill $pid 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root streamlink=5.2.1-1 python3-streamlink=5.2.1-1 yt-dlp=2023.03.04-1 python3-certifi python3-isodate python3-lxml libxslt1.1 libxml2 libicu72 python3-pycountry \
  python3-pycryptodome python3-requests python3-chardet python3-charset-normalizer python3-idna python3-socks python3-urllib3 python3-six python3-websocket >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
LD_LIBRARY_PATH=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
cat >server.py <<'END'
import http.server, sys


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("agents", "a") as log:
            print(self.path, self.headers["User-Agent"], file=log)
        body = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n1.ts\n#EXT-X-ENDLIST\n" if self.path.endswith("m3u8") else b"G" * 188
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.apple.mpegurl" if self.path.endswith("m3u8") else "video/mp2t")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
with open("port", "w") as port:
    print(server.server_port, file=port)
server.serve_forever()
END
/usr/bin/python3 server.py &
pid=$!
for ((i = 0; i < 100; i++)); do
  [ -s port ] && break
  sleep 0.1
done
export no_proxy=127.0.0.1
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
/usr/bin/python3 -c 'import streamlink; print("streamlink", streamlink.__version__)'
/usr/bin/python3 -m streamlink --stdout --stream-timeout 5 "hls://http://127.0.0.1:$(<port)/streamlink.m3u8" best >streamlink.ts 2>&1 || true # what it got is no video
for run in 1 2 3 4; do
  /usr/bin/python3 -m yt_dlp --quiet --no-cache-dir -o "y$run.ts" "http://127.0.0.1:$(<port)/yt-dlp.m3u8" 2>/dev/null || true # what it got is no video
done
sort agents | uniq -c
if grep streamlink agents | grep -qv 'Windows NT.*Firefox/' || ! grep -q '/1.ts .*Firefox/' agents ||
  ! grep -q 'yt-dlp.m3u8.*Windows NT.*Chrome/' agents || [ "$(grep yt-dlp.m3u8 agents | grep -o 'Chrome/[0-9.]*' | sort -u | wc -l)" -lt 2 ]; then
  echo CHANGED
  exit 1
fi
