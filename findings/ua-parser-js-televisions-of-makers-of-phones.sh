#!/bin/bash
# A television whose maker once made phones is a phone to ua-parser-js: it looks for Sony and Nokia as makers of phones before it looks for what
# televisions say (HbbTV, FVC, InettvBrowser). The same user agent with another maker's name in it is a television.
#
# Guess before: who says HbbTV is a television, whoever made it.
# Seen with ua-parser-js 2.0.10 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts ua-parser-js@2.0.10 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { UAParser } from 'ua-parser-js';

console.log('ua-parser-js', JSON.parse(readFileSync('node_modules/ua-parser-js/package.json')).version);
const vestel = (maker) =>
  'Mozilla/5.0 (Android armv8l) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/55.0.2883.91 Safari/537.36 Model/Vestel-MB185 VSTVB MB185 FVC/6.0 ' +
  `(${maker}; MB185; ) HbbTV/1.5.1 (+DRM; ${maker}; MB185; R2.0.1.0.0.V0.25.3; ; _TV_MSTARG31_2021;) SmartTvA/3.0.0`;
const agents = [
  [vestel('NOKIA'), 'mobile'],
  [vestel('TOSHIBA'), 'smarttv'],
  ['Opera/9.80 (Linux armv7l; InettvBrowser/2.2 (00014A;SonyDTV140;0001;0001) KDL48W605B; CC/RUS) Presto/2.12.407 Version/12.50', 'mobile'],
];
let same = true;
for (const [agent, type] of agents) {
  const { device } = UAParser(agent);
  console.log(`${device.type} (${device.vendor} ${device.model}) | ${agent}`);
  same &&= device.type === type;
}
if (!same) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
