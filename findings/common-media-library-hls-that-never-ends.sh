#!/bin/bash
# The Common Media Library's way from HLS to its model of a presentation (HAM) and back writes EXT-X-ENDLIST into the line of the last address (c.m4s#EXT-X-ENDLIST), where it is a part
# of an address that no server sees: a recording that has ended goes on, by the parser of Video.js. In the model it lasts the target duration times the number
# of segments, 12 s for 10.508 s; the picture no longer names its group of sound, so that who plays by it has none; and the line of the
# initialisation ends with a comma, over which m3u8-parser falls.
#
# Guess before: durations are right in the model, and kept on the way back.
# Seen with @svta/common-media-library 0.18.1 and m3u8-parser 7.2.0 (npm), dist/cmaf/ham/mapper/hls. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @svta/common-media-library@0.18.1 m3u8-parser@7.2.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { hamToHls, hlsToHam, setHlsParser } from '@svta/common-media-library/cmaf-ham';
import { Parser } from 'm3u8-parser';

for (const name of ['@svta/common-media-library', 'm3u8-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const parse = (text) => {
  const parser = new Parser();
  parser.push(text);
  parser.end();
  return parser.manifest;
};
setHlsParser(parse);
const master = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="en.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1280000,RESOLUTION=1280x720,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="sound"
low.m3u8
`;
const media = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4.004,
a.m4s
#EXTINF:4.004,
b.m4s
#EXTINF:2.5,
c.m4s
#EXT-X-ENDLIST
`;
const model = hlsToHam(master, [media, media]);
const back = hamToHls(model);
const track = model[0].selectionSets.flatMap((set) => set.switchingSets).flatMap((set) => set.tracks).find(({ type }) => type === 'video');
const written = back.ancillaryManifests.find(({ fileName }) => fileName === 'low.m3u8').manifest;
console.log(`${back.manifest}\n${written}\n`);
const seen = [
  track.duration,
  track.segments.reduce((sum, { duration }) => sum + duration, 0).toFixed(3),
  written.split('\n').at(-1),
  parse(media).endList,
  written.match(/#EXT-X-MAP.*/)[0],
  Boolean(parse(written.replace('",\n', '"\n')).endList),
  parse(master).playlists[0].attributes.AUDIO,
  parse(back.manifest).playlists[0].attributes.AUDIO ?? 'none',
].join(', ');
console.log('duration, sum, last line, ends before, map, ends after, its sound before and after:', seen);
if (seen !== '12, 10.508, c.m4s#EXT-X-ENDLIST, true, #EXT-X-MAP:URI="init.mp4",, false, sound, none') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
