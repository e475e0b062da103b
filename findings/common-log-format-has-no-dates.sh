#!/bin/bash
# common-log-format, which makes JSON of access logs in the common log format, has null for the date of every line, if the date is written as that format has it ([30/Nov/2026:10:00:00 +0100], as
# Apache, nginx and all others write it): it hands the text to JavaScript's Date, which does not know that form. What it reads is a form of its own documentation, [Wed, 11 Jun 2014 16:24:02 GMT],
# as some servers in Node once wrote it. Host, request, status and bytes are right, so a table of them looks whole.
#
# Guess before: the date with its zone, as 2026-11-30T09:00:00.000Z.
# Seen with common-log-format 2.0.1 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts common-log-format@2.0.1 >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const CommonLogFormat = require('common-log-format');

console.log('common-log-format', JSON.parse(readFileSync('node_modules/common-log-format/package.json')).version);
const log = `203.0.113.7 - - [30/Nov/2026:10:00:00 +0100] "GET /live/1.ts HTTP/1.1" 200 1234
203.0.113.7 - - [Mon, 30 Nov 2026 09:00:00 GMT] "GET /live/1.ts HTTP/1.1" 200 1234
`;
const reader = new CommonLogFormat();
const seen = [];
reader.on('data', (line) => seen.push(JSON.parse(line)));
reader.on('end', () => {
  for (const { date, status, bytes } of seen) {
    console.log({ date, status, bytes });
  }
  if (seen.map((line) => `${line.date} ${line.status} ${line.bytes}`).join() !== 'null 200 1234,2026-11-30T09:00:00.000Z 200 1234') {
    console.log('CHANGED');
    process.exit(1);
  }
});
reader.end(log);
END
node finding.cjs
