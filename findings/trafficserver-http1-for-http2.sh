#!/bin/bash
# Traffic Server's format common says HTTP/1.1 of a request that came by HTTP/2.
#
# Guess before: HTTP/2.0, as in the logs of all other servers that speak it.
# Seen with Traffic Server 9.2 (Debian 9.2.5+ds-0+deb12u4). Needs openssl.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/trafficserver.sh"
trafficserver "logging:
  formats: [{name: c, format: '%<chi> - %<caun> [%<cqtn>] \"%<cqtx>\" %<pssc> %<pscl>'}]
  logs: [{filename: c, format: c, mode: ascii}]"

spoken=$(curl -sk --http2 -o /dev/null -w '%{http_version}' "https://127.0.0.1:$https_port/seg-1.ts")
line=$(line_with seg-1.ts "$folder/log/c.log")
traffic_server -V 2>&1 | sed -n 1p
echo "spoken: HTTP/$spoken; logged: $line"
[[ $spoken == 2 ]] || fail "HTTP/2 is not spoken"
[[ $line == *'HTTP/1.1" 200 80000' ]] || fail "the version is another"
