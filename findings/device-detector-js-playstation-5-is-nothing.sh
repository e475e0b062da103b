#!/bin/bash
# A PlayStation 5 that watches in its browser has no device and no system for device-detector-js, and a browser that it does not have;
# a PlayStation 4 is a console of Sony. Counted by device, viewers on the newer console are nowhere.
#
# Guess before: a console, as the older one.
# Seen with device-detector-js 3.0.3 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts device-detector-js@3.0.3 >/dev/null
cat >finding.cjs <<'END'
const DeviceDetector = require('device-detector-js');

console.log('device-detector-js', require('device-detector-js/package.json').version);
const detector = new DeviceDetector();
const safari = 'AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15';
const four = detector.parse(`Mozilla/5.0 (PlayStation 4 11.00) ${safari}`);
const five = detector.parse(`Mozilla/5.0 (PlayStation; PlayStation 5/6.50) ${safari}`);
console.log('4:', four.device, four.os?.name, four.client?.name);
console.log('5:', five.device, five.os, five.client?.name);
if (four.device?.type !== 'console' || five.device !== null || five.os !== null || five.client?.name !== 'NetFront') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
