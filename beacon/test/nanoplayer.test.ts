import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { observeNanoPlayer, type NanoPlayer } from '../src/adapters/nanoplayer';
import type { BeaconSession } from '../src/index';
import { NanoPlayerStandIn } from './support/nanoplayer';
import { Page, pause } from './support/page';

let page: Page;
let player: NanoPlayerStandIn;
let session: BeaconSession;

const config = {
  source: { entries: [{ h5live: { rtmp: { url: 'rtmp://play.example/play', streamname: 'XXXXX-YYYYY' } } }] },
};

/** nanoStream's own options, as a page gives them to `setup`. */
const metrics = {
  accountId: 'acme',
  accountKey: 'pk_1',
  userId: 'viewer1',
  eventId: 'event1',
  statsInterval: 1,
  customField1: 'x',
};

beforeEach(async () => {
  page = await Page.open();
  player = new NanoPlayerStandIn();
  session = observeNanoPlayer(player, { endpoint: page.options.endpoint, ...metrics });
});

afterEach(() => {
  session.stop();
  page.close();
});

async function stories(sessions: number) {
  await page.ended(sessions);
  return Array.from({ length: sessions }, (_, i) => page.story(i));
}

test('a play, from the loading to the pause, whose reason is that of the stop', async () => {
  await player.setup(config);
  player.loading();
  player.play();
  player.pause('sourcestreamstopped');
  assert.deepEqual(await stories(1), [['load', 'start', 'stop sourcestreamstopped']]);
  assert.equal(page.events(0)[1]!.startTime, 0.42);
  const { sentAt: _, events: __, sessionId: ___, ...envelope } = page.envelope(0);
  assert.deepEqual(envelope, {
    accountId: 'acme',
    accountKey: 'pk_1',
    userId: 'viewer1',
    eventId: 'event1',
    customField1: 'x',
    stream: 'XXXXX-YYYYY',
    client: { kind: 'h5live', version: '4.22.0' },
    interval: 1,
  });
});

test("the page's own handlers keep working, also if ours fail", async () => {
  const seen: string[] = [];
  const events = {
    onPlay: () => seen.push('play'),
    onMute: () => seen.push('mute'),
    onPause: () => seen.push('pause'),
  };
  const given = { ...config, events };
  await player.setup(given);
  player.loading();
  player.play();
  (player as unknown as { emit(name: string, data: undefined): void }).emit('onPause', undefined);
  assert.deepEqual(seen, ['play', 'pause']);
  assert.deepEqual(given.events, events);
  assert.equal(page.warnings.length, 1);
});

test('playing and buffering are told apart, and the buffer and the bitrate reported', async () => {
  await player.setup(config);
  player.loading();
  player.play();
  player.stats(0.8, 1_200_000);
  const times = [performance.now()];
  for (const [ms, change] of [
    [400, () => player.startBuffering()],
    [300, () => player.stopBuffering()],
    [600, () => player.pause('normal')],
  ] as const) {
    await pause(ms);
    change();
    times.push(performance.now());
  }
  await page.ended(1);
  const [start, ...reports] = page.events(0).slice(1) as Array<Record<string, number>>;
  const sum = (kind: string) => reports.reduce((total, report) => total + report[kind]!, 0) * 1000;
  const [began, stalled, resumed, stopped] = times as [number, number, number, number];
  assert.ok(Math.abs(sum('buffering') - (resumed - stalled)) < 10, `${sum('buffering')} ms`);
  assert.ok(Math.abs(sum('playing') - (stopped - resumed + stalled - began)) < 10, `${sum('playing')} ms`);
  assert.equal(Math.round(sum('playing') + sum('buffering')), reports.at(-1)!.ts! - start!.ts!);
  assert.equal(Math.round(reports.at(-1)!.played! * 1000), reports.at(-1)!.ts! - start!.ts!);
  const { bufferLength, latency, videoBitrate } = reports[0]!;
  assert.deepEqual([bufferLength, latency, videoBitrate], [0.8, 0.8, 1_200_000]);
});

test('a connection that is made again is another play', async () => {
  await player.setup(config);
  player.loading();
  player.play();
  player.error(4106, 'Maybe no network, wrong url or server down. Reconnect possible.');
  player.pause('reconnectionimminent');
  player.loading(2000);
  player.play();
  player.destroy();
  assert.deepEqual(await stories(2), [
    ['load', 'start', 'status 4106', 'stop reconnectionimminent'],
    ['load', 'start', 'stop destroy'],
  ]);
});

for (const { code, fatal } of [
  { code: 2001, fatal: true },
  { code: 1005, fatal: true },
  { code: 4901, fatal: true },
  { code: 4003, fatal: true },
  { code: 3003, fatal: true },
  { code: 4503, fatal: false },
  { code: 2012, fatal: false },
  { code: 5207, fatal: false },
]) {
  test(`error ${code} is ${fatal ? '' : 'not '}fatal`, async () => {
    await player.setup(config);
    player.loading();
    player.error(code, 'as documented');
    player.pause('playbackerror');
    assert.deepEqual(await stories(1), [['load', `status ${code}${fatal ? ' fatal' : ''}`, 'stop playbackerror']]);
  });
}

test('a media error from which nanoPlayer recovers comes as a warning', async () => {
  await player.setup(config);
  player.loading();
  player.play();
  player.warning('Recovering from media error 3003, recovery 1/3 within the last 60 seconds (12 total).');
  player.warning('Something else.');
  player.pause('normal');
  assert.deepEqual(await stories(1), [['load', 'start', 'status 3003', 'stop normal']]);
});

test('another source without a pause is another play', async () => {
  await player.setup(config);
  player.loading();
  player.play();
  await pause(20);
  player.updateSource('XXXXX-ZZZZZ');
  player.pause('normal');
  assert.deepEqual(await stories(2), [
    ['load', 'start', 'stop playbackrestart'],
    ['load', 'start', 'stop normal'],
  ]);
  assert.deepEqual([page.envelope(0).stream, page.envelope(1).stream], ['XXXXX-YYYYY', 'XXXXX-ZZZZZ']);
});

test('another source with a pause is one other play', async () => {
  await player.setup(config);
  player.loading();
  player.play();
  await pause(20);
  player.updateSource('XXXXX-ZZZZZ', () => {
    player.pause('playbackrestart');
    player.loading();
    player.play();
  });
  player.pause('normal');
  assert.deepEqual(await stories(2), [
    ['load', 'start', 'stop playbackrestart'],
    ['load', 'start', 'stop normal'],
  ]);
  assert.equal(page.envelope(1).stream, 'XXXXX-ZZZZZ');
});

test('another rendition of the stream is the same play', async () => {
  await player.setup(config);
  player.loading();
  player.play();
  player.switchStream(1);
  player.pause('normal');
  assert.deepEqual(await stories(1), [['load', 'start', 'stop normal']]);
});

test('switches of the rendition count, those that are superseded do not, and the height is reported', async () => {
  await player.setup(config);
  player.loading();
  player.play();
  player.streamInfo(720);
  for (const type of ['up', 'down', 'down', 'direct']) {
    player.switchRendition('Success', type);
  }
  player.switchRendition('Abort', 'up');
  player.switchRendition('Fail', 'up');
  page.hide();
  player.pause('normal');
  await page.ended(1);
  const report = page.events(0)[2]!;
  assert.deepEqual([report.switches, report.height], [{ up: 1, down: 2, failed: 1 }, 720]);
});

test('consent that comes while it plays begins the play then', async () => {
  session.stop();
  let agree = (_: boolean) => {};
  const consent = () => new Promise<boolean>((resolve) => (agree = resolve));
  session = observeNanoPlayer(player, { ...page.options, consent });
  await player.setup(config);
  player.loading();
  player.play();
  agree(true);
  await pause(20);
  player.stats(1, 1);
  player.pause('normal');
  assert.deepEqual(await stories(1), [['load', 'start', 'stop normal']]);
});

test('stop lets go of the player', async () => {
  assert.ok(Object.keys(player).includes('setup'));
  session.stop();
  await player.setup(config);
  player.loading();
  assert.equal(player.setup, NanoPlayerStandIn.prototype.setup);
  await pause(30);
  assert.equal(page.requests.length, 0);
});

test('a player without setup harms nothing', () => {
  observeNanoPlayer({} as NanoPlayer, page.options).stop();
  observeNanoPlayer(undefined as unknown as NanoPlayer, page.options).stop();
  assert.equal(page.warnings.length, 1);
});
