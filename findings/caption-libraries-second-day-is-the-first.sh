#!/bin/bash
# Captions of a live stream that goes on for more than a day have times above 24 hours, which SRT and WebVTT allow. Two libraries write them by the clock of a day: by @deepgram/captions what was said
# at 25:00:01 is written at 01:00:01, behind what was said at 23:59:59, and by subtitle at 01:00:01,86400000, where the milliseconds are those of the whole day, which is no time.
# subtitle reads 25:00:01 from a file, and of the file that it writes then it reads one caption, with the other in its text. There is no error.
#
# Guess before: 25:00:01.000.
# Seen with @deepgram/captions 1.2.0 and subtitle 4.2.2 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @deepgram/captions@1.2.0 subtitle@4.2.2 >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const { webvtt } = require('@deepgram/captions');
const { parseSync, stringifySync } = require('subtitle');

for (const name of ['@deepgram/captions', 'subtitle']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const said = [
  { word: 'yesterday', start: 86398.5, end: 86399.5 },
  { word: 'today', start: 90001, end: 90002 },
];
const utterances = said.map((word) => ({ start: word.start, end: word.end, transcript: word.word, words: [word] }));
const times = (text) => text.split('\n').filter((line) => line.includes('-->'));
const written = times(webvtt({ metadata: {}, results: { utterances } }));
const srt = '1\n23:59:58,500 --> 23:59:59,500\nyesterday\n\n2\n25:00:01,000 --> 25:00:02,000\ntoday\n';
const again = stringifySync(parseSync(srt), { format: 'SRT' });
const read = `${parseSync(again).length} of ${parseSync(srt).length} captions read again`;
const seen = [...written, ...times(again), read].join('\n');
console.log(seen);
if (
  seen !==
  `23:59:58.500 --> 23:59:59.500
01:00:01.000 --> 01:00:02.000
23:59:58,500 --> 23:59:59,500
01:00:01,86400000 --> 01:00:02,86400000
1 of 2 captions read again`
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
