#!/bin/bash
# ttml2srt writes captions in TTML as SRT. Milliseconds of fewer than three digits it fills up behind instead of before: 10.05 s becomes 10,500, the first frame of a second comes ten times as late as it is (400
# ms for 40) and after the fifth, and what is rounded to a whole second becomes 100 ms of the one before. Times by ticks, which packagers write, are as wrong as those by seconds or frames; those of a clock with a point
# (00:00:10.050) are right. So one caption in ten is up to 0.9 s late, and one from 10.05 to 10.4 s ends before it begins.
#
# Guess before: 10.05s is 00:00:10,050, and frame 1 of 25 is 040.
# Seen with ttml2srt 1.2.4 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts ttml2srt@1.2.4 >/dev/null
cat >finding.cjs <<'END'
const { ttml2srt } = require('ttml2srt');

console.log('ttml2srt', require('ttml2srt/package.json').version);
console.info = () => {};
const times = ['10.05s', '100600000t', '00:00:10:01', '00:00:10:05', '10.9997s', '00:00:10.050'];
const captions = times.map((time) => `<p begin="${time}" end="00:00:20.000">${time}</p>`).join('');
const srt = ttml2srt(
  `<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" ttp:tickRate="10000000"><body><div>${captions}</div></body></tt>`,
);
const seen = [...srt.matchAll(/(\S+) --> \S+\s+(\S+)/g)].map(([, begin, time]) => `${time} is ${begin}`).join('\n');
console.log(seen);
if (
  seen !==
  `10.05s is 00:00:10,500
100600000t is 00:00:10,600
00:00:10:01 is 00:00:10,400
00:00:10:05 is 00:00:10,200
10.9997s is 00:00:10,100
00:00:10.050 is 00:00:10,050`
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
