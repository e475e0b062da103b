#!/bin/bash
# @eyevinn/m3u8 gives an EXT-X-BYTERANGE that stands before its EXTINF to the segment before: all ranges move up by one, the first segment, a file of its own, is to be cut by its neighbour's
# range, and the last has none. RFC 8216 has the range for the segment whose address follows, and no order of tags before it. EXT-X-ENDLIST is read and
# not written, if the playlist does not call itself VOD, so that one that has ended is asked for again for ever; a title is cut at its first comma.
#
# Guess before: ranges are those of their segments, and a title with a comma is whole.
# Seen with @eyevinn/m3u8 0.5.9 (npm). m3u8-parser 7.2.0 has the ranges where they belong. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @eyevinn/m3u8@0.5.9 m3u8-parser@7.2.0 >/dev/null
cat >finding.mjs <<'END'
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';

const require = createRequire(import.meta.url);
const m3u8 = require('@eyevinn/m3u8');
const { Parser } = require('m3u8-parser');
for (const name of ['@eyevinn/m3u8', 'm3u8-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const playlist = `#EXTM3U
#EXT-X-VERSION:4
#EXT-X-TARGETDURATION:4
#EXTINF:4,News, live
first.ts
#EXT-X-BYTERANGE:1880@0
#EXTINF:4,
second.ts
#EXT-X-BYTERANGE:940@1880
#EXTINF:4,
second.ts
#EXT-X-ENDLIST
`;
const read = await new Promise((resolve, reject) => {
  Readable.from([playlist]).pipe(m3u8.createStream().on('m3u', resolve).on('error', reject));
});
const other = new Parser();
other.push(playlist);
other.end();
const written = read.toString();
console.log(written);
const seen = [
  read.items.PlaylistItem.map((item) => `${item.get('uri')} ${item.get('byteRange')}`).join(', '),
  read.items.PlaylistItem[0].get('title'),
  written.includes('#EXT-X-ENDLIST') ? 'ends' : 'goes on',
  other.manifest.segments.map(({ uri, byterange }) => `${uri} ${byterange ? `${byterange.length}@${byterange.offset}` : null}`).join(', '),
  other.manifest.segments[0].title,
  other.manifest.endList ? 'ends' : 'goes on',
].join('\n');
console.log(seen);
if (
  seen !==
  `first.ts 1880@0, second.ts 940@1880, second.ts null
News
goes on
first.ts null, second.ts 1880@0, second.ts 940@1880
News, live
ends`
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
