import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type Browser } from '@playwright/test';
import type { PlayerKind, PlayersPage, PlayFigures } from './page/players/main';
import { root } from './support/paths';
import { VideoPage } from './support/player';
import { Site } from './support/site';
import { account, Streamlens, type Row } from './support/streamlens';
import { test as base } from './support/turn';

/** Seconds between two reports, of the players' CMCD and of the beacon. */
const interval = 2;
const minute = 60_000;
/** Between the starts of two plays, so that they do not slow each other down, ms. */
const stagger = 1000;
/** Viewers of a minute are known this long after it at the latest, ms. */
const completion = 40_000;

function versionOf(module: string): string {
  const text = readFileSync(join(root, 'node_modules', module, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const [hlsjs, dashjs, shaka] = ['hls.js', 'dashjs', 'shaka-player'].map(versionOf) as [string, string, string];

interface Subject {
  name: string;
  /** Kind and version as the widgets show them. */
  client: string;
  cmcd: Reporting;
  beacon?: Reporting;
}

/** What one way of reporting says of the plays of all viewers. */
interface Reporting {
  stops: Record<string, number>;
  /** Errors; unless given, those that the player told the page. */
  codes?: Record<string, number>;
  /** Attempts to play, if they are not all known. */
  loads?: number;
  /** Plays of whose end it learns by silence or not exactly: up to an interval of watching is unknown. */
  silent: number;
  /** It says nothing about the time after the start. */
  blind?: boolean;
}

const beacon: Reporting = { stops: { destroy: 1, normal: 1, playbackerror: 1 }, silent: 0 };

const subjects: Record<PlayerKind, Subject> = {
  hlsjs: {
    name: `hls.js ${hlsjs}`,
    client: `hlsjs ${hlsjs}`,
    cmcd: { stops: { timeout: 2, normal: 1 }, codes: { manifestLoadError: 1 }, silent: 2 },
    beacon,
  },
  dashjs: {
    name: `dash.js ${dashjs}`,
    client: `dashjs ${dashjs}`,
    cmcd: { stops: { timeout: 2, normal: 1 }, silent: 2 },
    beacon,
  },
  shaka: {
    name: `Shaka Player ${shaka}`,
    client: `shaka v${shaka}`,
    cmcd: { stops: { timeout: 3 }, codes: { unknown: 1 }, loads: 3, silent: 3, blind: true },
    beacon,
  },
  'shaka-debug': {
    name: `Shaka Player ${shaka}, debug build`,
    client: `shaka v${shaka}`,
    cmcd: { stops: { timeout: 1, normal: 1, playbackerror: 1 }, codes: { unknown: 1 }, silent: 2 },
  },
};

class PlayersVideo extends VideoPage<PlayersPage> {
  /** Opens the page; what its player will send is appended to a list. */
  static async open(browser: Browser, site: Site, sent: string[]): Promise<PlayersVideo> {
    const page = await browser.newPage();
    page.on('request', (request) => {
      if (request.method() === 'POST' && new URL(request.url()).pathname.startsWith('/v1/cmcd/')) {
        sent.push(request.postData() ?? '');
      }
    });
    await page.goto(`${site.origin}/players/`);
    return new PlayersVideo(page, site, await page.evaluateHandle('page'));
  }

  async play(...[how]: Parameters<PlayersPage['play']>): Promise<void> {
    await this.handle.evaluate((page, how) => page.play(how), how);
  }

  /** Waits until the player gives up. */
  async fails(): Promise<void> {
    await this.page.waitForFunction((page) => page.hasFailed, this.handle);
  }

  async close(): Promise<void> {
    if (await this.handle.evaluate(({ hasFailed, video }) => hasFailed || video.ended)) {
      // The play ends before the page does.
      await this.page.waitForTimeout(1000);
    }
    await this.page.close();
  }
}

/** Lets a viewer live through what all do that see something. */
async function troubles(video: PlayersVideo): Promise<void> {
  await video.reaches(2);
  await video.stall(6000);
  await video.reaches(6);
  await video.pause(2500);
  await video.reaches(8);
}

/** What viewers do with the video of that name. */
const viewers: Array<{ video: string; watch: (video: PlayersVideo, site: Site) => Promise<void> }> = [
  {
    video: 'stream',
    watch: async (video) => {
      await troubles(video);
      await video.seek(20);
      await video.reaches(24);
    },
  },
  {
    video: 'stream',
    watch: async (video) => {
      await troubles(video);
      await video.seek(36);
      await video.ends();
    },
  },
  {
    video: 'stream',
    watch: async (video, site) => {
      await troubles(video);
      await video.seek(20);
      await video.reaches(22);
      // The picture's: the failure of one track is one error.
      site.refuse(/stream0/);
      await video.fails();
    },
  },
  { video: 'missing', watch: (video) => video.fails() },
];

/** Lets all viewers watch at the same time with one player, each on a site of their own, and returns what they saw. */
async function watch(
  browser: Browser,
  streamlens: Streamlens,
  sites: Site[],
  kind: PlayerKind
): Promise<PlayFigures[]> {
  const sent: string[] = [];
  const pages = await Promise.all(sites.map((site) => PlayersVideo.open(browser, site, sent)));
  const watching = viewers.map(async ({ video, watch }, i) => {
    const [site, page] = [sites[i]!, pages[i]!];
    await sleep(i * stagger);
    await page.play({
      kind,
      source: `/video/players/${video}`,
      cmcd: { url: streamlens.cmcdEndpoint(subjects[kind].client, interval), contentId: `${kind}-cmcd`, interval },
      beacon: { endpoint: streamlens.endpoint, ...account, stream: `${kind}-beacon`, interval },
    });
    await watch(page, site);
    await page.close();
    await expect.poll(() => site.figures, { timeout: minute }).toHaveLength(1);
    site.recover();
    return site.figures.pop() as PlayFigures;
  });
  const figures = await Promise.all(watching);
  save(`players-${kind}.cmcd`, sent.join(''));
  return figures;
}

/** Keeps a result of the test for its reader. */
function save(name: string, text: string): void {
  const results = join(root, 'test-results/browser');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, name), text);
}

/** The figures that the table compares; times in seconds. */
interface Summary {
  loads: number;
  plays: number;
  startTime: number | null;
  /** How late the pages were at most at the start of a play, on average, ms. */
  late?: number;
  bufferingRatio: number | null;
  /** How many stalls there were and how long they were together, which no widget says. */
  stalls?: string;
  playedTime: number | null;
  viewers: number;
  stops: Record<string, number>;
  codes: Record<string, number>;
}

function summarize(figures: PlayFigures[]): Summary {
  const plays = figures.filter(({ startTime }) => startTime !== undefined);
  const sum = (of: (figures: PlayFigures) => number) => plays.reduce((total, figures) => total + of(figures), 0);
  const buffering = sum(({ buffering }) => buffering);
  const playing = sum(({ playing }) => playing);
  const watched = new Map<string, number>();
  for (const [minute, ms] of plays.flatMap(({ watched }) => Object.entries(watched))) {
    watched.set(minute, (watched.get(minute) ?? 0) + ms);
  }
  return {
    loads: figures.length,
    plays: plays.length,
    startTime: sum(({ startTime }) => startTime!) / plays.length / 1000,
    late: sum(({ late }) => late) / plays.length,
    bufferingRatio: buffering / (buffering + playing),
    stalls: `${sum(({ stalls }) => stalls.length)} stalls, ${(buffering / 1000).toFixed(2)} s`,
    playedTime: (buffering + playing + sum(({ seeking }) => seeking)) / plays.length / 1000,
    viewers: Math.max(...watched.values()) / minute,
    stops: {},
    codes: counts(figures.flatMap(({ codes }) => codes)),
  };
}

/** Counts texts: how often each is in the list. */
function counts(texts: string[]): Record<string, number> {
  return texts.reduce<Record<string, number>>((counts, text) => ({ ...counts, [text]: (counts[text] ?? 0) + 1 }), {});
}

/** Asks the widgets for what they say about a stream that was played with a client. */
async function ask(client: string, query: (widget: string) => Promise<Row[]>): Promise<Summary> {
  const number = async (widget: string, column: string) => {
    const value = (await query(widget))[0]?.[column] ?? null;
    return value === null ? null : Number(value);
  };
  const byColumn = async (widget: string, key: string, value: string) =>
    Object.fromEntries((await query(widget)).map((row) => [String(row[key]), Number(row[value])]));
  const sum = (rows: Record<string, number>) => Object.values(rows).reduce((total, n) => total + n, 0);
  return {
    loads: sum(await byColumn('loadsByCountry', 'country', 'loads')),
    plays: (await byColumn('playsByVersion', 'version', 'plays'))[client] ?? 0,
    startTime: await number('startTime', 'average'),
    bufferingRatio: await number('bufferingRatio', 'value'),
    playedTime: await number('playedTime', 'average'),
    viewers: (await number('concurrentViewers', 'viewers')) ?? 0,
    stops: await byColumn('stopReasons', 'reason', 'stops'),
    codes: await byColumn('statusCodes', 'code', 'count'),
  };
}

/** Returns what of the widgets' figures is outside its limits, in words. */
function differences(
  figures: PlayFigures[],
  summary: Summary,
  { stops, codes, loads, silent, blind }: Reporting
): string[] {
  const pages = summarize(figures);
  const unseen = silent * interval;
  const found: string[] = [];
  const between = (name: 'startTime' | 'bufferingRatio' | 'playedTime' | 'viewers', low: number, high: number) => {
    const value = summary[name];
    if (value === null || value < low || value > high) {
      found.push(`${name} is ${value}, not from ${low} to ${high}; the pages say ${pages[name]}`);
    }
  };
  const equal = (name: 'loads' | 'plays' | 'stops' | 'codes', expected: unknown) => {
    if (JSON.stringify(sorted(summary[name])) !== JSON.stringify(sorted(expected))) {
      found.push(`${name} are ${JSON.stringify(summary[name])}, not ${JSON.stringify(expected)}`);
    }
  };
  equal('loads', loads ?? pages.loads);
  equal('plays', pages.plays);
  equal('stops', stops);
  equal('codes', codes ?? pages.codes);
  // Begin and first frame are seen by different events, and by none while the page cannot act.
  const tolerance = 0.1 + pages.late! / 1000;
  between('startTime', pages.startTime! - tolerance, pages.startTime! + tolerance);
  if (blind) {
    return found;
  }
  const watched = figures.reduce((total, { playing, buffering }) => total + playing + buffering, 0) / 1000;
  const ratio = pages.bufferingRatio!;
  between('bufferingRatio', 0.98 * ratio, (1.02 * ratio * watched) / (watched - unseen));
  between('playedTime', pages.playedTime! - unseen / pages.plays - 0.2, pages.playedTime! + 0.2);
  between('viewers', pages.viewers - unseen / 60 - 0.01, pages.viewers + 0.01);
  return found;
}

function sorted(value: unknown): unknown {
  return typeof value === 'object' ? Object.entries(value!).sort() : value;
}

function tableRow(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function summaryRow(name: string, source: string, summary: Summary): string {
  const number = (value: number | null, digits: number) => (value === null ? '–' : value.toFixed(digits));
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort()
      .map(([text, count]) => (count === 1 ? text : `${text} × ${count}`))
      .join(', ') || '–';
  return tableRow([
    name,
    source,
    String(summary.loads),
    String(summary.plays),
    number(summary.startTime, 3) + (summary.late === undefined ? '' : ` (± ${(summary.late / 1000).toFixed(3)})`),
    number(summary.bufferingRatio && summary.bufferingRatio * 100, 2) + (summary.stalls ? ` (${summary.stalls})` : ''),
    number(summary.playedTime, 2),
    number(summary.viewers, 3),
    list(summary.stops),
    list(summary.codes),
  ]);
}

const test = base.extend<{ sites: Site[]; streamlens: Streamlens }>({
  sites: async ({}, use) => {
    const sites = await Promise.all(viewers.map(() => Site.start()));
    await use(sites);
    await Promise.all(sites.map((site) => site.stop()));
  },
  streamlens: async ({ sites }, use) => {
    base.skip(Streamlens.missing() !== '', Streamlens.missing());
    const streamlens = await Streamlens.start(sites.map(({ origin }) => origin));
    await use(streamlens);
    await streamlens.stop();
  },
});

test('the widgets say what the players lived through, by CMCD and by the beacon', async ({
  browser,
  sites,
  streamlens,
  turn,
}) => {
  test.setTimeout(8 * minute);
  const from = Math.floor(Date.now() / minute) * minute;
  const pages = new Map<PlayerKind, PlayFigures[]>();
  for (const kind of Object.keys(subjects) as PlayerKind[]) {
    pages.set(kind, await watch(browser, streamlens, sites, kind));
  }
  const to = (Math.floor(Date.now() / minute) + 1) * minute;
  turn.end();
  await sleep(to + completion - Date.now());
  await turn.take();

  const head = ['Player', 'Source', 'Loads', 'Plays', 'Start time, s', 'Buffering, %', 'Played time, s'];
  const columns = [...head, 'Viewers', 'Stops', 'Errors'];
  const lines = [tableRow(columns), tableRow(columns.map(() => '---'))];
  const found: string[] = [];
  for (const [kind, figures] of pages) {
    const subject = subjects[kind];
    lines.push(summaryRow(subject.name, 'video element', summarize(figures)));
    for (const path of ['beacon', 'cmcd'] as const) {
      const reporting = subject[path];
      if (reporting) {
        const summary = await ask(subject.client, (widget) =>
          streamlens.query(widget, from, to, { stream: `${kind}-${path}` })
        );
        lines.push(summaryRow('', path === 'cmcd' ? 'CMCD' : path, summary));
        found.push(...differences(figures, summary, reporting).map((text) => `${kind}-${path}: ${text}`));
      }
    }
  }
  console.log(lines.join('\n'));
  save('players.md', `${lines.join('\n')}\n`);
  expect(found).toEqual([]);
});
