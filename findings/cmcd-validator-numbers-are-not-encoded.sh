#!/bin/bash
# cmcd-validator, which checks whether a player's requests have CMCD as the standard wants it, says of a query string without quotation marks that it is "not encoded", however well it
# is: bl%3D21300%2Cot%3Dv is refused, and is right with %22x%22 somewhere in it. It undoes the escapes with a function that leaves those of commas and equals signs alone (decodeURI) and
# looks whether anything changed. A content id with a comma or an equals sign within its quotes is refused too, and in headers whatever stands at the end of a line,
# if the lines end as HTTP's do, with CR and LF.
#
# Guess before: what is right by CTA-5004 is valid, in the query string and in headers.
# Seen with @montevideo-tech/cmcd-validator 1.3.1 (npm), src/utils/formatFunctions.js. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @montevideo-tech/cmcd-validator@1.3.1 >/dev/null
cat >finding.mjs <<'END'
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const name = '@montevideo-tech/cmcd-validator';
console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
const { CMCDQueryValidator, CMCDHeaderValidator } = createRequire(import.meta.url)(name);

const words = ({ valid, errors }) => (valid ? 'valid' : errors[0].description);
const seen = [];
for (const data of ['bl=21300,ot=v', 'bl=21300,ot=v,sid="x"', 'bs,rtp=15000', 'st=l', 'cid="news"', 'cid="news,live"', 'cid="a=b"']) {
  const url = `https://example.com/1.m4s?CMCD=${encodeURIComponent(data)}`;
  seen.push(words(CMCDQueryValidator(url)));
  console.log(url, seen.at(-1));
}
for (const end of ['\n', '\r\n']) {
  const request = ['GET /1.m4s HTTP/1.1', 'Host: example.com', 'CMCD-Object: br=3200,ot=v', 'CMCD-Session: sid="x"', '', ''].join(end);
  seen.push(words(CMCDHeaderValidator(request)));
  console.log(JSON.stringify(request), seen.at(-1));
}
const before = [
  'Parameter is not encoded',
  'valid',
  'Parameter is not encoded',
  'Parameter is not encoded',
  'valid',
  'Incorrect format for key: cid',
  'key-value pair not separated by =.',
  'valid',
  'Incorrect format for key: sid',
];
if (seen.join('\n') !== before.join('\n')) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs | grep -vE '^[0-9a-f-]{36}: ' # its diary
