#!/bin/bash
# nginxparser takes a format of nginx's access log; $time_iso8601 is among the fields that it names, and it makes a date of it. But it takes names for letters and underscores: it looks for a variable
# "time_iso" and the text "8601" behind it, which no line has. Such a log has no lines, without an error, and so has one with $http2 or any other name with a digit.
#
# Guess before: one line, with its date.
# Seen with nginxparser 2.1.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts nginxparser@2.1.0 >/dev/null
cat >finding.cjs <<'END'
const Parser = require('nginxparser');

console.log('nginxparser', require('nginxparser/package.json').version);
function lines(variable, value) {
  const found = [];
  const parser = new Parser(`$remote_addr [$${variable}] "$request" $status`);
  parser.parseLine(`203.0.113.5 [${value}] "GET /live/1.ts HTTP/1.1" 200`, (row) => found.push(row));
  return found.length;
}
const seen = {
  time_local: lines('time_local', '30/Nov/2026:18:00:00 +0000'),
  msec: lines('msec', '1796061600.000'),
  time_iso8601: lines('time_iso8601', '2026-11-30T18:00:00+00:00'),
};
console.log('lines found of 1:', seen);
if (Object.values(seen).join() !== '1,1,0') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
