#!/bin/bash
# subsrt, which converts subtitles, finds no caption in a WebVTT file whose lines end with LF, as ffmpeg and most packagers write them, and one in SRT, which
# has all the others in its text: no error, and a file that is written from it is empty. It expects CRLF, in which case it finds all.
#
# Guess before: both are read with either.
# Seen with subsrt 1.1.1 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts subsrt@1.1.1 >/dev/null
cat >finding.cjs <<'END'
const subsrt = require('subsrt');

console.log('subsrt', require('subsrt/package.json').version);
const captions = (format, text) => subsrt.parse(text, { format }).filter(({ type }) => type === 'caption').length;
const vtt = 'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\none\n\n00:00:03.000 --> 00:00:04.000\ntwo\n\n';
const srt = '1\n00:00:01,000 --> 00:00:02,000\none\n\n2\n00:00:03,000 --> 00:00:04,000\ntwo\n\n';
const crlf = (text) => text.replaceAll('\n', '\r\n');
const seen = { 'vtt LF': captions('vtt', vtt), 'vtt CRLF': captions('vtt', crlf(vtt)), 'srt LF': captions('srt', srt), 'srt CRLF': captions('srt', crlf(srt)) };
console.log('captions found of 2:', seen);
if (Object.values(seen).join() !== '0,2,1,2') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
