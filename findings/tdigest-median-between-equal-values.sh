#!/bin/bash
# The median of a t-digest lies between values that nobody had, where most of them are equal, although a digest keeps equal values together with
# their number: of 100 plays of which 90 did not stall and 10 stalled for 50 s, half are said to have stalled for more than 5 s. It draws a line from the
# middle of the first value's 90 to the middle of the other's 10. The mode for discrete values (new TDigest(false)) says 0. prom-client, with which Node's servers
# count for Prometheus, makes its summaries by it: their quantile 0.5 is 5 s too.
#
# Guess before: estimates may be off between values, but the median of mostly equal values is that value.
# Seen with tdigest 0.1.3 and prom-client 15.1.3 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts tdigest@0.1.3 prom-client@15.1.3 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import client from 'prom-client';
import tdigest from 'tdigest';

console.log('tdigest', JSON.parse(readFileSync('node_modules/tdigest/package.json')).version);
const stalls = [...Array(90).fill(0), ...Array(10).fill(50)];

function median(...options) {
  const digest = new tdigest.TDigest(...options);
  stalls.forEach((seconds) => digest.push(seconds));
  digest.compress();
  return digest.percentile(0.5);
}
const summary = new client.Summary({ name: 'stall_seconds', help: 'stalls', percentiles: [0.5] });
stalls.forEach((seconds) => summary.observe(seconds));
const { values } = await summary.get();
const [continuous, discrete] = [median(), median(false)];
console.log(`median of 90 times 0 s and 10 times 50 s: ${continuous} s; for discrete values: ${discrete} s; summary: ${values[0].value} s`);
if (continuous !== 5 || discrete !== 0 || values[0].value !== 5) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
