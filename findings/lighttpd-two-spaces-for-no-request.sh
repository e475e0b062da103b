#!/bin/bash
# A client that speaks TLS to lighttpd's port of HTTP is logged with the request "  ", two spaces: nothing of what it sent. nginx and
# Apache log the first bytes as \x16\x03\x01. A reader of logs that cuts the request at spaces finds three empty words.
#
# Guess before: the first bytes, escaped, or a hyphen.
# Seen with lighttpd 1.4.69 (Debian 1.4.69-1), mod_accesslog with its default format.
source "$(dirname "$0")/lib.sh"
packages lighttpd=1.4.69-1 libnettle8=3.8.1-2

port=$(free_port)
mkdir "$folder/www"
cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_accesslog", "mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $port
accesslog.filename = "$folder/access.log"
END
start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf"
listening "$port"
if curl -sk "https://127.0.0.1:$port/"; then
  fail "this port speaks TLS"
fi
line=$(line_with ' 400 ' "$folder/access.log")
lighttpd -v
echo "$line"
[[ $line == *'] "  " 400 '* ]] || fail "the request is not two spaces"
