import { HEIGHT } from './looks';
import { type Page, unitSwitch } from './page';
import { bars } from './panels';
import { referrers, streams, tags, USAGE } from './usage';

/** Which streams, tags, pages and addresses the usage is made of. */
export const breakdown: Page = {
  uid: 'streamlens-breakdown',
  title: 'Breakdown',
  description: 'What was received and delivered, by stream, by tag, by the page that embeds the player and by address.',
  switches: [unitSwitch()],
  panels: [
    streams({ id: 1, width: 12, page: 'streamlens-breakdown' }),
    tags({ id: 4, width: 12, page: 'streamlens-breakdown' }),
    referrers({ id: 2, width: 12 }),
    bars({
      id: 3,
      title: 'Usage per IP',
      description: `What was received from and delivered to each address of a client, as the organisation's privacy setting keeps it: whole, cut, or a changing mark. Up to 1,000 addresses are listed; the rest, and those beyond the limit of an hour, are in (other). ${USAGE}`,
      width: 12,
      query: { queryType: 'usageByIP', unit: '$unit' },
      sortBy: 'playout',
      height: HEIGHT.table,
      barsOf: ['playout', 'ingest'],
    }),
  ],
};
