import { expect, type Browser } from '@playwright/test';
import type { Figures } from './page/measure';
import { Player } from './support/player';
import { videoLength } from './support/setup';
import { Site } from './support/site';
import { account, Streamlens, type Row } from './support/streamlens';
import { test } from './support/turn';

/** Seconds between the beacon's reports. */
const interval = 2;
/** An event shows in a widget after this time at the latest, ms. */
const freshness = 15_000;
const minute = 60_000;

const webKit = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0';

/** A viewer with a browser, whose way through the play ends for a reason. */
interface Viewer {
  os: string;
  userAgent: string;
  reason: string;
  watch: (player: Player) => Promise<void>;
}

const viewers: Viewer[] = [
  {
    os: 'Linux',
    userAgent: `Mozilla/5.0 (X11; Linux x86_64) ${webKit} Safari/537.36`,
    reason: 'normal',
    watch: async (player) => {
      await player.reaches(2);
      await player.stall(5000);
      await player.reaches(5);
      await player.stop();
    },
  },
  {
    os: 'Windows',
    userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webKit} Safari/537.36`,
    reason: 'destroy',
    watch: async (player) => {
      await player.reaches(3);
      await player.stall(3000);
      await player.reaches(6);
    },
  },
  {
    os: 'Android',
    userAgent: `Mozilla/5.0 (Linux; Android 15; Pixel 9) ${webKit} Mobile Safari/537.36`,
    reason: 'normal',
    watch: async (player) => {
      await player.reaches(2);
      await player.pause(2000);
      await player.reaches(3);
      await player.seek(videoLength - 3);
      await player.reaches(videoLength - 0.1);
    },
  },
];

/** Lets a viewer watch on a site of their own, closes the page and returns what the page measured. */
async function watch(browser: Browser, site: Site, endpoint: string, viewer: Viewer): Promise<Figures> {
  const context = await browser.newContext({ userAgent: viewer.userAgent });
  const page = await context.newPage();
  const player = await Player.open(page, site);
  await player.play({ endpoint, ...account, stream: 'live-1', interval });
  await viewer.watch(player);
  if (viewer.reason === 'normal') {
    // The session ends before the page does.
    await page.waitForTimeout(1000);
  }
  await page.close();
  await expect.poll(() => site.figures).toHaveLength(1);
  await context.close();
  return site.figures[0]!;
}

/** Counts texts: how often each is in the list. */
function counts(texts: string[]): Record<string, number> {
  return texts.reduce<Record<string, number>>((counts, text) => ({ ...counts, [text]: (counts[text] ?? 0) + 1 }), {});
}

function byColumn(rows: Row[], key: string, value: string): Record<string, unknown> {
  return Object.fromEntries(rows.map((row) => [row[key], row[value]]));
}

test('the widgets say what the pages lived through', async ({ browser }) => {
  test.skip(Streamlens.missing() !== '', Streamlens.missing());
  const sites = await Promise.all(viewers.map(() => Site.start()));
  const streamlens = await Streamlens.start(sites.map(({ origin }) => origin));
  try {
    const from = Math.floor(Date.now() / minute) * minute;
    const pages = await Promise.all(viewers.map((viewer, i) => watch(browser, sites[i]!, streamlens.endpoint, viewer)));
    const to = (Math.floor(Date.now() / minute) + 1) * minute;
    const query = (widget: string) => streamlens.query(widget, from, to);

    await expect(async () => {
      expect(byColumn(await query('stopReasons'), 'reason', 'stops')).toEqual(
        counts(viewers.map(({ reason }) => reason))
      );
      expect(byColumn(await query('playsByOS'), 'os', 'plays')).toEqual(counts(viewers.map(({ os }) => os)));
    }).toPass({ timeout: freshness, intervals: [1000] });

    const sum = (kind: 'playing' | 'buffering') => pages.reduce((total, figures) => total + figures[kind], 0);
    const pagesRatio = sum('buffering') / (sum('buffering') + sum('playing'));
    const pagesStart = pages.map(({ startTime }) => startTime! / 1000).sort((a, b) => a - b);
    const [bufferingRatio] = await query('bufferingRatio');
    const [startTime] = await query('startTime');
    console.log('bufferingRatio', bufferingRatio, 'pages', pagesRatio, 'startTime', startTime, 'pages', pagesStart);

    expect(pages[0]!.stalls[0]).toBeGreaterThan(interval * 1000);
    expect(Math.abs(Number(bufferingRatio!.value) - pagesRatio)).toBeLessThan(0.01 * pagesRatio);
    const average = pagesStart.reduce((total, start) => total + start) / pagesStart.length;
    expect(Math.abs(Number(startTime!.average) - average)).toBeLessThan(0.05);
    // The widget's median is within 7 % of the exact one.
    expect(Math.abs(Number(startTime!.median) - pagesStart[1]!)).toBeLessThan(0.07 * pagesStart[1]! + 0.05);
  } finally {
    await streamlens.stop();
    await Promise.all(sites.map((site) => site.stop()));
  }
});
