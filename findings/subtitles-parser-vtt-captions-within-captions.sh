#!/bin/bash
# subtitles-parser-vtt, which reads the subtitles of the web, finds captions by times with hours of two digits. WebVTT may leave the hours out, as most do that begin with the picture: such a caption is
# lost if it is the first, and otherwise it and its times are shown as words of the one before, as is a caption that comes after 100 hours of a live stream. The name of a caption
# stands at the end of the words before it.
#
# Guess before: each caption has its text, with hours of two or three digits or without, and names are no text.
# Seen with subtitles-parser-vtt 0.1.0 (npm). node-webvtt 2.0.0 has the texts. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts subtitles-parser-vtt@0.1.0 node-webvtt@2.0.0 >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const { fromVtt } = require('subtitles-parser-vtt');
const webvtt = require('node-webvtt');

for (const name of ['subtitles-parser-vtt', 'node-webvtt']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const caption = (begin, end, text, name) => `\n${name ? `${name}\n` : ''}${begin} --> ${end}\n${text}\n`;
const vtt = `WEBVTT\n${[
  caption('00:01.000', '00:02.000', 'Welcome'),
  caption('00:00:03.000', '00:00:04.000', 'to the show'),
  caption('00:05.000', '00:06.000', 'Applause'),
  caption('00:00:07.000', '00:00:08.000', 'Our guest', 'guest'),
  caption('100:00:00.000', '100:00:01.000', 'Still here'),
].join('')}`;
const seen = {
  'subtitles-parser-vtt': fromVtt(vtt, 'ms').map((cue) => cue.text),
  'node-webvtt': webvtt.parse(vtt).cues.map((cue) => cue.text),
};
console.log(seen);
const expected = {
  'subtitles-parser-vtt': [
    'to the show\n\n00:05.000 --> 00:06.000\nApplause\n\nguest',
    'Our guest\n\n100:00:00.000 --> 100:00:01.000\nStill here',
  ],
  'node-webvtt': ['Welcome', 'to the show', 'Applause', 'Our guest', 'Still here'],
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
