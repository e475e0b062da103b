#!/bin/bash
# Segments of sound alone have their time in an ID3 tag (RFC 8216, 3.4), as ticks of 90,000 a second. The ID3 library of the Streaming Video Technology Alliance counts the last of the number's bytes
# twice: 90 ticks, a millisecond, are 2 ms, 255 are 6 ms, and the 256th is back at 3 ms; 10 s, 900,000 ticks, are 10,002 ms. Each segment is up to 3 ms late, by as much as that
# byte happens to be, so gaps between segments that are reckoned from such times vary where those of the stream do not. Texts are all read as
# UTF-8, whatever encoding their first byte names: one in UTF-16 is not what was sent.
#
# Guess before: ticks are divided by 90, and a text in UTF-16 is right.
# Seen with @svta/cml-id3 1.0.9 (npm), dist/index.js. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @svta/cml-id3@1.0.9 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { getId3Frames, getId3Timestamp } from '@svta/cml-id3';

console.log('@svta/cml-id3', JSON.parse(readFileSync('node_modules/@svta/cml-id3/package.json')).version);

// tag makes one of ID3 2.4 with one frame.
function tag(id, content) {
  const frame = Buffer.concat([Buffer.from(id), Buffer.from([0, 0, 0, content.length, 0, 0]), content]);
  return new Uint8Array(Buffer.concat([Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, frame.length]), frame]));
}

// time is what the library reads of a number of ticks.
function time(ticks) {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(ticks));
  return getId3Timestamp(tag('PRIV', Buffer.concat([Buffer.from('com.apple.streaming.transportStreamTimestamp\0'), number])));
}

const times = [0, 90, 180, 255, 256, 900000].map((ticks) => [ticks, time(ticks)]);
const texts = [
  [3, 'utf8', 'id\0Grüße'],
  [1, 'utf16le', '\ufeffid\0\ufeffGrüße'],
].map(([encoding, name, text]) => getId3Frames(tag('TXXX', Buffer.concat([Buffer.from([encoding]), Buffer.from(text, name)])))[0].data === 'Grüße');
const seen = JSON.stringify([times, texts]);
console.log('ticks and what they are in milliseconds, and whether texts in UTF-8 and UTF-16 are right:', seen);
if (seen !== '[[[0,0],[90,2],[180,4],[255,6],[256,3],[900000,10002]],[true,false]]') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
