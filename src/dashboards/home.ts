import { HEIGHT } from './looks';
import { choice, type Page, unitSwitch } from './page';
import { pie, stackedBars, steps, tiles } from './panels';
import { ingestByProtocol, monthBars, monthTable, playoutByProtocol, USAGE } from './usage';

const TREND = 'The arrow is the change against the time of the same length just before; it is missing where there was nothing then.';

/** How much was delivered and received, and to how many at a time. */
export const home: Page = {
  uid: 'streamlens-home',
  title: 'Home',
  description: 'What was delivered to viewers and received from publishers, by time, month, protocol and country.',
  switches: [
    unitSwitch(),
    choice('mode', 'Viewers', 'Viewers at the same time, or the change from one interval to the next.', [
      { text: 'Absolute', value: 'absolute' },
      { text: 'Delta', value: 'delta' },
    ]),
  ],
  panels: [
    tiles({
      id: 1,
      title: 'Usage',
      description: `Delivered is what viewers got (playout), received what came from publishers (ingest); both are added up over the time range. ${TREND} ${USAGE}`,
      width: 12,
      query: { queryType: 'usageOverview', unit: '$unit', compare: 'previous' },
    }),
    tiles({
      id: 2,
      title: 'Audience',
      description:
        `The viewers of a minute are the time in which players played or buffered in it, divided by 60 s; the greatest minute of the time range is the peak. ${TREND} Plays are those whose first frame was shown in the time range (unique playouts); one viewer may begin several. Server viewers are those whom only servers see, by access logs and connections, because their players do not report; they are not among the viewers. All end before the first minute that is not complete yet, about half a minute ago.`,
      width: 12,
      query: { queryType: 'concurrentViewers', compare: 'previous' },
    }),
    stackedBars({
      id: 3,
      title: 'Usage over time',
      description: `What was delivered (playout) and received (ingest) in each interval; the legend has the totals of the time range. ${USAGE} An interval counts only as far as it lies in the time range.`,
      width: 14,
      query: { queryType: 'usageOverview', unit: '$unit' },
    }),
    pie({
      id: 4,
      title: 'Countries',
      description: `Delivered and received together by country, found from the address of the viewer or publisher; ZZ is where it is unknown. Shares are of all countries. ${USAGE}`,
      width: 10,
      query: { queryType: 'usageByCountry', unit: '$unit', metric: 'value' },
    }),
    steps({
      id: 5,
      title: 'Maximum concurrent viewers',
      description:
        'The viewers of a minute are the time in which players played or buffered in it, divided by 60 s. Absolute: the greatest minute of each interval. Delta: how much that is more or less than in the interval before. Server viewers are different viewers in a minute who fetched media by the access logs and connections of servers, and whose players do not report; they are not among the viewers, and are drawn where servers report. The graph ends before the first minute that is not complete yet, about half a minute ago.',
      width: 12,
      query: { queryType: 'concurrentViewers', mode: '$mode', metric: 'viewers' },
      beside: { queryType: 'concurrentViewers', mode: '$mode', metric: 'serverViewers' },
    }),
    monthBars({ id: 7, width: 12 }),
    playoutByProtocol({ id: 8, width: 12 }),
    ingestByProtocol({ id: 9, width: 12 }),
    monthTable({ id: 10, width: 24, height: HEIGHT.months }),
  ],
};
