#!/bin/bash
# is-eu-member, which tells by a country's code of ISO 3166-1 whether it is a member of the European Union, has Greece under EL, the letters that the Union's own papers use, and EL is no code of ISO. By
# GR, as every database of addresses, browser and log has it, Greece is no member. Its list has 27 members and looks whole. What asks it who is to be asked for consent, or to be counted
# without an address, leaves Greece's viewers out, and a table of the Union's viewers lacks them.
#
# Guess before: all 27 members are members by their codes of ISO, Croatia too, and the United Kingdom is none.
# Seen with is-eu-member 1.0.6 (npm), and is-european 1.0.9, which has GR. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts is-eu-member@1.0.6 is-european@1.0.9 >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const { getEuMembers, isEuMember } = require('is-eu-member');
const { euMember } = require('is-european');

for (const name of ['is-eu-member', 'is-european']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const countries = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' ');
const seen = {
  members: getEuMembers().length,
  'no member by is-eu-member': countries.filter((country) => !isEuMember(country)).join(),
  'no member by is-european': countries.filter((country) => !euMember(country)).join(),
  'EL, GB, CH, NO': ['EL', 'GB', 'CH', 'NO'].map(isEuMember).join(),
};
console.log(seen);
const expected = { members: 27, 'no member by is-eu-member': 'GR', 'no member by is-european': '', 'EL, GB, CH, NO': 'true,false,false,false' };
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
