#!/bin/bash
# which-country, which tells the country of a place by latitude and longitude, as databases of addresses give them, has a map of the world in which small states are not drawn: Singapore's viewers are in
# Malaysia, Hong Kong's in China, Monaco's and Geneva's in France, San Marino's in Italy. Islands are no country at all: Bahrain, Mauritius, the Maldives and Barbados, and of larger
# countries Palermo, Mallorca and Okinawa. Its caveat speaks of points in territorial waters only.
#
# Guess before: capitals and Singapore are in their country.
# Seen with which-country 1.0.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts which-country@1.0.0 >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const country = require('which-country');

console.log('which-country', JSON.parse(readFileSync('node_modules/which-country/package.json')).version);
const places = {
  Berlin: [13.4, 52.52],
  Singapore: [103.85, 1.29],
  'Hong Kong': [114.17, 22.3],
  Monaco: [7.42, 43.74],
  Geneva: [6.14, 46.2],
  'San Marino': [12.45, 43.94],
  'Manama, Bahrain': [50.58, 26.23],
  'Port Louis, Mauritius': [57.5, -20.16],
  'Malé, Maldives': [73.51, 4.17],
  'Bridgetown, Barbados': [-59.6, 13.1],
  Palermo: [13.36, 38.12],
  Palma: [2.65, 39.57],
  'Naha, Okinawa': [127.68, 26.21],
};
const seen = Object.entries(places).map(([name, place]) => `${name}: ${country(place)}`);
console.log(seen.join('\n'));
const expected = [
  'Berlin: DEU',
  'Singapore: MYS',
  'Hong Kong: CHN',
  'Monaco: FRA',
  'Geneva: FRA',
  'San Marino: ITA',
  'Manama, Bahrain: null',
  'Port Louis, Mauritius: null',
  'Malé, Maldives: null',
  'Bridgetown, Barbados: null',
  'Palermo: null',
  'Palma: null',
  'Naha, Okinawa: null',
];
if (seen.join() !== expected.join()) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
