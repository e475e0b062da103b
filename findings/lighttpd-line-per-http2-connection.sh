#!/bin/bash
# lighttpd's access log has a line for each connection of HTTP/2, beside the lines of its requests: method PRI, status 100, and the
# bytes of the whole connection. Who adds up a log counts everything that went by HTTP/2 twice.
#
# Guess before: one line for each request, as with HTTP/1.1.
# Seen with lighttpd 1.4.69 (Debian 1.4.69-1), mod_accesslog with its default format.
source "$(dirname "$0")/lib.sh"
packages lighttpd=1.4.69-1 libnettle8=3.8.1-2

port=$(free_port)
mkdir "$folder/www"
head -c 80000 /dev/zero >"$folder/www/seg-1.ts"
cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_accesslog", "mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $port
accesslog.filename = "$folder/access.log"
END
start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf"
listening "$port"
curl -s --http2-prior-knowledge -o /dev/null "http://127.0.0.1:$port/seg-1.ts"
connection=$(line_with '"PRI * HTTP/2.0" 100' "$folder/access.log")
lighttpd -v
cat "$folder/access.log"
request=$(line_with '"GET /seg-1.ts HTTP/2.0" 200 80000' "$folder/access.log")
bytes=$(awk '{print $10}' <<<"$connection")
[[ -n $request && $bytes -ge 80000 ]] || fail "the line of the connection has $bytes bytes"
