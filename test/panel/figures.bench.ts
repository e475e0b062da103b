import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import type { Browser, Page } from '@playwright/test';

import { everywhere, metricCase } from './cases';
import { test } from './panel';

/** Runs of each measurement. */
const RUNS = 40;

/** A frame of a screen with 60 Hz, in ms: a task that takes longer makes the page miss one. */
const FRAME = 16;

/** Milliseconds after a change in which what follows from it is done: the parts of the map, each in a frame, and the table for screen readers. */
const AFTERMATH = 400;

/**
 * Prints the size of the bundle, and how long the panel takes to draw 250 countries for the first time and to show new
 * values: by the clock until the page is laid out, and the longest task of the main thread with all that follows, in time
 * of the processor, which a busy machine does not change.
 */
test('figures', async ({ page, panel, browser }) => {
  test.setTimeout(300_000);
  const bundle = await readFile(path.resolve(__dirname, '../../dist/panels/worldmap/module.js'));
  console.log(`bundle: ${(gzipSync(bundle, { level: 9 }).length / 1000).toFixed(1)} kB gzip`);

  for (const [what, fresh] of [
    ['first render', true],
    ['update', false],
  ] as const) {
    const wall: number[] = [];
    const longest: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      if (fresh) {
        await panel.clear();
        await page.waitForTimeout(AFTERMATH);
      }
      const tasks = await traced(browser, page, async () => {
        wall.push(await panel.show(metricCase('playouts', everywhere(run))));
        await page.waitForTimeout(AFTERMATH);
      });
      longest.push(Math.max(...tasks));
    }
    const [, ...warm] = longest;
    console.log(
      `${what}: median ${median(wall).toFixed(1)} ms; longest task, of the processor: median ${median(warm).toFixed(1)} ms, ` +
        `worst ${Math.max(...warm).toFixed(1)} ms, over ${FRAME} ms in ${warm.filter((took) => took > FRAME).length} of ${warm.length}`
    );
    console.log(`${what}, the very first: ${wall[0]!.toFixed(1)} ms; longest task ${longest[0]!.toFixed(1)} ms`);
  }
});

/** What is used here of an event in a trace of Chromium. */
interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** Microseconds of a steady clock, begin and length. */
  ts: number;
  dur?: number;
  /** Microseconds of the processor. */
  tdur?: number;
  args?: { name?: string };
}

/**
 * Returns the milliseconds of the processor that each task of the page's main thread takes while something happens, from the one in
 * which the page begins to draw the panel.
 */
async function traced(browser: Browser, page: Page, happens: () => Promise<void>): Promise<number[]> {
  await browser.startTracing(page, {
    categories: ['disabled-by-default-devtools.timeline', 'blink.user_timing', 'toplevel', '__metadata'],
  });
  await happens();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const thread = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;
  const main = new Set(
    traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(thread)
  );
  const draw = traceEvents.find(({ name }) => name === 'draw')!.ts;
  return traceEvents
    .filter((event) => event.name === 'RunTask' && main.has(thread(event)) && event.ts + (event.dur ?? 0) > draw)
    .map(({ tdur = 0 }) => tdur / 1000);
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
