#!/bin/bash
# ewma, a moving average that weighs what is new by the time since the last value, begins at 0 and not with the first value: its own documentation has the example 100 and, one half-life
# later, 200, for which the average is to be 150, and it says 0 and then 100. A player that measures 4 Mbit/s from begin to end believes in 2 after one half-life and 3 after two, and takes
# a picture below what the network can do. Only who gives a value to begin with has 150.
#
# Guess before: what is always 2 has an average of 2, and the example comes out.
# Seen with ewma 2.0.1 (npm), index.js and its README. moving-average 1.0.1 begins with the first value. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts ewma@2.0.1 moving-average@1.0.1 >/dev/null
cat >finding.cjs <<'END'
const EWMA = require('ewma');
const movingAverage = require('moving-average');

console.log('ewma', require('ewma/package.json').version, 'and moving-average', require('moving-average/package.json').version);
const halfLife = 10;
// averages of the values, of which one comes each half-life
const averages = (values, begin) => {
  let now = 0;
  const average = new EWMA(halfLife, begin, { now: () => now });
  return values.map((value, number) => {
    now = number * halfLife;
    average.insert(value);
    return average.value();
  });
};
const other = (values) => {
  const average = movingAverage(halfLife / Math.LN2);
  return values.map((value, number) => {
    average.push(1 + number * halfLife, value);
    return Math.round(average.movingAverage());
  });
};
const seen = {
  'example of the documentation': averages([100, 200]),
  'always 4': averages([4, 4, 4]),
  'always 4, begun with 4': averages([4, 4, 4], 4),
  'example by moving-average': other([100, 200]),
};
console.log(seen);
if (JSON.stringify(Object.values(seen)) !== '[[0,100],[0,2,3],[4,4,4],[100,150]]') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
