import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  AxisColorMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  MappingType,
  type Panel,
  QueryVariableBuilder,
  SpecialValueMatch,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

import { HEIGHT } from './looks';
import { JOB, METRIC, rate, readiness, refusedShare } from './metrics';
import { RUNBOOKS_UID } from './runbook';

/** The uid of the dashboard, which alerts link. */
export const OPERATIONS_UID = 'streamlens-operations';

/** The data source that has the collectors' own metrics, as it is provisioned. */
export const OPERATIONS_SOURCE = { name: 'Streamlens operations', uid: 'streamlens-operations' };

/** Where the document of operations is. */
export const OPERATIONS_DOCUMENT = 'https://github.com/streamlens/streamlens/blob/main/docs/operations.md';

/** What is too much; alerts fire above these. */
export const LIMITS = {
  refusedShare: 0.01,
  waitingSeconds: 60,
  delaySeconds: 15,
  syncSeconds: 1,
  diskShare: 0.5,
};

/** The panels that alerts link, by what they show. */
export const PANELS = {
  ready: 1,
  refusedShare: 2,
  waitingAge: 10,
  refused: 8,
  delay: 11,
  sync: 12,
  disk: 13,
  failures: 14,
  folded: 17,
  databasesRefused: 25,
  mediaServers: 26,
  playsFailed: 62,
};

/** What stands where there is no number, unless a panel says more: each collector that runs has one. */
const NOTHING = 'No collector';

const SOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The collectors that are chosen at the top of the page. */
const CHOSEN = 'instance=~"$instance"';

/** The same for metrics that other programs have too. */
const COLLECTORS = `job="${JOB}",${CHOSEN}`;

interface Query {
  expr: string;
  /** What the line is called; a text in braces is a label. */
  name: string;
}

interface Content {
  /** Unique on the dashboard; alerts link to it, so it must never change. */
  id: number;
  title: string;
  description: string;
  /** Columns of the grid, which has 24. */
  width: number;
  unit: string;
  decimals?: number;
  queries: Query[];
  /** Above it the number is red, and a line stands there. */
  limit?: number;
  /** What is shown while the collector has not counted anything of it. */
  nothing?: string;
}

/** The calls that every kind of panel has. */
interface PanelBuilder {
  id(id: number): this;
  title(title: string): this;
  description(description: string): this;
  span(width: number): this;
  height(height: number): this;
  datasource(reference: typeof SOURCE): this;
  withTarget(target: Builder<prometheus.Dataquery>): this;
  unit(unit: string): this;
  decimals(decimals: number): this;
  thresholds(thresholds: ThresholdsConfigBuilder): this;
  noValue(text: string): this;
}

function fill<P extends PanelBuilder>(panel: P, content: Content, height: number): P {
  panel
    .id(content.id)
    .title(content.title)
    .description(content.description)
    .span(content.width)
    .height(height)
    .datasource(SOURCE)
    .unit(content.unit);
  if (content.decimals !== undefined) {
    panel.decimals(content.decimals);
  }
  panel.noValue(content.nothing ?? NOTHING);
  content.queries.forEach(({ expr, name }, i) => {
    panel.withTarget(
      new prometheus.DataqueryBuilder()
        .refId(String.fromCharCode('A'.charCodeAt(0) + i))
        .datasource(SOURCE)
        .expr(expr)
        .legendFormat(name)
        .range()
    );
  });
  return panel;
}

function redAbove(limit: number, below = 'green'): ThresholdsConfigBuilder {
  const steps: Threshold[] = [
    { value: null, color: below },
    { value: limit, color: 'red' },
  ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

/** Makes a tile with the number of now and a small graph of the time range. */
function tile(content: Content): stat.PanelBuilder {
  const panel = new stat.PanelBuilder()
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .graphMode(BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .textMode(BigValueTextMode.Value)
    .wideLayout(false);
  panel.thresholds(
    content.limit === undefined
      ? new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([{ value: null, color: 'text' }])
      : redAbove(content.limit)
  );
  if (content.limit !== undefined) {
    // What is no number is not good either.
    const words = { text: content.nothing ?? NOTHING, color: 'text', index: 0 };
    panel.mappings([{ type: MappingType.SpecialValue, options: { match: SpecialValueMatch.NullAndNan, result: words } }]);
  }
  return fill(panel, content, HEIGHT.tiles);
}

/** Makes a graph of lines. */
function lines(content: Content): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .drawStyle(GraphDrawStyle.Line)
    .lineWidth(2)
    .fillOpacity(0)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .axisSoftMin(0)
    .axisColorMode(AxisColorMode.Text)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull'])
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (content.limit !== undefined) {
    panel
      // Transparent: only the line of the limit shows.
      .thresholds(redAbove(content.limit, 'transparent'))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  return fill(panel, content, HEIGHT.panel);
}

/** Makes a graph of areas that add up. */
function stacked(content: Content): timeseries.PanelBuilder {
  return lines(content).stacking(new StackingConfigBuilder().mode(StackingMode.Normal)).lineWidth(1).fillOpacity(40);
}

/** Returns the quantiles of a histogram in VictoriaMetrics' buckets, over all chosen collectors. */
function quantiles(metric: string, wanted: Array<[name: string, quantile: number]>): Query[] {
  return wanted.map(([name, quantile]) => ({
    name,
    expr: `histogram_quantile(${quantile}, sum by (vmrange) (${rate(`${metric}_bucket`, CHOSEN)}))`,
  }));
}

function perInstance(expr: string): Query[] {
  return [{ expr, name: '{{instance}}' }];
}

const of = (metric: string): string => `${metric}{${CHOSEN}}`;

/** What an expression finds, with the file's name beside its path, for which legends have no room. */
const byFileName = (expr: string): string => `label_replace(${expr}, "name", "$1", "file", "(?:.*/)?([^/]+)")`;

/** What an operator who is woken needs first stands first. */
const panels: Array<Builder<Panel>> = [
  tile({
    id: PANELS.ready,
    title: 'Ready',
    description:
      'Whether each collector can do its work: VictoriaMetrics takes and keeps samples as it must. A collector that does not answer is not ready.',
    width: 6,
    unit: 'bool_yes_no',
    queries: perInstance(readiness(CHOSEN)),
    nothing: 'No collector is known',
  })
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Background)
    .textMode(BigValueTextMode.ValueAndName)
    .thresholds(
      new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
        { value: null, color: 'red' },
        { value: 1, color: 'green' },
      ])
    ),
  tile({
    id: PANELS.refusedShare,
    title: 'Refused',
    description:
      'Share of events and requests that are refused, over 5 minutes; without what strangers send and what is beyond the limits of an organisation, which the graph by reason has.',
    width: 3,
    unit: 'percentunit',
    decimals: 2,
    queries: [{ expr: refusedShare(CHOSEN), name: 'Refused' }],
    nothing: 'None yet',
    limit: LIMITS.refusedShare,
  }),
  tile({
    id: 3,
    title: 'Waiting',
    description:
      'Age of the oldest sample that VictoriaMetrics has not taken. It grows while VictoriaMetrics is away or refuses.',
    width: 3,
    unit: 's',
    decimals: 0,
    queries: [{ expr: `max(${of(METRIC.waitingSeconds)})`, name: 'Age' }],
    limit: LIMITS.waitingSeconds,
  }),
  tile({
    id: 4,
    title: 'Delay, 95 %',
    description: 'Within this time 95 % of what was received was written to VictoriaMetrics, over the last minutes.',
    width: 3,
    unit: 's',
    decimals: 1,
    queries: quantiles(METRIC.delay, [['95 %', 0.95]]),
    nothing: 'None yet',
    limit: LIMITS.delaySeconds,
  }),
  tile({
    id: 5,
    title: 'Disk',
    description:
      'Share of maxDataBytes that journal and waiting samples take, of the fullest collector. At 100 % events are refused with 503.',
    width: 3,
    unit: 'percentunit',
    decimals: 1,
    queries: [{ expr: `max((${of(METRIC.journal)} + ${of(METRIC.backlog)}) / ${of(METRIC.maxData)})`, name: 'Disk' }],
    limit: LIMITS.diskShare,
  }),
  tile({
    id: 6,
    title: 'Accepted',
    description: 'Events, lines of usage and lines of logs that were accepted, per second.',
    width: 3,
    unit: 'cps',
    queries: [{ expr: `sum(${rate(METRIC.accepted, CHOSEN)})`, name: 'Accepted' }],
  }),
  tile({
    id: 7,
    title: 'Sessions',
    description: 'Plays and broadcasts that run now, over all chosen collectors.',
    width: 3,
    unit: 'short',
    queries: [{ expr: `sum(${of(METRIC.sessions)})`, name: 'Sessions' }],
  }),
  lines({
    id: 9,
    title: 'Events',
    description:
      'Accepted per second, and how many of them had come before (repeated) or belong to a minute that was closed already (late); both are counted once.',
    width: 12,
    unit: 'cps',
    queries: [
      { expr: `sum(${rate(METRIC.accepted, CHOSEN)})`, name: 'Accepted' },
      { expr: `sum(${rate(METRIC.repeated, CHOSEN)})`, name: 'Repeated' },
      { expr: `sum(${rate(METRIC.late, CHOSEN)})`, name: 'Late' },
    ],
  }),
  stacked({
    id: PANELS.refused,
    title: 'Refused by reason',
    description:
      'Events, lines and requests that were refused, per second. The runbook says what each reason means; rate and streams are limits of an organisation, backlog, busy, disk and database are the collector’s own trouble.',
    width: 12,
    unit: 'cps',
    queries: [{ expr: `sum by (reason) (${rate(METRIC.refused, CHOSEN)}) > 0`, name: '{{reason}}' }],
    nothing: 'Nothing was refused',
  }),
  lines({
    id: PANELS.waitingAge,
    title: 'Age of the oldest waiting sample',
    description: 'Samples wait on disk while VictoriaMetrics is away. Nothing is lost; dashboards are as late as this.',
    width: 12,
    unit: 'dthms',
    queries: perInstance(of(METRIC.waitingSeconds)),
    limit: LIMITS.waitingSeconds,
  }),
  lines({
    id: PANELS.delay,
    title: 'Delay from receipt to VictoriaMetrics',
    description:
      'Time from the receipt of an event until its sample was taken. Samples are written every few seconds, so some seconds are usual.',
    width: 12,
    unit: 's',
    queries: quantiles(METRIC.delay, [
      ['Median', 0.5],
      ['95 %', 0.95],
      ['99 %', 0.99],
    ]),
    nothing: 'Nothing was received',
    limit: LIMITS.delaySeconds,
  }),
  lines({
    id: PANELS.sync,
    title: 'Journal sync time',
    description: 'Time that the disk takes to make events durable. Every answer 202 waits for it.',
    width: 12,
    unit: 's',
    queries: quantiles(METRIC.sync, [
      ['Median', 0.5],
      ['99 %', 0.99],
    ]),
    limit: LIMITS.syncSeconds,
  }),
  lines({
    id: PANELS.disk,
    title: 'Journal and waiting samples on disk',
    description:
      'Bytes in dataDir. The journal has what came lately; the backlog has samples that VictoriaMetrics has not taken for long enough.',
    width: 12,
    unit: 'bytes',
    queries: [
      { expr: of(METRIC.journal), name: 'Journal {{instance}}' },
      { expr: of(METRIC.backlog), name: 'Backlog {{instance}}' },
    ],
  }),
  lines({
    id: 18,
    title: 'Waiting samples',
    description: 'Samples that VictoriaMetrics has not taken yet. A saw tooth near zero is usual.',
    width: 8,
    unit: 'short',
    queries: perInstance(of(METRIC.waiting)),
  }),
  lines({
    id: 15,
    title: 'Samples written',
    description: 'Samples that VictoriaMetrics took, per second.',
    width: 8,
    unit: 'cps',
    queries: perInstance(rate(METRIC.written, CHOSEN)),
  }),
  lines({
    id: PANELS.failures,
    title: 'Write failures',
    description: 'Requests to VictoriaMetrics that failed, per second. What they carried waits and is sent again.',
    width: 8,
    unit: 'cps',
    queries: perInstance(rate(METRIC.failures, CHOSEN)),
  }),
  lines({
    id: 16,
    title: 'Live sessions',
    description: 'Plays and broadcasts that run now.',
    width: 8,
    unit: 'short',
    queries: perInstance(of(METRIC.sessions)),
  }),
  lines({
    id: 23,
    title: 'Series',
    description:
      'Series that the collectors keep in memory: each is a number of a stream, country, browser and so on in an open minute or hour.',
    width: 8,
    unit: 'short',
    queries: perInstance(of(METRIC.series)),
  }),
  stacked({
    id: PANELS.folded,
    title: 'Values counted as (other)',
    description:
      'Values beyond a limit of an organisation, by field, per second. They are counted, but under the name (other): the sums stay right, the breakdown does not.',
    width: 8,
    unit: 'cps',
    queries: [
      {
        expr: `sum by (organization, field) (${rate(METRIC.folded, CHOSEN)}) > 0`,
        name: '{{organization}}: {{field}}',
      },
    ],
    nothing: 'No value was folded',
  }),
  stacked({
    id: 32,
    title: 'Lines of logs left out or lacking something',
    description:
      'Lines of access logs that were refused or that count without an address or CMCD, per second and by reason. Lines that are no delivery of a stream are not shown.',
    width: 24,
    unit: 'cps',
    queries: [
      {
        expr: `sum by (fate, reason) (${rate(METRIC.logLines, `fate!="ignored",${CHOSEN}`)}) > 0`,
        name: '{{fate}}: {{reason}}',
      },
    ],
    nothing: 'None',
  }),
  lines({
    id: 19,
    title: 'CPU',
    description: 'Processor cores that each collector uses.',
    width: 6,
    unit: 'short',
    queries: perInstance(rate('process_cpu_seconds_total', COLLECTORS)),
  }),
  lines({
    id: 20,
    title: 'Memory',
    description: 'Resident memory of each collector.',
    width: 6,
    unit: 'bytes',
    queries: perInstance(`process_resident_memory_bytes{${COLLECTORS}}`),
  }),
  lines({
    id: 21,
    title: 'Goroutines',
    description: 'Goroutines of each collector: some two for each open connection. A rise without an end is a fault.',
    width: 6,
    unit: 'short',
    queries: perInstance(`go_goroutines{${COLLECTORS}}`),
  }),
  lines({
    id: 22,
    title: 'User agents that wait',
    description:
      'New user agents that had to wait because too many of their organisation came, per second. Their plays get a browser, a system and a device with their next report.',
    width: 6,
    unit: 'cps',
    queries: perInstance(rate(METRIC.userAgents, CHOSEN)),
  }),
  lines({
    id: 24,
    title: 'Age of the GeoIP databases',
    description:
      'Time since each database in use was made, by file. Most makers publish one a month or more often; addresses move meanwhile.',
    width: 12,
    unit: 'suffix:days',
    decimals: 0,
    queries: [{ expr: byFileName(`(time() - (${of(METRIC.databaseBuilt)} > 0)) / 86400`), name: '{{name}} ({{type}}) {{instance}}' }],
    nothing: 'No database is known',
  }),
  lines({
    id: PANELS.databasesRefused,
    title: 'GeoIP databases refused',
    description:
      '1 for a file that is missing or cannot be read, so that an older one is in use instead. The log and /readyz say what is wrong with it.',
    width: 12,
    unit: 'short',
    queries: [{ expr: byFileName(of(METRIC.databaseRefused)), name: '{{name}} {{instance}}' }],
    nothing: 'No database is known',
  }),
  lines({
    id: PANELS.mediaServers,
    title: 'Media servers that answer',
    description:
      '1 for a media server whose last poll was answered, 0 for one that does not answer. The log and /readyz say why; what it counts shows late, and what ends meanwhile is lost.',
    width: 8,
    unit: 'short',
    queries: [{ expr: of(METRIC.serverUp), name: '{{server}} {{instance}}' }],
    nothing: 'No media server is polled',
  }),
  lines({
    id: 27,
    title: 'Age of the last poll',
    description: 'Time since each media server was polled and answered. It is at most twice the interval if all is well.',
    width: 8,
    unit: 's',
    queries: [{ expr: `time() - (${of(METRIC.serverLastPoll)} > 0)`, name: '{{server}} {{instance}}' }],
    nothing: 'No media server has answered',
  }),
  stacked({
    id: 28,
    title: 'Failed polls by reason',
    description: 'Polls of media servers that failed, per second. The page of media servers says what each reason means.',
    width: 8,
    unit: 'cps',
    queries: [
      { expr: `sum by (server, reason) (${rate(METRIC.serverFailures, CHOSEN)}) > 0`, name: '{{server}}: {{reason}}' },
    ],
    nothing: 'No poll failed',
  }),
  lines({
    id: 29,
    title: 'Duration of polls',
    description: 'Time that the last poll of each media server took. It must stay below its interval.',
    width: 8,
    unit: 's',
    queries: [{ expr: of(METRIC.serverPollSeconds), name: '{{server}} {{instance}}' }],
    nothing: 'No media server is polled',
  }),
  lines({
    id: 30,
    title: 'Connections and streams of media servers',
    description: 'Publishers and players, and streams, as of the last poll that was answered.',
    width: 8,
    unit: 'short',
    queries: [
      { expr: of(METRIC.serverConnections), name: 'Connections {{server}} {{instance}}' },
      { expr: of(METRIC.serverStreams), name: 'Streams {{server}} {{instance}}' },
    ],
    nothing: 'No media server is polled',
  }),
  lines({
    id: 31,
    title: 'Left out of media servers',
    description:
      'Bytes in counters of media servers that are of the past or cannot be true, and hooks that came from no server that is polled, per second. Neither counts.',
    width: 8,
    unit: 'short',
    queries: [
      { expr: `sum by (server) (${rate(METRIC.serverLeftOut, CHOSEN)}) > 0`, name: 'Bytes {{server}}' },
      { expr: `sum by (server) (${rate(METRIC.serverHooks, CHOSEN)}) > 0`, name: 'Hooks {{server}}' },
    ],
    nothing: 'Nothing was left out',
  }),
  lines({
    id: 60,
    title: 'Plays that wait',
    description:
      'Records of plays in memory that VictoriaLogs has not taken, and bytes of those on disk. They wait while it is away; nothing else does.',
    width: 8,
    unit: 'short',
    queries: [
      { expr: of(METRIC.playsWaiting), name: 'Records {{instance}}' },
      { expr: of(METRIC.playsBacklog), name: 'Bytes on disk {{instance}}' },
    ],
    nothing: 'No plays are kept',
  }),
  lines({
    id: 61,
    title: 'Plays written',
    description:
      'Records that VictoriaLogs took, those that it had already when it was asked before one was sent again, and those that were stored twice and are mended, per second; and what is written of plays that still run.',
    width: 8,
    unit: 'short',
    queries: [
      { expr: `sum(${rate(METRIC.playsWritten, CHOSEN)})`, name: 'Written' },
      { expr: `sum(${rate(METRIC.playsFound, CHOSEN)})`, name: 'There already' },
      { expr: `sum(${rate(METRIC.playsRepaired, CHOSEN)})`, name: 'Mended' },
      { expr: `sum(${rate(METRIC.playsRunningWritten, CHOSEN)})`, name: 'Of running plays' },
    ],
    nothing: 'No plays are kept',
  }),
  lines({
    id: PANELS.playsFailed,
    title: 'Plays refused and left out',
    description:
      'Requests to VictoriaLogs that failed, which are tried again, records that are left out for good, and failures to mend what is stored twice, per second. What is left out of running plays is replaced within a minute.',
    width: 8,
    unit: 'short',
    queries: [
      { expr: `sum(${rate(METRIC.playsFailures, CHOSEN)})`, name: 'Failed requests' },
      { expr: `sum by (reason) (${rate(METRIC.playsDropped, CHOSEN)})`, name: 'Left out: {{reason}}' },
      { expr: `sum(${rate(METRIC.playsRepairFailures, CHOSEN)})`, name: 'Not mended' },
      { expr: `sum(${rate(METRIC.playsRunningDropped, CHOSEN)})`, name: 'Left out: running' },
    ],
    nothing: 'No plays are kept',
  }),
  lines({
    id: 64,
    title: 'Questions of other programs',
    description:
      'Questions with read keys per second, by the name of the key, and those that were refused or could not be answered, by the reason.',
    width: 24,
    unit: 'reqps',
    queries: [
      { expr: `sum by (organization, key) (${rate(METRIC.reads, CHOSEN)})`, name: '{{organization}}: {{key}}' },
      { expr: `sum by (reason) (${rate(METRIC.readsRefused, CHOSEN)}) > 0`, name: 'Refused: {{reason}}' },
    ],
    nothing: 'No other program reads',
  }),
];

/** Makes the dashboard of those who run collectors, as Grafana's JSON. */
export function operations(): string {
  // Its successor writes the new schema, which in Grafana 12 is still behind a feature toggle.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const builder = new DashboardBuilder('Streamlens operations')
    .uid(OPERATIONS_UID)
    .description('Whether the collectors work: what they take and refuse, what waits, and what they need.')
    // The pages for viewers of the data link each other by another tag.
    .tags(['streamlens-operations'])
    .timezone('utc')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([datasourceVariable(), instanceVariable()])
    .link(
      new DashboardLinkBuilder('Runbooks')
        .type(DashboardLinkType.Link)
        .icon('doc')
        .tooltip('What each alert means and what to do about it')
        .url(`/d/${RUNBOOKS_UID}`)
    );
  panels.forEach((panel) => builder.withPanel(panel));
  return JSON.stringify(builder.build(), null, 2) + '\n';
}

function datasourceVariable(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder('datasource')
    .label('Data source')
    .description('The Prometheus or VictoriaMetrics that scrapes the collectors.')
    .type('prometheus')
    .current({ text: OPERATIONS_SOURCE.name, value: OPERATIONS_SOURCE.uid })
    .hide(VariableHide.InControlsMenu);
}

function instanceVariable(): QueryVariableBuilder {
  return (
    new QueryVariableBuilder('instance')
      .label('Collector')
      .description('The collectors that are shown, by the address at which they are scraped.')
      .datasource(SOURCE)
      .query({ refId: 'instance', query: `label_values(up{job="${JOB}"}, instance)` })
      .definition(`label_values(up{job="${JOB}"}, instance)`)
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.AlphabeticalAsc)
      .current({ text: ['All'], value: ['$__all'] })
      .multi(true)
      .includeAll(true)
      // A collector that comes while the page is open shows at once.
      .allValue('.*')
  );
}
