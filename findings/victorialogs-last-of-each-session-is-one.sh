#!/bin/bash
# VictoriaLogs finds the last record of each session with "last 1 by (part) partition by (session)". How many there are, asked by "| count()" behind it, is 1 for ten
# sessions, and by "| stats count(), count_uniq(session)" 10: if no function behind it needs a field of the records, the sessions are not told apart. A filter on any field in
# between makes it right. So do not count sessions that way, nor add a condition and compare.
#
# Guess before: what is counted does not depend on what else is counted.
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
    insert([record("acme", session=f"s{i}", part=part) for i in range(10) for part in range(3)])
    ask("/internal/force_flush")
    last = '{org="acme"} | last 1 by (part) partition by (session)'
    alone = stats(last + " | count() n")["n"]
    beside = stats(last + " | stats count() n, count_uniq(session) u")["n"]
    filtered = stats(last + " | filter part:=2 | count() n")["n"]
    print(f"10 sessions of 3 parts: count alone {alone}, beside a count of a field {beside}, behind a filter {filtered}")
    if (alone, beside, filtered) != ("1", "10", "10"):
        sys.exit(1)
finally:
    server.terminate()
    server.wait()
END
python3 "$folder/finding.py" "$folder/victoria-logs" "$folder/data" || fail "other than seen"
