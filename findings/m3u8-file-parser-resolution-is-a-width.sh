#!/bin/bash
# m3u8-file-parser reads RESOLUTION=1920x1080 as the number 1920: the height is lost, and the cinema's 1920x800 is the same as 1920x1080. Its own description has RESOLUTION=1080,
# which HLS does not know, so whoever takes the number for lines of a picture, as that says, calls 1280x720 "1280p". CODECS is a list with one
# item, all codecs with their commas, since it looks for semicolons.
#
# Guess before: "1920x1080", or width and height.
# Seen with m3u8-file-parser 0.2.4 (npm), src/parser/ext-x-stream-inf.js. m3u8-parser 7.2.0 has both. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts m3u8-file-parser@0.2.4 m3u8-parser@7.2.0 >/dev/null
cat >finding.mjs <<'END'
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const M3U8FileParser = require('m3u8-file-parser');
const { Parser } = require('m3u8-parser');
for (const name of ['m3u8-file-parser', 'm3u8-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const playlist = `#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS="avc1.640028,mp4a.40.2"
high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=4000000,RESOLUTION=1920x800,CODECS="avc1.640028,mp4a.40.2"
wide.m3u8
`;
const reader = new M3U8FileParser();
reader.read(playlist);
const other = new Parser();
other.push(playlist);
other.end();
const seen = JSON.stringify([
  reader.getResult().segments.map(({ streamInf }) => [streamInf.resolution, streamInf.codecs]),
  other.manifest.playlists.map(({ attributes }) => attributes.RESOLUTION),
]);
console.log(seen);
if (
  seen !==
  '[[[1920,["avc1.640028,mp4a.40.2"]],[1920,["avc1.640028,mp4a.40.2"]]],[{"width":1920,"height":1080},{"width":1920,"height":800}]]'
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
