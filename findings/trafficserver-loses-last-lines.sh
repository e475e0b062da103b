#!/bin/bash
# Traffic Server holds lines of its access log for some seconds before it writes them, and loses them when it is stopped, by SIGTERM as
# service managers do it: requests that were answered in the last seconds are in no log.
#
# Guess before: a server that is told to end writes what it holds, as the others do.
# Seen with Traffic Server 9.2 (Debian 9.2.5+ds-0+deb12u4). Needs openssl.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/trafficserver.sh"
trafficserver "logging:
  formats: [{name: c, format: '%<chi> \"%<cqtx>\" %<pssc>'}]
  logs: [{filename: c, format: c, mode: ascii}]"

curl -s -o /dev/null "http://127.0.0.1:$port/seg-1.ts?first"
first=$(line_with '?first' "$folder/log/c.log")
status=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/seg-1.ts?last")
kill -TERM "${pids[-1]}"
wait "${pids[-1]}" || true # its status is of no interest
traffic_server -V 2>&1 | sed -n 1p
echo "first: $first; last: answered $status, lines $(grep -c '?last' "$folder/log/c.log" || true)"
[[ $status == 200 ]] || fail "no answer"
if grep -q '?last' "$folder/log/c.log"; then
  fail "the last line is written"
fi
