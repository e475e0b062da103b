import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { observe, type BeaconOptions } from '../src/index';
import { storageKey, type Undelivered } from '../src/store';
import { Page, pause, until } from './support/page';
import { FakeVideo } from './support/video';

let page: Page;
let video: FakeVideo;

beforeEach(async () => {
  page = await Page.open();
  video = new FakeVideo();
  video.currentSrc = 'https://cdn.example/live-1.mp4';
});

afterEach(() => page.close());

/** Undelivered events as an earlier page has left them. */
function leftBehind(changes: Partial<Undelivered> = {}): Undelivered {
  return {
    at: Date.now() - 60_000,
    endpoint: page.options.endpoint,
    envelope: { sessionId: 'earlier' },
    events: [{ seq: 7, ts: 1, type: 'load' }],
    ...changes,
  };
}

function stored(): Undelivered[] {
  return JSON.parse(page.storage.get(storageKey) ?? '[]') as Undelivered[];
}

// First, because a page resends once.
test('what an earlier page left behind is sent by the next, unless it is a day old', async () => {
  const old = leftBehind({ at: Date.now() - 24 * 3600 * 1000, envelope: { sessionId: 'old' } });
  page.storage.set(storageKey, JSON.stringify([old, leftBehind()]));
  const session = observe(video.element, page.options);
  await until(() => page.requests.length === 2);
  assert.deepEqual(page.sessions.sort(), ['earlier', session.id].sort());
  const earlier = page.requests.find(({ sessionId }) => sessionId === 'earlier')!;
  assert.equal(earlier.events[0]!.seq, 7);
  assert.ok(Date.now() - (earlier.sentAt as number) < 5000);
  await until(() => page.storage.size === 0);
  session.stop();
});

test('the envelope has texts, nanoStream names and what the player knows', async () => {
  const options = { ...page.options, userId: 7, cdn: 'north', eventId: undefined, customField3: 'x', statsInterval: 5 };
  const session = observe(video.element, options as unknown as BeaconOptions);
  await until(() => page.requests.length === 1);
  const { sentAt: _, events: __, ...envelope } = page.envelope(0);
  assert.deepEqual(envelope, {
    accountId: 'acme',
    accountKey: 'pk_1',
    userId: '7',
    cdn: 'north',
    customField3: 'x',
    sessionId: session.id,
    stream: 'live-1',
    client: { kind: 'html5' },
    interval: 5,
  });
  session.stop();
});

test('the URL of every request has the stream of the first, for balancers', async () => {
  const session = observe(video.element, {
    ...page.options,
    endpoint: `${page.options.endpoint}?via=1`,
    stream: () => (page.requests.length === 0 ? 'größe & 1' : 'another'),
  });
  await until(() => page.requests.length === 1);
  session.status(1);
  await until(() => page.requests.length === 2);
  page.status = 503;
  session.status(2);
  await until(() => page.paths.length === 3);
  page.dispatchEvent(new Event('pagehide'));
  assert.equal(page.beacons.length, 1);
  const expected = '/v1/events?via=1&stream=gr%C3%B6%C3%9Fe+%26+1';
  assert.deepEqual(page.paths, Array(4).fill(expected));
  assert.ok(stored()[0]!.endpoint.endsWith(expected), stored()[0]!.endpoint);
});

test('requests tell of the start once the collector has taken it', async () => {
  const session = observe(video.element, page.options);
  await until(() => page.requests.length === 1);
  video.start();
  await until(() => page.requests.length === 2);
  const { seq, ts } = page.requests[1]!.events.find(({ type }) => type === 'start')!;
  assert.equal(page.requests[1]!.started, undefined);
  session.status(1);
  await until(() => page.requests.length === 3);
  assert.deepEqual(page.requests[2]!.started, { seq, ts });
  session.stop();
});

test('the stream may be made from the URL of the source', async () => {
  const stream = (source: string) => source.split('/').pop()!.replace('.mp4', '!');
  observe(video.element, { ...page.options, stream }).stop();
  await until(() => page.requests.length === 1);
  assert.equal(page.envelope(0).stream, 'live-1!');
});

for (const { name, consent } of [
  { name: 'no', consent: () => false },
  { name: 'no, later', consent: async () => false },
  { name: 'something else', consent: () => 'yes' as unknown as boolean },
  {
    name: 'an error',
    consent: () => {
      throw new Error('no banner');
    },
  },
  { name: 'a failure', consent: () => Promise.reject(new Error('no banner')) },
]) {
  test(`nothing is collected, stored or sent when consent is ${name}`, async () => {
    page.storage.set(storageKey, JSON.stringify([leftBehind()]));
    const session = observe(video.element, { ...page.options, consent });
    video.start();
    session.status(1);
    await pause(50);
    page.leave();
    await pause(50);
    assert.deepEqual(page.requests, []);
    assert.deepEqual(page.beacons, []);
    assert.equal(stored().length, 1);
  });
}

test('the session begins when consent comes', async () => {
  let agree = (_: boolean) => {};
  const session = observe(video.element, {
    ...page.options,
    consent: () => new Promise<boolean>((resolve) => (agree = resolve)),
  });
  video.fire('play', { paused: false, readyState: 4 });
  await pause(50);
  assert.equal(page.requests.length, 0);
  agree(true);
  await until(() => page.requests.length === 1);
  assert.deepEqual(page.story(0), ['load']);
  session.stop();
  await until(() => page.requests.length === 2);
});

test('the sample decides for the whole observation', async () => {
  const sessions = Array.from({ length: 400 }, () =>
    observe(new FakeVideo().element, { ...page.options, sampleRate: 0.25 })
  );
  const inSample = sessions.filter(({ id }) => id !== '').length;
  sessions.forEach((session) => session.stop());
  // 100 expected, standard deviation 8.7.
  assert.ok(inSample > 55 && inSample < 145, `${inSample} of 400`);
});

test('what is not acknowledged when the page closes is put aside, but not if storage is not allowed', async () => {
  page.status = 503;
  const first = observe(video.element, page.options);
  const second = observe(new FakeVideo().element, { ...page.options, store: false });
  await pause(50);
  page.leave();
  assert.deepEqual(
    stored().map(({ envelope }) => envelope.sessionId),
    [first.id]
  );
  assert.deepEqual(
    stored()[0]!.events.map(({ type }) => type),
    ['load', 'stop']
  );
  assert.deepEqual(page.beacons.map(({ sessionId }) => sessionId).sort(), [first.id, second.id].sort());
});

test('a hidden page reports at once and forgets what it put aside when that is acknowledged', async () => {
  const session = observe(video.element, page.options);
  video.start();
  await until(() => page.requests.length > 0);
  page.hide();
  assert.equal(stored().length, 1);
  await until(() => page.storage.size === 0);
  assert.equal(page.events(0).at(-1)!.type, 'stats');
  session.stop();
});

test('a broken storage harms nothing', async () => {
  for (const content of ['{', '{}', 'null', '7', '[null]', '[{"at": "x"}]']) {
    page.storage.set(storageKey, content);
    const session = observe(video.element, page.options);
    page.leave();
    session.stop();
  }
  Object.assign(globalThis, {
    localStorage: {
      getItem: () => {
        throw new Error('denied');
      },
    },
  });
  observe(video.element, page.options);
  page.leave();
  assert.deepEqual(page.warnings, []);
});

test('the next source of an element and its replay are sessions of their own', async () => {
  const session = observe(video.element, { ...page.options, stream: (source) => source.slice(-1) });
  video.currentSrc = 'a';
  video.fire('loadstart');
  video.start();
  video.fire('loadstart', { currentSrc: 'b' });
  video.start();
  video.fire('ended', { paused: true, duration: 9 });
  video.fire('loadstart');
  video.start();
  session.stop();
  await page.ended(3);
  assert.deepEqual(page.story(0), ['load', 'start', 'stop playbackrestart']);
  assert.deepEqual(page.story(1), ['load', 'start', 'stop normal']);
  assert.deepEqual(page.story(2), ['load', 'start', 'stop normal']);
  assert.deepEqual(
    [0, 1, 2].map((i) => page.envelope(i).stream),
    ['a', 'b', 'b']
  );
  assert.equal(session.id, page.sessions[2]);
});

test('an element without a source has ended its play', async () => {
  const session = observe(video.element, page.options);
  video.start();
  video.fire('emptied', { networkState: 0, currentSrc: '' });
  await page.ended(1);
  assert.deepEqual(page.story(0), ['load', 'start', 'stop normal']);
  session.stop();
});

test('after stop nothing begins anew', async () => {
  const session = observe(video.element, page.options);
  session.stop();
  video.fire('loadstart', { currentSrc: 'b' });
  video.start();
  await page.ended(1);
  await pause(50);
  assert.equal(page.sessions.length, 1);
});

test('without an element or options the page sees one warning and no error', () => {
  const session = observe(undefined as unknown as HTMLVideoElement, undefined as unknown as BeaconOptions);
  session.status(1);
  session.stop();
  observe(null as unknown as HTMLVideoElement, { ...page.options, client: { kind: 'x' } }).stop();
  assert.equal(page.warnings.length, 2);
});

test('a fatal code of which the page says so is of a viewer who may not watch', async () => {
  const asked: unknown[] = [];
  const business = (code: number | string) => {
    asked.push(code);
    if (code === 'broken') {
      throw new Error('the page');
    }
    return code === 'expired';
  };
  const session = observe(video.element, { ...page.options, client: { kind: 'own' }, business });
  session.status('expired');
  session.status('broken', true);
  session.status('other', true);
  session.status('expired', true);
  session.stop();
  await until(() => page.events(0).some(({ type }) => type === 'stop'));
  assert.deepEqual(
    page.events(0).flatMap((event) => (event.type === 'status' ? [[event.code, event.fatal, event.business]] : [])),
    [
      ['expired', false, undefined],
      ['broken', true, undefined],
      ['other', true, undefined],
      ['expired', true, true],
    ]
  );
  assert.deepEqual(asked, ['broken', 'other', 'expired']);
  assert.equal('business' in page.envelope(0), false);
});
