#!/bin/bash
# anonip, which masks the addresses in a server's log as it is written, takes 12 bits off addresses of IPv4 and 84 off those of IPv6. A server that listens for both by one socket, as many do, logs who comes by
# IPv4 as ::ffff:203.0.113.77, which is in the form of IPv6, and whose last 84 bits are all that there is: every such viewer is "::". All of IPv4 are one viewer in one place, of no country and no
# network, where by a socket of its own there are up to a million.
#
# Guess before: the last 12 bits are masked in that form too. (It was written for another program, which does so.)
# Seen with anonip 1.1.0 (Debian 1.1.0-2). Needs Debian's python3, IPv6, and node, whose server has addresses in that form.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root anonip=1.1.0-2 >/dev/null
dpkg -x anonip_*.deb root
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
# a server on both, asked by IPv4, that logs as servers do
cat >server.cjs <<'END'
const http = require('node:http');

const server = http.createServer((request, response) => {
  console.log(`${request.socket.remoteAddress} - - "GET ${request.url}"`);
  response.end(() => server.close());
});
server.listen(0, '::', () => http.get({ host: '127.0.0.1', port: server.address().port, path: '/live.m3u8', agent: false }, (response) => response.resume()));
END
{
  node server.cjs
  printf '%s - - "GET /live.m3u8"\n' 203.0.113.77 198.51.100.9 ::ffff:203.0.113.77 ::ffff:198.51.100.9 2001:db8:1:2:3:4:5:6
} >access.log
/usr/bin/python3 root/usr/bin/anonip <access.log >masked.log
echo "anonip $(dpkg-deb -f anonip_*.deb Version)"
paste -d'\n' access.log masked.log
if [[ $(cut -d' ' -f1 access.log masked.log | paste -sd' ') != "::ffff:127.0.0.1 203.0.113.77 198.51.100.9 ::ffff:203.0.113.77 ::ffff:198.51.100.9 2001:db8:1:2:3:4:5:6 :: 203.0.112.0 198.51.96.0 :: :: 2001:db8::" ]]; then
  echo CHANGED
  exit 1
fi
