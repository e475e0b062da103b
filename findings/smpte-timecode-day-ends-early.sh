#!/bin/bash
# smpte-timecode, which adds frames to the clock that professional video carries, ends the day of film's rate (23.976 a second) at 23:58:48:00 and that of 29.97 without dropped
# frames at 23:58:33:18: there the next frame is 00:00:00:00. Such a clock counts 24 or 30 frames for each of its seconds, whatever they last, so its day ends at 24:00:00:00;
# the library takes 24 hours by a real clock, with the rate rounded to two digits. Its own constructor goes on to the end of the day, so the same frame has two names, and
# a programme of the last minute of the day is at its begin. With 24 frames, and 29.97 with dropped ones, it is right.
#
# Guess before: by 23.976 the day ends with 23:59:59:23, and after 23:58:50:00 comes 23:58:50:01.
# Seen with smpte-timecode 1.3.6 (npm), smpte-timecode.js. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts smpte-timecode@1.3.6 >/dev/null
cat >finding.cjs <<'END'
const Timecode = require('smpte-timecode');

console.log('smpte-timecode', require('smpte-timecode/package.json').version);
const seen = [];
for (const [begin, rate, dropped] of [
  ['23:58:47:23', 23.976, false],
  ['23:58:50:00', 23.976, false],
  ['23:58:33:17', 29.97, false],
  ['23:58:50:00', 24, false],
  ['23:58:50;02', 29.97, true],
]) {
  const next = new Timecode(begin, rate, dropped).add(1).toString();
  const made = new Timecode(new Timecode(begin, rate, dropped).frameCount + 1, rate, dropped).toString();
  seen.push(`${next} ${made}`);
  console.log(`${begin} by ${rate}: one frame more is`, next, '· made of its number', made);
}
if (
  seen.join(', ') !==
  '00:00:00:00 23:58:48:00, 00:00:02:01 23:58:50:01, 00:00:00:00 23:58:33:18, 23:58:50:01 23:58:50:01, 23:58:50;03 23:58:50;03'
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
