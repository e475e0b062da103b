#!/bin/bash
# A programme guide in XMLTV is XML, where "&" is written "&amp;". @iptv/xmltv and epg-parser give the title as it is written, "Tom &amp; Jerry" (epg-parser escapes each "&" once more before it reads,
# so that files that escape nothing can be read), and a title in a CDATA section is for one the section with its marks, and for the other no text at all.
# A list of viewers by programme has two of what the player and the guide name alike, or one without a name.
#
# Guess before: "Tom & Jerry" in both forms.
# Seen with @iptv/xmltv 1.0.1 and epg-parser 0.5.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @iptv/xmltv@1.0.1 epg-parser@0.5.0 >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const { parse } = require('epg-parser');
const { parseXmltv } = require('@iptv/xmltv');

for (const name of ['@iptv/xmltv', 'epg-parser']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const seen = [];
for (const title of ['Tom &amp; Jerry', '<![CDATA[Tom & Jerry]]>']) {
  const guide = `<tv><programme start="20261130180000 +0000" stop="20261130190000 +0000" channel="one"><title>${title}</title></programme></tv>`;
  const line = [title, parseXmltv(guide).programmes[0].title[0]._value, parse(guide).programs[0].title[0].value ?? 'none'].join(' | ');
  console.log(line);
  seen.push(line);
}
if (
  seen.join('\n') !==
  `Tom &amp; Jerry | Tom &amp; Jerry | Tom &amp; Jerry
<![CDATA[Tom & Jerry]]> | ![CDATA[Tom & Jerry]] | none`
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
