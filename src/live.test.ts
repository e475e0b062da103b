import {
  type DataFrame,
  type DataFrameJSON,
  type DataQueryRequest,
  type DataQueryResponse,
  FieldType,
  type LiveChannelAddress,
  LiveChannelConnectionState,
  type LiveChannelEvent,
  LiveChannelEventType,
  LoadingState,
  toDataFrame,
} from '@grafana/data';
import { config, type GrafanaLiveSrv, setGrafanaLiveSrv } from '@grafana/runtime';
import { Subject } from 'rxjs';

import { canFollow, follow } from './live';

/** Stands in for Grafana's connection, which is in no package: a channel that the test sends on. */
let channel: Subject<LiveChannelEvent>;
let opened: LiveChannelAddress[];

beforeEach(() => {
  jest.useFakeTimers();
  channel = new Subject();
  opened = [];
  setGrafanaLiveSrv({
    getStream: (address: LiveChannelAddress) => {
      opened.push(address);
      return channel;
    },
  } as unknown as GrafanaLiveSrv);
});

afterEach(() => jest.useRealTimers());

const question = { query: { queryType: 'concurrentViewers' }, minutes: 5 };

function frame(refId: string, value: number, live = true): DataFrame {
  const fields = [{ name: 'viewers', type: FieldType.number, values: [value] }];
  const custom = live ? { live: { path: `live/${refId}`, data: question } } : undefined;
  return toDataFrame({ refId, fields, meta: { custom } });
}

/** The backend's next answer. */
function sends(value: number): void {
  const message: DataFrameJSON = {
    schema: { fields: [{ name: 'viewers', type: FieldType.number, config: { unit: 'short' } }] },
    data: { values: [[value]] },
  };
  channel.next({ type: LiveChannelEventType.Message, message });
}

function status(state: LiveChannelConnectionState, message?: unknown): void {
  channel.next({ type: LiveChannelEventType.Status, id: 'x', timestamp: 0, state, message });
}

/** Follows a response; returns all that is emitted, as texts. */
function watch(response: DataQueryResponse): { seen: string[]; leave: () => void } {
  const seen: string[] = [];
  const subscription = follow(response, 'streamlens').subscribe(({ key, state, data, errors }) => {
    const values = data.map(({ refId, fields, meta }) => `${refId}=${meta?.custom?.nothing ?? fields[0].values[0]}`);
    seen.push([key, state, ...values, errors?.[0]?.message].filter(Boolean).join(' '));
  });
  return { seen, leave: () => subscription.unsubscribe() };
}

describe('a live answer', () => {
  test('is followed by what the backend sends', () => {
    const { seen, leave } = watch({ data: [frame('A', 1)] });
    expect(opened).toEqual([
      { scope: 'ds', namespace: 'streamlens', stream: 'streamlens', path: 'live/A', data: question },
    ]);
    sends(2);
    sends(3);
    expect(seen).toEqual(['live Streaming A=1', 'live Streaming A=2', 'live Streaming A=3']);
    leave();
    expect(channel.observed).toBe(false);
  });

  test('goes when the backend has none, and comes back', () => {
    const { seen } = watch({ data: [frame('A', 1)] });
    channel.next({
      type: LiveChannelEventType.Message,
      message: { error: 'VictoriaMetrics cannot be reached', nothing: 'away' },
    });
    sends(2);
    expect(seen.slice(1)).toEqual(['live Error A=away VictoriaMetrics cannot be reached', 'live Streaming A=2']);
  });

  test('goes in silence', () => {
    const { seen } = watch({ data: [frame('A', 1)] });
    jest.advanceTimersByTime(19_000);
    sends(2);
    jest.advanceTimersByTime(19_000);
    expect(seen).toHaveLength(2);
    jest.advanceTimersByTime(2_000);
    sends(3);
    expect(seen.slice(2)).toEqual(['live Error A=No update for 20 s No update for 20 s.', 'live Streaming A=3']);
  });

  test('goes when the channel is refused', () => {
    const { seen } = watch({ data: [frame('A', 1)] });
    status(LiveChannelConnectionState.Disconnected);
    expect(seen[1]).toBe('live Error A=No live updates Grafana has closed the live channel.');
  });

  test('stays while the connection is made anew, and then is what the backend says first', () => {
    const { seen } = watch({ data: [frame('A', 1)] });
    status(LiveChannelConnectionState.Connecting, { error: 'long ago' });
    expect(seen).toHaveLength(1);
    status(LiveChannelConnectionState.Connected, { error: 'VictoriaMetrics cannot be reached', nothing: 'away' });
    status(LiveChannelConnectionState.Connected);
    expect(seen.slice(1)).toEqual(['live Error A=away VictoriaMetrics cannot be reached']);
  });

  test('that failed is followed too', () => {
    const failure = { refId: 'A', message: 'VictoriaMetrics cannot be reached' };
    const first = frame('A', 0);
    first.meta!.custom!.nothing = 'away';
    const { seen } = watch({ data: [first], errors: [failure] });
    sends(2);
    expect(seen).toEqual(['live Error A=away VictoriaMetrics cannot be reached', 'live Streaming A=2']);
  });
});

test('all answers of one panel come together, and the failure of one stays', () => {
  const failure = { refId: 'C', message: 'premium' };
  const { seen } = watch({ data: [frame('A', 1), frame('B', 5, false)], errors: [failure] });
  sends(2);
  expect(seen).toEqual(['live Error A=1 B=5 premium', 'live Error A=2 B=5 premium']);
});

test('of two live answers each is followed', () => {
  const { seen } = watch({ data: [frame('A', 1), frame('B', 2)] });
  expect(opened.map(({ path }) => path)).toEqual(['live/A', 'live/B']);
  expect(seen).toEqual(['live Streaming A=1 B=2']);
  sends(3);
  expect(seen.at(-1)).toBe('live Streaming A=3 B=3');
});

test.each([
  { name: 'an answer that is not live', response: { data: [frame('A', 1, false)] } },
  { name: 'a failure', response: { data: [], errors: [{ message: 'no connection' }], state: LoadingState.Error } },
  { name: 'nothing', response: { data: [] } },
])('$name stays as it is', ({ response }) => {
  const emitted: DataQueryResponse[] = [];
  follow(response, 'streamlens').subscribe((each) => emitted.push(each));
  expect(emitted).toEqual([response]);
  expect(opened).toEqual([]);
});

describe('a request can be followed', () => {
  const request = (to: string) => ({ range: { raw: { from: 'now-5m', to } } }) as DataQueryRequest;
  const { liveEnabled, publicDashboardAccessToken } = config;

  afterEach(() => Object.assign(config, { liveEnabled, publicDashboardAccessToken }));

  test('if its range ends now', () => {
    expect(canFollow(request('now'))).toBe(true);
    expect(canFollow(request('now-1h'))).toBe(false);
    expect(canFollow({} as DataQueryRequest)).toBe(false);
  });

  test('but not where Grafana Live is off', () => {
    config.liveEnabled = false;
    expect(canFollow(request('now'))).toBe(false);
  });

  test('nor on a public dashboard', () => {
    config.publicDashboardAccessToken = 'token';
    expect(canFollow(request('now'))).toBe(false);
  });
});
