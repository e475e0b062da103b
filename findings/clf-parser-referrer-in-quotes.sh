#!/bin/bash
# clf-parser reads the combined format of access logs and takes the quotes from around the request and the user agent, and leaves those around the referrer:
# new URL() of it throws, and every host that is cut out of it begins or ends with a quote.
#
# Guess before: the three quoted fields are read alike.
# Seen with clf-parser 0.0.2 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts clf-parser@0.0.2 >/dev/null
cat >finding.cjs <<'END'
const parse = require('clf-parser');

console.log('clf-parser', require('clf-parser/package.json').version);
const line = '192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET /live/a.m3u8 HTTP/1.1" 200 512 "https://player.example/watch" "Lavf/60.3.100"';
const { request, http_referer: referrer, http_user_agent: agent } = parse(line);
console.log({ request, referrer, agent });
if (referrer !== '"https://player.example/watch"' || agent !== 'Lavf/60.3.100' || request !== 'GET /live/a.m3u8 HTTP/1.1') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
