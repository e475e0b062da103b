import {
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
} from '@grafana/grafana-foundation-sdk/dashboard';

import { HEIGHT } from './looks';
import { choice, FILTERS, only, type Page, unitSwitch } from './page';
import { bars, stackedBars, tiles } from './panels';
import { ingestByProtocol, monthBars, monthTable, playoutByProtocol, streams, tags, USAGE } from './usage';

const INTERVALS =
  'Bars are days, hours or months of the time zone of this page, as is chosen at its top; they add up to the total.';

/** Makes a link that downloads the report of what the dashboard shows: its time range, time zone, filters and the switches of this name. */
export function download(
  title: string,
  tooltip: string,
  format: 'pdf' | 'csv',
  switches: string[],
  kind?: 'event'
): DashboardLink {
  // Of variables with several values, and of All, only this form says exactly what is chosen.
  const variables = [...switches, ...FILTERS.map(({ name }) => name)].map((name) => `\${${name}:queryparam}`);
  const range = 'from=${__from}&to=${__to}&timezone=${__timezone:percentencode}';
  return {
    ...new DashboardLinkBuilder(title)
      .type(DashboardLinkType.Link)
      .icon('doc')
      .tooltip(tooltip)
      .url(`/api/datasources/uid/\${datasource}/resources/report?format=${format}${kind ? `&kind=${kind}` : ''}&${range}&${variables.join('&')}`)
      // Else Grafana would look for a page of its own at the address.
      .targetBlank(true)
      .build(),
    // The builder would hide them in a menu.
    placement: undefined,
  };
}

/** Makes a link to the configuration that mails this report each week. */
function weekly(): DashboardLink {
  const variables = ['unit', ...FILTERS.map(({ name }) => name)].map((name) => `\${${name}:queryparam}`);
  const range = 'from=${__from}&to=${__to}&timezone=${__timezone:percentencode}';
  return {
    ...new DashboardLinkBuilder('Send me this every Monday')
      .type(DashboardLinkType.Link)
      .icon('bell')
      .tooltip('What to put into the configuration so that this report, with the filters in force, is mailed to you each week')
      .url(`/api/datasources/uid/\${datasource}/resources/schedule?every=week&${range}&${variables.join('&')}`)
      .targetBlank(true)
      .build(),
    // The builder would hide it in a menu.
    placement: undefined,
  };
}

/** What somebody who reads a report by the month wants to know. */
export const reports: Page = {
  uid: 'streamlens-reports',
  title: 'Reports',
  description: 'What was delivered and received in a time range, in total, by day, protocol, country, stream and tag.',
  switches: [
    unitSwitch(),
    choice('interval', 'Bars', 'How much time each bar stands for, here and in the PDF.', [
      { text: 'Days', value: '1d' },
      { text: 'Hours', value: '1h' },
      { text: 'Months', value: '1M' },
    ]),
  ],
  from: 'now-30d',
  links: [
    download('PDF', 'Download this report as a PDF, with the filters and the time range in force', 'pdf', ['unit', 'interval']),
    download('CSV', 'Download the numbers of this report as CSV, with the filters and the time range in force', 'csv', ['unit', 'interval']),
    weekly(),
  ],
  panels: [
    tiles({
      id: 1,
      title: 'Usage report',
      description: `Delivered is what viewers got (playout), received what came from publishers (ingest), added up over the time range. ${USAGE}`,
      width: 24,
      query: { queryType: 'usageReport', unit: '$unit' },
    }),
    stackedBars({
      id: 2,
      title: 'Delivered',
      description: `What was delivered to viewers. ${INTERVALS} ${USAGE}`,
      width: 12,
      query: { queryType: 'usageReport', unit: '$unit', metric: 'sent', interval: '$interval' },
    }),
    stackedBars({
      id: 3,
      title: 'Received',
      description: `What came from publishers. ${INTERVALS} ${USAGE}`,
      width: 12,
      query: { queryType: 'usageReport', unit: '$unit', metric: 'received', interval: '$interval' },
    }),
    monthBars({ id: 4, width: 12 }),
    monthTable({ id: 5, width: 12 }),
    playoutByProtocol({ id: 6, width: 12 }),
    ingestByProtocol({ id: 7, width: 12 }),
    bars({
      id: 8,
      title: 'Usage per country',
      description: `Delivered and received together by country, found from the address of the viewer or publisher; ZZ is where it is unknown. Shares are of all countries. ${USAGE}`,
      width: 12,
      query: { queryType: 'usageByCountry', unit: '$unit' },
      names: { value: 'Usage' },
      sortBy: 'value',
      height: HEIGHT.table,
      barsOf: ['value'],
      links: { country: [only('streamlens-reports', 'country')] },
    }),
    streams({ id: 9, width: 12, page: 'streamlens-reports' }),
    tags({ id: 10, width: 24, page: 'streamlens-reports' }),
  ],
};
