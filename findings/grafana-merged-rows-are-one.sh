#!/bin/bash
# Grafana's transformation "Merge series/tables", with which the tables of several queries become one, makes one row of rows that are alike, within a table too: of two plays of one country that both
# had 5 stalls one is left, so that counts and sums of the merged table are less than those of the tables. What one table knows of a country stands in each of its rows if its table is the second, and
# in the first of them alone if it is the first.
#
# Guess before: rows of the same columns are all kept.
# Seen with @grafana/data 12.3.0 (npm): the transformation merge. Needs node and npm.
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
const { FieldType, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame } = require('@grafana/data');
const { lastValueFrom } = require('rxjs');

console.log('@grafana/data', require('@grafana/data/package.json').version);
standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()].map((one) => ({ id: one.id, name: one.name, transformation: one })),
);
const frame = (columns) => toDataFrame({ fields: Object.entries(columns).map(([name, values]) => ({ name, type: typeof values[0] === 'string' ? FieldType.string : FieldType.number, values })) });
const merged = async (...frames) => {
  const [{ fields }] = await lastValueFrom(transformDataFrame([{ id: 'merge', options: {} }], frames.map(frame)));
  return fields[0].values.map((_, row) => fields.map((field) => field.values[row]).join(' ')).join(', ');
};

(async () => {
  const seen = {
    'DE 5, DE 5 with IT 1': await merged({ country: ['DE', 'DE'], stalls: [5, 5] }, { country: ['IT'], stalls: [1] }),
    'DE 5, FR 7 with DE 5, IT 2': await merged({ country: ['DE', 'FR'], stalls: [5, 7] }, { country: ['DE', 'IT'], stalls: [5, 2] }),
    'DE 5, DE 6 with DE 83': await merged({ country: ['DE', 'DE'], stalls: [5, 6] }, { country: ['DE'], millions: [83] }),
    'DE 83 with DE 5, DE 6': await merged({ country: ['DE'], millions: [83] }, { country: ['DE', 'DE'], stalls: [5, 6] }),
  };
  for (const [name, rows] of Object.entries(seen)) {
    console.log(`${name}: ${rows}`);
  }
  if (Object.values(seen).join('; ') !== 'DE 5, IT 1; DE 5, FR 7, IT 2; DE 5 83, DE 6 83; DE 83 5, DE  6') {
    console.log('CHANGED');
    process.exit(1);
  }
  process.exit(0);
})();
END
node finding.cjs
