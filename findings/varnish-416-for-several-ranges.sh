#!/bin/bash
# Varnish answers a request for two ranges that both exist with 416 Range Not Satisfiable, instead of a multipart answer or, as
# servers may that know no such requests, of the whole file with 200.
#
# Guess before: 206 with multipart/byteranges, or 200.
# Seen with Varnish 7.1.1 (Debian 7.1.1-2+deb12u1). Needs gcc, as Varnish does.
source "$(dirname "$0")/lib.sh"
packages varnish=7.1.1-2+deb12u1 libvarnishapi3=7.1.1-2+deb12u1 libjemalloc2=5.3.0-1 \
  lighttpd=1.4.69-1 libnettle8=3.8.1-2

port=$(free_port)
origin=$(free_port)
mkdir "$folder/www"
head -c 80000 /dev/zero >"$folder/www/seg-1.ts"
cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $origin
END
start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf"
listening "$origin"
printf 'vcl 4.1;\nbackend default { .host = "127.0.0.1"; .port = "%s"; }\n' "$origin" >"$folder/default.vcl"
start varnishd -j none -n "$folder/varnish" -F -a "127.0.0.1:$port" -f "$folder/default.vcl" -s malloc,16m 2>/dev/null
listening "$port"
ask() { curl -s -o /dev/null -w '%{http_code}' -H "Range: bytes=$1" "http://127.0.0.1:$2/seg-1.ts"; }
one=$(ask 0-99 "$port")
two=$(ask 0-99,500-599 "$port")
direct=$(ask 0-99,500-599 "$origin")
varnishd -V 2>&1 | sed -n 1p
echo "one range: $one; two ranges: $two; two ranges of the server behind: $direct"
[[ $one == 206 && $direct == 206 ]] || fail "one range, or the server behind"
[[ $two == 416 ]] || fail "two ranges get $two"
