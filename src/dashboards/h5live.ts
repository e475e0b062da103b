import type { Page } from './page';
import { bars, pie, steps, tiles } from './panels';

const BUFFERING =
  'Time that players stalled after the first frame, divided by the time that they stalled or played: 0 % never stalled, 100 % never played. Starting, seeking and pausing do not count.';
const START_TIME =
  'Time from loading the player to the first frame that it showed, over the plays that began. Half of the plays started faster than the median, which is within 7 %; the average is exact.';

/** What it was like to watch, for the players of all kinds. */
export const h5live: Page = {
  uid: 'streamlens-h5live',
  title: 'H5Live',
  description: 'What viewers live through: how plays start, stall and end, and on which devices. All kinds of players count.',
  switches: [],
  panels: [
    tiles({
      id: 1,
      title: 'Play buffering ratio',
      description: `${BUFFERING} The ratio of the sums over the time range.`,
      width: 12,
      query: { queryType: 'bufferingRatio' },
    }),
    tiles({
      id: 2,
      title: 'Play start time',
      description: START_TIME,
      width: 12,
      query: { queryType: 'startTime' },
    }),
    steps({
      id: 3,
      title: 'Play buffering ratio over time',
      description: `${BUFFERING} The ratio of the sums of each interval; none where nobody played.`,
      width: 12,
      query: { queryType: 'bufferingRatio' },
    }),
    steps({
      id: 4,
      title: 'Play start time over time',
      description: `${START_TIME} Each interval has the plays that began in it.`,
      width: 12,
      query: { queryType: 'startTime' },
    }),
    pie({
      id: 5,
      title: 'Plays per operating system',
      description:
        'Plays whose first frame was shown in the time range, by the operating system that the browser names. Shares are of all plays.',
      width: 12,
      query: { queryType: 'playsByOS', metric: 'plays' },
    }),
    bars({
      id: 6,
      title: 'Reasons for stopping',
      description:
        'Plays that ended in the time range, by the reason that the player gave. A play that falls silent for three of its report intervals ended at its last report, with the reason timeout. Click a reason to read what it means.',
      width: 12,
      query: { queryType: 'stopReasons' },
      sortBy: 'stops',
    }),
  ],
};
