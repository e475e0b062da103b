import { ingestHealth } from './health';
import { HEIGHT } from './looks';
import type { Page } from './page';
import { bars, pie, points, steps, tiles } from './panels';

const SHARES = 'Shares are of all broadcasts.';
const REPORTS =
  'over all reports of webcasters that have it; each report weighs the same. Half of the reports have less than the median, which is within 7 %; the average is exact.';
const VIDEO = `Bitrate of the video encoder, ${REPORTS} Encoders go below the chosen bitrate where the line is too slow.`;
const AUDIO = `Bitrate of the audio encoder, ${REPORTS}`;
const INGEST_TIME =
  'Time from the start of a broadcast to its end, over the broadcasts that ended. One that falls silent for three report intervals ended at its last report. Half of the broadcasts were shorter than the median, which is within 7 %; the average is exact.';

const UID = 'streamlens-webcaster';

/** How broadcasts from browsers were made. */
export const webcaster: Page = {
  uid: UID,
  title: 'Webcaster',
  description: 'Broadcasts from browsers: from which devices they come, and how good and how long they are.',
  switches: [],
  panels: [
    tiles({
      id: 1,
      title: 'Video bitrate',
      description: VIDEO,
      width: 8,
      query: { queryType: 'videoBitrate' },
    }),
    tiles({
      id: 2,
      title: 'Audio bitrate',
      description: AUDIO,
      width: 8,
      query: { queryType: 'audioBitrate' },
    }),
    tiles({
      id: 3,
      title: 'Ingest time',
      description: INGEST_TIME,
      width: 8,
      query: { queryType: 'ingestTime' },
    }),
    ingestHealth({ id: 11, title: 'Health of broadcasts', width: 24, page: UID }),
    steps({
      id: 4,
      title: 'Video bitrate over time',
      description: `${VIDEO} Each interval has the reports of its time.`,
      width: 12,
      query: { queryType: 'videoBitrate' },
    }),
    steps({
      id: 5,
      title: 'Audio bitrate over time',
      description: `${AUDIO} Each interval has the reports of its time.`,
      width: 12,
      query: { queryType: 'audioBitrate' },
    }),
    points({
      id: 6,
      title: 'Ingest time over time',
      description: `${INGEST_TIME} Each interval has the broadcasts that ended in it.`,
      width: 12,
      query: { queryType: 'ingestTime' },
    }),
    pie({
      id: 9,
      title: 'Used webcaster versions',
      description: `Webcasters that went on air in the time range, by kind and version of the webcaster. ${SHARES}`,
      width: 12,
      query: { queryType: 'publishesByVersion', metric: 'publishes' },
    }),
    pie({
      id: 7,
      title: 'Publishes per operating system',
      description: `Webcasters that went on air in the time range, by the operating system that the browser names. ${SHARES}`,
      width: 8,
      query: { queryType: 'publishesByOS', metric: 'publishes' },
    }),
    pie({
      id: 10,
      title: 'Publishes per device',
      description: `Webcasters that went on air in the time range, by kind of device. ${SHARES}`,
      width: 8,
      query: { queryType: 'publishesByDevice', metric: 'publishes' },
    }),
    pie({
      id: 8,
      title: 'Publishes per browser',
      description: `Webcasters that went on air in the time range, by browser. ${SHARES}`,
      width: 8,
      query: { queryType: 'publishesByBrowser', metric: 'publishes' },
    }),
    bars({
      id: 12,
      title: 'Reasons for the end of broadcasts',
      description:
        'Broadcasts that ended in the time range, by the reason that the publisher gave. One that falls silent for three of its report intervals ended at its last report, with the reason timeout.',
      width: 12,
      query: { queryType: 'publishStopReasons' },
      explained: 'stop-reasons.md',
      sortBy: 'stops',
      height: HEIGHT.panel,
      barsOf: ['stops'],
    }),
    bars({
      id: 13,
      title: 'Status and error codes of publishers',
      description: 'Events with a code that publishers reported in the time range. Fatal are those that ended the broadcast.',
      width: 12,
      query: { queryType: 'publishStatusCodes' },
      explained: 'status-codes.md',
      sortBy: 'count',
      height: HEIGHT.panel,
      barsOf: ['count', 'fatal'],
    }),
  ],
};
