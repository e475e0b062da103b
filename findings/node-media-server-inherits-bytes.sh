#!/bin/bash
# A publisher of node-media-server that goes and comes back within 30 s is a session with a new id, whose bytes and whose time of
# creation are those of the session before: whoever adds up sessions by id counts the same bytes again with every reconnect.
#
# Guess before: the counter of a new session begins at 0.
# Seen with node-media-server 4.4.3 (npm), GET /api/v1/streams. Needs node, npm, python3 and ffmpeg.
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

(cd "$folder" && npm install --silent --no-audit --no-fund --ignore-scripts node-media-server@4.4.3 >/dev/null)
media=$(free_port)
api=$(free_port)
cat >"$folder/config.json" <<END
{"bind":"127.0.0.1","store":{"path":"$folder/data"},
"auth":{"jwt":{"secret":"s","users":[{"username":"admin","password":"secret","role":"admin"}]}},
"rtmp":{"port":$media},"http":{"port":$api},"record":{"auto":false,"path":"$folder/record"}}
END
(cd "$folder" && exec node node_modules/node-media-server/bin/app.js -c "$folder/config.json" >/dev/null) &
pids+=($!)
listening "$media"
listening "$api"
token=$(curl -sS -H 'Content-Type: application/json' -d "{\"username\":\"admin\",\"password\":\"secret\"}" "http://127.0.0.1:$api/api/v1/login" |
  grep -oE '"token":"[^"]*"' | cut -d'"' -f4)
[[ -n $token ]] || fail "the login gives no token"

# publisher prints id, time of creation and bytes of the one publisher.
publisher() {
  curl -sS -H "Authorization: Bearer $token" "http://127.0.0.1:$api/api/v1/sessions" | python3 -c '
import json, sys
def found(v):
    if isinstance(v, dict):
        if v.get("isPublisher"):
            yield v
        for w in v.values():
            yield from found(w)
    elif isinstance(v, list):
        for w in v:
            yield from found(w)
for p in found(json.load(sys.stdin)):
    print(p["id"], p["createTime"], p["inBytes"])
'
}

publish() {
  ffmpeg -loglevel error -re -f lavfi -i testsrc=size=320x180:rate=25 -t 20 -c:v flv1 -b:v 400k -f flv "rtmp://127.0.0.1:$media/live/alpha" &
  pids+=($!)
}

publish
sleep 6
first=$(publisher)
kill "${pids[-1]}"
wait "${pids[-1]}" || true
sleep 2
publish
sleep 1.5
second=$(publisher)
grep -oE '"version": *"[^"]*"' "$folder/node_modules/node-media-server/package.json"
printf 'first  %s\nsecond %s\n' "$first" "$second"
read -r id created bytes <<<"$first"
read -r id_again created_again bytes_again <<<"$second"
[[ -n $id_again && $id != "$id_again" ]] || fail "it is the same session"
[[ $created == "$created_again" ]] || fail "the time of creation is that of the new session"
((bytes_again >= bytes)) || fail "the counter begins anew"
