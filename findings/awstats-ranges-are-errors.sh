#!/bin/bash
# AWStats counts an answer with 206 (part of a file) among the errors of HTTP, with its bytes as traffic that nobody saw. Players that ask for everything as a range,
# as all with ffmpeg's libraries do, get 206 for whole segments, so their viewers are not among the visitors, their streams have no hits, and the server seems to fail.
# What it takes for good is a list, ValidHTTPCodes, which has 200 and 304 only if nothing is said.
#
# Guess before: 206 is a success, as every code from 200 to 299, and counted like 200.
# Seen with AWStats 7.8 (Debian 7.8-3+deb12u2). GoAccess 1.7 counts both. Needs perl.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root awstats=7.8-3+deb12u2 >/dev/null
dpkg -x awstats_*.deb root
cat >access.log <<'END'
203.0.113.1 - - [20/Nov/2026:10:00:00 +0000] "GET /live/a/1.ts HTTP/1.1" 200 1000000 "-" "VLC/3.0.18 LibVLC/3.0.18"
203.0.113.2 - - [20/Nov/2026:10:00:01 +0000] "GET /live/a/1.ts HTTP/1.1" 206 1000000 "-" "Lavf/59.27.100"
203.0.113.3 - - [20/Nov/2026:10:00:02 +0000] "GET /live/a/1.ts HTTP/1.1" 206 1000000 "-" "Lavf/59.27.100"
END
cat >awstats.media.conf <<END
LogFile="$folder/access.log"
LogFormat=1
SiteDomain="media.example.com"
HostAliases="media.example.com"
DirData="$folder"
DNSLookup=0
END
perl root/usr/lib/cgi-bin/awstats.pl -config=media -configdir="$folder" -update | grep -o "AWStats version [0-9.]*"
part() { sed -n "/^BEGIN_$1 /,/^END_$1\$/p" awstats112026.media.txt | sed '1d;$d'; }
echo "visitors:" "$(part VISITOR)"
echo "errors (code, hits, bytes):" "$(part ERRORS)"
if [ "$(part VISITOR | cut -d' ' -f1)" != 203.0.113.1 ] || [ "$(part ERRORS)" != "206 2 2000000" ]; then
  echo CHANGED
  exit 1
fi
