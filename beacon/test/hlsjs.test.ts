import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import Hls from 'hls.js';
import { observeHls } from '../src/adapters/hlsjs';
import type { BeaconSession } from '../src/index';
import { Page, pause, until } from './support/page';
import { FakeVideo } from './support/video';

// The real hls.js without its controllers, which need Media Source Extensions: the test triggers its events instead.
// What hls.js does with media is tested in a browser.

let page: Page;
let video: FakeVideo;
let hls: Hls;
let session: BeaconSession;
let media: HTMLMediaElement | null;
let url: string | null;

beforeEach(async () => {
  page = await Page.open();
  Object.assign(globalThis, { self: globalThis });
  video = new FakeVideo();
  hls = new Hls();
  hls.removeAllListeners();
  media = null;
  url = null;
  Object.defineProperties(hls, { media: { get: () => media }, url: { get: () => url } });
  session = observeHls(hls, { ...page.options, stream: (source) => source });
});

afterEach(() => {
  session.stop();
  hls.removeAllListeners();
  page.close();
});

function load(source: string) {
  url = source;
  hls.trigger(Hls.Events.MANIFEST_LOADING, { url: source });
}

function attach() {
  media = video.element;
  hls.trigger(Hls.Events.MEDIA_ATTACHING, { media });
}

function detach() {
  media = null;
  hls.trigger(Hls.Events.MEDIA_DETACHED, {});
}

function fail(details: string, fatal: boolean) {
  const data = { type: Hls.ErrorTypes.NETWORK_ERROR, details, fatal, error: new Error(details) };
  hls.trigger(Hls.Events.ERROR, data as Parameters<typeof hls.trigger<typeof Hls.Events.ERROR>>[1]);
}

for (const { name, prepare } of [
  { name: 'the element first', prepare: () => (attach(), load('a')) },
  { name: 'the source first', prepare: () => (load('a'), attach()) },
]) {
  test(`a play begins when there are element and source: ${name}`, async () => {
    assert.equal(session.id, '');
    prepare();
    assert.notEqual(session.id, '');
    session.stop();
    await page.ended(1);
    assert.deepEqual(page.story(0), ['load', 'stop normal']);
    assert.deepEqual(page.envelope(0).client, { kind: 'hlsjs', version: Hls.version });
    assert.equal(page.envelope(0).stream, 'a');
  });
}

test('a player that has both already is observed at once', async () => {
  media = video.element;
  url = 'a';
  observeHls(hls, page.options).stop();
  await page.ended(1);
});

test('loading that hls.js stopped by itself is no status', async () => {
  attach();
  load('a');
  fail(Hls.ErrorDetails.INTERNAL_ABORTED, false);
  fail(Hls.ErrorDetails.FRAG_LOAD_ERROR, false);
  session.stop();
  await page.ended(1);
  assert.deepEqual(page.story(0), ['load', 'status fragLoadError', 'stop normal']);
});

test('another source is another play, and the old one keeps its own stream', async () => {
  attach();
  load('a');
  video.start();
  load('b');
  video.start();
  session.stop();
  await page.ended(2);
  assert.deepEqual(page.story(0), ['load', 'start', 'stop playbackrestart']);
  assert.deepEqual(page.story(1), ['load', 'start', 'stop normal']);
  assert.deepEqual([page.envelope(0).stream, page.envelope(1).stream], ['a', 'b']);
});

test('an error that hls.js handles is not fatal', async () => {
  attach();
  load('a');
  video.start();
  fail('fragLoadError', false);
  session.stop();
  await page.ended(1);
  assert.deepEqual(page.story(0), ['load', 'start', 'status fragLoadError', 'stop normal']);
});

test('a fatal error ends a play that has nothing left to play', async () => {
  attach();
  load('a');
  fail('manifestLoadError', true);
  await page.ended(1);
  assert.deepEqual(page.story(0), ['load', 'status manifestLoadError fatal', 'stop playbackerror']);
});

test('a fatal error from which the page recovers at once is not fatal', async () => {
  hls.on(Hls.Events.ERROR, () => {
    detach();
    attach();
  });
  attach();
  load('a');
  video.start();
  fail('bufferAppendError', true);
  await pause(50);
  session.stop();
  await page.ended(1);
  assert.deepEqual(page.story(0), ['load', 'start', 'status bufferAppendError', 'stop normal']);
});

test('a page that recovers later begins another play', async () => {
  attach();
  load('a');
  video.start();
  fail('levelLoadError', true);
  await page.ended(1);
  video.fire('playing');
  video.showFrame();
  session.stop();
  await page.ended(2);
  assert.deepEqual(page.story(0), ['load', 'start', 'status levelLoadError fatal', 'stop playbackerror']);
  assert.deepEqual(page.story(1), ['load', 'start', 'stop normal']);
});

test('a player destroyed because of a fatal error has not just been taken away', async () => {
  hls.on(Hls.Events.ERROR, () => hls.trigger(Hls.Events.DESTROYING, undefined));
  attach();
  load('a');
  video.start();
  fail('bufferAppendError', true);
  await page.ended(1);
  assert.deepEqual(page.story(0), ['load', 'start', 'status bufferAppendError fatal', 'stop playbackerror']);
});

test('a detached element ends the play, and attached again it begins another', async () => {
  attach();
  load('a');
  video.start();
  detach();
  await page.ended(1);
  attach();
  session.stop();
  await page.ended(2);
  assert.deepEqual(page.story(0), ['load', 'start', 'stop normal']);
});

test('destroy ends everything and lets go of the player', async () => {
  attach();
  load('a');
  video.start();
  hls.trigger(Hls.Events.DESTROYING, undefined);
  await page.ended(1);
  assert.deepEqual(page.story(0), ['load', 'start', 'stop destroy']);
  load('b');
  video.fire('play');
  await pause(50);
  assert.equal(page.sessions.length, 1);
  assert.equal(hls.listeners(Hls.Events.ERROR).length, 0);
});

test('a new player on the same element ends the play of the old one', async () => {
  attach();
  load('a');
  video.start();
  const other = new Hls();
  Object.defineProperties(other, { media: { get: () => video.element }, url: { get: () => 'b' } });
  const otherSession = observeHls(other, page.options);
  video.start();
  otherSession.stop();
  await page.ended(2);
  assert.deepEqual(page.story(0), ['load', 'start', 'stop destroy']);
  assert.deepEqual(page.story(1), ['load', 'start', 'stop normal']);
});

test('bitrate, and of a live stream the latency', async () => {
  const level = { bitrate: 2_500_000, details: { live: true } };
  Object.defineProperties(hls, {
    levels: { get: () => [level] },
    currentLevel: { get: () => 0 },
    latency: { get: () => 4.5 },
  });
  attach();
  load('a');
  video.start();
  page.hide();
  level.details.live = false;
  page.hide();
  await until(() => page.requests.length > 0 && page.events(0).length === 4);
  const [live, recorded] = page.events(0).slice(2);
  assert.deepEqual([live!.videoBitrate, live!.latency], [2_500_000, 4.5]);
  assert.deepEqual([recorded!.videoBitrate, recorded!.latency], [2_500_000, undefined]);
});

test('switches of the rendition that plays, and the last one at the stop', async () => {
  Object.defineProperties(hls, {
    levels: { get: () => [{ bitrate: 500_000 }, { bitrate: 2_500_000 }] },
    currentLevel: { get: () => 1 },
  });
  attach();
  load('a');
  video.start();
  for (const level of [0, 1, 0, 1, 1]) {
    hls.trigger(Hls.Events.LEVEL_SWITCHED, { level });
  }
  session.stop();
  await until(() => page.requests.length > 0 && page.events(0).length === 3);
  const stop = page.events(0)[2]!;
  assert.deepEqual([stop.switches, stop.videoBitrate], [{ up: 2, down: 1, failed: 0 }, 2_500_000]);
});

test('a player without what is asked of it harms nothing', async () => {
  const broken = observeHls({} as Hls, page.options);
  broken.status(1);
  broken.stop();
  observeHls(null as unknown as Hls, page.options).stop();
  assert.equal(page.warnings.length, 2);
});

test('a fatal error is reported although the page destroys hls.js before the beacon hears of it', async () => {
  session.stop();
  hls.on(Hls.Events.ERROR, () => hls.destroy());
  session = observeHls(hls, { ...page.options, stream: (source) => source });
  attach();
  load('a');
  fail('manifestLoadError', true);
  await page.ended(1);
  assert.deepEqual(page.story(0), ['load', 'status manifestLoadError fatal', 'stop playbackerror']);
});

test('start-up counts from when the page says, for the first source only', async () => {
  session.stop();
  session = observeHls(hls, { ...page.options, since: performance.now() - 5000 });
  attach();
  load('a');
  video.start();
  load('b');
  video.start();
  session.stop();
  await page.ended(2);
  const startTime = (n: number) => Number(page.events(n).find(({ type }) => type === 'start')?.startTime);
  assert.ok(startTime(0) >= 5 && startTime(0) < 7, `${startTime(0)}`);
  assert.ok(startTime(1) < 2, `${startTime(1)}`);
});
