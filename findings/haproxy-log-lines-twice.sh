#!/bin/bash
# A frontend that names its log, below defaults with "log global" as Debian's configuration has, writes each request twice, to both: a
# "log" adds, it does not replace, although other settings of defaults are replaced. With the same target twice, as when one wants
# longer lines (len), the log has each request twice.
#
# Guess before: what a frontend says replaces what the defaults say.
# Seen with HAProxy 2.6.12 (Debian 2.6.12-1+deb12u4).
source "$(dirname "$0")/lib.sh"
packages haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4

port=$(free_port)
cat >"$folder/haproxy.cfg" <<END
global
	log stdout format raw local0
defaults
	mode http
	log global
	option httplog
	timeout connect 5s
	timeout client 5s
	timeout server 5s
frontend f
	log stdout len 8192 format raw local0
	bind 127.0.0.1:$port
	http-request return status 200
END
start haproxy -db -f "$folder/haproxy.cfg" >"$folder/haproxy.log"
listening "$port"
curl -s -o /dev/null "http://127.0.0.1:$port/seg-1.ts"
line_with /seg-1.ts "$folder/haproxy.log" >/dev/null
sleep 0.5
lines=$(grep -c /seg-1.ts "$folder/haproxy.log")
haproxy -v | sed -n 1p
cat "$folder/haproxy.log"
[[ $lines -eq 2 ]] || fail "one request makes $lines lines"
