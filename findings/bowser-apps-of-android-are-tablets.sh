#!/bin/bash
# Whatever names Android and neither Mobile nor Chrome is a tablet with Android Browser for Bowser: every app that plays with ExoPlayer or Media3,
# which is most of the native viewers on phones and set-top boxes, and Android's own Dalvik and stagefright. A phone's viewers move from "mobile" to "tablet" when
# they leave the browser for the app.
#
# Guess before: no type, since the text says nothing of the device.
# Seen with bowser 2.15.1 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts bowser@2.15.1 >/dev/null
cat >finding.cjs <<'END'
const bowser = require('bowser');

console.log('bowser', require('bowser/package.json').version);
const agents = [
  'com.example.app/5.1 (Linux;Android 13) ExoPlayerLib/2.19.1',
  'Example/1.0 (Linux;Android 14) AndroidXMedia3/1.2.0',
  'Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A.230805.001)',
  'stagefright/1.2 (Linux;Android 7.0)',
];
let same = true;
for (const agent of agents) {
  const { browser, platform } = bowser.parse(agent);
  console.log(`${platform.type} ${browser.name}: ${agent}`);
  same &&= platform.type === 'tablet' && browser.name === 'Android Browser';
}
if (!same) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
