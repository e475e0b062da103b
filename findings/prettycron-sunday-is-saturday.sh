#!/bin/bash
# prettycron, which says in words when a schedule of cron is due, and when next, takes the seventh day for Saturday: cron's 7 is Sunday, as 0 is. A weekly report of "0 9 * * 7" is announced for Saturday,
# a day before it is sent, and its next time is a Saturday too; Friday to Sunday (5-7) are "Fri and Sat". With 0 or with SUN it is right.
#
# Guess before: 7 is Sunday.
# Seen with prettycron 0.10.0 (npm); cron-parser 4.9.0 and the manual of Debian's cron have 7 for Sunday. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts prettycron@0.10.0 cron-parser@4.9.0 >/dev/null
cat >finding.cjs <<'END'
process.env.TZ = 'UTC';
const { readFileSync } = require('node:fs');
const { parseExpression } = require('cron-parser');
const prettycron = require('prettycron');

for (const name of ['prettycron', 'cron-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const day = (date) => ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'][date.getUTCDay()];
const seen = ['0 9 * * 1', '0 9 * * 0', '0 9 * * SUN', '0 9 * * 7', '0 9 * * 5-7'].map((schedule) => {
  const next = parseExpression(schedule, { utc: true }).next().toDate();
  return `${schedule}: ${prettycron.toString(schedule)}, next a ${day(prettycron.getNextDate(schedule))}; cron-parser a ${day(next)}`;
});
console.log(seen.join('\n'));
const expected = [
  '0 9 * * 1: 09:00 on Mon, next a Monday; cron-parser a Monday',
  '0 9 * * 0: 09:00 on Sun, next a Sunday; cron-parser a Sunday',
  '0 9 * * SUN: 09:00 on Sun, next a Sunday; cron-parser a Sunday',
  '0 9 * * 7: 09:00 on Sat, next a Saturday; cron-parser a Sunday',
];
if (seen.slice(0, 4).join() !== expected.join() || !seen[4].startsWith('0 9 * * 5-7: 09:00 on Fri and Sat,')) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
