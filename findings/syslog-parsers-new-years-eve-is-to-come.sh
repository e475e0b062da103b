#!/bin/bash
# Lines of syslog in its older form have no year. Two parsers take that of the clock: read five seconds into the new year, what happened at 23:59:59 will happen in a year, and the last minutes of each
# year, of servers that speak to a log server over a network that takes its time, are lost to a night's report and come back in the next. syslog-parse has thousandths too, which no line
# has: those of the moment at which it reads. One line read twice has two times, and lines of one second are in an order of their own.
#
# Guess before: what would be months ahead belongs to the year before, and a time without thousandths has none.
# Seen with glossy 0.1.7 and syslog-parse 2.0.0 (npm), by a clock that is set within the program. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts glossy@0.1.7 syslog-parse@2.0.0 >/dev/null
cat >finding.cjs <<'END'
process.env.TZ = 'UTC';
let now;
globalThis.Date = class extends Date {
  constructor(...parts) {
    super(...(parts.length ? parts : [now]));
  }
  static now() {
    return now;
  }
};
const { readFileSync } = require('node:fs');
const glossy = require('glossy').Parse;
const { default: parse } = require('syslog-parse');

for (const name of ['glossy', 'syslog-parse']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const line = '<190>Dec 31 23:59:59 edge1 nginx: "GET /live/1.ts HTTP/1.1" 200';
const seen = ['2026-12-31T23:59:59.250Z', '2027-01-01T00:00:04.785Z'].map((clock) => {
  now = globalThis.Date.parse(clock);
  return `read at ${clock}: glossy ${glossy.parse(line).time.toISOString()}, syslog-parse ${parse(line).time.toISOString()}`;
});
console.log(seen.join('\n'));
const expected = [
  'read at 2026-12-31T23:59:59.250Z: glossy 2026-12-31T23:59:59.000Z, syslog-parse 2026-12-31T23:59:59.250Z',
  'read at 2027-01-01T00:00:04.785Z: glossy 2027-12-31T23:59:59.000Z, syslog-parse 2027-12-31T23:59:59.785Z',
];
if (seen.join() !== expected.join()) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
