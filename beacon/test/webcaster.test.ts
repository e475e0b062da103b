import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { observeWebcaster } from '../src/adapters/webcaster';
import type { BeaconSession } from '../src/index';
import { Page, pause } from './support/page';

// The Webcaster is not published as a package: an EventEmitter stands in for it and emits the payloads that its API
// documentation (version 5) describes.

let page: Page;
let webcaster: EventEmitter;
let session: BeaconSession;

beforeEach(async () => {
  page = await Page.open();
  webcaster = new EventEmitter();
  session = observeWebcaster(webcaster, { ...page.options, stream: undefined, statsInterval: 1 });
});

afterEach(() => {
  session.stop();
  page.close();
});

const status = (message: string, state: number) =>
  webcaster.emit('BroadcastStatus', { name: 'BroadcastStatus', data: { message, state, streamname: 'XXXXX-YYYYY' } });

function stats(results: object) {
  const data = {
    message: 'broadcasting',
    stats: { results, state: 6, streamname: 'XXXXX-YYYYY', text: 'broadcasting' },
  };
  webcaster.emit('ReceivedWebRTCStats', { name: 'ReceivedWebRTCStats', data });
}

function error(name: string, code: number) {
  webcaster.emit(name, { name, error: { code, message: 'as documented', name, type: 'BroadcastError', userinfo: {} } });
}

async function story() {
  await page.ended(1);
  return page.story(0);
}

test('a broadcast with its bitrates in bit/s, round-trip time in s and loss as a share', async () => {
  status('signalling', 4);
  status('connected', 5);
  webcaster.emit('StartBroadcastSuccess', { name: 'StartBroadcastSuccess', data: { streamname: 'XXXXX-YYYYY' } });
  status('broadcasting', 6);
  stats({ audioBitrate: 64.5, videoBitrate: 1500, packetLoss: 2.5, roundTripTime: 48 });
  await pause(1300);
  webcaster.emit('StopBroadcastSuccess', { name: 'StopBroadcastSuccess' });
  assert.deepEqual(await story(), ['load', 'start', 'stats', 'stop normal']);
  const { type: _, seq: __, ts: ___, playing, ...report } = page.events(0)[2]!;
  assert.deepEqual(report, {
    buffering: 0,
    paused: 0,
    videoBitrate: 1_500_000,
    audioBitrate: 64_500,
    roundTripTime: 0.048,
    packetLoss: 0.025,
  });
  assert.ok((playing as number) >= 1);
  assert.ok((page.events(0)[3]!.played as number) >= 1.29);
  const { client, stream, interval } = page.envelope(0);
  assert.deepEqual({ client, stream, interval }, { client: { kind: 'webcaster' }, stream: 'XXXXX-YYYYY', interval: 1 });
});

test('what the browser does not know is left out', async () => {
  status('broadcasting', 6);
  stats({});
  await pause(1300);
  webcaster.emit('SignOutSuccess', {});
  await story();
  const { type: _, seq: __, ts: ___, playing: ____, ...report } = page.events(0)[2]!;
  assert.deepEqual(report, { buffering: 0, paused: 0 });
});

test('a reconnection is time not on air', async () => {
  status('broadcasting', 6);
  await pause(100);
  const lostAt = performance.now();
  status('reconnecting_broadcast', 7);
  await pause(300);
  const lost = performance.now() - lostAt;
  status('broadcasting', 6);
  await pause(100);
  webcaster.emit('StopBroadcastSuccess', {});
  await story();
  const buffering = page.events(0).reduce((total, event) => total + ((event.buffering as number | undefined) ?? 0), 0);
  assert.ok(Math.abs(buffering * 1000 - lost) < 10, `${buffering} s of ${lost} ms`);
});

test('a broadcast that cannot start is a load without a start', async () => {
  status('signalling', 4);
  error('StartBroadcastError', 5001);
  assert.deepEqual(await story(), ['load', 'status 5001 fatal', 'stop playbackerror']);
});

test('a broadcast that fails ends, another error does not end it', async () => {
  status('broadcasting', 6);
  error('BroadcastError', 6000);
  error('BroadcastError', 5002);
  assert.deepEqual(await story(), ['load', 'start', 'status 6000', 'status 5002 fatal', 'stop playbackerror']);
});

test('events without payload and a Webcaster without events harm nothing', () => {
  for (const name of webcaster.eventNames()) {
    webcaster.emit(name);
    webcaster.emit(name, {});
  }
  observeWebcaster({} as EventEmitter, page.options).stop();
  assert.equal(page.warnings.length, 2);
});
