import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import type { BeaconEvent } from '../src/events';
import { Session, type SessionOptions } from '../src/session';
import { FakeVideo } from './support/video';

let now: number;
let video: FakeVideo;
let events: BeaconEvent[];

beforeEach(() => {
  now = 1_000_000;
  video = new FakeVideo();
  events = [];
  mock.timers.enable({ apis: ['setInterval'] });
  Object.assign(globalThis, { document: { hidden: false } });
});

afterEach(() => mock.timers.reset());

function open(options: Partial<SessionOptions> = {}): Session {
  return new Session(video.element, {
    interval: 10_000,
    now: () => now,
    safely: (action) => action(),
    send: (event) => events.push(event),
    onStop: () => {},
    ...options,
  });
}

/** Lets ms pass, in which the position moves with the given rate. */
function pass(ms: number, rate = 0) {
  for (let i = 0; i < ms / 50; i++) {
    now += 50;
    video.currentTime += rate / 20;
    mock.timers.tick(50);
  }
}

function startPlaying() {
  video.start();
}

test('the start comes with the first frame and says how long it took', () => {
  open();
  pass(700);
  startPlaying();
  assert.deepEqual(events, [
    { seq: 1, ts: 1_000_000, type: 'load' },
    { seq: 2, ts: 1_000_700, type: 'start', startTime: 0.7 },
  ]);
});

for (const { name, waiting } of [
  { name: 'autoplay is forbidden', waiting: { readyState: 4 } },
  { name: 'autoplay by the attribute is forbidden', waiting: { readyState: 4, autoplay: true } },
  { name: 'the element does not preload', waiting: { networkState: 1 } },
]) {
  test(`waiting for the viewer is no start-up time: ${name}`, () => {
    open();
    pass(500);
    Object.assign(video, waiting);
    pass(5000);
    video.fire('play', { paused: false });
    pass(300);
    video.showFrame();
    const start = events.find(({ type }) => type === 'start') as { startTime: number };
    // 0.5 s of loading, 0.05 s until the change is looked at, 0.3 s from the click to the frame.
    assert.equal(start.startTime, 0.85);
  });
}

for (const { name, reason, told, state } of [
  {
    name: 'of a player that the browser does not let play',
    reason: 'destroy',
    told: 'interactionrequired',
    state: { readyState: 4 },
  },
  {
    name: 'before autoplay was forbidden',
    reason: 'destroy',
    told: 'destroy',
    state: { readyState: 3, autoplay: true },
  },
  { name: 'that is still loading', reason: 'destroy', told: 'destroy', state: { readyState: 1 } },
  { name: 'for a reason of the page', reason: 'streamnotfound', told: 'streamnotfound', state: { readyState: 4 } },
]) {
  test(`an end before the first frame ${name}`, () => {
    const session = open();
    Object.assign(video, state);
    pass(5000);
    session.stop(reason);
    assert.equal((events.at(-1) as { reason: string }).reason, told);
  });
}

test('an end in a pause is no wait for the viewer', () => {
  const session = open();
  startPlaying();
  pass(1000, 1);
  video.fire('pause', { paused: true, readyState: 4 });
  session.stop('destroy');
  assert.equal((events.at(-1) as { reason: string }).reason, 'destroy');
});

test('a frame shown before playback is asked for is no start', () => {
  open();
  pass(300);
  video.readyState = 4;
  video.showFrame();
  pass(2000);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['load']
  );
  startPlaying();
  assert.equal(events.at(-1)!.type, 'start');
});

for (const { name, wait } of [
  { name: 'soon plays', wait: 100 },
  { name: 'plays when the viewer lets it', wait: 10_000 },
]) {
  test(`the first picture of an element with autoplay ends its start-up time, if it ${name}`, () => {
    video.autoplay = true;
    open();
    pass(300);
    video.showFrame();
    pass(wait);
    assert.equal(events.at(-1)!.type === 'start', false);
    video.fire('play', { paused: false, readyState: 4 });
    assert.deepEqual(events.at(-1), { seq: events.length, ts: now, type: 'start', startTime: 0.3 });
  });
}

test('without frames to see, the start is where the position begins to move', () => {
  Object.assign(globalThis, { document: { hidden: true } });
  open();
  video.fire('play', { paused: false, readyState: 4 });
  pass(400);
  assert.equal(events.length, 1);
  pass(200, 1);
  assert.deepEqual(events[1], { seq: 2, ts: 1_000_450, type: 'start', startTime: 0.45 });
});

test('reports come every interval, with what the player adds and without what it does not know', () => {
  open({ interval: 2000, measure: () => ({ latency: 3.5, videoBitrate: NaN, audioBitrate: -1 }) });
  startPlaying();
  video.bufferEnd = 5;
  pass(2000, 1);
  pass(1000, 1);
  video.fire('pause', { paused: true });
  pass(1000);
  assert.deepEqual(events.slice(2), [
    { seq: 3, ts: 1_002_000, type: 'stats', playing: 2, buffering: 0, paused: 0, bufferLength: 3, latency: 3.5 },
    { seq: 4, ts: 1_004_000, type: 'stats', playing: 1, buffering: 0, paused: 1, bufferLength: 2, latency: 3.5 },
  ]);
});

test('before the first frame reports keep the session alive and say nothing else', () => {
  open({ measure: () => ({ latency: 1 }) });
  pass(10_000);
  assert.deepEqual(events[1], { seq: 2, ts: 1_010_000, type: 'stats', playing: 0, buffering: 0, paused: 0 });
});

test('a stall longer than the interval is spread over the reports', () => {
  open({ interval: 2000 });
  startPlaying();
  pass(1000, 1);
  pass(5000);
  pass(2000, 1);
  const buffering = events
    .filter(({ type }) => type === 'stats')
    .map((event) => (event as { buffering: number }).buffering);
  assert.deepEqual(buffering, [1, 2, 2, 0]);
});

test('a failing measure loses no report', () => {
  const errors: unknown[] = [];
  open({
    interval: 1000,
    measure: () => {
      throw new Error('no player');
    },
    safely: (action) => {
      try {
        action();
      } catch (error) {
        errors.push(error);
      }
    },
  });
  startPlaying();
  pass(1000, 1);
  assert.equal(events.at(-1)!.type, 'stats');
  assert.equal(errors.length, 1);
});

const ends: Array<{ name: string; end: (session: Session) => void; live?: boolean; reason: string }> = [
  { name: 'the page stops it', end: (session) => session.stop('normal'), reason: 'normal' },
  { name: 'recorded media are over', end: () => video.fire('ended', { duration: 60 }), reason: 'normal' },
  {
    name: 'a live stream is over',
    end: () => {
      video.duration = Infinity;
      pass(100, 1);
      video.fire('ended', { duration: 60 });
    },
    reason: 'sourcestreamstopped',
  },
  {
    name: 'a stream the page calls live is over',
    live: true,
    end: () => video.fire('ended'),
    reason: 'sourcestreamstopped',
  },
  {
    name: 'the media cannot be decoded',
    end: () => video.fire('error', { error: { code: 3 } }),
    reason: 'playbackerror',
  },
  {
    name: 'the player is taken out of the page',
    end: () => {
      video.isConnected = false;
      pass(100);
    },
    reason: 'destroy',
  },
];
for (const { name, end, live, reason } of ends) {
  test(`reason ${reason} when ${name}, and nothing after it`, () => {
    let stops = 0;
    const session = open({ live, onStop: () => stops++ });
    startPlaying();
    pass(1000, 1);
    end(session);
    const count = events.length;
    const stop = events.at(-1)!;
    assert.equal(stop.type, 'stop');
    assert.equal((stop as { reason: string }).reason, reason);
    session.stop('normal');
    session.status(1, false);
    session.report();
    video.fire('ended');
    pass(30_000, 1);
    assert.equal(events.length, count);
    assert.equal(stops, 1);
  });
}

test('an error of the element is a fatal status before the stop', () => {
  open();
  video.fire('error', { error: { code: 4 } });
  assert.deepEqual(
    events.slice(1).map(({ type }) => type),
    ['status', 'stop']
  );
  assert.deepEqual(events[1], { seq: 2, ts: 1_000_000, type: 'status', code: 4, fatal: true });
});

test('the stop carries what happened since the last report, and the whole play without pauses', () => {
  const session = open({ interval: 2000 });
  startPlaying();
  pass(2000, 1);
  pass(500, 1);
  pass(400);
  pass(100, 1);
  video.fire('pause', { paused: true });
  pass(300);
  session.stop('normal');
  assert.deepEqual(events.at(-1), {
    seq: 4,
    ts: 1_003_300,
    type: 'stop',
    reason: 'normal',
    played: 3,
    playing: 0.6,
    buffering: 0.4,
    paused: 0.3,
    stalls: 1,
  });
});

test('reports and the stop tell of the picture and of frames since the last one, also of a new source', () => {
  const quality = { totalVideoFrames: 1000, droppedVideoFrames: 100 };
  Object.assign(video, { videoHeight: 540, getVideoPlaybackQuality: () => ({ ...quality }) });
  const session = open({ interval: 2000 });
  startPlaying();
  Object.assign(quality, { totalVideoFrames: 1050, droppedVideoFrames: 103 });
  pass(2000, 1);
  Object.assign(video, { videoHeight: 1080 });
  Object.assign(quality, { totalVideoFrames: 20, droppedVideoFrames: 1 });
  session.stop('normal');
  const told = events.slice(2).map((e) => e as unknown as Record<string, unknown>);
  assert.deepEqual(
    told.map(({ type, height, frames, droppedFrames }) => [type, height, frames, droppedFrames]),
    [
      ['stats', 540, 50, 3],
      ['stop', 1080, 20, 1],
    ]
  );
});

test('an error after which the player gives up ends the play when the buffer has been played', () => {
  const session = open();
  startPlaying();
  video.bufferEnd = 3;
  pass(1000, 1);
  session.fail('fragLoadError');
  pass(2000, 1);
  assert.equal(events.length, 2);
  pass(950);
  assert.equal(events.length, 2);
  pass(1000);
  assert.deepEqual(
    events.slice(2).map(({ seq: _, ...event }) => event),
    [
      { ts: 1_001_000, type: 'status', code: 'fragLoadError', fatal: true },
      {
        ts: 1_004_000,
        type: 'stop',
        reason: 'playbackerror',
        played: 4,
        playing: 3,
        buffering: 1,
        paused: 0,
        stalls: 1,
      },
    ]
  );
});

test('an error after which more media come was not fatal', () => {
  const session = open();
  startPlaying();
  video.bufferEnd = 3;
  pass(1000, 1);
  session.fail(27);
  video.bufferEnd = 6;
  pass(100, 1);
  assert.deepEqual(events.at(-1), { seq: 3, ts: 1_001_000, type: 'status', code: 27, fatal: false });
  pass(2000);
  assert.equal(events.at(-1)!.type, 'status');
});

test('of two errors only the last can be fatal', () => {
  const session = open();
  startPlaying();
  pass(1000, 1);
  session.fail(1001);
  session.fail(1002);
  session.stop('destroy');
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'status' ? [[event.code, event.fatal]] : [])),
    [
      [1001, false],
      [1002, true],
    ]
  );
});

test('an error before the first frame is the end at once', () => {
  const session = open();
  pass(100);
  session.fail('manifestLoadError');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['load', 'status', 'stop']
  );
});

test('a stream that the player called live ends as one, also when its playlist is closed by then', () => {
  let live = true;
  open({ isLive: () => live });
  startPlaying();
  pass(1000, 1);
  live = false;
  video.fire('ended', { duration: 60 });
  assert.equal((events.at(-1) as { reason: string }).reason, 'sourcestreamstopped');
});

test('a position that is set before there is anything to show is no start', () => {
  Object.assign(globalThis, { document: { hidden: true } });
  open();
  video.fire('play', { paused: false, readyState: 0 });
  pass(500);
  video.currentTime = 20;
  pass(3000);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['load']
  );
  video.readyState = 4;
  pass(50);
  pass(100, 1);
  assert.deepEqual(events[1], { seq: 2, ts: 1_003_600, type: 'start', startTime: 3.6 });
});

test('what of the start-up has passed before the observation counts', () => {
  open({ startUp: 400 });
  pass(300);
  startPlaying();
  assert.equal((events.at(-1) as { startTime: number }).startTime, 0.7);
});
