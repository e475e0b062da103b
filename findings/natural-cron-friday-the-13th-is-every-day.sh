#!/bin/bash
# natural-cron, which builds schedules of cron and says in words when they are due, leaves out what it has no words for. "0 9 13 * 5", due on each 13th and each Friday, and "0 9 1 1 1", due on
# Mondays of January and its first, are "At 09:00 every day"; "0 0 1 */3 *", once a quarter, is "on day 1 of the month". Whoever checks by its words how often a report is sent reads of three
# times as many, or of one each day. Hours in a list are called a custom schedule, as the others might be, and 7 for Sunday is an error.
#
# Guess before: 7 is Sunday, and words say when it is due, if roughly.
# Seen with natural-cron 1.1.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts natural-cron@1.1.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { describeCron } = createRequire(import.meta.url)('natural-cron');

console.log('natural-cron', JSON.parse(readFileSync('node_modules/natural-cron/package.json')).version);
const seen = ['0 9 * * 5', '0 9 13 * *', '0 9 13 * 5', '0 9 1 1 1', '0 9 * 12 *', '0 0 1 */3 *', '0 9,17 * * *'].map((schedule) => `${schedule}: ${describeCron(schedule)}`);
try {
  describeCron('0 9 * * 7');
} catch (error) {
  seen.push(`0 9 * * 7: ${error.message}`);
}
console.log(seen.join('\n'));
const expected = [
  '0 9 * * 5: At 09:00, on Friday',
  '0 9 13 * *: At 09:00, on day 13 of the month',
  '0 9 13 * 5: At 09:00 every day',
  '0 9 1 1 1: At 09:00 every day',
  '0 9 * 12 *: At 09:00, in December',
  '0 0 1 */3 *: At 00:00, on day 1 of the month',
  '0 9,17 * * *: Custom schedule: 0 9,17 * * *',
  '0 9 * * 7: Invalid day of week: 7. Value should be between 0 and 6.',
];
if (seen.join() !== expected.join()) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
