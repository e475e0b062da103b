#!/bin/bash
# With "escape: json" Traffic Server writes each byte of UTF-8 as a code point of its own: ü becomes \u00c3\u00bc, which every reader
# of JSON takes for Ã¼.
#
# Guess before: \u00fc, or the two bytes as they are.
# Seen with Traffic Server 9.2 (Debian 9.2.5+ds-0+deb12u4). Needs openssl.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/trafficserver.sh"
trafficserver "logging:
  formats: [{name: j, escape: json, format: '{\"path\":\"%<cqup>\",\"agent\":\"%<{User-Agent}cqh>\"}'}]
  logs: [{filename: j, format: j, mode: ascii}]"

curl -s -o /dev/null -A 'ü' "http://127.0.0.1:$port/seg-1.ts"
line=$(line_with seg-1.ts "$folder/log/j.log")
traffic_server -V 2>&1 | sed -n 1p
echo "$line"
[[ $line == *'"agent":"\u00c3\u00bc"'* ]] || fail "ü is written in another way"
