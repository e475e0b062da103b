import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Browser } from '@playwright/test';
import { Nginx } from './support/nginx';
import { Player } from './support/player';
import { Site } from './support/site';
import { account, Streamlens, type Organization } from './support/streamlens';

const minute = 60_000;
/** A delivery shows in a widget after this time at the latest, ms. */
const freshness = 15_000;

/** Viewers, each on a page of a host with a name of its own, which browsers find on this machine. */
const viewers = [
  { host: 'shop.localhost', address: '203.0.113.7', stream: 'concert' },
  { host: 'news.localhost', address: '2001:db8::7', stream: 'match' },
  { host: 'news.localhost', address: '203.0.113.7', stream: 'match' },
];

/** Lets hls.js play what nginx serves. */
async function watch(browser: Browser, site: Site, nginx: Nginx, endpoint: string, i: number): Promise<void> {
  const { host, address, stream } = viewers[i]!;
  const page = await browser.newPage();
  // Added behind the browser's back, which would else ask nginx for leave first.
  await page.route(`${nginx.origin}/**`, (route) =>
    route.continue({ headers: { ...route.request().headers(), 'X-Forwarded-For': address } })
  );
  await page.goto(originOf(site, host));
  const player = new Player(page, site, await page.evaluateHandle('page'));
  await player.play({ endpoint, ...account, stream }, { source: `${nginx.origin}/${stream}/stream.m3u8` });
  await player.reaches(3 + i);
  await player.seek(20);
  await player.reaches(22);
  await page.close();
}

function originOf(site: Site, host: string): string {
  return `http://${host}:${new URL(site.origin).port}`;
}

/** A line of the combined log, read without any of the product's code. */
interface Line {
  address: string;
  path: string;
  status: number;
  bytes: number;
  referrer: string;
}

function read(log: string): Line[] {
  return log
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, address, path, status, bytes, referrer] =
        /^(\S+) - - \[[^\]]+\] "\S+ (\S+) \S+" (\d+) (\d+) "([^"]*)" "[^"]*"$/.exec(line)!;
      return { address: address!, path: path!, status: Number(status), bytes: Number(bytes), referrer: referrer! };
    });
}

/** Adds up the bytes of lines by what a function says of them. */
function sum(lines: Line[], by: (line: Line) => string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const line of lines) {
    sums[by(line)] = (sums[by(line)] ?? 0) + line.bytes;
  }
  return sums;
}

test('traffic of nginx equals its log to the byte', async ({ browser }) => {
  test.skip(Nginx.missing() !== '', Nginx.missing());
  test.skip(Streamlens.missing() !== '', Streamlens.missing());
  const site = await Site.start();
  const streamlens = await Streamlens.start(viewers.map(({ host }) => originOf(site, host)));
  const video = process.env.TEST_VIDEO!;
  const nginx = await Nginx.start({ concert: video, match: join(video, 'players') });
  try {
    const from = Math.floor(Date.now() / minute) * minute;
    await Promise.all(viewers.map((_, i) => watch(browser, site, nginx, streamlens.endpoint, i)));
    // Parts of files, what the client has already, and what does not exist.
    const segment = `${nginx.origin}/concert/segment001.ts`;
    const headers = { 'X-Forwarded-For': '198.51.100.9' };
    const whole = await fetch(segment, { headers });
    await whole.arrayBuffer();
    const etag = whole.headers.get('etag')!;
    expect((await fetch(segment, { headers: { ...headers, Range: 'bytes=100-299' } })).status).toBe(206);
    expect((await fetch(segment, { headers: { ...headers, 'If-None-Match': etag } })).status).toBe(304);
    expect((await fetch(`${nginx.origin}/concert/segment999.ts`, { headers })).status).toBe(404);
    // No line comes after this.
    await nginx.stop();
    const to = (Math.floor(Date.now() / minute) + 1) * minute;

    const lines = read(readFileSync(nginx.combinedLog, 'utf8'));
    const delivered = lines.filter(({ status, path }) => status < 400 && path !== '/');
    const sums = {
      usageByStream: sum(delivered, ({ path }) => path.split('/')[1]!),
      usageByIP: sum(delivered, ({ address }) => address),
      usageByReferrer: sum(delivered, ({ referrer }) => (referrer === '-' ? '(none)' : new URL(referrer).hostname)),
    };
    const total = delivered.reduce((total, { bytes }) => total + bytes, 0);
    console.log(`${lines.length} lines`, total, sums);
    // What the browser gives up when a page closes may come from its own address.
    expect(Object.keys(sums.usageByIP)).toEqual(expect.arrayContaining(['198.51.100.9', '2001:db8::7', '203.0.113.7']));
    expect(Object.keys(sums.usageByReferrer).sort()).toEqual(['(none)', 'news.localhost', 'shop.localhost']);

    expect(await streamlens.import('nginx-combined', nginx.combinedLog)).toContain(' 0 refused');
    expect(await streamlens.import('nginx-combined', nginx.combinedLog)).toContain('counted already');
    const answer = await streamlens.postLog('globex', 'nginx-json', nginx.jsonLog);
    expect(answer).toMatchObject({ accepted: delivered.length, refused: 0 });

    for (const organization of ['acme', 'globex'] as Organization[]) {
      await expect(async () => {
        const query = (widget: string) => streamlens.query(widget, from, to, { organization });
        expect((await query('usageOverview'))[0]).toMatchObject({ playout: total, ingest: 0, total });
        for (const [widget, column] of [
          ['usageByStream', 'stream'],
          ['usageByIP', 'ip'],
          ['usageByReferrer', 'referrer'],
        ] as const) {
          const rows = await query(widget);
          expect(Object.fromEntries(rows.map((row) => [row[column], row.playout]))).toEqual(sums[widget]);
        }
      }).toPass({ timeout: freshness, intervals: [1000] });
    }
  } finally {
    await nginx.remove();
    await streamlens.stop();
    await site.stop();
  }
});
