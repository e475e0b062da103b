#!/bin/sh
# Fetches the block list of a collector for nginx, and lets nginx read it if it has changed. Nothing is changed if the collector does not answer,
# or if nginx would not take the list.
#
# AUTHORIZATION is a file with the line "Authorization: Bearer bt_…", FOLDER where nginx includes the files from.
set -eu
collector=${COLLECTOR:-http://127.0.0.1:8095}
authorization=${AUTHORIZATION:-/etc/nginx/blocklist/authorization}
folder=${FOLDER:-/etc/nginx/blocklist}
nginx=${NGINX:-nginx}

changed=
for name in networks users referrers; do
  curl -sSf --max-time 30 -H "@$authorization" -o "$folder/$name.new" "$collector/v1/blocklist/$name.nginx"
  touch "$folder/$name.nginx"
  cmp -s "$folder/$name.new" "$folder/$name.nginx" || changed=yes
done
[ "$changed" ] || exit 0
for name in networks users referrers; do
  mv "$folder/$name.nginx" "$folder/$name.old"
  mv "$folder/$name.new" "$folder/$name.nginx"
done
if $nginx -t -q; then
  $nginx -s reload
else
  for name in networks users referrers; do
    mv "$folder/$name.old" "$folder/$name.nginx"
  done
  exit 1
fi
