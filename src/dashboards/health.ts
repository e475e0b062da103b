import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';

import { DIMENSION_LABELS, DIMENSIONS } from '../query';
import { HEIGHT } from './looks';
import { linkTo, linkToPlays, only } from './page';
import { bars } from './panels';

/** The panel of H5Live that lists the players. */
export const PLAYERS_PANEL = 19;

/** What a query has that follows the choice of players at the top of the page. */
export const CHOSEN_PLAYERS = { dimension: '$dimension', values: ['$values'] };

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
  /** What follows choices at the top of the page. */
  query?: typeof CHOSEN_PLAYERS;
}

/** Makes the list of streams with how well their viewers are served, the worst first, from which one gets to the cause. */
export function streamHealth({ page, from, query, ...place }: Place): Builder<Panel> {
  const stream = { on: page, set: 'stream', from };
  return bars({
    ...place,
    description:
      'The streams, the worst first: what is furthest beyond a limit of the alert rules, 5 % of buffering with 10 viewers or 20 % of start failures with 20 attempts, counted for less with fewer. Numbers are red from the limit on, and yellow from half of it. Viewers are those of the greatest minute. Click a stream to see only it, its viewers to see who they are, its buffering or latency to see where, its errors to see which.',
    query: { queryType: 'streamHealth', ...query },
    height: HEIGHT.table,
    barsOf: ['viewers'],
    sums: false,
    links: {
      stream: [only(page, 'stream')],
      viewers: [linkTo('Who they are', { ...stream, page: 'streamlens-breakdown', values: { unit: 'playtime' } })],
      bufferingRatio: [
        linkTo('With which players', { ...stream, page: 'streamlens-h5live', panel: PLAYERS_PANEL }),
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

/** Makes the list of streams with how their broadcasts are. */
export function ingestHealth({ page, ...place }: Omit<Place, 'query' | 'from'>): Builder<Panel> {
  const records = linkToPlays({ of: 'stream', value: '${__data.fields.stream:percentencode}', live: place.live !== undefined });
  return bars({
    ...place,
    description:
      'Streams with their state at the end of the time range, the worst first: inactive is on air while servers receive nothing for 3 minutes, restarting went on air 3 times in 5 minutes, duplicate has more than 1.2 publishers for 2 minutes, a poor line loses 5 % or has a round trip of 250 ms; nothing is off air. Beside it their publishers in the greatest minute, how often they were published, the bitrate that servers received while they were on air, and what webcasters report of their lines: the average round trip and loss. Numbers are red beyond the limits of the alert rules: 1.2 publishers at once, 250 ms and 5 %. Click how often a stream was published to see its broadcasts.',
    query: { queryType: 'ingestHealth' },
    height: HEIGHT.panel,
    barsOf: [],
    sums: false,
    links: {
      stream: [only(page, 'stream')],
      publishes: [{ title: 'Its broadcasts', url: `${records?.url}&var-condition=direction%3Dingest`, oneClick: true }],
    },
  });
}

/** Makes the list of versions of players, or of what else is chosen, with how well they serve their viewers, the worst first. */
export function playerHealth({ page, from, ...place }: Omit<Place, 'query'>): Builder<Panel> {
  const panel = bars({
    ...place,
    description:
      'The versions of players, or the systems, browsers, devices or protocols, as chosen at the top of the page, the worst first: what is furthest beyond a limit of the alert rules, counted for less with few viewers or attempts. Numbers are red from the limit on, and yellow from half of it. Viewers are those of the greatest minute. Click a name to see only it in all panels that can be asked by it: buffering, start time and failures, latency, streams and codes.',
    query: { queryType: 'playerHealth', ...CHOSEN_PLAYERS },
    height: HEIGHT.table,
    barsOf: ['viewers'],
    sums: false,
  });
  for (const name of DIMENSIONS) {
    panel.overrideByName(name, [
      { id: 'displayName', value: DIMENSION_LABELS[name] },
      { id: 'custom.wrapText', value: true },
      { id: 'links', value: [{ ...linkTo('Only these players', { on: page, page, set: name, from }), oneClick: true }] },
    ]);
  }
  for (const clicked of ['viewers', 'bufferingRatio', 'startFailures', 'latency']) {
    const plays = linkToPlays({ of: 'version', value: '${__data.fields[0]:percentencode}', clicked });
    panel.overrideByName(clicked, [
      { id: 'links', value: [{ ...plays, url: plays?.url.replace('condition=player', 'condition=${dimension}'), oneClick: true }] },
    ]);
  }
  return panel;
}
