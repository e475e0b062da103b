#!/bin/bash
# Apache's %b is the length of the body that was to be sent, also if the client left long before the end: 40,000,000 bytes with status 200
# for a client that read one. Nothing else in the formats common and combined shows it; %O is what went out.
#
# Guess before: %b, "size of response in bytes, excluding HTTP headers", is what was sent.
# Seen with Apache 2.4.71 (Debian 2.4.71-1~deb12u1), https://httpd.apache.org/docs/2.4/mod/mod_log_config.html.
source "$(dirname "$0")/lib.sh"
packages apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 libaprutil1=1.6.3-1+deb12u1 libexpat1=2.5.0-1+deb12u5

port=$(free_port)
mkdir "$folder/www"
chmod 755 "$folder/www"
head -c 40000000 /dev/zero >"$folder/www/long.ts"
modules=$folder/root/usr/lib/apache2/modules
cat >"$folder/apache.conf" <<END
ServerRoot $folder
ServerName localhost
PidFile $folder/apache.pid
Listen 127.0.0.1:$port
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
User nobody
Group nogroup
ErrorLog $folder/error.log
DocumentRoot $folder/www
LogFormat "%h %r %>s b=%b O=%O" both
CustomLog $folder/access.log both
END
start apache2 -f "$folder/apache.conf" -D FOREGROUND
listening "$port"
leave_after 1000000 "http://127.0.0.1:$port/long.ts"
line=$(line_with /long.ts "$folder/access.log")
apache2 -v | sed -n 1p
echo "read 1000000: $line"
sent=${line##*O=}
[[ $line == *' 200 b=40000000 O='* ]] || fail "%b"
[[ $sent -lt 20000000 ]] || fail "%O has all of it, too"
