#!/bin/bash
# m3u-parser-generator takes all behind the first comma of a channel's line for the channel's name, also if that comma stands within quotation marks: a channel of the group "News, Sports" is called
# Sports",Channel One, and has no group. catchup-source, the address for what was shown before, does the same to its channel if it has a comma between its times.
# In what is written again there are quotation marks that close and none that open.
#
# Guess before: attributes with commas and equals signs in quotation marks are whole.
# Seen with m3u-parser-generator 5.0.2 (npm). @iptv/playlist 1.2.1 and iptv-playlist-parser 0.15.2 read both channels. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts m3u-parser-generator@5.0.2 @iptv/playlist@1.2.1 iptv-playlist-parser@0.15.2 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parseM3U } from '@iptv/playlist';
import parser from 'iptv-playlist-parser';
import { M3uParser } from 'm3u-parser-generator';

for (const name of ['m3u-parser-generator', '@iptv/playlist', 'iptv-playlist-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const playlist = `#EXTM3U
#EXTINF:-1 tvg-id="one" group-title="News, Sports",Channel One
https://tv.example/one.m3u8
#EXTINF:-1 tvg-id="two" catchup="append" catchup-source="?range={utc},{utcend}",Channel Two
https://tv.example/two.m3u8
`;
const read = new M3uParser().parse(playlist);
const seen = JSON.stringify([
  read.medias.map(({ name, group, attributes }) => [name, group ?? null, attributes['group-title'] ?? null]),
  read.getM3uString().split('\n')[1],
  parseM3U(playlist).channels.map(({ name, groupTitle }) => [name, groupTitle ?? null]),
  parser.parse(playlist).items.map(({ name, group }) => [name, group.title]),
]);
console.log(seen);
if (
  seen !==
  JSON.stringify([
    [
      [' Sports",Channel One', null, null],
      ['{utcend}",Channel Two', null, null],
    ],
    '#EXTINF:-1 tvg-id="one", Sports",Channel One',
    [
      ['Channel One', 'News, Sports'],
      ['Channel Two', null],
    ],
    [
      ['Channel One', 'News, Sports'],
      ['Channel Two', ''],
    ],
  ])
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
