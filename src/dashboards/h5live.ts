import { CHOSEN_PLAYERS, playerHealth, PLAYERS_PANEL, streamHealth } from './health';
import { HEIGHT } from './looks';
import { choice, only, type Page, playerSwitches } from './page';
import { bars, steps, tiles } from './panels';
import { playsAndTime, playsByVersion } from './plays';

const UID = 'streamlens-h5live';

const BUFFERING =
  'Time that players stalled after the first frame, divided by the time that they stalled or played: 0 % never stalled, 100 % never played. Starting, seeking and pausing do not count.';
const MEDIAN =
  'and 95 % than the 95th percentile, which are within 7 %; the average is exact.';
const START_TIME = `Time from loading the player to the first frame that it showed, over the plays that began. Half of the plays started faster than the median ${MEDIAN}`;
const BUFFER_LENGTH = `Length of the player's buffer, on which the latency depends, over all reports of players that have it; long plays report more often. Half of the reports have less than the median ${MEDIAN}`;
const LATENCY = `Delay behind live, over all reports of players that have it; long plays report more often. Half of the reports have less than the median ${MEDIAN}`;
const PLAYED_TIME = `Time from the start of a play to its end, pauses taken off and stalls included, over the plays that ended. Half of the plays were shorter than the median ${MEDIAN}`;

/** Which columns of a distribution the tiles and the graphs leave out. */
const TILES = ['average', 'p99'];
const GRAPHS = ['p99'];

/** What a query has that follows the choice of an earlier range at the top of the page. */
const CHOSEN_COMPARISON = { compare: '$compare' };

const ATTEMPTS =
  'Divided by the attempts that count: those that played, failed to start, or were left a second or more after the load; not those that the browser blocked or whose viewer may not watch.';
const GOOD =
  'Good is an attempt whose first frame came within 2 s, that buffered for at most 1 % of the time, and that did not fail; fair is up to 4 s and 3 %; all else is bad: no first frame for a failure or an exit, a failure after it, a slow start, or buffering. These are the limits unless quality in streamlens.yaml says others; plays of less than 10 s are not judged by their buffering.';

const PLAYING_TIME =
  'and how long they played: with filters on streams or countries that is of whole hours, and it is left out with both and with an event.';

/** What it was like to watch, for the players of all kinds. */
export const h5live: Page = {
  uid: UID,
  title: 'H5Live',
  description:
    'What viewers live through: how plays start, stall and end, and on which devices. All kinds of players count: H5Live, hls.js, dash.js, Shaka, Video.js and others.',
  switches: [
    ...playerSwitches(),
    choice(
      'compare',
      'Compare with',
      'What the graphs of buffering, start time, failures, exits and latency have beside, as dashed lines: the same hours of an earlier day.',
      [
        { text: 'Nothing', value: 'none' },
        { text: 'The day before', value: 'day' },
        { text: 'The week before', value: 'week' },
        { text: 'The month before', value: 'month' },
      ]
    ),
  ],
  panels: [
    tiles({
      id: 1,
      title: 'Play buffering ratio',
      description: `${BUFFERING} The ratio of the sums over the time range.`,
      width: 6,
      query: { queryType: 'bufferingRatio', ...CHOSEN_PLAYERS },
      names: { value: 'Play buffering ratio' },
    }),
    tiles({
      id: 2,
      title: 'Play start time',
      description: START_TIME,
      width: 6,
      query: { queryType: 'startTime', ...CHOSEN_PLAYERS },
      hidden: TILES,
    }),
    tiles({
      id: 7,
      title: 'Buffer length',
      description: BUFFER_LENGTH,
      width: 6,
      query: { queryType: 'bufferLength' },
      hidden: TILES,
    }),
    tiles({
      id: 8,
      title: 'Played time',
      description: PLAYED_TIME,
      width: 6,
      query: { queryType: 'playedTime' },
      hidden: TILES,
    }),
    steps({
      id: 3,
      title: 'Play buffering ratio over time',
      description: `${BUFFERING} The ratio of the sums of each interval; none where nobody played.`,
      width: 12,
      query: { queryType: 'bufferingRatio', ...CHOSEN_PLAYERS, ...CHOSEN_COMPARISON },
      names: { value: 'Play buffering ratio' },
    }),
    steps({
      id: 4,
      title: 'Play start time over time',
      description: `${START_TIME} Each interval has the plays that began in it.`,
      width: 12,
      query: { queryType: 'startTime', ...CHOSEN_PLAYERS, ...CHOSEN_COMPARISON },
      hidden: GRAPHS,
    }),
    steps({
      id: 9,
      title: 'Buffer length over time',
      description: `${BUFFER_LENGTH} Each interval has the reports of its time.`,
      width: 12,
      query: { queryType: 'bufferLength' },
      hidden: GRAPHS,
    }),
    steps({
      id: 10,
      title: 'Played time over time',
      description: `${PLAYED_TIME} Each interval has the plays that ended in it.`,
      width: 12,
      query: { queryType: 'playedTime' },
      hidden: GRAPHS,
    }),
    tiles({
      id: 20,
      title: 'Good plays',
      description: `${GOOD} Of the attempts that ended in the time range.`,
      width: 8,
      query: { queryType: 'goodPlays', metric: 'good' },
    }),
    tiles({
      id: 22,
      title: 'Start success',
      description: `Attempts that neither failed to start nor failed within 30 s of the first frame. ${ATTEMPTS}`,
      width: 8,
      query: { queryType: 'startSuccess', metric: 'ratio', ...CHOSEN_PLAYERS },
      names: { ratio: 'Start success' },
    }),
    tiles({
      id: 26,
      title: 'Scores',
      description:
        'From 0 to 100, by the formulas that Mux Data publishes. Success is the mean of 100 for an attempt that played, 50 for one that was left, 0 for one that failed. Startup is the mean of 100 × 8 ÷ (8 + start time in s): 95 at 0.4 s, 80 at 2 s, 50 at 8 s.',
      width: 8,
      query: { queryType: 'scores', ...CHOSEN_PLAYERS },
      hidden: ['attempts'],
    }),
    steps({
      id: 15,
      title: 'Start failures over time',
      description: `Attempts to play that ended with a fatal code before the first frame. ${ATTEMPTS} None where nobody tried.`,
      width: 8,
      query: { queryType: 'startFailures', metric: 'ratio', ...CHOSEN_PLAYERS, ...CHOSEN_COMPARISON },
      names: { ratio: 'Start failures' },
    }),
    steps({
      id: 21,
      title: 'Exits before the start over time',
      description: `Attempts to play that viewers left before the first frame, a second or more after the load. ${ATTEMPTS} None where nobody tried.`,
      width: 8,
      query: { queryType: 'exitsBeforeStart', metric: 'ratio', ...CHOSEN_PLAYERS, ...CHOSEN_COMPARISON },
      names: { ratio: 'Exits before the start' },
    }),
    steps({
      id: 23,
      title: 'Playback failures over time',
      description: `Attempts to play that ended with a fatal code, before the first frame or after it. ${ATTEMPTS} An interval in which more earlier plays fail than attempts are made is above 100 %; none where nobody tried.`,
      width: 8,
      query: { queryType: 'playbackFailures', metric: 'ratio', ...CHOSEN_PLAYERS, ...CHOSEN_COMPARISON },
      names: { ratio: 'Playback failures' },
    }),
    bars({
      id: 24,
      title: 'How attempts to play went',
      description:
        'Attempts in the time range, each in the minute in which its outcome was settled: it played; it failed with a fatal code before the first frame, or as the viewer may not watch; the browser blocked it; it was left within a second of the load, or later. A playback failure is one more of an attempt that played, so the shares add up to more than all. Click an outcome to read what it means.',
      width: 8,
      query: { queryType: 'outcomes', ...CHOSEN_PLAYERS },
      explained: 'rules.md',
      sortBy: 'attempts',
      height: HEIGHT.panel,
      barsOf: ['attempts'],
      sums: false,
    }),
    bars({
      id: 25,
      title: 'Good plays by country',
      description: `${GOOD} Of the attempts that ended in the time range; what follows says why the bad ones were.`,
      width: 16,
      query: { queryType: 'goodPlays', breakdown: 'country' },
      sortBy: 'attempts',
      height: HEIGHT.panel,
      barsOf: ['attempts'],
      sums: false,
      links: { country: [only(UID, 'country')] },
    }),
    steps({
      id: 16,
      title: 'Latency over time',
      description: `${LATENCY} Each interval has the reports of its time.`,
      width: 24,
      query: { queryType: 'latency', ...CHOSEN_PLAYERS, ...CHOSEN_COMPARISON },
      hidden: GRAPHS,
    }),
    playerHealth({ id: PLAYERS_PANEL, title: 'Players, the worst first', width: 24, page: UID }),
    streamHealth({ id: 18, title: 'Streams, the worst first', width: 24, page: UID, query: CHOSEN_PLAYERS }),
    playsAndTime({
      id: 5,
      title: 'Plays per operating system',
      description: `Plays whose first frame was shown in the time range, by the operating system that the browser names, ${PLAYING_TIME} Shares are of all plays.`,
      query: { queryType: 'playsByOS' },
    }),
    playsAndTime({
      id: 17,
      title: 'Plays per device',
      description: `Plays whose first frame was shown in the time range, by kind of device: computers, phones, tablets, televisions with their boxes and sticks, consoles, others and robots, ${PLAYING_TIME} Shares are of all plays since devices are told apart.`,
      query: { queryType: 'playsByDevice' },
    }),
    playsAndTime({
      id: 11,
      title: 'Plays per browser',
      description: `Plays whose first frame was shown in the time range, by browser, ${PLAYING_TIME} Shares are of all plays.`,
      query: { queryType: 'playsByBrowser' },
    }),
    playsByVersion({ id: 12, title: 'Used player versions', width: 12 }),
    bars({
      id: 14,
      title: 'Attempts to play by country',
      description:
        'Players that were initialised and tried to play in the time range, whether or not they succeeded, by country of the viewer; ZZ is where it is unknown.',
      width: 12,
      query: { queryType: 'loadsByCountry' },
      sortBy: 'loads',
      barsOf: ['loads'],
      links: { country: [only(UID, 'country')] },
    }),
    bars({
      id: 6,
      title: 'Reasons for stopping',
      description:
        'Plays that ended in the time range, by the reason that the player gave. A play that falls silent for three of its report intervals ended at its last report, with the reason timeout. Click a reason to read what it means.',
      width: 12,
      query: { queryType: 'stopReasons' },
      explained: 'stop-reasons.md',
      sortBy: 'stops',
      height: HEIGHT.table,
      barsOf: ['stops'],
    }),
    bars({
      id: 13,
      title: 'Status and error codes',
      description:
        'Events with a code that players reported in the time range, before the first frame or after it. Fatal are those that ended the attempt to play. Plays are how many plays, and attempts to play, had the code: many events of few plays are the flood of one viewer. Click a code to read what it means.',
      width: 12,
      query: { queryType: 'statusCodes', ...CHOSEN_PLAYERS },
      explained: 'status-codes.md',
      sortBy: 'count',
      height: HEIGHT.table,
      barsOf: ['count', 'fatal'],
    }),
  ],
};
