#!/bin/bash
# SCTE-35 marks where ads begin in a stream, by the commands time_signal and splice_insert. The package scte35 reads the time in a splice_insert from the begin of the whole message and not of the command, finds
# none there, and reads the duration where the time is: a break of 30 s at 100 s has no time and lasts 7 hours. It writes "Bad read splice_insert" to the console, and gives what it read.
# Time signals are right, as are splice_inserts that hold at once. (By its name node cannot load it: its main file asks for one that is TypeScript alone. Its built files are for bundlers.)
#
# Guess before: at 100 s, for 30 s.
# Seen with scte35 0.2.4, bundled by esbuild 0.25.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts scte35@0.2.4 esbuild@0.25.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { SCTE35 } from 'scte35/build/lib/scte35.js';

console.log('scte35', JSON.parse(readFileSync('node_modules/scte35/package.json')).version);

// the section with its length before and its checksum (CRC-32 as MPEG has it) behind
function section(command) {
  const bytes = Buffer.concat([Buffer.from('fc300000000000000000fff000', 'hex'), Buffer.from(command, 'hex'), Buffer.alloc(6)]);
  bytes[2] = bytes.length - 3;
  bytes[12] = command.length / 2 - 1;
  let crc = 0xffffffff;
  for (const byte of bytes.subarray(0, -4)) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  bytes.writeInt32BE(crc, bytes.length - 4);
  return bytes.toString('base64');
}
const read = (command) => SCTE35.parseFromB64(section(command)).spliceCommand;
const seconds = (ticks) => (ticks === undefined ? 'none' : `${(ticks / 90000).toFixed(3)} s`);
const signal = read('06fe00895440');
const insert = read('050000002a7feffe00895440fe002932e000010000');
const atOnce = read('050000002a7ffffe002932e000010000');
const seen = [
  `time_signal: at ${seconds(signal.pts)}`,
  `splice_insert: at ${seconds(insert.spliceTime.pts)} for ${seconds(insert.breakDuration.duration)}`,
  `splice_insert at once: for ${seconds(atOnce.breakDuration.duration)}`,
].join('\n');
console.log(seen);
if (seen !== 'time_signal: at 100.000 s\nsplice_insert: at none for 25600.003 s\nsplice_insert at once: for 30.000 s') {
  console.log('CHANGED');
  process.exit(1);
}
END
npx --no-install esbuild finding.mjs --bundle --platform=node --log-level=error --outfile=bundle.cjs
node bundle.cjs
