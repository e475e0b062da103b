import { only, type Page } from './page';
import { bars, curve, pie, steps, tiles } from './panels';
import { download } from './reports';

const UID = 'streamlens-event';

const SUMMARY =
  'Viewers are those of a minute, its time of playing and stalling divided by 60 s: at the peak, and on average over the length. The length is from the first minute in which a webcaster was on air to the last, or in which somebody watched where none was. Share watched is the time watched divided by plays times length, good plays are those of H5Live. Choose a stream or an event above and a time range that begins before it.';
/** The columns of the summary but for these: more than two numbers beside each other cannot be read on a phone. */
const without = (...shown: string[]): string[] =>
  ['peakViewers', 'averageViewers', 'plays', 'watched', 'watchedPerPlay', 'length', 'shareWatched', 'goodPlays'].filter((name) => !shown.includes(name));

const FLOW =
  'Plays that began and that ended, per minute, on average over each interval. Where joins are above leaves the audience grows.';

const RETENTION =
  'Of the plays that began in the time range, which part played longer than so many minutes: an estimate after Kaplan and Meier, in which plays that still run count as long as is known of them. Once all have ended it is exact. Plays that ended after the time range count too.';

/** What became of an event: who came, who stayed, who left. */
export const event: Page = {
  uid: UID,
  title: 'Event',
  description: 'What became of an event or a stream in a time range: viewers, time watched, joins and leaves, countries and devices.',
  switches: [],
  links: [
    download('PDF', 'Download this as a PDF, with the filters and the time range in force', 'pdf', [], 'event'),
    download('CSV', 'Download its numbers as CSV, with the filters and the time range in force', 'csv', [], 'event'),
  ],
  panels: [
    tiles({
      id: 1,
      title: 'Audience',
      description: SUMMARY,
      width: 6,
      query: { queryType: 'eventSummary' },
      hidden: without('peakViewers', 'averageViewers'),
    }),
    tiles({
      id: 9,
      title: 'Plays',
      description: SUMMARY,
      width: 6,
      query: { queryType: 'eventSummary' },
      hidden: without('plays', 'goodPlays'),
    }),
    tiles({
      id: 2,
      title: 'Watching',
      description: SUMMARY,
      width: 6,
      query: { queryType: 'eventSummary' },
      hidden: without('watched', 'watchedPerPlay'),
    }),
    tiles({
      id: 10,
      title: 'Length',
      description: SUMMARY,
      width: 6,
      query: { queryType: 'eventSummary' },
      hidden: without('length', 'shareWatched'),
    }),
    steps({
      id: 3,
      title: 'Viewers over time',
      description: 'The greatest minute of each interval. The graph ends before the first minute that is not complete yet.',
      width: 12,
      query: { queryType: 'concurrentViewers', metric: 'viewers' },
    }),
    steps({
      id: 4,
      title: 'Joins and leaves',
      description: FLOW,
      width: 12,
      query: { queryType: 'joinsAndLeaves' },
      hidden: ['joins', 'leaves'],
    }),
    curve({
      id: 8,
      title: 'Retention',
      description: RETENTION,
      width: 12,
      query: { queryType: 'retention' },
      along: 'seconds',
    }),
    steps({
      id: 5,
      title: 'Good plays over time',
      description: 'Plays that were good, of the attempts that ended in each interval, by the limits of the organisation. None where none ended.',
      width: 12,
      query: { queryType: 'goodPlays', metric: 'good' },
    }),
    pie({
      id: 6,
      title: 'Devices',
      description: 'Plays by kind of device.',
      width: 8,
      query: { queryType: 'playsByDevice', metric: 'plays' },
    }),
    bars({
      id: 7,
      title: 'Countries',
      description: SUMMARY,
      width: 16,
      query: { queryType: 'eventSummary', breakdown: 'country' },
      hidden: ['averageViewers', 'length', 'shareWatched'],
      sortBy: 'plays',
      barsOf: ['plays', 'watched'],
      links: { country: [only(UID, 'country')] },
    }),
  ],
};
