#!/bin/bash
# The library useragent takes ffmpeg and all that plays with its libraries (Lavf/59.27.100) for Windows Media Player of version 0, by a rule of its
# own list. A radio's listeners seem to use a program that has not been made for years, in the same line as those who do.
#
# Guess before: Other, or a name with ffmpeg or Lavf in it.
# Seen with useragent 2.3.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts useragent@2.3.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import useragent from 'useragent';

console.log('useragent', JSON.parse(readFileSync('node_modules/useragent/package.json')).version);
const family = (text) => useragent.parse(text).family;
const seen = { lavf: family('Lavf/59.27.100'), real: family('WMPlayer/10.0.0.364'), vlc: family('VLC/3.0.18 LibVLC/3.0.18') };
console.log(seen);
if (seen.lavf !== 'WMPlayer' || seen.real !== 'WMPlayer' || seen.vlc !== 'VLC') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
