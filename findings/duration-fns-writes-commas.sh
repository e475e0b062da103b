#!/bin/bash
# A duration with parts of a second may have a point or a comma in ISO 8601, and has a point in XML and so in the manifests of DASH. duration-fns reads both and writes commas: PT1H30M6.5S comes back as PT1H30M6,5S.
# In a manifest that is a recording without its last seconds: mpd-parser, with which Video.js plays DASH, leaves out the number that it cannot read, and finds 5400 s and no segments behind.
# Durations of whole seconds are right, so it shows with some recordings only.
#
# Guess before: what is read with a point is written with one, and 1500 ms is PT1.5S.
# Seen with duration-fns 3.0.2 and mpd-parser 1.4.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts duration-fns@3.0.2 mpd-parser@1.4.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import * as durations from 'duration-fns';
import { parse } from 'mpd-parser';

for (const name of ['duration-fns', 'mpd-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
function found(duration) {
  const manifest = `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" minBufferTime="PT2S"
mediaPresentationDuration="${duration}"><Period><AdaptationSet mimeType="video/mp4" contentType="video">
<SegmentTemplate timescale="1000" duration="2000" media="$Number$.m4s" initialization="init.mp4"/>
<Representation id="v" bandwidth="100000" codecs="avc1.4d401f" width="320" height="180"/></AdaptationSet></Period></MPD>`;
  const presentation = parse(manifest, { manifestUri: 'https://media.example/stream.mpd' });
  return `${duration}: ${presentation.duration} s, ${presentation.playlists[0].segments.length} segments`;
}
const written = durations.toString({ milliseconds: 1500 });
const seen = [`1500 ms ${written}`, ...['PT1H30M6S', 'PT1H30M6.5S'].flatMap((text) => [found(text), found(durations.toString(text))])].join('\n');
console.log(seen);
if (
  seen !==
  `1500 ms PT1,5S
PT1H30M6S: 5406 s, 2703 segments
PT1H30M6S: 5406 s, 2703 segments
PT1H30M6.5S: 5406.5 s, 2704 segments
PT1H30M6,5S: 5400 s, 2700 segments`
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
