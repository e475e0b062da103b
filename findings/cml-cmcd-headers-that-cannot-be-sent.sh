#!/bin/bash
# CMCD's four headers by the library that players use have a content id as it is. Where it has a letter beyond Latin-1 (a title in Greek or Japanese, a price in euros) fetch and
# XMLHttpRequest refuse the header, as the standard of headers in browsers has it, so the segment cannot be asked for because of what was to be measured.
# In the query string the same id is escaped, and fits.
#
# Guess before: what goes into a header is escaped, or left out, as keys are that do not fit the grammar.
# Seen with @svta/cml-cmcd 2.7.0 (npm) and fetch's Headers in node 20. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @svta/cml-cmcd@2.7.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { toCmcdHeaders, toCmcdUrl } from '@svta/cml-cmcd';

console.log('@svta/cml-cmcd', JSON.parse(readFileSync('node_modules/@svta/cml-cmcd/package.json')).version);

function sent(cid) {
  try {
    return new Headers(toCmcdHeaders({ cid }, { version: 1 })).get('CMCD-Session');
  } catch (error) {
    return error.constructor.name;
  }
}
const seen = ['news', 'Straße', 'ειδήσεις', '20 €'].map(sent);
const query = toCmcdUrl({ cid: 'ειδήσεις' }, { version: 1 });
console.log(seen, query);
if (seen.join() !== 'cid="news",cid="Straße",TypeError,TypeError' || decodeURIComponent(query) !== 'cid="ειδήσεις"' || !/^[\x21-\x7e]+$/.test(query)) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
