import { expect } from '@playwright/test';
import type { Figures } from './page/measure';
import { interval, test as base } from './support/beacon';
import { StubCollector, type ReceivedEvent } from './support/collector';
import { Player } from './support/player';
import { videoLength } from './support/setup';

/** A machine under load may itself let the player stall for so long, s. */
const hiccup = 0.5;

const test = base.extend<{ player: Player }>({
  player: async ({ page, site }, use) => {
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    site.figures.length = 0;
    await use(await Player.open(page, site));
    site.release();
    expect(errors).toEqual([]);
  },
});

async function stopOf(collector: StubCollector): Promise<ReceivedEvent> {
  // Longer than the beacon's wait after some failed requests.
  await expect.poll(() => collector.events.at(-1)?.type, { timeout: 15_000 }).toBe('stop');
  return collector.events.at(-1)!;
}

function sum(events: ReceivedEvent[], kind: 'playing' | 'buffering' | 'paused'): number {
  return events.reduce((total, event) => total + (event[kind] ?? 0), 0);
}

/** Compares what the beacon reported with what the page measured; seconds against ms. */
function expectAgreement(events: ReceivedEvent[], figures: Figures): void {
  const start = events.find(({ type }) => type === 'start')!.startTime!;
  const watched = (sum(events, 'playing') + sum(events, 'buffering')) * 1000;
  const pagesWatched = figures.playing + figures.buffering;
  const paused = sum(events, 'paused');
  console.log(`start ${start} s, watched ${watched} ms, paused ${paused} s; page`, figures);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  expect(Math.abs(start * 1000 - figures.startTime!)).toBeLessThan(50);
  expect(Math.abs(watched - pagesWatched)).toBeLessThan(0.01 * pagesWatched + 50);
  expect(Math.abs(paused * 1000 - figures.paused)).toBeLessThan(50);
}

/** Expects the buffering ratios of beacon and page to differ by 1 % of the page's at most. */
function expectSameBufferingRatio(events: ReceivedEvent[], figures: Figures): void {
  const buffering = sum(events, 'buffering');
  const ratio = buffering / (buffering + sum(events, 'playing'));
  const pagesRatio = figures.buffering / (figures.buffering + figures.playing);
  console.log(`buffering ratio ${ratio}, page ${pagesRatio}`);
  expect(Math.abs(ratio - pagesRatio)).toBeLessThan(0.01 * pagesRatio);
}

/** Expects every report to cover exactly the time since the one before. */
function expectFullSpans(events: ReceivedEvent[]): void {
  const start = events.findIndex(({ type }) => type === 'start');
  const reports = events.slice(start).filter(({ type }) => type !== 'status');
  const missing = reports.slice(1).map(({ ts, playing = 0, buffering = 0, paused = 0 }, i) => {
    return ts - reports[i]!.ts - Math.round((playing + buffering + paused) * 1000);
  });
  // hls.js may still be seeking over a hole before the first segment when the first frame shows.
  expect(missing[0]).toBeGreaterThanOrEqual(0);
  expect(missing[0]).toBeLessThan(50);
  expect(missing.slice(1)).toEqual(missing.slice(1).map(() => 0));
}

test('stalls longer and shorter than the interval', async ({ site, collector, beacon, player }) => {
  await player.play(beacon);
  await player.reaches(3);
  await player.stall(5000);
  await player.reaches(7);
  await player.stall(700);
  await player.reaches(9);
  await player.stop();

  const stop = await stopOf(collector);
  const figures = await player.figures();
  expect(Math.max(...figures.stalls)).toBeGreaterThan(5000);
  expect(figures.stalls.length).toBeGreaterThanOrEqual(2);
  expectAgreement(collector.events, figures);
  expectSameBufferingRatio(collector.events, figures);
  expectFullSpans(collector.events);
  expect(stop.reason).toBe('normal');
  const watched = sum(collector.events, 'playing') + sum(collector.events, 'buffering');
  expect(Math.abs(stop.played! - watched)).toBeLessThan(0.05);
  const { envelope, origin } = collector.receipts[0]!;
  expect(envelope).toMatchObject({
    accountId: 'acme',
    accountKey: 'pk_test',
    stream: 'live-1',
    interval,
    client: { kind: 'hlsjs', version: '1.7.4' },
  });
  expect(origin).toBe(site.origin);
});

test('pause and seek are no stalls; the end of recorded media is a normal stop', async ({
  collector,
  beacon,
  player,
}) => {
  await player.play(beacon);
  await player.reaches(2);
  await player.pause(2000);
  await player.reaches(3.5);
  await player.seek(videoLength - 3);

  const stop = await stopOf(collector);
  const figures = await player.figures();
  expect(sum(collector.events, 'buffering')).toBeLessThan(hiccup);
  expect(figures.seeking).toBeGreaterThan(0);
  expectAgreement(collector.events, figures);
  expect(stop.reason).toBe('normal');
});

test('a seek into withheld media is no stall', async ({ page, site, collector, beacon, player }) => {
  await player.play(beacon);
  await player.reaches(2);
  site.withhold();
  await player.seek(20);
  await page.waitForTimeout(2500);
  site.release();
  await player.reaches(22);
  await player.stop();

  await stopOf(collector);
  const figures = await player.figures();
  expect(figures.seeking).toBeGreaterThan(2500);
  expect(sum(collector.events, 'buffering')).toBeLessThan(hiccup);
  expectAgreement(collector.events, figures);
});

test('a closed page stops by sendBeacon, with the script-tag build', async ({
  page,
  site,
  collector,
  beacon,
  player,
}) => {
  await player.play(beacon, { build: 'script' });
  await player.reaches(2.5);
  await player.stall(1000);
  await player.reaches(4);
  await page.close();

  const stop = await stopOf(collector);
  expect(stop.reason).toBe('destroy');
  expect(collector.receiptOf('stop')!.mode).toBe('no-cors');
  await expect.poll(() => site.figures).toHaveLength(1);
  expectAgreement(collector.events, site.figures[0]!);
  expect(Math.abs(sum(collector.events, 'buffering') * 1000 - site.figures[0]!.buffering)).toBeLessThan(100);
  expectFullSpans(collector.events);
});

test('media that cannot be played are a fatal status and a load without a start', async ({
  collector,
  beacon,
  player,
}) => {
  await player.play(beacon, { source: '/video/missing.mp4', player: 'html5' });
  const stop = await stopOf(collector);
  expect(stop.reason).toBe('playbackerror');
  expect(collector.events.map(({ type }) => type)).toEqual(['load', 'status', 'stop']);
  expect(collector.events[1]).toMatchObject({ code: 4, fatal: true });
});

test('a collector that fails for a while loses nothing', async ({ collector, beacon, player }) => {
  collector.status = 503;
  await player.play(beacon);
  await player.reaches(5);
  expect(collector.refusals).toBeGreaterThan(1);
  collector.status = 202;
  await player.reaches(6);
  await player.stop();

  await stopOf(collector);
  const seqs = collector.receipts.flatMap(({ envelope }) => envelope.events.map(({ seq }) => seq));
  expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  expectFullSpans(collector.events);
});

test('after the stop nothing more is sent', async ({ page, collector, beacon, player }) => {
  await player.play(beacon);
  await player.reaches(1);
  await player.stop();
  await stopOf(collector);
  const { length } = collector.receipts;
  await page.waitForTimeout((interval + 0.5) * 1000);
  await page.close();
  expect(collector.receipts).toHaveLength(length);
});
