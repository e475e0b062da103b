#!/bin/bash
# The helper with which Video.js and its parsers read codecs does not know Dolby Vision (dvh1, dvhe) for video, MPEG-H (mhm1) for audio, nor WebVTT in MP4 (wvtt) for text, though it knows
# TTML. A quality with Dolby Vision and sound has sound alone by it, and the container of such sound or such subtitles alone is video/mp4, which it says of everything
# it has not heard of.
#
# Guess before: it knows what HLS and DASH declare.
# Seen with @videojs/vhs-utils 4.1.2 (npm), codecs.js. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @videojs/vhs-utils@4.1.2 >/dev/null
cat >finding.mjs <<'END'
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const name = '@videojs/vhs-utils';
console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
const { getMimeForCodec, isVideoCodec, parseCodecs } = createRequire(import.meta.url)(`${name}/cjs/codecs.js`);

const seen = [];
for (const codecs of ['hvc1.2.4.L153.B0,ec-3', 'dvh1.08.06,ec-3', 'mhm1.0x0D', 'stpp.ttml.im1t', 'wvtt']) {
  const kinds = parseCodecs(codecs).map(({ mediaType }) => mediaType);
  seen.push(`${codecs}: ${kinds.join(' and ')}, ${isVideoCodec(codecs.split(',')[0]) ? 'video' : 'no video'}, ${getMimeForCodec(codecs).split(';')[0]}`);
  console.log(seen.at(-1));
}
const before = [
  'hvc1.2.4.L153.B0,ec-3: video and audio, video, video/mp4',
  'dvh1.08.06,ec-3: unknown and audio, no video, video/mp4',
  'mhm1.0x0D: unknown, no video, video/mp4',
  'stpp.ttml.im1t: text, no video, application/mp4',
  'wvtt: unknown, no video, video/mp4',
];
if (seen.join('\n') !== before.join('\n')) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
