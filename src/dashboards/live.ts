import { ingestHealth, streamHealth } from './health';
import { HEIGHT } from './looks';
import { only, type Page } from './page';
import { bars, bigNumbers, stackedBarsByName, steps } from './panels';

const UID = 'streamlens-live';

/** How far back the numbers look: long enough that one stall does not move a ratio much. */
const NUMBERS = '5m';

/** How far back the graphs look. */
const GRAPHS = '30m';

const VIEWERS =
  'The viewers of a minute are the time in which players played or buffered in it, divided by 60 s. A minute is complete about half a minute after its end.';
const SERVER_VIEWERS =
  'Server viewers are those whom only servers see, because their players do not report; they stand beside where servers report, or alone where nobody else does.';
const BUFFERING =
  'Time that players stalled after the first frame, divided by the time that they stalled or played: 0 % never stalled, 100 % never played.';
const ERRORS =
  'Events with a code that players report, before the first frame or after it. Fatal are those that ended the attempt to play.';

/** What happens now, for the screen on the wall of a control room. */
export const live: Page = {
  uid: UID,
  title: 'Live',
  description:
    'What happens now: viewers, stalls and errors. All panels update by themselves every few seconds, whatever the time range of the other pages.',
  switches: [],
  live: true,
  panels: [
    bigNumbers(
      {
        id: 1,
        title: 'Viewers now',
        description: `${VIEWERS} ${SERVER_VIEWERS} The number is that of the newest complete minute.`,
        width: 8,
        query: { queryType: 'concurrentViewers', metric: 'viewers' },
        beside: { queryType: 'concurrentViewers', metric: 'serverViewers' },
        names: { viewers: 'Viewers' },
        live: GRAPHS,
      },
      'series'
    ),
    bigNumbers(
      {
        id: 2,
        title: 'Play buffering ratio, last 5 minutes',
        description: BUFFERING,
        width: 8,
        query: { queryType: 'bufferingRatio' },
        names: { value: 'Play buffering ratio' },
        live: NUMBERS,
      },
      'total'
    ),
    bigNumbers(
      {
        id: 3,
        title: 'Errors, last 5 minutes',
        description: ERRORS,
        width: 8,
        query: { queryType: 'statusCodes' },
        // Of several codes they do not add up.
        hidden: ['plays'],
        explained: 'status-codes.md',
        live: NUMBERS,
      },
      'total'
    ),
    steps({
      id: 4,
      title: 'Viewers',
      description: `${VIEWERS} ${SERVER_VIEWERS} The graph ends with the newest complete minute.`,
      width: 8,
      query: { queryType: 'concurrentViewers', metric: 'viewers' },
      beside: { queryType: 'concurrentViewers', metric: 'serverViewers' },
      names: { viewers: 'Viewers' },
      live: GRAPHS,
    }),
    steps({
      id: 5,
      title: 'Play buffering ratio per minute',
      description: `${BUFFERING} None where nobody played; the newest minute is still growing.`,
      width: 8,
      query: { queryType: 'bufferingRatio' },
      names: { value: 'Play buffering ratio' },
      live: GRAPHS,
    }),
    stackedBarsByName({
      id: 6,
      title: 'Errors per minute',
      description: `${ERRORS} Each code has a colour; the newest minute is still growing.`,
      width: 8,
      query: { queryType: 'statusCodes', metric: 'count' },
      explained: 'status-codes.md',
      live: GRAPHS,
    }),
    streamHealth({
      id: 8,
      title: 'Streams, last 5 minutes',
      width: 14,
      page: UID,
      live: NUMBERS,
      from: 'now-3h',
    }),
    bars({
      id: 7,
      title: 'Viewers by stream, 5 min',
      description: `${VIEWERS} Of the greatest minute; plays are those whose first frame was shown. Server viewers are those whom only servers see, because their players do not report.`,
      width: 10,
      query: { queryType: 'concurrentViewers', breakdown: 'stream' },
      sortBy: 'viewers',
      height: HEIGHT.table,
      barsOf: ['viewers', 'plays', 'serverViewers'],
      sums: false,
      links: { stream: [only(UID, 'stream')] },
      live: NUMBERS,
    }),
    ingestHealth({ id: 9, title: 'Broadcasts, last 5 minutes', width: 24, page: UID, live: NUMBERS }),
  ],
};
