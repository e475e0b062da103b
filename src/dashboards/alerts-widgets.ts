import { told } from './templates';
import type { StreamlensQuery } from '../query';
import { WIDGETS } from '../widgets';
import { allPlays } from './allplays';
import { breakdown } from './breakdown';
import { h5live } from './h5live';
import { PLAYERS_PANEL } from './health';
import { home } from './home';
import { live } from './live';
import type { Page } from './page';
import { runbookAddress } from './runbook';
import { webcaster } from './webcaster';
import { worldMap } from './worldmap';

/** The data source that the rules ask, as it is provisioned. */
const SOURCE_UID = 'streamlens';

/** The document that explains the rules, one heading per uid. */
const DOCUMENT = 'https://github.com/streamlens/streamlens/blob/main/docs/alerts.md';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A question to a widget, as a total unless it says otherwise. */
interface Question extends Pick<StreamlensQuery, 'metric' | 'breakdown' | 'unit' | 'form' | 'interval'> {
  queryType: string;
  /** The range: from so many seconds ago … */
  from: number;
  /** … to so many; by default until now. */
  to?: number;
}

/** An alert rule on the numbers of widgets. */
export interface WidgetAlert {
  /** Fixed, because silences and links know the alert by it. Also its heading in the document. */
  uid: string;
  title: string;
  /** What is asked, by the names that value and description have for the answers. */
  questions: Record<string, Question>;
  /** The question of form series of which the last interval counts, if there is one. */
  last?: string;
  /** Grafana's Math: the number that is compared, 0 where too few are concerned. */
  value: string;
  /** It fires above this. */
  above: number;
  /** For how long it must be so. */
  lasting: string;
  /** critical: viewers are losing the stream; wake somebody. warning: look at it in the daytime. */
  severity: 'critical' | 'warning';
  /** The page, and the panel on it, that shows the number. */
  page: Page;
  panel: number;
  /** The filter of the page that is set to the culprit, of which the alert has a label. */
  filter?: 'stream' | 'country';
  /** The metric of the world map that shows where it is. */
  map?: string;
  /** What the page of plays is set to, to show those concerned; the rule needs premium then. */
  plays?: Record<string, string>;
  /** The unit that the page is switched to. */
  unit?: 'traffic' | 'playtime';
  /** Where the page's time range begins. */
  showFrom: string;
  /** Who or what is concerned, in Grafana's template language. */
  summary: string;
  /** What is the matter, with the numbers, in the same language. */
  description: string;
}

function percentage(name: string): string {
  return told(name, 'humanizePercentage');
}

function whole(name: string): string {
  return told(name, 'printf "%.0f"');
}

function seconds(name: string): string {
  return `${told(name, 'printf "%.1f"')} s`;
}

const STREAM = '{{ $labels.stream }}';
const COUNTRY = '{{ $labels.country }}';

/** The viewers of the greatest minute of the last five, of each stream or country, or of all. */
function viewers(breakdown?: string): Question {
  return { queryType: 'concurrentViewers', metric: 'viewers', breakdown, from: 5 * MINUTE };
}

/** The number of a widget's column from which viewers are in trouble. */
function limitOf(queryType: string, column: string): number {
  const limit = WIDGETS.find(({ type }) => type === queryType)?.columns.find(({ name }) => name === column)?.limit;
  if (!limit) {
    throw new Error(`the column ${column} of ${queryType} has no limit`);
  }
  return limit;
}

/** The least number of viewers that wakes somebody. */
const LEAST_VIEWERS = 10;

function buffering(of: 'stream' | 'country', culprit: string): WidgetAlert {
  return {
    uid: `buffering-${of}`,
    title: `Buffering of a ${of}`,
    questions: {
      ratio: { queryType: 'bufferingRatio', breakdown: of, from: 5 * MINUTE },
      viewers: viewers(of),
    },
    value: `$ratio * ($viewers >= ${LEAST_VIEWERS})`,
    above: limitOf('bufferingRatio', 'value'),
    lasting: '2m',
    severity: of === 'stream' ? 'critical' : 'warning',
    page: h5live,
    panel: 3,
    filter: of,
    map: 'bufferingRatio',
    plays: { order: '-bufferingRatio' },
    showFrom: 'now-3h',
    summary: `Viewers of ${culprit} wait for video.`,
    description: `${percentage('ratio')} of the time of the last 5 minutes went into buffering; ${whole('viewers')} were watching.`,
  };
}

/** The part of the attempts to play a stream that have one outcome. */
function attempts(of: {
  uid: string;
  title: string;
  queryType: string;
  panel: number;
  summary: string;
  happened: string;
}): WidgetAlert {
  const { queryType, happened, ...texts } = of;
  const range = { breakdown: 'stream', from: 11 * MINUTE, to: MINUTE };
  return {
    ...texts,
    questions: {
      ratio: { queryType, metric: 'ratio', ...range },
      attempts: { queryType, metric: 'attempts', ...range },
    },
    value: '$ratio * ($attempts >= 20)',
    above: limitOf(queryType, 'ratio'),
    lasting: '2m',
    severity: 'critical',
    page: h5live,
    filter: 'stream',
    map: 'playouts',
    showFrom: 'now-3h',
    description: `${percentage('ratio')} of ${whole('attempts')} attempts to play of the last 10 minutes ${happened}.`,
  };
}

/** A stream that was received until three minutes ago, and that viewers still wait for. */
function ingestLost(unit: 'traffic' | 'playtime', uid: string, title: string, from: string): WidgetAlert {
  const ingest: Question = { queryType: 'usageByStream', metric: 'ingest', unit, from: HOUR };
  return {
    uid,
    title,
    questions: {
      ingest,
      // Both hold each stream of the hour, so that their difference is what came since.
      before: { ...ingest, to: 3 * MINUTE },
      viewers: { ...viewers('stream'), from: 2 * MINUTE },
    },
    value: '$viewers * ($before > 0) * ($ingest <= $before)',
    above: 5,
    lasting: '1m',
    severity: 'critical',
    page: home,
    panel: 3,
    filter: 'stream',
    unit,
    showFrom: 'now-1h',
    summary: `The stream ${STREAM} has lost its ingest.`,
    description: `${from} for 3 minutes, and ${whole('viewers')} viewers are still there.`,
  };
}

/** Viewers of the last minutes beside those of the quarter of an hour that ended five minutes ago. */
function viewersFall(breakdown: 'stream' | undefined, least: number): WidgetAlert {
  const question = viewers(breakdown);
  return {
    uid: breakdown ? 'viewers-fall-stream' : 'viewers-fall',
    title: breakdown ? 'Viewers of a stream fall' : 'Viewers fall',
    questions: {
      viewers: { ...question, from: 3 * MINUTE },
      before: { ...question, from: 20 * MINUTE, to: 5 * MINUTE },
    },
    value: `(1 - $viewers / $before) * ($before >= ${least})`,
    above: 0.5,
    lasting: '2m',
    severity: 'warning',
    page: home,
    panel: 5,
    filter: breakdown,
    showFrom: 'now-3h',
    summary: `${breakdown ? `The stream ${STREAM}` : 'The organisation'} has lost more than half of its viewers.`,
    description: `${whole('viewers')} viewers are left of ${whole('before')} some minutes ago.`,
  };
}

/** The health of each broadcast over some minutes. */
function broadcast(metric: string, from: number): Question {
  return { queryType: 'ingestHealth', metric, from };
}

const BROADCAST = {
  severity: 'warning',
  page: webcaster,
  panel: 11,
  filter: 'stream',
  showFrom: 'now-1h',
} as const;

/** The rules, those that viewers feel first. */
export const WIDGET_ALERTS: WidgetAlert[] = [
  ingestLost('traffic', 'ingest-lost', 'Ingest lost', 'Servers have received nothing'),
  ingestLost('playtime', 'broadcast-lost', 'Broadcast lost', 'Its webcaster has not been on air'),
  attempts({
    uid: 'start-failures',
    title: 'Start failures of a stream',
    queryType: 'startFailures',
    panel: 15,
    summary: `The stream ${STREAM} does not start.`,
    happened: 'failed before the first frame',
  }),
  attempts({
    uid: 'exits-before-start',
    title: 'Exits before the start of a stream',
    queryType: 'exitsBeforeStart',
    panel: 21,
    summary: `Viewers of the stream ${STREAM} leave before it starts.`,
    happened: 'were left before the first frame',
  }),
  {
    ...BROADCAST,
    uid: 'broadcast-restarting',
    title: 'Broadcast restarting',
    questions: { publishes: broadcast('publishes', 5 * MINUTE) },
    value: '$publishes',
    above: 2,
    lasting: '0s',
    summary: `The broadcast of the stream ${STREAM} begins again and again.`,
    description: `It went on air ${whole('publishes')} times in the last 5 minutes.`,
  },
  {
    ...BROADCAST,
    uid: 'broadcast-duplicate',
    title: 'Broadcast duplicate',
    questions: { publishers: broadcast('publishers', 3 * MINUTE) },
    value: '$publishers',
    above: limitOf('ingestHealth', 'publishers'),
    lasting: '2m',
    summary: `Several publishers send the stream ${STREAM} at once.`,
    description: `${told('publishers', 'humanize')} at once in the last 3 minutes.`,
  },
  {
    ...BROADCAST,
    uid: 'broadcast-inactive',
    title: 'Broadcast inactive',
    questions: {
      publishers: broadcast('publishers', 3 * MINUTE),
      ingest: { queryType: 'usageByStream', metric: 'ingest', unit: 'traffic', from: HOUR },
      before: { queryType: 'usageByStream', metric: 'ingest', unit: 'traffic', from: HOUR, to: 3 * MINUTE },
    },
    // Where no server reports what it receives, nobody knows. Both hold each stream of the hour.
    value: '$publishers * ($before > 0) * ($ingest <= $before)',
    above: 0.5,
    lasting: '1m',
    summary: `The broadcast of the stream ${STREAM} sends nothing.`,
    description: `${told('publishers', 'printf "%.1f"')} publishers are on air, and servers have received nothing for 3 minutes.`,
  },
  {
    ...BROADCAST,
    uid: 'broadcast-loss',
    title: 'Broadcast loses packets',
    questions: { loss: broadcast('packetLoss', 3 * MINUTE) },
    value: '$loss',
    above: limitOf('ingestHealth', 'packetLoss'),
    lasting: '1m',
    summary: `The line of the stream ${STREAM} is poor.`,
    description: `${percentage('loss')} of the packets of the last 3 minutes did not arrive.`,
  },
  {
    ...BROADCAST,
    uid: 'broadcast-round-trip',
    title: 'Broadcast far away',
    questions: { roundTrip: broadcast('roundTripTime', 3 * MINUTE) },
    value: '$roundTrip',
    above: limitOf('ingestHealth', 'roundTripTime'),
    lasting: '1m',
    summary: `The line of the stream ${STREAM} is slow.`,
    description: `A round trip took ${told('roundTrip', 'printf "%.2f"')} s in the last 3 minutes.`,
  },
  buffering('stream', `the stream ${STREAM}`),
  buffering('country', COUNTRY),
  {
    uid: 'latency',
    title: 'Latency of a stream',
    questions: {
      latency: { queryType: 'latency', metric: 'average', breakdown: 'stream', from: 5 * MINUTE },
      usual: { queryType: 'latency', metric: 'average', breakdown: 'stream', from: 6 * HOUR, to: 5 * MINUTE },
      viewers: viewers('stream'),
    },
    value: `$latency * ($latency > 2 * $usual) * ($viewers >= ${LEAST_VIEWERS})`,
    above: 5,
    lasting: '2m',
    severity: 'warning',
    page: h5live,
    panel: 16,
    filter: 'stream',
    map: 'latency',
    plays: { order: '-latency' },
    showFrom: 'now-6h',
    summary: `The stream ${STREAM} is far behind live.`,
    description: `Its ${whole('viewers')} viewers are ${seconds('latency')} behind live; usual were ${seconds('usual')}.`,
  },
  {
    uid: 'error-codes',
    title: 'Spike of an error code',
    questions: {
      errors: { queryType: 'statusCodes', metric: 'fatal', from: 5 * MINUTE },
      hour: { queryType: 'statusCodes', metric: 'fatal', from: HOUR + 5 * MINUTE },
      viewers: viewers(),
    },
    // The hour before has 12 times 5 minutes. Where many are watching, some of them always report something.
    value: '$errors * ($errors > 3 * ($hour - $errors) / 12) * ($errors > 0.05 * $viewers)',
    // A player that fails and tries again every 10 s has 36 in the six minutes that five may touch.
    above: 40,
    lasting: '1m',
    severity: 'warning',
    page: h5live,
    panel: 13,
    plays: { code: '{{ urlquery $labels.code }}' },
    showFrom: 'now-3h',
    summary: 'Players fail with the code {{ $labels.code }} more often than usual.',
    description: `${whole('errors')} times in the last 5 minutes and ${whole('hour')} times in 65, with ${whole('viewers')} viewers.`,
  },
  viewersFall('stream', 50),
  viewersFall(undefined, 100),
  {
    uid: 'monthly-budget',
    title: 'Monthly budget of traffic',
    questions: {
      months: { queryType: 'usageOverview', metric: 'total', form: 'series', interval: '1M', from: 32 * DAY },
    },
    last: 'months',
    value: '$last',
    above: 10e12,
    lasting: '0s',
    severity: 'warning',
    page: home,
    panel: 10,
    unit: 'traffic',
    showFrom: 'now/M',
    summary: 'The traffic of this month is above its budget.',
    description: `${told('last', 'humanize')}B were delivered and received so far this month.`,
  },
];

/** Whether the organisation needs the level premium for all questions of a rule to be answered. */
export function needsPremium({ questions }: WidgetAlert): boolean {
  return Object.values(questions).some(
    ({ queryType }) => WIDGETS.find(({ type }) => type === queryType)?.level === 'premium'
  );
}

function ask(refId: string, { from, to = 0, ...query }: Question): object {
  return {
    refId,
    relativeTimeRange: { from, to },
    datasourceUid: SOURCE_UID,
    model: { refId, form: 'total', ...query },
  };
}

function compute(refId: string, model: object): object {
  return { refId, datasourceUid: '__expr__', model: { refId, ...model } };
}

/** What an address shows. */
interface Address {
  page: Page;
  panel?: number;
  /** Values of the page's switches. */
  values?: Record<string, string>;
}

/** The address of a page with the culprit alone. A template knows no time, so the range ends when somebody looks. */
function link({ filter, showFrom }: WidgetAlert, { page, panel, values = {} }: Address): string {
  const parameters = [
    'orgId=1',
    `from=${showFrom}`,
    'to=now',
    `var-datasource=${SOURCE_UID}`,
    ...Object.entries(values).map(([name, value]) => `var-${name}=${value}`),
    ...(filter ? [`var-${filter}={{ urlquery $labels.${filter} }}`] : []),
    ...(panel ? [`viewPanel=panel-${panel}`] : []),
  ];
  return `{{ externalURL }}d/${page.uid}?${parameters.join('&')}`;
}

/** The addresses where one looks further: what is now, where the viewers are whom it concerns, who they are, with which players, and each of
 * their plays. */
function further(alert: WidgetAlert): Record<string, string> {
  return {
    ...(alert.map && { map_url: link(alert, { page: worldMap, values: { metric: alert.map } }) }),
    ...(alert.filter && { live_url: link(alert, { page: live }) }),
    ...(alert.plays && alert.filter && { players_url: link(alert, { page: h5live, panel: PLAYERS_PANEL }) }),
    ...(alert.plays && { plays_url: link(alert, { page: allPlays, values: alert.plays }) }),
    ...(alert.filter && { breakdown_url: link(alert, { page: breakdown, values: { unit: 'playtime' } }) }),
  };
}

function rule(alert: WidgetAlert): object {
  return {
    uid: `streamlens-${alert.uid}`,
    title: alert.title,
    condition: 'fires',
    for: alert.lasting,
    data: [
      ...Object.entries(alert.questions).map(([refId, question]) => ask(refId, question)),
      ...(alert.last ? [compute('last', { type: 'reduce', expression: alert.last, reducer: 'last' })] : []),
      compute('value', { type: 'math', expression: alert.value }),
      compute('fires', {
        type: 'threshold',
        expression: 'value',
        conditions: [{ evaluator: { type: 'gt', params: [alert.above] } }],
      }),
    ],
    // Nobody watches, or nothing happened of which there could be too much.
    noDataState: 'OK',
    execErrState: 'KeepLast',
    labels: { severity: alert.severity, organization: '$STREAMLENS_ORGANIZATION' },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      dashboard_url: link(alert, {
        page: alert.page,
        panel: alert.panel,
        values: alert.unit && { unit: alert.unit },
      }),
      ...further(alert),
      runbook_url: `${DOCUMENT}#${alert.uid}`,
      runbook_page_url: runbookAddress(alert.uid),
      __dashboardUid__: alert.page.uid,
      __panelId__: `${alert.panel}`,
    },
  };
}

/** Makes the files from which Grafana provisions the alert rules, by name: those for every organisation, and those for premium. */
export function widgetAlertFiles(): Map<string, string> {
  const file = (name: string, premium: boolean) => {
    const rules = WIDGET_ALERTS.filter((alert) => needsPremium(alert) === premium).map(rule);
    const group = { orgId: 1, name, folder: 'Streamlens', interval: '1m', rules };
    return JSON.stringify({ apiVersion: 1, groups: [group] }, null, 2) + '\n';
  };
  return new Map([
    ['streams.json', file('Streams', false)],
    ['premium.json', file('Streams, premium', true)],
  ]);
}
