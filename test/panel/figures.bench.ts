import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import type { CDPSession } from '@playwright/test';

import { everywhere, metricCase } from './cases';
import { test } from './panel';

/** Runs of each measurement. */
const RUNS = 40;

/**
 * Prints the size of the bundle, and how long the panel takes to draw 250 countries for the first time and to show new
 * values: by the clock until the page is laid out, and in time of the processor, which a busy machine does not change.
 */
test('figures', async ({ page, panel }) => {
  test.setTimeout(300_000);
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable');
  const bundle = await readFile(path.resolve(__dirname, '../../dist/panels/worldmap/module.js'));
  console.log(`bundle: ${(gzipSync(bundle, { level: 9 }).length / 1000).toFixed(1)} kB gzip`);

  for (const [what, fresh] of [
    ['first render', true],
    ['update', false],
  ] as const) {
    const wall: number[] = [];
    const busy: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      if (fresh) {
        await panel.clear();
      }
      const before = await processorTime(client);
      wall.push(await panel.show(metricCase('playouts', everywhere(run))));
      busy.push((await processorTime(client)) - before);
      await page.waitForTimeout(50);
    }
    console.log(`${what}: median ${median(wall).toFixed(1)} ms, ${median(busy).toFixed(1)} ms of the processor`);
    console.log(`${what}, the very first: ${wall[0]!.toFixed(1)} ms`);
  }
});

/** Milliseconds that the page's main thread has computed. */
async function processorTime(client: CDPSession): Promise<number> {
  const { metrics } = await client.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'ThreadTime')!.value * 1000;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
