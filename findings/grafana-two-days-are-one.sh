#!/bin/bash
# Grafana's unit "duration (s)" for times that people watched writes one part of a time, the largest, and cuts the rest off: 47:59:59 is "1 day", 1:59:59 "1 hour", where the unit "seconds (s)" has
# 2.00 days and 2.00 hours. It takes the decimals for the number of further parts, and a panel where nobody has set any has none.
#
# Guess before: 25:01:01 is "1 day, 1 hour, 1 minute, 1 second".
# Seen with @grafana/data 12.3.0 (npm): getDisplayProcessor with the unit dtdurations. With two decimals 47:59:59 is "1 day, 23 hours, 59 minutes". Needs node and npm.
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
const { FieldType, createTheme, formattedValueToString, getDisplayProcessor } = require('@grafana/data');

console.log('@grafana/data', require('@grafana/data/package.json').version);
const shown = (config, value) =>
  formattedValueToString(getDisplayProcessor({ field: { type: FieldType.number, config, values: [value] }, theme: createTheme() })(value));
const seen = [];
for (const [time, value] of [
  ['0:59:59', 3599],
  ['1:59:59', 7199],
  ['47:59:59', 172799],
]) {
  const line = [shown({ unit: 'dtdurations' }, value), shown({ unit: 's' }, value), shown({ unit: 'dtdurations', decimals: 2 }, value)];
  seen.push(...line);
  console.log(`${time} is "${line[0]}" by the unit "duration (s)", ${line[1]} by "seconds (s)", and with two decimals "${line[2]}"`);
}
const expected = ['59 minutes', '60.0 mins', '59 minutes, 59 seconds, 0 milliseconds', '1 hour', '2.00 hours', '1 hour, 59 minutes, 59 seconds', '1 day', '2.00 days', '1 day, 23 hours, 59 minutes'];
if (seen.join('|') !== expected.join('|')) {
  console.log('CHANGED');
  process.exit(1);
}
process.exit(0);
END
TZ=UTC node finding.cjs
