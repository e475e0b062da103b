import { METRICS } from '../panels/worldmap/metrics';
import { HEIGHT } from './looks';
import { choice, type Page, unitSwitch } from './page';
import { bars, map } from './panels';
import { playsByOS, playsByVersion } from './plays';
import { referrers, streams, USAGE } from './usage';

const METRIC = `Plays and broadcasts are those that began in the time range. ${USAGE} Latency is the average of all reports of players that have it, the buffering ratio stalls divided by stalls and playing, the playtime average the time of the plays that ended; these three need the level premium. Addresses of unknown country are left out.`;

const UID = 'streamlens-worldmap';

/** The chosen countries, as they are called at the top of the page. */
const COUNTRIES = '${country:text}';

/** Where viewers and publishers are, and how well they are served. */
export const worldMap: Page = {
  uid: UID,
  title: 'World map',
  description: 'Where viewers and publishers are and how well they are served; click a country to see only what it has.',
  switches: [
    choice(
      'metric',
      'Metric',
      'What the map shows.',
      METRICS.map(({ value, label }) => ({ text: label, value }))
    ),
    unitSwitch(),
  ],
  panels: [
    map(
      {
        id: 1,
        title: '${metric:text} by country',
        description: `${METRIC} Click a country to choose it for the whole page, or to see its plays.`,
        width: 24,
        query: { queryType: 'worldMap', metric: '$metric', unit: '$unit' },
      },
      HEIGHT.map,
      { style: 'both' }
    ),
    map(
      {
        id: 2,
        title: '${metric:text} by region',
        description: `The countries of each region together: numbers are added up, averages weighted by what they are averages of: time, reports or plays. ${METRIC}`,
        width: 14,
        query: { queryType: 'worldMap', metric: '$metric', unit: '$unit' },
      },
      HEIGHT.table,
      { view: 'regions' }
    ),
    bars({
      id: 3,
      title: 'All countries',
      description: `Every country with its value, its plays and its rank, of which 1 is the greatest value. Click a country to see its plays; the map chooses one for the page. ${METRIC}`,
      width: 10,
      query: { queryType: 'worldMap', metric: '$metric', unit: '$unit' },
      names: { value: '${metric:text}', plays: 'Plays behind it' },
      height: HEIGHT.table,
      barsOf: ['value', 'plays'],
      // Ratios and averages do not add up.
      sums: false,
      hidden: ['weight'],
    }),
    streams({ id: 4, width: 12, title: `Streams · ${COUNTRIES}`, page: UID }),
    referrers({ id: 5, width: 12, title: `Referrers · ${COUNTRIES}` }),
    playsByOS({ id: 6, width: 12, title: `Operating systems · ${COUNTRIES}` }),
    playsByVersion({ id: 7, width: 12, title: `Player versions · ${COUNTRIES}` }),
  ],
};
