#!/bin/bash
# parse-hls takes every quotation mark and every apostrophe out of a playlist's values: a track called "Director's cut" is "Directors cut", and what a player reports by its name is of another. It splits at "|" too:
# "Arena | Block 4" has no name. And a segment's address with "#" is taken for a tag: the segment is missing, and its duration in the sum. None of it is an error.
#
# Guess before: names and addresses as they are, and three segments.
# Seen with parse-hls 1.0.7 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts parse-hls@1.0.7 >/dev/null
cat >finding.cjs <<'END'
const { default: HLS } = require('parse-hls');

console.log('parse-hls', require('parse-hls/package.json').version);
const track = (name, uri) => `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="${name}",URI="${uri}"\n`;
const master = HLS.parse(
  `#EXTM3U\n${track('Original', 'original.m3u8')}${track("Director's cut", 'cut.m3u8')}${track('Arena | Block 4', 'arena.m3u8')}#EXT-X-STREAM-INF:BANDWIDTH=1000000,AUDIO="sound"\nvideo.m3u8\n`,
);
const media = HLS.parse(
  '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n1.ts\n#EXTINF:6,\n2.ts#t=6\n#EXTINF:6,\n3.ts\n#EXT-X-ENDLIST\n',
);
const { segments, totalDuration } = media.serialize();
const seen = [
  ...master.serialize().media.audio.map(({ uri, media: { name } }) => `track ${name ?? 'without a name'}: ${uri}`),
  `segments of 3: ${segments.map(({ uri }) => uri).join(' ')}, ${totalDuration} s of 18`,
].join('\n');
console.log(seen);
if (
  seen !==
  `track Original: original.m3u8
track Directors cut: cut.m3u8
track without a name: arena.m3u8
segments of 3: 1.ts 3.ts, 12 s of 18`
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
