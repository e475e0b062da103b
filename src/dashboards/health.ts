import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';

import { HEIGHT } from './looks';
import { linkTo, only } from './page';
import { bars } from './panels';

interface Place {
  id: number;
  width: number;
  title: string;
  /** The uid of the page. */
  page: string;
  /** Of a panel that updates by itself, how far back it looks. */
  live?: string;
  /** Where the time range of other pages begins that it leads to; by default theirs is that of this page. */
  from?: string;
}

/** Makes the list of streams with how well their viewers are served, the worst first, from which one gets to the cause. */
export function streamHealth({ page, from, ...place }: Place): Builder<Panel> {
  const stream = { set: 'stream', from } as const;
  return bars({
    ...place,
    description:
      'The streams, the worst first: what is furthest beyond a limit of the alert rules, 5 % of buffering with 10 viewers or 20 % of start failures with 20 loads, counted for less with fewer. Numbers are red from the limit on, and yellow from half of it. Viewers are those of the greatest minute. Click a stream to see only it, its viewers to see who they are, its buffering or latency to see where, its errors to see which.',
    query: { queryType: 'streamHealth' },
    height: HEIGHT.table,
    barsOf: ['viewers'],
    sums: false,
    links: {
      stream: [only(page, 'stream')],
      viewers: [linkTo('Who they are', { ...stream, page: 'streamlens-breakdown', values: { unit: 'playtime' } })],
      bufferingRatio: [
        linkTo('Where they wait', { ...stream, page: 'streamlens-worldmap', values: { metric: 'bufferingRatio' } }),
        linkTo('Since when', { ...stream, page: 'streamlens-h5live', panel: 3 }),
      ],
      startFailures: [linkTo('Since when', { ...stream, page: 'streamlens-h5live', panel: 15 })],
      latency: [
        linkTo('Where it is late', { ...stream, page: 'streamlens-worldmap', values: { metric: 'latency' } }),
        linkTo('Since when', { ...stream, page: 'streamlens-h5live', panel: 16 }),
      ],
      errors: [linkTo('Which errors', { ...stream, page: 'streamlens-h5live', panel: 13 })],
    },
  });
}
