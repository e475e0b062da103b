#!/bin/bash
# Where segments of a duration that binary fractions cannot hold fill a presentation exactly, as three of 2.002 s do 6.006 s, mpd-parser finds one more,
# of a millionth of a billionth of a second, and Video.js asks for it: a 404 at the end of a stream that is complete.
#
# Guess before: 6.006 s of segments of 2.002 s are three segments.
# Seen with mpd-parser 1.4.0 (npm): four, the last of 8.881784197001252e-16 s; of the lengths of 1 to 60 such segments those below have one too many.
# Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts mpd-parser@1.4.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parse } from 'mpd-parser';

console.log('mpd-parser', JSON.parse(readFileSync('node_modules/mpd-parser/package.json')).version);
const period = (attributes, number) =>
  `<Period ${attributes}><AdaptationSet mimeType="video/mp4" contentType="video">` +
  `<SegmentTemplate ${number} media="$Number$.m4s" initialization="init.mp4"/>` +
  `<Representation id="v" bandwidth="100000" codecs="avc1.4d401f" width="320" height="180"/></AdaptationSet></Period>`;
const manifest = (duration, periods) =>
  `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" ` +
  `type="static" minBufferTime="PT2S" mediaPresentationDuration="${duration}">${periods}</MPD>`;

const segments = (count) =>
  parse(manifest(`PT${(count * 2.002).toFixed(3)}S`, period('', 'timescale="1000" duration="2002"')), {
    manifestUri: 'https://media.example/stream.mpd',
  }).playlists[0].segments;
const last = segments(3).at(-1);
console.log('3 segments of 2.002 s:', segments(3).length, 'found, the last of', last.duration, 's');
const wrong = Array.from({ length: 60 }, (_, i) => i + 1).filter((count) => segments(count).length !== count);
console.log('wrong for', wrong.length, 'of 60 lengths:', wrong.join(' '));
if (segments(3).length !== 4 || last.duration > 1e-12 || wrong.length < 2) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
