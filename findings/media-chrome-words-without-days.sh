#!/bin/bash
# Media Chrome, the controls of many players on the web, writes where one is in a stream twice: as a clock, and in words for those who have the page read to them. The words leave out whole
# days: of 36:00:00 they say "12 hours", of 100:00:00 "4 hours", and of 24:00:00 nothing at all, an empty text. Channels that let viewers go back for
# days are longer than that.
#
# Guess before: the words say what the clock says.
# Seen with media-chrome 4.19.4 (npm), dist/utils/time.js. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts media-chrome@4.19.4 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { formatAsTimePhrase, formatTime } from 'media-chrome/dist/utils/time.js';

console.log('media-chrome', JSON.parse(readFileSync('node_modules/media-chrome/package.json')).version);
const seen = [1, 23, 24, 36, 100].map((hours) => `${formatTime(hours * 3600)} "${formatAsTimePhrase(hours * 3600)}"`);
console.log(seen.join('\n'));
if (seen.join() !== '1:00:00 "1 hour",23:00:00 "23 hours",24:00:00 "",36:00:00 "12 hours",100:00:00 "4 hours"') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
