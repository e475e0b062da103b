#!/bin/bash
# An encoder that is started again and goes on with its playlist (-hls_flags append_list) marks each start as a discontinuity, but ffmpeg does not count those that have left the
# playlist: it has no EXT-X-DISCONTINUITY-SEQUENCE, which RFC 8216 (6.2.2) demands from then on. Players number the stretches between discontinuities
# by it, to know which segments of two qualities belong together: the same segment is of stretch 2, and of stretch 1 when it is seen in a later playlist.
#
# Guess before: ffmpeg, which writes and reads the one tag, writes the other.
# Seen with ffmpeg 5.1.9 (Debian 12) and m3u8-parser 7.2.0 (npm), which is right by what it reads. Needs ffmpeg with libx264, node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts m3u8-parser@7.2.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { Parser } from 'm3u8-parser';

console.log('m3u8-parser', JSON.parse(readFileSync('node_modules/m3u8-parser/package.json')).version);
const seen = ['before.m3u8', 'after.m3u8'].map((file) => {
  const parser = new Parser();
  parser.push(readFileSync(file, 'utf8'));
  parser.end();
  return Object.fromEntries(parser.manifest.segments.map(({ uri, timeline }) => [uri, timeline]));
});
console.log('stretches by segment, before and after:', ...seen);
if (seen[0]['live5.ts'] !== 2 || seen[1]['live5.ts'] !== 1) {
  console.log('CHANGED');
  process.exit(1);
}
END
ffmpeg -version | sed -n 1p
ffmpeg -loglevel error -f lavfi -i testsrc=size=160x90:rate=10 -t 4 -c:v libx264 -preset ultrafast -g 20 source.mp4
# each start of the encoder adds two segments to the playlist, which keeps the last five
encode() { ffmpeg -loglevel error -y -i source.mp4 -c copy -f hls -hls_time 2 -hls_list_size 5 -hls_flags append_list+omit_endlist live.m3u8; }
for _ in 1 2 3; do
  encode
done
cp live.m3u8 before.m3u8
encode
cp live.m3u8 after.m3u8
cat after.m3u8
node finding.mjs
if grep -q DISCONTINUITY-SEQUENCE after.m3u8; then
  echo CHANGED
  exit 1
fi
