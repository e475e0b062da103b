#!/bin/bash
# HAProxy's %B, "bytes read" of httplog, is what came from the server behind, header and content. It is not what the client got: it does
# not shrink when HAProxy compresses.
#
# Guess before: it counts what HAProxy sends; its documentation calls it the total number of bytes transmitted to the client.
# Seen with HAProxy 2.6.12 (Debian 2.6.12-1+deb12u4), https://docs.haproxy.org/2.6/configuration.html#8.2.3.
source "$(dirname "$0")/lib.sh"
packages haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4 \
  lighttpd=1.4.69-1 libnettle8=3.8.1-2

port=$(free_port)
origin=$(free_port)
mkdir "$folder/www"
printf '#EXTINF:2.0,\nsegment.ts\n%.0s' {1..2000} >"$folder/www/index.txt"
cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $origin
mimetype.assign = (".txt" => "text/plain")
END
start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf"
listening "$origin"
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
	bind 127.0.0.1:$port
	compression algo gzip
	compression type text/plain
	default_backend b
backend b
	server s 127.0.0.1:$origin
END
start haproxy -db -f "$folder/haproxy.cfg" >"$folder/haproxy.log"
listening "$port"
got=$(curl -s -o /dev/null -H 'Accept-Encoding: gzip' -w '%{size_download}' "http://127.0.0.1:$port/index.txt")
line=$(line_with /index.txt "$folder/haproxy.log")
content=$(stat -c %s "$folder/www/index.txt")
logged=$(awk '{print $7}' <<<"$line")
haproxy -v | sed -n 1p
echo "file $content, received $got, logged $logged: $line"
[[ $got -lt $((content / 10)) ]] || fail "HAProxy did not compress"
[[ $logged -ge $content ]] || fail "the line has $logged bytes"
