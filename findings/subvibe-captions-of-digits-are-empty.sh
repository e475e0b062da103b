#!/bin/bash
# subvibe, which reads and converts subtitles, takes any line of digits in WebVTT for the name of a caption that is to follow: a caption "1984", as a film's title, a year, a score or a countdown
# are, has no text, and one of three lines ends before its line of digits. What it notes is that the lines behind them have an invalid time; what is written has captions without a word.
# The same captions in SRT, where numbers do stand before captions, are whole.
#
# Guess before: each caption has its text.
# Seen with @aj-archipelago/subvibe 1.0.12 (npm). node-webvtt 2.0.0 has the texts. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @aj-archipelago/subvibe@1.0.12 node-webvtt@2.0.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parse } from '@aj-archipelago/subvibe';
import webvtt from 'node-webvtt';

for (const name of ['@aj-archipelago/subvibe', 'node-webvtt']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const texts = ['Ready?', '3', '1984', 'The score is\n42\nat half time'];
const captions = (point) => texts.map((text, at) => `00:00:0${at}${point}000 --> 00:00:0${at}${point}900\n${text}\n`);
const vtt = `WEBVTT\n\n${captions('.').join('\n')}`;
const srt = captions(',').map((caption, at) => `${at + 1}\n${caption}`).join('\n');
const seen = {
  WebVTT: parse(vtt).cues.map((cue) => cue.text),
  SRT: parse(srt).cues.map((cue) => cue.text),
  errors: parse(vtt).errors.map((error) => `line ${error.line}: ${error.message}`),
  'node-webvtt': webvtt.parse(vtt).cues.map((cue) => cue.text),
};
console.log(seen);
const expected = {
  WebVTT: ['Ready?', '', '', 'The score is'],
  SRT: texts,
  errors: [8, 11, 15].map((line) => `line ${line}: Invalid timestamp format`),
  'node-webvtt': texts,
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
