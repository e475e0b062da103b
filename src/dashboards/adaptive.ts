import { HEIGHT } from './looks';
import { only, type Page } from './page';
import { bars, pie, stackedBarsByName, steps, tiles } from './panels';

const UID = 'streamlens-adaptive';

const BITRATE =
  'Bitrate of the video that viewers saw: bitrate times playing time, divided by the playing time of the reports that know their bitrate.';
const HEIGHTS =
  'Classes are up to so many lines of the picture; (unknown) is of players that do not tell, among them those with CMCD.';
const SWITCHES =
  'Switches of players to renditions of more and of less bits, and such as failed. One that another supersedes is none.';
const STALLS = 'Stalls after the first frame, per hour that viewers played or stalled. Seeking and pausing are none.';
const DROPPED = 'Frames that players decoded and did not show, as a part of all that they decoded.';

/** Which renditions viewers got. */
export const adaptive: Page = {
  uid: UID,
  title: 'Adaptive bitrate',
  description:
    'Which renditions viewers got: bitrates, heights, switches, stalls and dropped frames. Choose countries, or streams and tags, not both, and no event: more is not stored together.',
  switches: [],
  panels: [
    tiles({
      id: 1,
      title: "Viewers' bitrate",
      description: `${BITRATE} Known is which part of the playing time that is.`,
      width: 8,
      query: { queryType: 'viewerBitrate' },
    }),
    tiles({
      id: 2,
      title: 'Stalls per hour',
      description: STALLS,
      width: 8,
      query: { queryType: 'stalls', metric: 'perHour' },
    }),
    tiles({
      id: 3,
      title: 'Dropped frames',
      description: DROPPED,
      width: 8,
      query: { queryType: 'droppedFrames', metric: 'ratio' },
      names: { ratio: 'Dropped frames' },
    }),
    steps({
      id: 4,
      title: "Viewers' bitrate over time",
      description: `${BITRATE} None where nobody played.`,
      width: 12,
      query: { queryType: 'viewerBitrate', metric: 'bitrate' },
    }),
    stackedBarsByName({
      id: 5,
      title: 'Playing time by height over time',
      description: `How long viewers saw pictures of which height in each interval. ${HEIGHTS}`,
      width: 12,
      query: { queryType: 'playtimeByHeight', metric: 'playtime' },
    }),
    steps({
      id: 6,
      title: 'Switches over time',
      description: SWITCHES,
      width: 12,
      query: { queryType: 'switches' },
      hidden: ['perHour'],
    }),
    steps({
      id: 7,
      title: 'Stalls per hour over time',
      description: `${STALLS} None where nobody watched.`,
      width: 12,
      query: { queryType: 'stalls', metric: 'perHour' },
    }),
    pie({
      id: 8,
      title: 'Playing time by height',
      description: `How long viewers saw pictures of which height in the time range. ${HEIGHTS}`,
      width: 8,
      query: { queryType: 'playtimeByHeight', metric: 'playtime' },
    }),
    bars({
      id: 9,
      title: 'Viewers by height',
      description: `Viewers that saw pictures of which height in the greatest minute of each, which may be different ones. ${HEIGHTS}`,
      width: 16,
      query: { queryType: 'viewersByHeight' },
      sortBy: 'viewers',
      height: HEIGHT.panel,
      barsOf: ['viewers'],
      sums: false,
    }),
    bars({
      id: 10,
      title: "Viewers' bitrate of streams",
      description: `${BITRATE} Known is which part of the playing time that is.`,
      width: 12,
      query: { queryType: 'viewerBitrate', breakdown: 'stream' },
      barsOf: [],
      sums: false,
      links: { stream: [only(UID, 'stream')] },
    }),
    bars({
      id: 11,
      title: "Viewers' bitrate by country",
      description: `${BITRATE} Known is which part of the playing time that is.`,
      width: 12,
      query: { queryType: 'viewerBitrate', breakdown: 'country' },
      barsOf: [],
      sums: false,
      links: { country: [only(UID, 'country')] },
    }),
  ],
};
