#!/bin/bash
# Times of WebVTT have two digits or more for hours, and captions of a live stream that count from its begin have three after four days. media-captions, with
# which Vidstack shows captions, reads times of two digits only and leaves out every caption after that, without an error unless errors are asked for.
# Of HLS's line that ties captions to the picture (X-TIMESTAMP-MAP) it keeps "LOCAL" or "MPEGTS", whichever is first, and none of the times.
#
# Guess before: hours are a number, and the line is kept as it is, if not read.
# Seen with media-captions 1.0.4 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts media-captions@1.0.4 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parseText } from 'media-captions';

console.log('media-captions', JSON.parse(readFileSync('node_modules/media-captions/package.json')).version);
const text = `WEBVTT
X-TIMESTAMP-MAP=LOCAL:99:59:00.000,MPEGTS:900000

99:59:57.000 --> 99:59:59.000
the last

100:00:01.000 --> 100:00:03.000
not seen
`;
const { cues, errors, metadata } = await parseText(text, { type: 'vtt' });
const seen = { captions: cues.map((cue) => cue.text), errors: errors.length, map: metadata['X-TIMESTAMP-MAP'] };
console.log(seen);
if (JSON.stringify(seen) !== '{"captions":["the last"],"errors":0,"map":"LOCAL"}') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
