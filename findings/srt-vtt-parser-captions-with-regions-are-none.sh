#!/bin/bash
# @plussub/srt-vtt-parser, which reads captions in SRT and WebVTT, looks for "REGION", "NOTE" and "STYLE" anywhere in the first line of each block of WebVTT, whatever the letters'
# case, and leaves such a block out. A caption's first line is its name or its time with the settings behind: so every caption that is shown in a region is missing, and so is
# one that is named "keynote-3". Of a time without hours, which WebVTT may leave out, that has settings behind, it takes the
# setting's value for the seconds: one that ends at 12 s, at 90 % of the height, ends after 12 minutes, and with align:start it has no end. None of it is an error.
#
# Guess before: all six captions, with their times.
# Seen with @plussub/srt-vtt-parser 2.0.5 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @plussub/srt-vtt-parser@2.0.5 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parse } from '@plussub/srt-vtt-parser';

console.log('@plussub/srt-vtt-parser', JSON.parse(readFileSync('node_modules/@plussub/srt-vtt-parser/package.json')).version);
const { entries } = parse(`WEBVTT

REGION
id:low

00:00:01.000 --> 00:00:02.000 region:low
in a region

00:00:03.000 --> 00:00:04.000 align:start
with hours

00:05.000 --> 00:06.000
without hours

00:07.000 --> 00:08.000 align:start
without hours, with a setting

00:11.000 --> 00:12.000 line:90%
in a line

keynote-3
00:00:13.000 --> 00:00:14.000
with a name
`);
const seen = entries.map(({ from, to, text }) => `${from} to ${to}: ${text}`).join('\n');
console.log(`${entries.length} of 6 captions\n${seen}`);
if (seen !== '3000 to 4000: with hours\n5000 to 6000: without hours\n7000 to NaN: without hours, with a setting\n11000 to 720090: in a line') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
