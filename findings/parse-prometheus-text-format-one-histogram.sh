#!/bin/bash
# parse-prometheus-text-format, which reads what programs show to Prometheus, keeps one histogram and one summary of each name: of those by stream the last, without its label, its sum
# and its count, so that a page with all streams seems to have one. Counters keep all and their labels. The end of a line with an exemplar becomes a time.
#
# Guess before: one for each set of labels, as with counters.
# Seen with parse-prometheus-text-format 1.1.1, on what prom-client 15.1.3 writes (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts parse-prometheus-text-format@1.1.1 prom-client@15.1.3 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import reader from 'parse-prometheus-text-format';
import client from 'prom-client';

const parse = reader.default ?? reader;
console.log('parse-prometheus-text-format', JSON.parse(readFileSync('node_modules/parse-prometheus-text-format/package.json')).version);
const registry = new client.Registry();
const options = { help: 'by stream', labelNames: ['stream'], registers: [registry] };
const plays = new client.Counter({ name: 'plays_total', ...options });
const starts = new client.Histogram({ name: 'start_seconds', buckets: [1], ...options });
for (const stream of ['a', 'b', 'b']) {
  plays.inc({ stream });
  starts.observe({ stream }, 0.5);
}
const written = await registry.metrics();
const [counter, histogram] = parse(written).map(({ metrics }) => JSON.stringify(metrics));
console.log(`${written}\ncounter: ${counter}\nhistogram: ${histogram}`);
if (counter !== '[{"value":"1","labels":{"stream":"a"}},{"value":"2","labels":{"stream":"b"}}]' || histogram !== '[{"buckets":{"1":"2","+Inf":"2"}}]') {
  console.log('CHANGED');
  process.exit(1);
}
const [exemplar] = parse('plays_total{stream="a"} 2 # {trace_id="x"} 1 1795971321.526\n')[0].metrics;
console.log('exemplar:', JSON.stringify(exemplar));
if (exemplar.timestamp_ms !== '#{trace_id="x"}11795971321.526') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
