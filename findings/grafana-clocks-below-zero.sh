#!/bin/bash
# Grafana has units for times that look like a clock, and a time below zero (a viewer's clock behind the server's, a week with less watched than the one before) is not one in them: as "clock (s)"
# whatever is below zero is 000ms, as if there were no difference, and as "duration (hh:mm:ss)" a minute and a second less is "00:01:01 ago". As "seconds (s)" it is -1.02 mins.
#
# Guess before: -01m:01s, and a minus sign before 00:01:01.
# Seen with @grafana/data 12.3.0 (npm): getDisplayProcessor with the units clocks, dthms, dtdhms and s. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps @grafana/data@12.3.0 react@18.3.1 react-dom@18.3.1 jsdom@24.1.3 >/dev/null
cat >finding.cjs <<'END'
const { JSDOM } = require('jsdom');

// what @grafana/data asks of a browser while it is loaded
const { window } = new JSDOM('', { url: 'http://localhost/' });
window.matchMedia = () => ({ matches: false, addEventListener() {} });
Object.defineProperty(globalThis, 'navigator', { value: window.navigator, configurable: true });
for (const name of ['document', 'localStorage', 'HTMLElement', 'Element', 'Node', 'DOMParser']) {
  globalThis[name] = window[name];
}
globalThis.window = window;
console.info = () => {};
const { createTheme, FieldType, formattedValueToString, getDisplayProcessor } = require('@grafana/data');

console.log('@grafana/data', require('@grafana/data/package.json').version);
const written = (unit, value) => formattedValueToString(getDisplayProcessor({ field: { type: FieldType.number, config: { unit } }, theme: createTheme() })(value));
const seen = ['clocks', 'dthms', 'dtdhms', 's'].map((unit) => [-61, 61].map((value) => written(unit, value)).join(' and ')).join('\n');
console.log(seen);
const expected = `000ms and 01m:01s:000ms
00:01:01 ago and 00:01:01
00:01:01 ago and 00:01:01
-1.02 mins and 1.02 mins`;
if (seen !== expected) {
  console.log('CHANGED');
  process.exit(1);
}
process.exit(0);
END
node finding.cjs
