#!/bin/bash
# A line that is longer than VictoriaLogs takes (256 KiB) is left out, which its flag says, and takes good lines behind it with it, which nothing says: of 10 lines before it and 100
# behind, sent in one request, 10 are stored, and the answer is 200. Of a line that is no JSON nothing but itself is lost.
#
# Guess before: the long line is left out alone, as the one that is no JSON.
# Seen with VictoriaLogs v1.52.1. Needs Go and python3.
set -euo pipefail

folder=$(mktemp -d)
pids=()

finish() {
  local status=$? pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true # it may have ended by itself
    wait "$pid" 2>/dev/null || true
  done
  chmod -R u+w "$folder"
  rm -rf "$folder"
  exit "$status"
}
trap finish EXIT

fail() {
  echo "CHANGED: $*" >&2
  exit 1
}

mkdir "$folder/build"
cd "$folder/build"
cat >go.mod <<'END'
module finding

go 1.26
END
cat >tools.go <<'END'
//go:build tools

package tools

import _ "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs"
END
go get github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@v1.52.1 >/dev/null 2>&1
CGO_ENABLED=0 go build -o "$folder/victoria-logs" github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs
go list -m github.com/VictoriaMetrics/VictoriaLogs

cat >"$folder/finding.py" <<'END'
import datetime, json, socket, subprocess, sys, time, urllib.parse, urllib.request

program, data = sys.argv[1:]
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
server = subprocess.Popen([program, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={data}", "-loggerLevel=ERROR"])
stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

def ask(path, **parameters):
    url = f"http://127.0.0.1:{port}{path}"
    return urllib.request.urlopen(url, urllib.parse.urlencode(parameters).encode(), timeout=20).read().decode()

def insert(lines):
    url = f"http://127.0.0.1:{port}/insert/jsonline?_stream_fields=org"
    request = urllib.request.Request(url, "\n".join(lines).encode(), {"Content-Type": "application/stream+json"})
    return urllib.request.urlopen(request, timeout=20).status

def stats(query):
    return json.loads(ask("/select/logsql/query", query=query))

def record(org, **fields):
    return json.dumps({"_time": stamp, "_msg": "play", "org": org, **fields})

try:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health").read()
            break
        except OSError:
            time.sleep(0.1)
    answers = [
        insert([record("long")] * 10 + [record("long", text=300000 * "x")] + [record("long")] * 100),
        insert([record("broken")] * 10 + ["{broken"] + [record("broken")] * 100),
    ]
    ask("/internal/force_flush")
    counts = [int(stats('{org="%s"} | stats count() n' % org)["n"]) for org in ("long", "broken")]
    print(f"110 good lines and a long one: answer {answers[0]}, stored {counts[0]}; and one that is no JSON: answer {answers[1]}, stored {counts[1]}")
    if (answers, counts) != ([200, 200], [10, 110]):
        sys.exit(1)
finally:
    server.terminate()
    server.wait()
END
python3 "$folder/finding.py" "$folder/victoria-logs" "$folder/data" || fail "other than seen"
