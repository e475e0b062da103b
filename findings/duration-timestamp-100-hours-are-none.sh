#!/bin/bash
# duration-timestamp, which reads durations as hh:mm:ss or as 1h30m, looks for two digits and two digits behind a colon anywhere in a text and leaves the rest. A stream that has run for 100:00:00 has run
# for no time at all, one of 123:45:06 for 23:45:06. In a part in letters it begins behind the point: 1.5h is five hours, 0.5s five seconds, and what is before a letter that it does not
# know is gone, 1d12h being twelve hours. A fraction behind seconds is left out. Nothing is an error, and each is taken for right by its own check (verify).
#
# Guess before: 100:00:00 is 360000 s, 1.5h are 5400 s, and what cannot be read is an error.
# Seen with duration-timestamp 2.26.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts duration-timestamp@2.26.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parse, verify } from 'duration-timestamp';

console.log('duration-timestamp', JSON.parse(readFileSync('node_modules/duration-timestamp/package.json')).version);
const seen = ['99:00:00', '100:00:00', '123:45:06', '01:02:03.500', '1h30m', '1.5h', '0.5s', '1d12h'].map((text) => {
  const duration = parse(text);
  verify(duration); // throws if its parts are not its sum
  return `${text} = ${duration.total} s`;
});
console.log(seen.join('\n'));
const expected = [
  '99:00:00 = 356400 s',
  '100:00:00 = 0 s',
  '123:45:06 = 85506 s',
  '01:02:03.500 = 3723 s',
  '1h30m = 5400 s',
  '1.5h = 18000 s',
  '0.5s = 5 s',
  '1d12h = 43200 s',
];
if (seen.join() !== expected.join()) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
