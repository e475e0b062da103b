#!/bin/bash
# dash-mpd-parser takes whatever looks like a number in a DASH manifest for one, names too: of representations called 01 and 1e3, whose segments lie in folders of those names
# ($RepresentationID$), it makes 1 and 1000, and writes them so, and all their segments are 404. Times beyond 2^53, as live streams have that count ten millionths of a second since 1970, are
# rounded on the way. Nothing is changed by whoever only reads and writes it.
#
# Guess before: a manifest that is read and written again says the same.
# Seen with @liveinstantly/dash-mpd-parser 0.5.0 (npm). mpd-parser 1.4.0 keeps the names. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @liveinstantly/dash-mpd-parser@0.5.0 mpd-parser@1.4.0 >/dev/null
cat >finding.mjs <<'END'
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const { DashMPD } = require('@liveinstantly/dash-mpd-parser');
const { parse } = require('mpd-parser');
for (const name of ['@liveinstantly/dash-mpd-parser', 'mpd-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const manifest = `<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT4S" minBufferTime="PT2S">
<Period id="007"><AdaptationSet mimeType="video/mp4">
<SegmentTemplate timescale="10000000" media="$RepresentationID$/$Time$.m4s" presentationTimeOffset="17672256000000001">
<SegmentTimeline><S t="17672256000000001" d="20000000" r="1"/></SegmentTimeline></SegmentTemplate>
<Representation id="01" bandwidth="1000000" codecs="avc1.4d401e"/><Representation id="1e3" bandwidth="2000000" codecs="avc1.4d401e"/>
</AdaptationSet></Period></MPD>`;
const mpd = new DashMPD();
mpd.parse(manifest);
const written = mpd.getMPD();
const words = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]).join(' ');
const seen = [
  words(written, /<Representation id="([^"]*)"/g),
  words(written, /<Period id="([^"]*)"/g),
  words(written, /<S t="([^"]*)"/g),
  parse(manifest, { manifestUri: 'https://example.com/a.mpd' })
    .playlists.map((playlist) => playlist.attributes.NAME)
    .join(' '),
].join(', ');
console.log('representations, period and time written again; representations by mpd-parser:', seen);
if (seen !== '1 1000, 7, 17672256000000000, 01 1e3') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
