import { expect } from '@playwright/test';
import { open, reaches, sources, sum } from './support/adapters';
import { sessions, stopped, story, test } from './support/beacon';

// What players do when something cannot be had. They mostly wait until they give up.

for (const kind of ['hlsjs', 'dashjs', 'shaka', 'videojs', 'html5'] as const) {
  test(`${kind}: a source that cannot be loaded is a fatal status and a load without a start`, async ({
    page,
    site,
    collector,
    beacon,
  }) => {
    const handle = await open(page, site);
    await handle.evaluate((page, [kind, beacon]) => page.add(kind, beacon), [kind, beacon] as const);
    const missing = sources[kind][0].replace('stream', 'missing');
    await handle.evaluate((page, source) => page.players[0]!.load(source), missing);
    const [events] = await stopped(collector, 1);
    console.log(kind, story(events!));
    expect(story(events!).at(0)).toBe('load');
    expect(story(events!).at(-2)).toMatch(/^status .* fatal$/);
    expect(story(events!).at(-1)).toBe('stop playbackerror');
    expect(story(events!)).not.toContain('start');
  });
}

test('videojs: a source that fails before the element begins to load is one attempt', async ({
  page,
  site,
  collector,
  beacon,
}) => {
  // As on a machine that is busy. Once it loads, Video.js lets it play, which is no other attempt.
  await page.addInitScript(() => {
    const src = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'src')!;
    Object.defineProperty(HTMLMediaElement.prototype, 'src', {
      ...src,
      set(this: HTMLMediaElement, url: string) {
        setTimeout(() => src.set!.call(this, url), 1000);
      },
    });
  });
  const handle = await open(page, site);
  await handle.evaluate((page, beacon) => page.add('videojs', beacon), beacon);
  const missing = sources.videojs[0].replace('stream', 'missing');
  await handle.evaluate((page, source) => page.players[0]!.load(source), missing);
  await page.evaluate(() => new Promise((resolve) => document.addEventListener('play', resolve, { capture: true })));
  await handle.evaluate((page) => page.players[0]!.destroy());
  const [events] = await stopped(collector, 1);
  expect(story(events!)).toEqual(['load', 'status 2 fatal', 'stop playbackerror']);
  expect(sessions(collector)).toHaveLength(1);
});

// Video.js asks for a segment again and again.
for (const kind of ['hlsjs', 'dashjs', 'shaka'] as const) {
  test(`${kind}: segments that stay away end the play when the buffer has been played`, async ({
    page,
    site,
    collector,
    beacon,
  }) => {
    test.setTimeout(180_000);
    const handle = await open(page, site);
    await handle.evaluate((page, [kind, beacon]) => page.add(kind, beacon), [kind, beacon] as const);
    await handle.evaluate((page) => page.record(0));
    await handle.evaluate((page, source) => page.players[0]!.load(source), sources[kind][0]);
    await reaches(page, 0, 2);
    site.refuse();
    try {
      await expect.poll(() => sessions(collector)[0]?.at(-1)?.type, { timeout: 150_000 }).toBe('stop');
    } finally {
      site.recover();
    }
    const events = sessions(collector)[0]!;
    const figures = await handle.evaluate((page) => page.figures(0));
    console.log(kind, story(events), sum(events, 'playing'), sum(events, 'buffering'), figures);
    expect(story(events).at(-1)).toBe('stop playbackerror');
    expect(story(events).at(-2)).toMatch(/^status .* fatal$/);
    // At the end of the buffer the position creeps.
    expect(Math.abs(sum(events, 'playing') - figures.playing)).toBeLessThan(0.02 * figures.playing + 250);
  });
}

test('shaka: a key system that the browser does not have is a fatal status', async ({
  page,
  site,
  collector,
  beacon,
}) => {
  const handle = await open(page, site);
  await page.route('**/stream.mpd', async (route) => {
    const response = await route.fetch();
    const protection = '<ContentProtection schemeIdUri="urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95"/>';
    const body = (await response.text()).replace(/<AdaptationSet[^>]*>/g, (tag) => tag + protection);
    await route.fulfill({ response, body });
  });
  await handle.evaluate((page, beacon) => page.add('shaka', beacon), beacon);
  await handle.evaluate((page, source) => page.players[0]!.load(source), sources.shaka[0]);
  const [events] = await stopped(collector, 1);
  // shaka.util.Error.Code.NO_RECOGNIZED_KEY_SYSTEMS to NO_LICENSE_SERVER_GIVEN
  expect(story(events!)[1]).toMatch(/^status 60(00|01|02|10|12) fatal$/);
});
