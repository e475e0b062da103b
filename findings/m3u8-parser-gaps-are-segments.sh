#!/bin/bash
# EXT-X-GAP says that a segment is missing, so that nobody asks for it, and EXT-X-BITRATE what the segments behind it have (second edition of RFC 8216, a
# draft). The parser that Video.js uses drops both without a word: a segment that its packager knows to be missing looks like any other, and nobody who plays
# by it can leave it out. Another parser of npm knows the gap, and it too drops the bitrate, also of what it writes again.
#
# Guess before: the segment has gap: true, or is left out, and bitrate is a number of each segment.
# Seen with m3u8-parser 7.2.0 and hls-parser 0.16.0, Node 20.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund m3u8-parser@7.2.0 hls-parser@0.16.0
cat >look.mjs <<'JS'
import HLS from 'hls-parser';
import { Parser } from 'm3u8-parser';

const text = `#EXTM3U
#EXT-X-VERSION:8
#EXT-X-TARGETDURATION:4
#EXT-X-BITRATE:500
#EXTINF:4,
a.ts
#EXT-X-GAP
#EXTINF:4,
missing.ts
#EXTINF:4,
c.ts
#EXT-X-ENDLIST
`;
const parser = new Parser();
let said = 0;
parser.on('warn', () => said++);
parser.push(text);
parser.end();
const segments = parser.manifest.segments;
console.log('m3u8-parser:', JSON.stringify(segments), 'warnings:', said);
const other = HLS.parse(text);
console.log('hls-parser: ', JSON.stringify(other.segments.map(({ uri, gap, bitrate }) => ({ uri, gap, bitrate }))));
const again = HLS.stringify(other);
const gone = /EXT-X-GAP/.test(again) && !/EXT-X-BITRATE/.test(again);
const plain = segments.length === 3 && segments.every((segment) => !('gap' in segment) && !('bitrate' in segment)) && said === 0;
if (!plain || other.segments[1].gap !== true || !gone) {
  console.log('CHANGED');
  process.exit(1);
}
JS
npm ls m3u8-parser hls-parser | tail -n +2
node look.mjs
