import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Meter, type Observation } from '../src/meter';

const atRest: Observation = { currentTime: 0, playbackRate: 1, paused: false, seeking: false };

/** Plays a script: each step is [ms at which the element is looked at, what has changed since]. */
function run(steps: Array<[number, Partial<Observation>]>, first: Partial<Observation> = {}): Meter {
  let state = { ...atRest, ...first };
  const meter = new Meter(0, state);
  for (const [now, change] of steps) {
    state = { ...state, ...change };
    meter.observe(now, state);
  }
  return meter;
}

/** Looks every 100 ms from `from` to `to` at an element whose position moves from `position` with `rate`. */
function moving(from: number, to: number, position: number, rate = 1): Array<[number, Partial<Observation>]> {
  const steps: Array<[number, Partial<Observation>]> = [];
  for (let now = from + 100; now <= to; now += 100) {
    steps.push([now, { currentTime: position + ((now - from) * rate) / 1000 }]);
  }
  return steps;
}

const still = (from: number, to: number, position: number) => moving(from, to, position, 0);

const cases: Array<{
  name: string;
  steps: Array<[number, Partial<Observation>]>;
  first?: Partial<Observation>;
  playing?: number;
  buffering?: number;
  paused?: number;
  played: number;
}> = [
  { name: 'smooth play', steps: moving(0, 5000, 0), playing: 5000, played: 5000 },
  {
    name: 'fast play is counted by the wall clock',
    steps: moving(0, 2000, 0, 1.5),
    first: { playbackRate: 1.5 },
    playing: 2000,
    played: 2000,
  },
  {
    name: 'a stall between looks counts from the last to the first movement',
    steps: [
      [1000, { currentTime: 1 }],
      [1100, { currentTime: 1.03 }],
      ...still(1100, 2000, 1.03),
      [2100, { currentTime: 1.08 }],
      [2200, { currentTime: 1.18 }],
    ],
    playing: 1030 + 50 + 100,
    buffering: 70 + 900 + 50,
    played: 2200,
  },
  {
    name: 'a position that crawls after a stall is still stalled',
    steps: [...moving(0, 1000, 0), ...still(1000, 2000, 1), ...moving(2000, 2400, 1, 0.25), ...moving(2400, 3000, 1.1)],
    playing: 1000 + 100 + 600,
    buffering: 1000 + 300,
    played: 3000,
  },
  {
    name: 'a leap of the position at the end of a stall is no progress',
    steps: [
      [1000, { currentTime: 1 }],
      ...still(1000, 3000, 1),
      [3040, { currentTime: 1.055, resumes: true }],
      [3100, { currentTime: 1.115, resumes: false }],
    ],
    playing: 1000 + 60,
    buffering: 2040,
    played: 3100,
  },
  {
    name: 'a standstill too short for a stall is playing',
    steps: [...moving(0, 1000, 0), ...still(1000, 1100, 1), ...moving(1100, 2000, 1)],
    playing: 2000,
    played: 2000,
  },
  {
    name: 'a stall between two looks of a throttled timer',
    steps: [
      [1000, { currentTime: 1 }],
      [2000, { currentTime: 1.4 }],
      [3000, { currentTime: 2.4 }],
    ],
    playing: 2400,
    buffering: 600,
    played: 3000,
  },
  {
    name: 'jitter of the position does not add up to stalls',
    steps: Array.from({ length: 100 }, (_, i) => [
      (i + 1) * 100,
      { currentTime: ((i + 1) * 100 - (i % 2 ? 30 : 0)) / 1000 },
    ]),
    playing: 10_000,
    played: 10_000,
  },
  {
    name: 'a pause is no part of played',
    steps: [...moving(0, 1000, 0), [1000, { paused: true }], ...still(1000, 4000, 1), [4000, { paused: false }]],
    playing: 1000,
    paused: 3000,
    played: 1000,
  },
  {
    name: 'a pause in a stall ends it',
    steps: [...moving(0, 1000, 0), ...still(1000, 2000, 1), [2000, { paused: true }], ...still(2000, 3000, 1)],
    playing: 1000,
    buffering: 1000,
    paused: 1000,
    played: 2000,
  },
  {
    name: 'a seek lasts until the position moves and its jump is no progress',
    steps: [
      ...moving(0, 1000, 0),
      [1000, { seeking: true, currentTime: 20 }],
      ...still(1000, 2000, 20),
      [2000, { seeking: false }],
      ...still(2000, 2500, 20),
      ...moving(2500, 3500, 20),
    ],
    playing: 2000,
    played: 3500,
  },
  {
    name: 'a seek while paused is pause',
    steps: [
      [1000, { currentTime: 1, paused: true }],
      [1500, { seeking: true, currentTime: 9 }],
      [2000, { seeking: false }],
    ],
    playing: 1000,
    paused: 1000,
    played: 1000,
  },
  {
    name: 'rate 0 is a pause',
    steps: [[1000, { currentTime: 1, playbackRate: 0 }], ...still(1000, 2000, 1)],
    playing: 1000,
    paused: 1000,
    played: 1000,
  },
  {
    name: 'after sleep only the movement counts',
    steps: [
      [1000, { currentTime: 1 }],
      [8 * 3600 * 1000, { currentTime: 1.5 }],
    ],
    playing: 1500,
    played: 1500,
  },
  {
    name: 'a pause through sleep counts nothing',
    steps: [
      [1000, { currentTime: 1, paused: true }],
      [8 * 3600 * 1000, {}],
    ],
    playing: 1000,
    played: 1000,
  },
  {
    name: 'a position set back is no negative time',
    steps: [[100, { currentTime: 0 }], ...moving(100, 1000, 0)],
    first: { currentTime: 50 },
    playing: 1000,
    played: 1000,
  },
];

for (const { name, steps, first, playing = 0, buffering = 0, paused = 0, played } of cases) {
  test(name, () => {
    const meter = run(steps, first);
    assert.deepEqual(meter.finish(), { playing, buffering, paused });
    assert.equal(meter.played, played);
  });
}

test('a report ends before a standstill that may become a stall, which then counts whole', () => {
  const meter = run([...moving(0, 1000, 0), ...still(1000, 1100, 1)]);
  assert.deepEqual(meter.take(), { spent: { playing: 1000, buffering: 0, paused: 0 }, until: 1000 });
  for (const [now, change] of still(1100, 2000, 1)) {
    meter.observe(now, { ...atRest, ...change });
  }
  assert.deepEqual(meter.take(), { spent: { playing: 0, buffering: 1000, paused: 0 }, until: 2000 });
});

test('reports add up to the time between them, whatever happens', () => {
  // A small generator of repeatable random numbers (Park and Miller, "minimal standard").
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const meter = new Meter(0, atRest);
  let state = atRest;
  let now = 0;
  let reportedAt = 0;
  for (let i = 0; i < 20_000; i++) {
    const elapsed = Math.ceil(random() * 300);
    now += elapsed;
    const moves = !state.paused && random() < 0.7;
    state = { ...state, currentTime: state.currentTime + (moves ? (elapsed / 1000) * random() : 0) };
    if (random() < 0.05) {
      state = { ...state, paused: !state.paused };
    }
    meter.observe(now, state);
    if (random() < 0.02) {
      const { spent, until } = meter.take();
      assert.equal(spent.playing + spent.buffering + spent.paused, until - reportedAt);
      reportedAt = until;
    }
  }
});

test('stalls count where they begin, and jitter is none', () => {
  const meter = run([
    ...moving(0, 1000, 0),
    ...still(1000, 2000, 1),
    ...moving(2000, 3000, 1),
    [3200, {}],
    ...moving(3200, 4000, 2),
    ...still(4000, 6000, 2.8),
  ]);
  assert.equal(meter.stalls, 2);
});
