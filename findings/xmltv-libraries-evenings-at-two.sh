#!/bin/bash
# In XMLTV, in which programme guides are written, a time is 20261130201500 or a begin of it, with an offset behind or, where UTC is meant, without. @iptv/xmltv takes the last five characters
# for an offset, whether one is there or not: without one all of an evening's programmes, of 20:15 and of 22:00, begin at two in the morning, those of ten to twenty o'clock at one, and those
# of the thirtieth whose times have no seconds on the third, at midnight. There is no error, and with an offset all is right. epg-parser has no time at all for those without an offset, and of 18:00 +0100, if
# the seconds are left out, it makes 18:00:01 in UTC: the offset's hours are taken for the seconds.
# Who counts viewers by programme gives the evening's viewers to none, or to whatever is in the guide.
#
# Guess before: times without an offset are in UTC, and seconds that are left out are 0.
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
for (const start of ['20261130201500 +0000', '20261130201500', '20261130220000', '202611302015', '202611301800 +0100']) {
  const guide = `<tv><programme start="${start}" stop="20261130230000 +0000" channel="one"><title>News</title></programme></tv>`;
  const line = [
    start,
    parseXmltv(guide).programmes[0].start.toISOString().slice(0, 19),
    parse(guide).programs[0].start?.slice(0, 19) ?? 'none',
  ].join(' | ');
  console.log(line);
  seen.push(line);
}
if (
  seen.join('\n') !==
  `20261130201500 +0000 | 2026-11-30T20:15:00 | 2026-11-30T20:15:00
20261130201500 | 2026-11-30T02:00:00 | none
20261130220000 | 2026-11-30T02:00:00 | none
202611302015 | 2026-11-03T00:00:00 | none
202611301800 +0100 | 2026-11-30T17:00:00 | 2026-11-30T18:00:01`
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
