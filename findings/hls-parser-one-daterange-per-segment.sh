#!/bin/bash
# hls-parser keeps one EXT-X-DATERANGE of those that stand before a segment, the last, so that a playlist with two (the end of one break and the
# begin of the next, say) loses an ad marker when it is read and written again. What EXT-X-DEFINE defines is read, but not put into addresses, and
# EXT-X-BITRATE and EXT-X-CONTENT-STEERING are gone from what is written, without a warning.
#
# Guess before: a playlist that is read and written again says the same.
# Seen with hls-parser 0.16.1 (npm). m3u8-parser 7.2.0 keeps both ranges and fills in what is defined. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts hls-parser@0.16.1 m3u8-parser@7.2.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'hls-parser';
import { Parser } from 'm3u8-parser';

for (const name of ['hls-parser', 'm3u8-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const playlist = `#EXTM3U
#EXT-X-VERSION:8
#EXT-X-DEFINE:NAME="host",VALUE="media.example.com"
#EXT-X-TARGETDURATION:4
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXT-X-DATERANGE:ID="break-1",START-DATE="2026-01-01T00:00:00.000Z",SCTE35-IN=0xFC30
#EXT-X-DATERANGE:ID="break-2",START-DATE="2026-01-01T00:00:02.000Z",SCTE35-OUT=0xFC30
#EXT-X-BITRATE:800
#EXTINF:4,
https://{$host}/a.ts
#EXT-X-ENDLIST
`;
const read = parse(playlist);
const written = stringify(read);
const other = new Parser();
other.push(playlist);
other.end();
const seen = {
  ranges: written.match(/ID="[^"]*"/g),
  address: read.segments[0].uri,
  bitrate: written.includes('EXT-X-BITRATE'),
  'ranges of m3u8-parser': other.manifest.dateRanges.map((range) => range.id),
  'address of m3u8-parser': other.manifest.segments[0].uri,
};
console.log(seen);
if (seen.ranges.join() !== 'ID="break-2"' || seen.address !== 'https://{$host}/a.ts' || seen.bitrate || seen['ranges of m3u8-parser'].length !== 2) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
