import { CHOSEN_PLAYERS, playerHealth, PLAYERS_PANEL, streamHealth } from './health';
import { HEIGHT } from './looks';
import { only, type Page, playerSwitches } from './page';
import { bars, pie, steps, tiles } from './panels';
import { playsByOS, playsByVersion } from './plays';

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

/** What it was like to watch, for the players of all kinds. */
export const h5live: Page = {
  uid: UID,
  title: 'H5Live',
  description:
    'What viewers live through: how plays start, stall and end, and on which devices. All kinds of players count: H5Live, hls.js, dash.js, Shaka, Video.js and others.',
  switches: playerSwitches(),
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
      query: { queryType: 'bufferingRatio', ...CHOSEN_PLAYERS },
      names: { value: 'Play buffering ratio' },
    }),
    steps({
      id: 4,
      title: 'Play start time over time',
      description: `${START_TIME} Each interval has the plays that began in it.`,
      width: 12,
      query: { queryType: 'startTime', ...CHOSEN_PLAYERS },
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
    steps({
      id: 15,
      title: 'Start failures over time',
      description:
        'Loads without a play, divided by the loads of each interval: players that were initialised and tried to play, and did not show a first frame. Viewers who leave before it are among them. None where nobody tried.',
      width: 12,
      query: { queryType: 'startFailures', metric: 'ratio', ...CHOSEN_PLAYERS },
      names: { ratio: 'Start failures' },
    }),
    steps({
      id: 16,
      title: 'Latency over time',
      description: `${LATENCY} Each interval has the reports of its time.`,
      width: 12,
      query: { queryType: 'latency', ...CHOSEN_PLAYERS },
      hidden: GRAPHS,
    }),
    playerHealth({ id: PLAYERS_PANEL, title: 'Players, the worst first', width: 24, page: UID }),
    streamHealth({ id: 18, title: 'Streams, the worst first', width: 24, page: UID, query: CHOSEN_PLAYERS }),
    playsByOS({ id: 5, title: 'Plays per operating system', width: 8 }),
    pie({
      id: 17,
      title: 'Plays per device',
      description:
        'Plays whose first frame was shown in the time range, by kind of device: computers, phones, tablets, televisions with their boxes and sticks, consoles, others and robots. Shares are of all plays since devices are told apart.',
      width: 8,
      query: { queryType: 'playsByDevice', metric: 'plays' },
    }),
    pie({
      id: 11,
      title: 'Plays per browser',
      description: 'Plays whose first frame was shown in the time range, by browser. Shares are of all plays.',
      width: 8,
      query: { queryType: 'playsByBrowser', metric: 'plays' },
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
        'Events with a code that players reported in the time range, before the first frame or after it. Fatal are those that ended the attempt to play. Click a code to read what it means.',
      width: 12,
      query: { queryType: 'statusCodes', ...CHOSEN_PLAYERS },
      explained: 'status-codes.md',
      sortBy: 'count',
      height: HEIGHT.table,
      barsOf: ['count', 'fatal'],
    }),
  ],
};
