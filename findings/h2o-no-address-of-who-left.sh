#!/bin/bash
# If a client leaves while H2O sends to it by HTTP/1.1, the line has a hyphen for its address, as if H2O asked the system for it only
# when it writes the line. The line of a client that stays has it.
#
# Guess before: the address is that of the connection, whenever the line is written.
# Seen with H2O 2.2.5 (Debian 2.2.5+dfsg2-7), with its default log.
source "$(dirname "$0")/lib.sh"
packages h2o=2.2.5+dfsg2-7 libyaml-0-2=0.2.5-1

port=$(free_port)
mkdir "$folder/www"
head -c 40000000 /dev/zero >"$folder/www/long.ts"
head -c 1000 /dev/zero >"$folder/www/short.ts"
cat >"$folder/h2o.conf" <<END
listen: {host: 127.0.0.1, port: $port}
access-log: $folder/access.log
error-log: $folder/error.log
hosts: {default: {paths: {/: {file.dir: $folder/www}}}}
END
start h2o -m worker -c "$folder/h2o.conf"
listening "$port"
curl -s -o /dev/null "http://127.0.0.1:$port/short.ts"
leave_after 1000000 "http://127.0.0.1:$port/long.ts"
short=$(line_with /short.ts "$folder/access.log")
long=$(line_with /long.ts "$folder/access.log")
h2o -v
printf '%s\n' "$short" "$long"
[[ $short == '127.0.0.1 - - ['* ]] || fail "the address of the client that stayed"
[[ $long == '- - - ['*'HTTP/1.1" 200 '* ]] || fail "the address of the client that left is there"
