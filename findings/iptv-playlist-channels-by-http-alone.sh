#!/bin/bash
# @iptv/playlist, a reader and writer of television's playlists, has the channels whose addresses begin with http and no others: those by RTMP, RTSP or multicast (udp://), as providers with a network
# of their own have them, and those beside the playlist (channel.ts) are left out, without a word, and each with all that was said of it. In what is written again the address of the
# programme guide is called urlTvg, for url-tvg or x-tvg-url, names that no player knows it by, the group of a line
# of its own (EXTGRP) is gone, and so is the user agent that a channel asks for (EXTVLCOPT).
#
# Guess before: titles, groups and addresses are whole, and a playlist that is read and written again is the same.
# Seen with @iptv/playlist 1.2.1 (npm), dist/playlist.js. iptv-playlist-parser 0.15.2 has all six channels. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @iptv/playlist@1.2.1 iptv-playlist-parser@0.15.2 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parseM3U, writeM3U } from '@iptv/playlist';
import parser from 'iptv-playlist-parser';

for (const name of ['@iptv/playlist', 'iptv-playlist-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const playlist = `#EXTM3U url-tvg="https://tv.example/guide.xml"
#EXTINF:-1 tvg-id="one",One
#EXTGRP:News
#EXTVLCOPT:http-user-agent=Player
https://tv.example/one.m3u8
#EXTINF:-1 tvg-id="two",Two
rtmp://tv.example/live/two
#EXTINF:-1 tvg-id="three",Three
rtsp://tv.example/three
#EXTINF:-1 tvg-id="four",Four
udp://@239.0.0.4:1234
#EXTINF:-1 tvg-id="five",Five
five.ts
#EXTINF:-1 tvg-id="six",Six
https://tv.example/six.m3u8
`;
const read = parseM3U(playlist);
const seen = JSON.stringify([
  read.channels.map(({ name }) => name),
  parser.parse(playlist).items.map(({ name }) => name),
  writeM3U(read).trim().split('\n'),
]);
console.log(seen);
if (
  seen !==
  JSON.stringify([
    ['One', 'Six'],
    ['One', 'Two', 'Three', 'Four', 'Five', 'Six'],
    [
      '#EXTM3U urlTvg="https://tv.example/guide.xml"',
      '#EXTINF:-1 tvg-id="one",One',
      'https://tv.example/one.m3u8',
      '#EXTINF:-1 tvg-id="six",Six',
      'https://tv.example/six.m3u8',
    ],
  ])
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
