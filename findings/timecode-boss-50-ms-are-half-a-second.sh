#!/bin/bash
# timecode-boss makes clocks that count frames. Of a Date's milliseconds it makes a fraction of a second by dividing them by ten until they are no more than 1: 500, 50 and 5 ms are all half a second, and 1 ms is a whole
# one. Of text (00:00:10.050) it is right. And by 29.97 frames a second with dropped ones the last two frames of the first of each ten minutes have the names of those behind
# them: 00:00:59;28 and 00:00:59;29 are never made of a number of frames, and two frames are 00:01:00;02.
# What is put on such a clock from times in a log is up to 0.9 s late.
#
# Guess before: 50 ms by 30 frames are frame 1, and frame 1799 is 00:00:59;29.
# Seen with timecode-boss 6.2.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts timecode-boss@6.2.0 >/dev/null
cat >finding.cjs <<'END'
const Timecode = require('timecode-boss');

console.log('timecode-boss', JSON.parse(require('node:fs').readFileSync('node_modules/timecode-boss/package.json')).version);
const dates = [500, 50, 5, 1, 0].map((ms) => `${ms} ms ${new Timecode(new Date(2026, 0, 1, 12, 0, 10, ms), 30)}`);
const text = `as text ${new Timecode('12:00:10.050', 30)}`;
const frames = [1797, 1798, 1799, 1800].map((number) => `${number} ${new Timecode(number, 29.97)}`);
const seen = [...dates, text, ...frames].join('\n');
console.log(seen);
if (
  seen !==
  `500 ms 12:00:10:15
50 ms 12:00:10:15
5 ms 12:00:10:15
1 ms 12:00:11:00
0 ms 12:00:10:00
as text 12:00:10:01
1797 00:00:59;27
1798 00:01:00;02
1799 00:01:00;03
1800 00:01:00;02`
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
