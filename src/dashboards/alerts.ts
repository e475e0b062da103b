import { told } from './templates';
import { LIMITED, METRIC, rate, readiness, refusedShare } from './metrics';
import { LIMITS, OPERATIONS_DOCUMENT, OPERATIONS_SOURCE, OPERATIONS_UID, PANELS } from './operations';
import { runbookAddress } from './runbook';

interface Alert {
  /** Fixed, because silences and links know the alert by it. Also the heading of the runbook. */
  uid: string;
  title: string;
  /** Asked at an instant; each series is an alert of its own. */
  expr: string;
  /** It fires above this, or below. */
  above?: number;
  below?: number;
  /** For how long it must be so. */
  lasting: string;
  /** critical: numbers are late or refused, or will be soon; wake somebody. warning: look at it in the daytime. */
  severity: 'critical' | 'warning';
  /** The panel that shows the number. */
  panel: number;
  /** What is the matter, with the numbers, in Grafana's template language. */
  summary: string;
  /** Whether it also fires if the metrics themselves cannot be had, which only one alert should. */
  unknownToo?: boolean;
}

const COLLECTOR = 'The collector {{ $labels.instance }}';

/** How a number stands in a summary. */
function shown(format: 'humanize' | 'humanizeDuration' | 'humanizePercentage' | 'humanize1024'): string {
  return told('A', format);
}

function quantile(metric: string, wanted: number): string {
  return `histogram_quantile(${wanted}, sum by (instance, vmrange) (${rate(`${metric}_bucket`, '', '5m')}))`;
}

export const ALERTS: Alert[] = [
  {
    uid: 'collector-not-ready',
    title: 'Collector not ready',
    expr: readiness(),
    below: 1,
    lasting: '2m',
    severity: 'critical',
    panel: PANELS.ready,
    summary: `${COLLECTOR} does not answer or cannot do its work, or no collector is known at all.`,
    unknownToo: true,
  },
  {
    uid: 'samples-wait',
    title: 'Samples wait',
    expr: METRIC.waitingSeconds,
    above: LIMITS.waitingSeconds,
    lasting: '1m',
    severity: 'critical',
    panel: PANELS.waitingAge,
    summary: `${COLLECTOR} has samples that wait for ${shown('humanizeDuration')}; usual are some seconds.`,
  },
  {
    uid: 'disk-fills',
    title: 'Disk fills',
    expr: `(${METRIC.journal} + ${METRIC.backlog}) / ${METRIC.maxData}`,
    above: LIMITS.diskShare,
    lasting: '5m',
    severity: 'critical',
    panel: PANELS.disk,
    summary: `${COLLECTOR} has used ${shown('humanizePercentage')} of maxDataBytes; at 100 % it refuses events.`,
  },
  {
    uid: 'events-refused',
    title: 'Events refused',
    expr: refusedShare(),
    above: LIMITS.refusedShare,
    lasting: '5m',
    severity: 'warning',
    panel: PANELS.refused,
    summary: `${shown('humanizePercentage')} of what comes is refused; usual is below ${LIMITS.refusedShare * 100} %.`,
  },
  {
    uid: 'limit-reached',
    title: 'Limit reached',
    expr: `sum by (reason) (${rate(METRIC.refused, `reason=~"${LIMITED.join('|')}"`, '5m')})`,
    above: 0,
    lasting: '5m',
    severity: 'warning',
    panel: PANELS.refused,
    summary: `${shown('humanize')} events a second are refused, because an organisation, account or address is beyond its limit ({{ $labels.reason }}).`,
  },
  {
    uid: 'values-folded',
    title: 'Values folded',
    expr: `sum by (organization, field) (${rate(METRIC.folded, '', '15m')})`,
    above: 0,
    lasting: '0s',
    severity: 'warning',
    panel: PANELS.folded,
    summary: `${shown('humanize')} values of {{ $labels.field }} a second are counted as (other) for the organisation {{ $labels.organization }}.`,
  },
  {
    uid: 'journal-slow',
    title: 'Journal slow',
    expr: quantile(METRIC.sync, 0.99),
    above: LIMITS.syncSeconds,
    lasting: '5m',
    severity: 'warning',
    panel: PANELS.sync,
    summary: `The disk of the collector {{ $labels.instance }} takes up to ${shown('humanizeDuration')} to make events durable (99 % are faster); usual are milliseconds.`,
  },
  {
    uid: 'delay-high',
    title: 'Delay high',
    expr: quantile(METRIC.delay, 0.95),
    above: LIMITS.delaySeconds,
    lasting: '5m',
    severity: 'warning',
    panel: PANELS.delay,
    summary: `${COLLECTOR} takes up to ${shown('humanizeDuration')} from receipt to VictoriaMetrics (95 % are faster); usual are some seconds.`,
  },
  {
    uid: 'writes-fail',
    title: 'Writes fail',
    expr: rate(METRIC.failures, '', '5m'),
    above: 0,
    lasting: '2m',
    severity: 'warning',
    panel: PANELS.failures,
    summary: `${shown('humanize')} writes a second of the collector {{ $labels.instance }} to VictoriaMetrics fail.`,
  },
  {
    uid: 'geoip-refused',
    title: 'GeoIP database refused',
    expr: METRIC.databaseRefused,
    above: 0,
    lasting: '10m',
    severity: 'warning',
    panel: PANELS.databasesRefused,
    summary: `${COLLECTOR} uses an older GeoIP database, because {{ $labels.file }} is missing or cannot be read.`,
  },
  {
    uid: 'media-server-fails',
    title: 'Media server fails',
    expr: METRIC.serverUp,
    below: 1,
    lasting: '2m',
    severity: 'warning',
    panel: PANELS.mediaServers,
    summary: `${COLLECTOR} cannot poll the media server {{ $labels.server }} ({{ $labels.type }}).`,
  },
  {
    uid: 'plays-wait',
    title: 'Plays wait',
    expr: rate(METRIC.playsFailures, '', '5m'),
    above: 0,
    lasting: '5m',
    severity: 'warning',
    panel: PANELS.playsFailed,
    summary: `VictoriaLogs does not take records of plays of the collector {{ $labels.instance }}: ${shown('humanize')} requests a second fail.`,
  },
  {
    uid: 'plays-left-out',
    title: 'Plays left out',
    expr: `sum by (instance, reason) (${rate(METRIC.playsDropped, '', '15m')})`,
    above: 0,
    lasting: '0s',
    severity: 'warning',
    panel: PANELS.playsFailed,
    summary: `${COLLECTOR} leaves ${shown('humanize')} records of plays a second out ({{ $labels.reason }}).`,
  },
  {
    uid: 'plays-twice',
    title: 'Plays may be stored twice',
    expr: rate(METRIC.playsRepairFailures, '', '15m'),
    above: 0,
    lasting: '30m',
    severity: 'warning',
    panel: PANELS.playsFailed,
    summary: `${COLLECTOR} cannot look for plays that are stored twice, or cannot mend them.`,
  },
];

/** Seconds of data that a rule is given; its expressions look back themselves. */
const LOOK_BACK = 600;

function rule(alert: Alert): object {
  const evaluator =
    alert.below === undefined ? { type: 'gt', params: [alert.above] } : { type: 'lt', params: [alert.below] };
  return {
    uid: `streamlens-${alert.uid}`,
    title: alert.title,
    condition: 'B',
    for: alert.lasting,
    data: [
      {
        refId: 'A',
        relativeTimeRange: { from: LOOK_BACK, to: 0 },
        datasourceUid: OPERATIONS_SOURCE.uid,
        model: { refId: 'A', expr: alert.expr, instant: true, range: false },
      },
      {
        refId: 'B',
        datasourceUid: '__expr__',
        model: { refId: 'B', type: 'threshold', expression: 'A', conditions: [{ evaluator }] },
      },
    ],
    noDataState: alert.unknownToo ? 'Alerting' : 'OK',
    execErrState: alert.unknownToo ? 'Alerting' : 'KeepLast',
    labels: { severity: alert.severity },
    annotations: {
      summary: alert.summary,
      runbook_url: `${OPERATIONS_DOCUMENT}#${alert.uid}`,
      runbook_page_url: runbookAddress(alert.uid),
      __dashboardUid__: OPERATIONS_UID,
      __panelId__: `${alert.panel}`,
    },
  };
}

/** Makes the file from which Grafana provisions the alert rules. */
export function alertRules(): string {
  const group = {
    orgId: 1,
    name: 'Streamlens operations',
    folder: 'Streamlens',
    interval: '30s',
    rules: ALERTS.map(rule),
  };
  return JSON.stringify({ apiVersion: 1, groups: [group] }, null, 2) + '\n';
}
