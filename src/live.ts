import {
  type DataFrame,
  dataFrameFromJSON,
  type DataFrameJSON,
  type DataQueryRequest,
  type DataQueryResponse,
  isLiveChannelMessageEvent,
  isLiveChannelStatusEvent,
  type LiveChannelAddress,
  LiveChannelConnectionState,
  type LiveChannelEvent,
  LiveChannelScope,
  LoadingState,
} from '@grafana/data';
import { config, getGrafanaLiveSrv } from '@grafana/runtime';
import { combineLatest, concat, EMPTY, map, mergeMap, type Observable, of, startWith, switchMap, timer } from 'rxjs';

import { nothingOf } from './nothing';

/** How to subscribe to the answers that follow a frame; the backend puts it into the frame's meta data. */
type Subscription = Pick<LiveChannelAddress, 'path' | 'data'>;

/** What the backend sends: the next answer, or why there is none, in full and in a few words. */
type Message = DataFrameJSON | { error: string; nothing: string };

/** After how long without a message an answer must not be taken for the present, in ms. The backend sends every 5 s. */
const SILENCE = 20_000;

/**
 * Whether Grafana Live can bring what follows the answers to a request.
 *
 * Visitors of public dashboards have no connection to it, and what happens next is no part of a range in the past.
 */
export function canFollow({ range }: DataQueryRequest): boolean {
  return config.liveEnabled && !config.publicDashboardAccessToken && range?.raw.to === 'now';
}

/** Emits the response of the data source with this uid, and a new one whenever one of its live frames changes. */
export function follow(response: DataQueryResponse, uid: string): Observable<DataQueryResponse> {
  const frames = response.data as DataFrame[];
  const live = frames.filter((frame) => subscriptionOf(frame));
  if (live.length === 0) {
    return of(response);
  }
  const failures = response.errors ?? [];
  const failureOf = (frame: DataFrame) => failures.find(({ refId }) => refId === frame.refId);
  const responses = live.map((frame) => answers(frame, failureOf(frame)?.message, uid));

  const others = frames.filter((frame) => !subscriptionOf(frame));
  const errors = failures.filter((failure) => !live.some((frame) => failureOf(frame) === failure));
  if (others.length > 0 || errors.length > 0) {
    responses.push(of({ ...response, data: others, errors }));
  }
  // Together, so that the panel knows of each answer what is beside it.
  return combineLatest(responses).pipe(map(together));
}

/** Makes one response of the newest of each answer. */
function together(responses: DataQueryResponse[]): DataQueryResponse {
  const data = responses.flatMap((response) => response.data as DataFrame[]);
  const errors = responses.flatMap((response) => response.errors ?? []);
  return {
    key: 'live',
    state: errors.length > 0 ? LoadingState.Error : LoadingState.Streaming,
    data,
    ...(errors.length > 0 && { errors }),
  };
}

function subscriptionOf({ meta }: DataFrame): Subscription | undefined {
  return meta?.custom?.live;
}

/** Emits the first answer, or why there is none, and then what the backend sends. */
function answers(first: DataFrame, failure: string | undefined, uid: string): Observable<DataQueryResponse> {
  const { refId } = first;
  const answer = (frame: DataFrame): DataQueryResponse => ({ data: [{ ...frame, refId }] });
  // Without the last answer: it would look like the present.
  const none = (message: string, nothing: string): DataQueryResponse => ({
    data: [{ refId, fields: [], length: 0, meta: { custom: { nothing } } }],
    errors: [{ refId, message }],
  });
  const read = (message: Message) =>
    'error' in message ? none(message.error, message.nothing) : answer(dataFrameFromJSON(message));
  // Grafana 13 calls stream what 12 calls namespace.
  const address = { scope: LiveChannelScope.DataSource, namespace: uid, stream: uid, ...subscriptionOf(first)! };
  return getGrafanaLiveSrv()
    .getStream<Message>(address)
    .pipe(
      mergeMap((event) => readEvent(event, read, none)),
      startWith(failure ? none(failure, nothingOf(first) ?? failure) : answer(first)),
      switchMap((response) =>
        concat(of(response), timer(SILENCE).pipe(map(() => none('No update for 20 s.', 'No update for 20 s'))))
      )
    );
}

/** Emits what an event of a channel says of the answer, which may be nothing. */
function readEvent(
  event: LiveChannelEvent<Message>,
  read: (message: Message) => DataQueryResponse,
  none: (message: string, nothing: string) => DataQueryResponse
): Observable<DataQueryResponse> {
  if (isLiveChannelMessageEvent(event)) {
    return of(read(event.message));
  }
  if (isLiveChannelStatusEvent(event)) {
    switch (event.state) {
      case LiveChannelConnectionState.Connected:
        return event.message ? of(read(event.message)) : EMPTY;
      case LiveChannelConnectionState.Disconnected:
        return of(none('Grafana has closed the live channel.', 'No live updates'));
    }
  }
  return EMPTY;
}
