#!/bin/bash
# The language of a track of which nothing is known is "und" (undetermined), which is what packagers write when nobody named one. bcp-47-normalize makes English
# of it: it leaves out what is likely anyway, and for a language that is not known English is the likely one. In the same way zh-CN and zh-Hans
# become zh, so a track for Mainland China and one for any Chinese are one.
#
# Guess before: "und" is a tag like others, and stays.
# Seen with bcp-47-normalize 2.3.0 (npm); "mul" (several) and "zxx" (none) stay. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts bcp-47-normalize@2.3.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { bcp47Normalize } from 'bcp-47-normalize';

console.log('bcp-47-normalize', JSON.parse(readFileSync('node_modules/bcp-47-normalize/package.json')).version);
const seen = ['und', 'mul', 'zxx', 'zh-CN', 'zh-Hans', 'zh-TW'].map((tag) => `${tag} ${bcp47Normalize(tag)}`).join(', ');
console.log(seen);
if (seen !== 'und en, mul mul, zxx zxx, zh-CN zh, zh-Hans zh, zh-TW zh-TW') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
