#!/bin/bash
# A period of a DASH manifest that has a start but no duration ends where the next begins. mpd-parser, with which Video.js plays DASH, lets it last until the
# end of the whole presentation: segments are made up that do not exist, and both periods have segments for the same time.
#
# Guess before: the first period has the segments up to the start of the second.
# Seen with mpd-parser 1.4.0 (npm): periods at 0 s and 6 s of 12 s, segments of 2 s: six in the first, not three. Needs node and npm.
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

const { playlists } = parse(
  manifest('PT12S', period('id="a" start="PT0S"', 'timescale="1" duration="2"') + period('id="b" start="PT6S"', 'timescale="1" duration="2"')),
  { manifestUri: 'https://media.example/stream.mpd' }
);
const times = playlists[0].segments.map(({ presentationTime }) => presentationTime);
console.log('begins of segments, s:', times.join(' '));
const first = times.slice(0, times.indexOf(6, times.indexOf(6) + 1));
if (first.join() !== '0,2,4,6,8,10') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
