#!/bin/bash
# speedometer, by which Node's programs measure how fast a download is, takes what came in less than a second for what comes in a second, and divides by a quarter of a second too many from then on: of
# 100 kB a second it says 30 when 0.35 s are over, and 72 after a whole second. A segment of a stream takes less than that to come, so by it every network is slow, the slower the
# sooner one asks. When all has come it goes on to say what is no longer so for five seconds, a little less each time.
#
# Guess before: 100 kB/s, within a tenth, from the first second on.
# Seen with speedometer 1.1.0 (npm), index.js. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts speedometer@1.1.0 >/dev/null
cat >finding.cjs <<'END'
const speedometer = require('speedometer');

console.log('speedometer', require('speedometer/package.json').version);
const measured = speedometer();
const sending = setInterval(() => measured(10000), 100); // 100 kB a second
const seen = {};
for (const after of [0.35, 1, 8]) {
  setTimeout(() => {
    seen[after] = measured();
    console.log(`after ${after} s: ${Math.round(measured() / 1000)} kB/s`);
  }, after * 1000);
}
setTimeout(() => {
  clearInterval(sending);
  setTimeout(() => {
    console.log(`2 s after the end: ${Math.round(measured() / 1000)} kB/s`);
    if (seen[0.35] > 40000 || seen[1] > 85000 || seen[8] < 88000 || seen[8] > 105000 || measured() < 30000) {
      console.log('CHANGED');
      process.exit(1);
    }
    process.exit(0);
  }, 2000);
}, 8100);
END
node finding.cjs
