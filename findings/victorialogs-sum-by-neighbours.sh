#!/bin/bash
# What VictoriaLogs adds up for a number that JSON allows depends on the values stored beside it: two plays of 1e3 ms each are NaN, one of 1e3 and one of 1 are 1001. Values that are
# all equal are kept as the text that they are, of which sum makes no number; others as numbers if they can be, and then "10ms" is 10,000,000, as it is nanoseconds. JavaScript
# and Go write small and large numbers so (5e-7, 1e+21).
#
# Guess before: 1e3 is a number, always, or never.
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
    cases = {"equal": ("1e3", "1e3"), "beside": ("1e3", "1"), "plain": ("1000", "1000"), "duration": ("10ms", "1")}
    for org, values in cases.items():
        insert([record(org, ms=value) for value in values])
    insert(['{"_time":"%s","_msg":"play","org":"number","ms":5e-7}' % stamp for _ in range(2)])
    ask("/internal/force_flush")
    sums = {org: stats('{org="%s"} | stats sum(ms) s' % org)["s"] for org in [*cases, "number"]}
    print(sums)
    if sums != {"equal": "NaN", "beside": "1001", "plain": "2000", "duration": "10000001", "number": "NaN"}:
        sys.exit(1)
finally:
    server.terminate()
    server.wait()
END
python3 "$folder/finding.py" "$folder/victoria-logs" "$folder/data" || fail "other than seen"
