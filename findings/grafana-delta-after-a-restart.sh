#!/bin/bash
# Grafana's calculation "Delta" adds up by how much a counter grew, and lets a restart, after which it begins anew, pass. It leaves out the growth of the step behind the restart too: of a counter
# that goes 10, 20, 30, 5, 15 it is 20, where 30 is what grew between values that are there, and 35 would be right for PromQL's increase(), with the 5 since the restart. Of a server that
# is restarted every other time it is asked nothing is left at all.
#
# Guess before: 35: a value that is smaller is a restart, and is added.
# Seen with @grafana/data 12.3.0 (npm): reduceField with delta. Needs node and npm.
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
const { FieldType, reduceField } = require('@grafana/data');

console.log('@grafana/data', require('@grafana/data/package.json').version);
const seen = [];
for (const values of [
  [10, 20, 30, 40, 50],
  [10, 20, 30, 5, 15],
  [30, 10, 40, 5, 35, 1],
]) {
  const { delta } = reduceField({ field: { name: 'bytes', type: FieldType.number, config: {}, values }, reducers: ['delta'] });
  seen.push(delta);
  console.log(values.join(', '), '· Delta', delta);
}
if (seen.join() !== '40,20,0') {
  console.log('CHANGED');
  process.exit(1);
}
process.exit(0);
END
TZ=UTC node finding.cjs
