#!/bin/bash
# vtt-creator, which writes captions as WebVTT, rounds to thousandths after it has taken the minutes off: a caption that ends at 59.9996 s ends at 00:00:60.000, one at 3599.9998 s at 00:59:60.000. WebVTT has
# no second 60, and webvtt-parser leaves such a caption out, node-webvtt does not. Of captions each of which begins where the last ended, two are gone each time.
#
# Guess before: the next minute.
# Seen with vtt-creator 1.1.1 (npm); webvtt-parser 2.2.0 and node-webvtt 2.0.0 read it. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts vtt-creator@1.1.1 webvtt-parser@2.2.0 node-webvtt@2.0.0 >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const Vtt = require('vtt-creator');
const webvtt = require('node-webvtt');
const { WebVTTParser } = require('webvtt-parser');

for (const name of ['vtt-creator', 'webvtt-parser', 'node-webvtt']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const vtt = new Vtt();
const captions = [
  [58.5, 59.9996, 'one'],
  [59.9996, 61.25, 'two'],
  [61.25, 62.5, 'three'],
  [3599.9998, 3601, 'four'],
];
for (const caption of captions) {
  vtt.add(...caption);
}
const text = vtt.toString();
const parsed = new WebVTTParser().parse(text, 'subtitles');
const seen = {
  times: text.split(/\r?\n/).filter((line) => line.includes('-->')),
  'webvtt-parser': parsed.cues.map((cue) => cue.text),
  'node-webvtt': webvtt.parse(text, { strict: false }).cues.map((cue) => `${cue.text} ${cue.start}-${cue.end}`),
};
console.log(seen);
const expected = {
  times: [
    '00:00:58.500 --> 00:00:60.000',
    '00:00:60.000 --> 00:01:01.250',
    '00:01:01.250 --> 00:01:02.500',
    '00:59:60.000 --> 01:00:01.000',
  ],
  'webvtt-parser': ['three'],
  'node-webvtt': ['one 58.5-60', 'two 60-61.25', 'three 61.25-62.5', 'four 3600-3601'],
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
