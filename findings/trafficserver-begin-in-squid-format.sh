#!/bin/bash
# Traffic Server's format squid looks like Squid's native format, but its time is the begin of a request, where Squid's is the end. The
# elapsed time behind it is the same in both, so a reader of Squid's logs takes the begin of an answer for its end.
#
# Guess before: a format that is named after Squid's means the same.
# Seen with Traffic Server 9.2 (Debian 9.2.5+ds-0+deb12u4). Needs openssl.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/trafficserver.sh"
trafficserver "logging:
  formats: [{name: s, format: '%<cqtq> %<ttms> %<chi> %<crc>/%<pssc> %<psql> %<cqhm> %<cquc> %<caun> %<phr>/%<shn> %<psct>'}]
  logs: [{filename: s, format: s, mode: ascii}]"

head -c 30000000 /dev/zero >"$folder/www/long.ts"
begin=$(date +%s.%3N)
curl -s --limit-rate 6M -o /dev/null "http://127.0.0.1:$port/long.ts"
end=$(date +%s.%3N)
line=$(line_with long.ts "$folder/log/s.log")
traffic_server -V 2>&1 | sed -n 1p
echo "from $begin to $end: $line"
read -r logged elapsed _ <<<"$line"
awk -v logged="$logged" -v begin="$begin" -v elapsed="$elapsed" \
  'BEGIN { exit !(logged - begin < 1 && begin - logged < 1 && elapsed > 2000) }' || fail "the time is not the begin"
