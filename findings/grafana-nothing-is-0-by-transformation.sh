#!/bin/bash
# What was not measured is null in Grafana's tables, and its transformations take it for 0 or leave it out, each as it likes: a difference of two columns has 0 for it (5 viewers less nobody asked is
# 5), a cumulative mean counts it as a value of 0 (2, 1, 2.33), a moving mean leaves it out (2, 2, 5), a filter for "0 or less" lets it through, one for "0 or more" too, and an empty text
# becomes the number 0. A table of streams without viewers has those in it that nobody asked.
#
# Guess before: a difference with null is null, the cumulative mean is 2, 2, 3.5, no condition on a number holds for null, and an empty text becomes null.
# Seen with @grafana/data 12.3.0 (npm): calculateField, filterByValue and convertFieldType. Needs node and npm.
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
const frame = (columns) => toDataFrame({ fields: Object.entries(columns).map(([name, [type, ...values]]) => ({ name, type, values })) });
const transform = (id, options, ...frames) => lastValueFrom(transformDataFrame([{ id, options }], frames));
const { number, string } = FieldType;

(async () => {
  const viewers = [number, 2, null, 5];
  const values = async (column, ...given) => {
    const [{ fields }] = await transform(...given);
    return fields.at(column).values.map(String).join(' ');
  };
  const by = (name) => ({ matcher: { id: 'byName', options: name } });
  const less = { mode: 'binary', binary: { left: by('a'), operator: '-', right: by('b') } };
  const cumulative = { mode: 'cumulativeFunctions', cumulative: { field: 'a', reducer: 'mean' } };
  const moving = { mode: 'windowFunctions', window: { field: 'a', reducer: 'mean', windowAlignment: 'trailing', windowSizeMode: 'fixed', windowSize: 2 } };
  const compare = (id) => ({ type: 'include', match: 'all', filters: [{ fieldName: 'a', config: { id, options: { value: 0 } } }] });
  const seen = {
    '2 null 5 less 1 1 null': await values(-1, 'calculateField', less, frame({ a: viewers, b: [number, 1, 1, null] })),
    '2 null 5, cumulative mean': await values(-1, 'calculateField', cumulative, frame({ a: viewers })),
    '2 null 5, moving mean': await values(-1, 'calculateField', moving, frame({ a: viewers })),
    '2 null 5, 0 or less': await values(0, 'filterByValue', compare('lowerOrEqual'), frame({ a: viewers })),
    '2 null 5, 0 or more': await values(0, 'filterByValue', compare('greaterOrEqual'), frame({ a: viewers })),
    '2 null 5, more than 0': await values(0, 'filterByValue', compare('greater'), frame({ a: viewers })),
    '2, an empty text, 5': await values(0, 'convertFieldType', { conversions: [{ targetField: 'a', destinationType: number }] }, frame({ a: [string, '2', '', '5'] })),
  };
  for (const [name, line] of Object.entries(seen)) {
    console.log(`${name}: ${line}`);
  }
  if (Object.values(seen).join(', ') !== '1 -1 5, 2 1 2.3333333333333335, 2 2 5, null, 2 null 5, 2 5, 2 0 5') {
    console.log('CHANGED');
    process.exit(1);
  }
  process.exit(0);
})();
END
TZ=UTC node finding.cjs
