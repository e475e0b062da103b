#!/bin/bash
# Four libraries that take seconds apart into days, hours, minutes and seconds round each part down, which below zero is away from it: sound that is 5 s early is "-1 day, -1 hour, -1 minute, -5 s" by
# timespan and from-seconds, and -1:-1:-5 by hhmmss; convert-seconds has its hours and minutes. As text of timespan it cannot be read by timespan itself. A span of no time at all, as of a
# play that never began, is none there (undefined), of which the next call is an error. hh-mm-ss and format-duration write a minus and the 5 s.
#
# Guess before: a minus before the clock, and what is written is read again.
# Seen with timespan 2.3.0, from-seconds 1.0.2, hhmmss 1.0.0, convert-seconds 1.0.1, hh-mm-ss 1.2.0 and format-duration 3.0.2 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
packages=(timespan@2.3.0 from-seconds@1.0.2 hhmmss@1.0.0 convert-seconds@1.0.1 hh-mm-ss@1.2.0 format-duration@3.0.2)
npm install --silent --no-audit --no-fund --ignore-scripts "${packages[@]}" >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const load = (name) => {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
  return require(name);
};
const timespan = load('timespan');
const { fromSeconds } = load('from-seconds');
const hhmmss = load('hhmmss');
const convert = load('convert-seconds');
const clock = load('hh-mm-ss');
const format = load('format-duration');

const span = timespan.fromSeconds(-5);
const seen = {
  timespan: String(span),
  'its seconds': span.totalSeconds(),
  'read again': timespan.parse(String(span)),
  'of 0 s': timespan.fromSeconds(0),
  'from-seconds': JSON.stringify(fromSeconds(-5).toDays()),
  hhmmss: hhmmss(-5),
  'convert-seconds': JSON.stringify(convert(-5)),
  'hh-mm-ss': clock.fromS(-5),
  'format-duration': format(-5000),
};
console.log(seen);
const expected = {
  timespan: '-1:-1:-1:-5.0',
  'its seconds': -5,
  'read again': null,
  'of 0 s': undefined,
  'from-seconds': '{"days":-1,"hours":-1,"minutes":-1,"seconds":-5}',
  hhmmss: '-1:-1:-5',
  'convert-seconds': '{"hours":-1,"minutes":-1,"seconds":-5}',
  'hh-mm-ss': '-00:05',
  'format-duration': '-0:05',
};
if (Object.keys(expected).some((key) => seen[key] !== expected[key])) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
