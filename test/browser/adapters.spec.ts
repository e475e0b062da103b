import { expect } from '@playwright/test';
import type { PlayerKind } from './page/adapters/main';
import { open, reaches, sources, sum } from './support/adapters';
import { envelopes, sessions, stopped, story, test } from './support/beacon';
import { StubCollector, type ReceivedEvent } from './support/collector';
import { LossyLink } from './support/link';
import { freePort } from './support/server';

/** What the adapter says of its player. */
const clients: Record<PlayerKind, { version?: string; protocols: [string?, string?] }> = {
  hlsjs: { version: '1.7.4', protocols: [] },
  dashjs: { version: '5.2.1', protocols: [] },
  shaka: { version: 'v5.2.12', protocols: ['dash', 'hls'] },
  videojs: { version: '8.24.1', protocols: ['hls', 'dash'] },
  html5: { protocols: [] },
};

for (const kind of Object.keys(sources) as PlayerKind[]) {
  test(`${kind}: another source is another play, and the end of the player that of the last`, async ({
    page,
    site,
    collector,
    beacon,
  }) => {
    const [first, second] = sources[kind];
    const handle = await open(page, site);
    await handle.evaluate((page, [kind, beacon]) => page.add(kind, beacon), [kind, beacon] as const);
    await handle.evaluate((page, source) => page.players[0]!.load(source), first);
    await reaches(page, 0, 3);
    await handle.evaluate((page, source) => page.players[0]!.load(source), second);
    await page.waitForFunction(() => document.querySelector('video')!.currentTime < 1);
    await reaches(page, 0, 2.5);
    await handle.evaluate((page) => page.players[0]!.destroy());

    const [one, two] = await stopped(collector, 2);
    expect(story(one!)).toEqual(['load', 'start', 'stop playbackrestart']);
    expect(story(two!)).toEqual(['load', 'start', 'stop destroy']);
    for (const [i, { client, protocol }] of envelopes(collector).entries()) {
      const { version, protocols } = clients[kind];
      expect(client).toEqual(version ? { kind, version } : { kind });
      expect(protocol).toBe(protocols[i]);
    }
    const report = one!.filter(({ type }) => type === 'stats').at(-1)! as ReceivedEvent & Record<string, number>;
    console.log(kind, one![1], report);
    expect(sum(one!, 'playing')).toBeGreaterThan(2500);
    expect(report.bufferLength).toBeGreaterThan(0);
    if (kind !== 'html5') {
      expect(report.videoBitrate).toBeGreaterThan(10_000);
    }
  });
}

test('two players of a page are two sessions, with their own stalls and pauses', async ({
  page,
  site,
  collector,
  beacon,
}) => {
  const handle = await open(page, site);
  for (const [player, kind] of (['hlsjs', 'shaka'] as const).entries()) {
    const options = { ...beacon, stream: kind };
    await handle.evaluate((page, [kind, beacon]) => page.add(kind, beacon), [kind, options] as const);
    await handle.evaluate((page, player) => page.record(player), player);
    await handle.evaluate((page, [player, source]) => page.players[player]!.load(source), [
      player,
      sources[kind][0],
    ] as const);
  }
  await reaches(page, 0, 2);
  await reaches(page, 1, 2);
  await handle.evaluate((page) => page.videos[1]!.pause());
  await reaches(page, 0, 4);
  await handle.evaluate((page) => void page.videos[1]!.play());
  await reaches(page, 1, 4);
  const figures = await handle.evaluate((page) =>
    page.players.map(({ session }, player) => {
      session.stop();
      return page.figures(player);
    })
  );

  await stopped(collector, 2);
  for (const [player, kind] of ['hlsjs', 'shaka'].entries()) {
    const id = envelopes(collector).find(({ stream }) => stream === kind)!.sessionId;
    const events = sessions(collector).find((_, i) => envelopes(collector)[i]!.sessionId === id)!;
    const { playing, paused } = figures[player]!;
    console.log(kind, sum(events, 'playing'), playing, sum(events, 'paused'), paused);
    expect(Math.abs(sum(events, 'playing') - playing)).toBeLessThan(0.02 * playing + 100);
    expect(Math.abs(sum(events, 'paused') - paused)).toBeLessThan(100);
  }
  expect(figures[1]!.paused).toBeGreaterThan(1000);
});

test('what a page could not deliver before it closed comes with the next page of the site', async ({
  context,
  site,
  beacon,
}) => {
  const port = await freePort();
  const options = { ...beacon, endpoint: `http://127.0.0.1:${port}/v1/events` };
  const page = await context.newPage();
  const handle = await open(page, site);
  await handle.evaluate((page, beacon) => page.add('hlsjs', beacon), options);
  await handle.evaluate((page, source) => page.players[0]!.load(source), sources.hlsjs[0]);
  await reaches(page, 0, 3);
  await page.close();

  const collector = await StubCollector.start(port);
  const next = await open(await context.newPage(), site);
  await next.evaluate((page, beacon) => page.add('html5', beacon), options);
  await expect.poll(() => sessions(collector).some((events) => events.at(-1)!.type === 'stop')).toBe(true);
  const events = sessions(collector).find((events) => events.at(-1)!.type === 'stop')!;
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  expect(story(events)).toEqual(['load', 'start', 'stop destroy']);
  expect(sum(events, 'playing')).toBeGreaterThan(2500);
  await expect.poll(() => next.evaluate(() => localStorage.length)).toBe(0);
  await collector.stop();
  expect(collector.complaints).toEqual([]);
});

test('a page that comes back from the back/forward cache begins another play when it plays again', async ({
  playwright,
  site,
  collector,
  beacon,
}, { project }) => {
  const browser = await playwright.chromium.launch({
    ...project.use.launchOptions,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  const page = await browser.newPage();
  const handle = await open(page, site);
  await handle.evaluate((page, beacon) => page.add('html5', beacon), beacon);
  await handle.evaluate((page, source) => page.players[0]!.load(source), sources.html5[0]);
  await reaches(page, 0, 2);
  // Playwright loses sight of pages that come back, so this one goes on by itself.
  await handle.evaluate((page) =>
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) {
        void page.videos[0]!.play();
        setTimeout(() => page.players[0]!.session.stop(), 2500);
      }
    })
  );
  await page.goto(`${site.origin}/`);
  await page.evaluate(() => void setTimeout(() => history.back(), 500));
  const [one, two] = await stopped(collector, 2);
  expect(story(one!)).toEqual(['load', 'start', 'stop destroy']);
  expect(story(two!)).toEqual(['load', 'start', 'stop normal']);
  await browser.close();
});

test('offline nothing is lost, and what waited is sent as soon as the network is back', async ({
  context,
  page,
  site,
  collector,
  beacon,
}) => {
  const handle = await open(page, site);
  await handle.evaluate((page, beacon) => page.add('videojs', beacon), beacon);
  await handle.evaluate((page, source) => page.players[0]!.load(source), sources.videojs[0]);
  await reaches(page, 0, 1);
  await page.waitForFunction(() => {
    const { buffered } = document.querySelector('video')!;
    return buffered.length > 0 && buffered.end(0) > 15;
  });
  await context.setOffline(true);
  const { length } = collector.receipts;
  await reaches(page, 0, 8);
  expect(collector.receipts).toHaveLength(length);
  await context.setOffline(false);
  await expect.poll(() => collector.receipts.length, { timeout: 2000 }).toBeGreaterThan(length);
  await handle.evaluate((page) => page.players[0]!.session.stop());
  const [events] = await stopped(collector, 1);
  expect(events!.map(({ seq }) => seq)).toEqual(events!.map((_, i) => i + 1));
  expect(sum(events!, 'playing')).toBeGreaterThan(7000);
});

test('the camera is published: bitrate, round-trip time, loss and duration are those of getStats', async ({
  withCamera,
  site,
  collector,
  beacon,
}) => {
  const page = await withCamera.newPage();
  let link: LossyLink | undefined;
  await page.exposeFunction('reroute', async (sdp: string) => {
    const candidate = /^a=candidate:\S+ \d+ udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host/im.exec(sdp)!;
    link = new LossyLink({ address: candidate[1]!, port: Number(candidate[2]) }, 30, 25);
    const port = await link.open();
    const others = sdp.replace(/^a=candidate:.*\r\n/gm, '');
    return others.replace(
      /^a=mid:0\r\n/m,
      (line) => `a=candidate:1 1 udp 2122260223 ${candidate[1]} ${port} typ host\r\n${line}`
    );
  });
  try {
    const handle = await open(page, site);
    await handle.evaluate(async (page, beacon) => {
      const { reroute } = window as unknown as { reroute: (sdp: string) => Promise<string> };
      page.publication = await page.publish(beacon, reroute);
    }, beacon);
    await page.waitForTimeout(20_000);
    const figures = await handle.evaluate(({ publication }) => {
      const figures = publication!.figures();
      publication!.connection.close();
      return figures;
    });
    const [events] = await stopped(collector, 1);
    const reports = events!.filter(({ type }) => type === 'stats') as Array<ReceivedEvent & Record<string, number>>;
    const mean = (name: string) => {
      const values = reports.flatMap((report) => report[name] ?? []);
      return values.reduce((total, value) => total + value, 0) / values.length;
    };
    const rate = ({ bytes, ms }: { bytes: number; ms: number }) => (bytes * 8000) / ms;
    const reported = {
      videoBitrate: mean('videoBitrate'),
      audioBitrate: mean('audioBitrate'),
      roundTripTime: mean('roundTripTime'),
      packetLoss: mean('packetLoss'),
      playing: sum(events!, 'playing'),
      played: events!.at(-1)!.played,
    };
    console.log(reported, figures, { lost: link!.lost, packets: link!.packets });
    expect(story(events!)).toEqual(['load', 'start', 'stop normal']);
    expect(envelopes(collector)[0]).toMatchObject({ client: { kind: 'webcaster' }, protocol: 'webrtc' });
    const near = (value: number, truth: number, share: number) =>
      expect(Math.abs(value / truth - 1)).toBeLessThan(share);
    near(reported.videoBitrate, rate(figures.video), 0.15);
    near(reported.audioBitrate, rate(figures.audio), 0.05);
    near(reported.roundTripTime, figures.roundTripTime, 0.25);
    near(reported.packetLoss, figures.packetLoss, 0.25);
    near(reported.playing, figures.duration, 0.02);
  } finally {
    link?.close();
    await page.close();
  }
});
