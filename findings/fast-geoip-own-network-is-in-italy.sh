#!/bin/bash
# fast-geoip finds the last network that begins before an address and does not look whether it ends there, so addresses that belong to nobody are where their neighbours are: a viewer in one's own
# network (192.168.0.1) is in Monterotondo in Italy, one of 10.0.0.1 in the United States, the machine itself (127.0.0.1) in Japan. What it says the range is, is made up to the next network.
# Of an IPv6 address it reads the first number, so India's are in Australia. Nobody's place is unknown, not even that of one's own monitoring.
#
# Guess before: null for addresses that belong to nobody, and for IPv6 null or, where it has one of IPv4 in it, that one's country.
# Seen with fast-geoip 1.1.88 (npm), build/index.js. geoip-country 5.0.202609260156 says null, and IN. Needs node and npm, and fetches 28 MB.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts fast-geoip@1.1.88 geoip-country@5.0.202609260156 >/dev/null
cat >finding.mjs <<'END'
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const fast = require('fast-geoip');
const other = require('geoip-country');
for (const name of ['fast-geoip', 'geoip-country']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const dotted = (number) => [24, 16, 8, 0].map((bits) => (number >>> bits) & 255).join('.');
const seen = [];
for (const address of ['8.8.8.8', '192.168.0.1', '10.0.0.1', '127.0.0.1', '2405:200::1']) {
  const place = await fast.lookup(address);
  seen.push(`${place?.country} ${other.lookup(address)?.country ?? null}`);
  console.log(address, place && `${place.country} ${place.city}, ${place.range.map(dotted).join(' to ')};`, 'by the other', other.lookup(address)?.country ?? null);
}
if (seen.join(', ') !== 'US US, IT null, US null, JP null, AU IN') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
