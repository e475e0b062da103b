#!/bin/bash
# local-crontab, which turns a schedule of a time zone into ones of UTC, one for winter and one for summer, moves the hour and not the day. Half past midnight on Monday in Berlin becomes 23:30 UTC
# on Monday, which is Tuesday there, and midnight of the first becomes 23:00 UTC of the first: the reports of the week and of the month come a day late. Monday at five in Kolkata comes on
# Tuesday as well. West of Greenwich evenings are a day early: Friday at 20:00 in New York comes on Thursday. crontzconvert moves the day.
#
# Guess before: the day of the week moves with the hour.
# Seen with local-crontab 0.1.8 (npm), and crontzconvert 1.1.1. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts local-crontab@0.1.8 crontzconvert@1.1.1 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { localCrontabToUtcCrontabs } from 'local-crontab';

const { convert } = createRequire(import.meta.url)('crontzconvert');

for (const name of ['local-crontab', 'crontzconvert']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const seen = [
  ['30 0 * * 1', 'Europe/Berlin'],
  ['0 0 1 * *', 'Europe/Berlin'],
  ['0 5 * * 1', 'Asia/Kolkata'],
  ['0 20 * * 5', 'America/New_York'],
].map(([schedule, zone]) => {
  // the months of winter are not the same each year
  const [minute, hour, date, , day] = localCrontabToUtcCrontabs(schedule, zone)[0].split(' ');
  return `${schedule} in ${zone}: ${minute} ${hour} ${date} (months) ${day}`;
});
seen.push(`crontzconvert, with seconds: ${convert('0 5 * * 1', 'Asia/Kolkata', 'UTC')}`);
console.log(seen.join('\n'));
const expected = [
  '30 0 * * 1 in Europe/Berlin: 30 23 * (months) 1',
  '0 0 1 * * in Europe/Berlin: 0 23 1 (months) *',
  '0 5 * * 1 in Asia/Kolkata: 30 23 * (months) 1',
  '0 20 * * 5 in America/New_York: 0 1 * (months) 5',
  'crontzconvert, with seconds: 0 30 23 * * 0',
];
if (seen.join('\n') !== expected.join('\n')) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
