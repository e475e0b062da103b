#!/bin/bash
# The CMCD library of the Streaming Video Technology Alliance, which hls.js and dash.js use, cannot read the fifth example of the standard (CTA-5004,
# 2020), which has keys of a company's own with capital letters: it reads by the grammar of HTTP's structured fields, where keys are small. It refuses
# the whole string, the standard's own keys with it; and writing leaves out such a key without a word.
#
# Guess before: an example of the standard is read, or at least its standard keys are.
# Seen with @svta/cml-cmcd 2.7.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @svta/cml-cmcd@2.7.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { decodeCmcd, encodeCmcd } from '@svta/cml-cmcd';

console.log('@svta/cml-cmcd', JSON.parse(readFileSync('node_modules/@svta/cml-cmcd/package.json')).version);

function read(text) {
  try {
    return JSON.stringify(decodeCmcd(text));
  } catch (error) {
    return `refused: ${error.message}`;
  }
}
const example = 'd=4004,com.example-myNumericKey=500,com.example-myStringKey="myStringValue"';
const small = example.toLowerCase();
const seen = { example: read(example), small: read(small), written: encodeCmcd({ d: 4004, 'com.example-myNumericKey': 500 }, { version: 1 }) };
console.log(seen);
if (!seen.example.startsWith('refused') || seen.small.startsWith('refused') || seen.written.includes('example')) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
