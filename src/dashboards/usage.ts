import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';

import { HEIGHT } from './looks';
import { only } from './page';
import { bars, pie, stackedRows } from './panels';

/** What the numbers of usage are, for descriptions. */
export const USAGE =
  'Traffic is bytes that servers and access logs report. Playtime is the time that players were playing (delivered) and webcasters were on air (received). Neither is estimated from the other.';

const MONTHS =
  'The whole month before the one in which the time range ends, its part up to the same day and time, and the month so far, in the time zone of this page. Where the time range begins does not matter.';

const PROTOCOLS =
  'h5live_token is a stream that was pulled from a server of its publisher. With the unit playtime the protocol is that of the player.';

/** A place on a page. */
interface Place {
  id: number;
  width: number;
}

/** A place of a table whose names can be clicked. */
interface LinkedPlace extends Place {
  /** The uid of the page. */
  page: string;
}

/** Makes the months side by side as bars. */
export function monthBars(place: Place): Builder<Panel> {
  return stackedRows({
    ...place,
    title: 'Month to date',
    description: `${MONTHS} ${USAGE}`,
    query: { queryType: 'monthToDate', unit: '$unit' },
  });
}

/** Makes the three rows of the months. */
export function monthTable(place: Place & { height?: number }): Builder<Panel> {
  const panel = bars({
    ...place,
    title: 'Month to date in numbers',
    description: `${MONTHS} Compare the second and the third row to see where this month goes. ${USAGE}`,
    query: { queryType: 'monthToDate', unit: '$unit' },
    // The bars stand beside.
    barsOf: [],
    sums: false,
  });
  // Whole names in one line on a phone, which has room for all but the last column. Grafana would make room for what is answered, not for the name.
  panel.overrideByName('period', [
    { id: 'custom.minWidth', value: 112 },
    { id: 'custom.wrapText', value: false },
    { id: 'custom.filterable', value: false },
  ]);
  for (const [name, least] of Object.entries({ playout: 80, ingest: 78, total: 62, change: 58 })) {
    panel.overrideByName(name, [{ id: 'custom.minWidth', value: least }]);
  }
  return panel;
}

/** Makes the parts of the protocols in what was delivered. */
export function playoutByProtocol(place: Place): Builder<Panel> {
  return pie({
    ...place,
    title: 'Delivered by protocol',
    description: `What was delivered to viewers, by protocol. Shares are of all that was delivered. ${PROTOCOLS} ${USAGE}`,
    query: { queryType: 'usagePlayout', unit: '$unit' },
  });
}

/** Makes the parts of the protocols in what was received. */
export function ingestByProtocol(place: Place): Builder<Panel> {
  return pie({
    ...place,
    title: 'Received by protocol',
    description: `What was received from publishers, by protocol; webcaster is publishing from a browser. Shares are of all that was received. ${USAGE}`,
    query: { queryType: 'usageIngest', unit: '$unit' },
  });
}

/** Makes the list of streams with what was received and delivered of each. */
export function streams({
  title = 'Usage per stream',
  page,
  ...place
}: LinkedPlace & { title?: string }): Builder<Panel> {
  return bars({
    ...place,
    title,
    description: `What was received and delivered of each stream in the time range. Up to 1,000 streams are listed, the rest is in (other). Click a stream to see only it; search with the funnel beside the header, sort with the header. ${USAGE}`,
    query: { queryType: 'usageByStream', unit: '$unit' },
    sortBy: 'playout',
    height: HEIGHT.table,
    barsOf: ['playout', 'ingest'],
    links: { stream: [only(page, 'stream')] },
  });
}

/** Makes the list of tags with what was received and delivered of the streams that have each. */
export function tags({ page, ...place }: LinkedPlace): Builder<Panel> {
  return bars({
    ...place,
    title: 'Usage per tag',
    description: `What was received and delivered of the streams that have each tag now; (none) is of streams without a tag. A stream with several tags counts in each of them, so the rows may add up to more than the whole. Click a tag to see only its streams. ${USAGE}`,
    query: { queryType: 'usageByTag', unit: '$unit' },
    sortBy: 'playout',
    height: HEIGHT.table,
    barsOf: ['playout', 'ingest'],
    sums: false,
    links: { tag: [only(page, 'tag')] },
  });
}

/** Makes the list of pages that embed players with what was delivered through each. */
export function referrers({ title = 'Delivered by embedding page', ...place }: Place & { title?: string }): Builder<Panel> {
  return bars({
    ...place,
    title,
    description: `What was delivered through the page that embeds the player, by its host (referrer). Up to 1,000 hosts are listed, the rest is in (other). ${USAGE}`,
    query: { queryType: 'usageByReferrer', unit: '$unit' },
    sortBy: 'playout',
    height: HEIGHT.table,
    barsOf: ['playout'],
  });
}
