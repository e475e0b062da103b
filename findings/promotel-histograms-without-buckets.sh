#!/bin/bash
# promotel, which turns what programs show to Prometheus into OpenTelemetry's metrics, keeps one bucket of each histogram, the last, with all values in it and no bounds: sum and count are
# right, and every percentile is gone. In Prometheus' text each bucket is a series of its own, and each one found takes the place of the one before. It is so with a page of text and with the
# registry of prom-client handed over directly. A gauge that is NaN or infinite is left out, without a word.
#
# Guess before: the buckets, each without those below it, as OpenTelemetry has them.
# Seen with @platformatic/promotel 0.2.2 and prom-client 15.1.3 (npm), dist/otlp.js. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @platformatic/promotel@0.2.2 prom-client@15.1.3 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { convert, getFromRegistry, parse } from '@platformatic/promotel';
import client from 'prom-client';

for (const name of ['@platformatic/promotel', 'prom-client']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const histogram = new client.Histogram({ name: 'wait_seconds', help: 'Wait.', labelNames: ['stream'], buckets: [0.1, 1, 10] });
for (const seconds of [0.05, 0.5, 0.5, 5, 50]) {
  histogram.observe({ stream: 'a' }, seconds);
}
const gauge = new client.Gauge({ name: 'delay_seconds', help: 'Delay.', labelNames: ['stream'] });
gauge.set({ stream: 'a' }, Infinity);
gauge.set({ stream: 'b' }, 2);
const page = await client.register.metrics();
console.log(page);
const seen = [];
for (const request of [parse(page), await getFromRegistry(client.register)]) {
  const [wait, delay] = convert(request).resource_metrics[0].scope_metrics[0].metrics;
  const [{ count, sum, bucket_counts: counts, explicit_bounds: bounds }] = wait.histogram.data_points;
  seen.push(JSON.stringify({ count, sum, counts, bounds, gauges: delay.gauge.data_points.length }));
  console.log(seen.at(-1));
}
const before = '{"count":5,"sum":56.05,"counts":[5],"bounds":[],"gauges":1}';
if (seen.join() !== `${before},${before}`) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
