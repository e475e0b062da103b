#!/bin/bash
# mi-cron, which tells when a schedule of cron is due next, counts on from a day that a month does not have: the 31st of November is the first of December, that of February the third of March. So
# a report of each 31st, asked for in a shorter month, is due on a day that the schedule does not name, and one of 29 February comes on the first of March next year.
# Of both a day of the month and a day of the week, of which cron takes either, it takes both: each 13th or Friday is due on Friday the 13th alone.
#
# Guess before: the next 31st that there is, and a 13th or a Friday.
# Seen with @cheap-glitch/mi-cron 1.0.1 (npm), and @datasert/cronjs-matcher 1.4.0. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @cheap-glitch/mi-cron@1.0.1 @datasert/cronjs-matcher@1.4.0 >/dev/null
cat >finding.cjs <<'END'
process.env.TZ = 'UTC';
const { readFileSync } = require('node:fs');
const { parseCron } = require('@cheap-glitch/mi-cron');
const { getFutureMatches } = require('@datasert/cronjs-matcher');

for (const name of ['@cheap-glitch/mi-cron', '@datasert/cronjs-matcher']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const seen = [
  ['0 6 31 * *', '2026-11-02T12:00:00Z'],
  ['0 6 31 * *', '2026-12-02T12:00:00Z'],
  ['0 6 31 * *', '2027-02-02T12:00:00Z'],
  ['0 6 29 2 *', '2026-11-02T12:00:00Z'],
  ['0 6 13 * 5', '2026-11-14T12:00:00Z'],
].map(([schedule, startAt]) => {
  const [other] = getFutureMatches(schedule, { startAt, matchCount: 1, timezone: 'UTC' });
  return `${schedule} after ${startAt}: ${parseCron.nextDate(schedule, new Date(startAt)).toISOString()}, cronjs ${other}`;
});
console.log(seen.join('\n'));
const expected = [
  '0 6 31 * * after 2026-11-02T12:00:00Z: 2026-12-01T06:00:00.000Z, cronjs 2026-12-31T06:00:00Z',
  '0 6 31 * * after 2026-12-02T12:00:00Z: 2026-12-31T06:00:00.000Z, cronjs 2026-12-31T06:00:00Z',
  '0 6 31 * * after 2027-02-02T12:00:00Z: 2027-03-03T06:00:00.000Z, cronjs 2027-03-31T06:00:00Z',
  '0 6 29 2 * after 2026-11-02T12:00:00Z: 2027-03-01T06:00:00.000Z, cronjs 2028-02-29T06:00:00Z',
  '0 6 13 * 5 after 2026-11-14T12:00:00Z: 2027-08-13T06:00:00.000Z, cronjs 2026-11-20T06:00:00Z',
];
if (seen.join() !== expected.join()) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
