import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { observePeerConnection } from '../src/adapters/webrtc';
import type { BeaconSession } from '../src/index';
import { Page, pause, until } from './support/page';

/** Stands in for RTCPeerConnection, which Node does not have: it sends what the test says. */
class PeerConnectionStandIn extends EventTarget {
  connectionState = 'new';
  readonly startedAt = performance.now();
  /** bytes/s */
  videoRate = 100_000;
  audioRate = 8000;
  packetsLost = 0;

  become(state: string) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  async getStats() {
    const timestamp = performance.now();
    const seconds = (timestamp - this.startedAt) / 1000;
    const outbound = (kind: string, rate: number) => ({
      type: 'outbound-rtp',
      kind,
      timestamp,
      bytesSent: Math.round(rate * seconds),
      packetsSent: Math.round(rate * seconds) / 1000,
    });
    const remote = {
      type: 'remote-inbound-rtp',
      kind: 'video',
      timestamp,
      packetsLost: this.packetsLost,
      roundTripTime: 0.05,
    };
    return new Map<string, object>([
      ['v', outbound('video', this.videoRate)],
      ['a', outbound('audio', this.audioRate)],
      ['r', remote],
      ['t', { type: 'transport', timestamp, bytesSent: 1e9 }],
    ]);
  }
}

let page: Page;
let connection: PeerConnectionStandIn;
let session: BeaconSession;

beforeEach(async () => {
  page = await Page.open();
  connection = new PeerConnectionStandIn();
  session = observePeerConnection(connection as unknown as RTCPeerConnection, { ...page.options, interval: 1 });
});

afterEach(() => {
  session.stop();
  page.close();
});

async function stories(sessions: number) {
  await page.ended(sessions);
  return Array.from({ length: sessions }, (_, i) => page.story(i).filter((event) => event !== 'stats'));
}

test('a broadcast starts with the connection and ends when it is closed', async () => {
  connection.become('connecting');
  await pause(100);
  connection.become('connected');
  await pause(500);
  connection.connectionState = 'closed';
  assert.deepEqual(await stories(1), [['load', 'start', 'stop normal']]);
  const { startTime } = page.events(0)[1]! as unknown as { startTime: number };
  assert.ok(startTime >= 0.09, String(startTime));
  assert.deepEqual(page.envelope(0).client, { kind: 'webcaster' });
  assert.equal(page.envelope(0).protocol, 'webrtc');
});

test('bitrates, round-trip time and loss of the time since the last report', async () => {
  connection.become('connected');
  await pause(100);
  connection.packetsLost = 20;
  const reported = () => (page.sessions.length ? page.events(0).filter(({ type }) => type === 'stats') : []);
  await until(() => reported().length >= 2);
  session.stop();
  await stories(1);
  const reports = reported();
  const { videoBitrate, audioBitrate, roundTripTime } = reports[1]! as Record<string, number>;
  assert.ok(Math.abs(videoBitrate! - 800_000) < 8000, String(videoBitrate));
  assert.ok(Math.abs(audioBitrate! - 64_000) < 640, String(audioBitrate));
  assert.equal(roundTripTime, 0.05);
  // 20 packets in one of the reports, which covers 108 packets for each second.
  const losses = reports.map(({ packetLoss }) => packetLoss as number | undefined).filter((loss) => loss);
  assert.equal(losses.length, 1);
  assert.ok(losses[0]! > 0.02 && losses[0]! < 0.4, String(losses[0]));
});

test('a lost connection is not on air, and one that is made again goes on', async () => {
  connection.become('connected');
  await pause(300);
  const lostAt = performance.now();
  connection.become('disconnected');
  await pause(300);
  connection.become('connected');
  const lost = performance.now() - lostAt;
  await pause(100);
  session.stop();
  assert.deepEqual(await stories(1), [['load', 'start', 'stop normal']]);
  const buffering = page.events(0).reduce((total, event) => total + ((event.buffering as number | undefined) ?? 0), 0);
  assert.ok(Math.abs(buffering * 1000 - lost) < 10, `${buffering} s of ${lost} ms`);
});

test('a failed connection ends the broadcast, and made again it is another', async () => {
  connection.become('connected');
  await pause(50);
  connection.become('failed');
  await stories(1);
  connection.become('connected');
  await pause(50);
  session.stop();
  assert.deepEqual(await stories(2), [
    ['load', 'start', 'status connectionfailed fatal', 'stop connectionclose'],
    ['load', 'start', 'stop normal'],
  ]);
});

test('a connection that cannot be asked harms nothing', async () => {
  connection.getStats = () => Promise.reject(new Error('closed'));
  connection.become('connected');
  await pause(50);
  observePeerConnection(null as unknown as RTCPeerConnection, page.options).stop();
  assert.equal(page.warnings.length, 2);
});
