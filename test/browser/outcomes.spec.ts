import { execFileSync } from 'node:child_process';
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test as base, type Browser, type Page } from '@playwright/test';
import type { How, Pictures, PlayerKind } from './page/outcomes/main';
import { root } from './support/paths';
import { Site } from './support/site';
import { account, Streamlens, type Row } from './support/streamlens';

/**
 * Seconds between two reports, of the players' CMCD and of the beacon. After three of them without a report a play is over, and a machine
 * on which eight videos are decoded may keep a page waiting for more than six seconds.
 */
const interval = (scenario: Scenario) => (/^(blocked|fails)/.test(scenario) ? 5 : 2);
const minute = 60_000;
/** Everything of a minute is known this long after it at the latest, ms. */
const completion = 40_000;

const kinds: PlayerKind[] = ['hlsjs', 'dashjs', 'shaka', 'videojs'];
const protocols: Record<PlayerKind, 'hls' | 'dash'> = { hlsjs: 'hls', dashjs: 'dash', shaka: 'dash', videojs: 'hls' };

/** The rungs of the ladder, bit/s of the video. */
const rungs = [
  { height: 180, bitrate: 300_000 },
  { height: 360, bitrate: 1_800_000 },
] as const;
/** A line on which only the lower rung arrives in time, bit/s. */
const narrow = 700_000;
const videoLength = 75;

const scenarios = ['missing', 'silent', 'early', 'late', 'blocked', 'fails10', 'fails40', 'ladder'] as const;
type Scenario = (typeof scenarios)[number];

/** What the beacon must say of each; Video.js asks for a segment again and again and never gives up. */
const outcomes: Record<Scenario, (kind: PlayerKind) => string[]> = {
  missing: () => ['startfailure'],
  silent: () => ['exit'],
  early: () => ['exitearly'],
  late: () => ['exit'],
  blocked: () => ['blocked'],
  fails10: (kind) => (kind === 'videojs' ? ['played'] : ['playbackfailure', 'played']),
  fails40: (kind) => (kind === 'videojs' ? ['played'] : ['playbackfailure', 'played']),
  ladder: () => ['played'],
};

/** What CMCD says where that is less, as docs/sources/cmcd.md has it; the release build of Shaka tells no states. */
const byCmcd: Partial<Record<PlayerKind, Partial<Record<Scenario, string[]>>>> = {
  hlsjs: { blocked: ['exit'], fails10: ['played'], fails40: ['played'] },
  dashjs: { missing: ['exit'], blocked: ['exit'], fails10: ['played'], fails40: ['played'] },
  shaka: { missing: [], silent: [], early: [], late: [], blocked: [], fails10: ['played'], fails40: ['played'] },
};

/** A page that plays, on a site of its own. */
class Viewer {
  private constructor(
    readonly page: Page,
    readonly site: Site
  ) {}

  static async open(browser: Browser, streamlens: Streamlens, site: Site, kind: PlayerKind, scenario: Scenario) {
    const page = await browser.newPage();
    if (scenario === 'silent') {
      await page.route(/\/video\/.*\.(m3u8|mpd)/, () => {});
    }
    const stream = `${kind}-${scenario}`;
    const how: How = {
      kind,
      muted: scenario !== 'blocked',
      // The page does that itself: a busy machine may keep a test from closing it in time.
      leavesAfter: scenario === 'early' ? 300 : undefined,
      source: `/video/ladder/${scenario === 'missing' ? 'missing' : 'stream'}`,
      cmcd: {
        url: streamlens.cmcdEndpoint(`${kind} 1`, interval(scenario)),
        contentId: `${stream}-cmcd`,
        interval: interval(scenario),
      },
      beacon: { endpoint: streamlens.endpoint, ...account, stream, interval: interval(scenario) },
    };
    await page.goto(`${site.origin}/outcomes/#${encodeURIComponent(JSON.stringify(how))}`);
    const viewer = new Viewer(page, site);
    return viewer;
  }

  reaches(position: number): Promise<unknown> {
    return this.page.waitForFunction((position) => document.querySelector('video')!.currentTime >= position, position, {
      timeout: 2 * minute,
    });
  }

  /** Lets the line carry so many bit/s, or all. */
  async line(rate?: number): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: rate ? rate / 8 : -1,
      uploadThroughput: -1,
    });
  }

  pictures(): Promise<Pictures> {
    return this.page.evaluate<Pictures>('window.pictures ?? { shown: {}, heights: [] }');
  }
}

/** What viewers do, from the moment in which they open the page. */
const watch: Record<Scenario, (viewer: Viewer, kind: PlayerKind) => Promise<void>> = {
  missing: () => sleep(8000),
  silent: () => sleep(5000),
  early: ({ page }) => page.waitForURL('about:blank'),
  late: () => sleep(3000),
  blocked: () => sleep(10_000),
  fails10: (viewer, kind) => fails(viewer, kind, 10),
  fails40: (viewer, kind) => fails(viewer, kind, 40),
  async ladder(viewer) {
    await viewer.reaches(15);
    await viewer.line(narrow);
    await viewer.reaches(35);
    await viewer.line();
    await viewer.reaches(55);
  },
};

/** Segments that are asked for from a position on are answered with 404, and the viewer waits a minute. */
async function fails(viewer: Viewer, kind: PlayerKind, position: number): Promise<void> {
  await viewer.reaches(position);
  viewer.site.refuse();
  await sleep(kind === 'hlsjs' ? 75_000 : 30_000);
}

interface Watched {
  kind: PlayerKind;
  scenario: Scenario;
  pictures: Pictures;
}

const test = base.extend<{ streamlens: Streamlens; sites: Map<string, Site> }>({
  sites: async ({}, use) => {
    const names = kinds.flatMap((kind) => scenarios.map((scenario) => `${kind}-${scenario}`));
    const sites = new Map<string, Site>();
    for (const name of names) {
      sites.set(name, await Site.start());
    }
    await use(sites);
    await Promise.all([...sites.values()].map((site) => site.stop()));
  },
  streamlens: async ({ sites }, use) => {
    const streamlens = await Streamlens.start([...sites.values()].map(({ origin }) => origin));
    await use(streamlens);
    await streamlens.stop();
  },
});

test.skip(!process.env.OUTCOMES, 'go tool mage players runs it');

test.beforeAll(() => {
  const folder = join(process.env.TEST_VIDEO!, 'ladder');
  mkdirSync(folder, { recursive: true });
  const scaled = rungs.map(({ height }, i) => `[v${i}]scale=-2:${height}[r${i}]`).join(';');
  // prettier-ignore
  execFileSync('ffmpeg', [
    '-loglevel', 'error',
    '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25',
    '-f', 'lavfi', '-i', 'sine=frequency=440',
    '-t', String(videoLength),
    '-filter_complex', `[0:v]noise=alls=30:allf=t,split=${rungs.length}${rungs.map((_, i) => `[v${i}]`).join('')};${scaled}`,
    ...rungs.flatMap((_, i) => ['-map', `[r${i}]`]), '-map', '1:a',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-g', '25', '-sc_threshold', '0',
    ...rungs.flatMap(({ bitrate }, i) => [`-b:v:${i}`, String(bitrate), `-maxrate:v:${i}`, String(bitrate), `-bufsize:v:${i}`, String(bitrate / 2)]),
    '-c:a', 'aac', '-b:a', '64k',
    '-f', 'dash', '-seg_duration', '1', '-adaptation_sets', 'id=0,streams=v id=1,streams=a',
    '-hls_playlist', '1', '-hls_master_name', 'stream.m3u8', join(folder, 'stream.mpd'),
  ], { stdio: 'inherit' });
});

test('outcomes, heights, switches and bitrates of players that live through what goes wrong', async ({
  playwright,
  browser,
  sites,
  streamlens,
}, { project }) => {
  test.setTimeout(15 * minute);
  const { launchOptions } = project.use;
  const strict = await playwright.chromium.launch({
    ...launchOptions,
    args: [...(launchOptions?.args ?? []), '--autoplay-policy=document-user-activation-required'],
  });
  const from = Math.floor(Date.now() / minute) * minute;
  const watched: Watched[] = [];
  const play = (scenario: Scenario) =>
    kinds.map(async (kind) => {
      const site = sites.get(`${kind}-${scenario}`)!;
      if (scenario === 'early' || scenario === 'late') {
        site.withhold();
      }
      const viewer = await Viewer.open(scenario === 'blocked' ? strict : browser, streamlens, site, kind, scenario);
      await watch[scenario](viewer, kind);
      watched.push({ kind, scenario, pictures: await viewer.pictures() });
      await viewer.page.close();
    });
  for (const together of [
    ['missing', 'silent'],
    ['early'],
    ['late', 'blocked'],
    ['fails10', 'fails40'],
    ['ladder'],
  ] as const) {
    await Promise.all(together.flatMap(play));
  }
  await strict.close();
  // Sessions that end by silence have ended, and their minutes are complete.
  await sleep(Math.ceil(Date.now() / minute) * minute + completion - Date.now());
  const to = Math.ceil(Date.now() / minute) * minute;

  const found: string[] = [];
  const lines = ['| player | what happens | pictures seen, s | beacon | CMCD |', '| --- | --- | --- | --- | --- |'];
  for (const { kind, scenario, pictures } of watched) {
    const stream = `${kind}-${scenario}`;
    const ask = (widget: string, of = stream) => streamlens.query(widget, from, to, { stream: of });
    const settled = async (of: string) =>
      (await ask('outcomes', of))
        .filter(({ attempts }) => Number(attempts) > 0)
        .map(({ outcome }) => String(outcome))
        .sort();
    const beacon = await settled(stream);
    const cmcd = kind === 'videojs' ? [] : await settled(`${stream}-cmcd`);
    const seen = Object.entries(pictures.shown).map(([height, ms]) => `${height}: ${(ms / 1000).toFixed(2)}`);
    lines.push(
      `| ${kind} | ${scenario} | ${seen.join(', ') || '–'} | ${beacon.join(', ')} | ${cmcd.join(', ') || '–'} |`
    );
    const expected = outcomes[scenario](kind);
    if (beacon.join() !== expected.join()) {
      found.push(`${stream}: the beacon says ${beacon.join()}, not ${expected.join()}`);
    }
    const less = byCmcd[kind]?.[scenario] ?? expected;
    if (kind !== 'videojs' && cmcd.join() !== less.join()) {
      found.push(`${stream}: CMCD says ${cmcd.join()}, not ${less.join()}`);
    }
    if (scenario === 'ladder') {
      found.push(...(await ladder(stream, protocols[kind], pictures, ask, lines)));
    }
  }
  console.log(lines.join('\n'));
  const results = join(root, 'test-results/browser');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'outcomes.md'), `${lines.join('\n')}\n`);
  expect(found).toEqual([]);
});

/** Returns what of heights, switches and bitrate is not what the page saw, in words. */
async function ladder(
  stream: string,
  protocol: 'hls' | 'dash',
  { shown, heights }: Pictures,
  ask: (widget: string, of?: string) => Promise<Row[]>,
  lines: string[]
): Promise<string[]> {
  const found: string[] = [];
  const changes = heights.slice(1).map((height, i) => (height > heights[i]! ? 'up' : 'down'));
  const count = (kind: string) => changes.filter((change) => change === kind).length;
  const [switches] = await ask('switches');
  const byHeight = Object.fromEntries(
    (await ask('playtimeByHeight')).map(({ height, playtime }) => [String(height), Number(playtime)])
  );
  const [{ bitrate } = {} as Row] = await ask('viewerBitrate');
  const [{ bitrate: cmcdBitrate } = {} as Row] = await ask('viewerBitrate', `${stream}-cmcd`);
  const total = rungs.reduce((sum, { height }) => sum + (shown[height] ?? 0), 0);
  // The playlist's bitrate of a variant is that of all its tracks.
  const audio = protocol === 'hls' ? 64_000 : 0;
  const truth = rungs.reduce((sum, { height, bitrate }) => sum + ((shown[height] ?? 0) / total) * (bitrate + audio), 0);
  lines.push(
    `| | heights | ${heights.join(' ')} | ${JSON.stringify(byHeight)}, up ${switches?.up}, down ${switches?.down} | |`,
    `| | bit/s | ${Math.round(truth)} | ${bitrate} | ${cmcdBitrate ?? '–'} |`
  );
  if (Number(switches?.up) !== count('up') || Number(switches?.down) !== count('down')) {
    found.push(`${stream}: up ${switches?.up}, down ${switches?.down}; the page saw ${heights.join(' ')}`);
  }
  // A report has the height that is shown when it is made, so each change may be off by an interval.
  const unsure = changes.length * interval('ladder') + 2;
  for (const { height } of rungs) {
    const told = byHeight[height <= 240 ? '240p' : '360p'] ?? 0;
    if (Math.abs(told - (shown[height] ?? 0) / 1000) > unsure) {
      found.push(`${stream}: ${told} s of ${height} lines; the page saw ${(shown[height] ?? 0) / 1000} s`);
    }
  }
  const share = (unsure * 1000) / total;
  if (Math.abs(Number(bitrate) - truth) > share * (rungs[1].bitrate - rungs[0].bitrate) + 0.02 * truth) {
    found.push(`${stream}: ${bitrate} bit/s, and ${truth} by the pictures that were seen`);
  }
  return found;
}
