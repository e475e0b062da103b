import {
  DIMENSIONS,
  FILTER_NAMES,
  RECORD_BREAKDOWNS,
  type FilterName,
  type OptionName,
  type StreamlensQuery,
} from './query';
import list from './widgets.json';

/** A column of a widget's answer. */
export interface Column {
  name: string;
  /** Such as `bytes`, `seconds` or `ratio`; empty for text. The answer has Grafana's own name of it. */
  unit: string;
  /** The number from which viewers are in trouble, if there is one: alert rules fire at it, and the answer has thresholds at it. */
  limit?: number;
}

/** What the query editor has to know of a widget. The backend generates the list, widgets.json. */
export interface Widget {
  /** The query type. */
  type: string;
  title: string;
  /** One sentence for the picker. */
  description: string;
  /** The dashboard page it belongs to. */
  page: string;
  /** The level an organisation needs to see it. */
  level: 'default' | 'premium';
  /** Whether it lists what is in the store of plays: it has one form, and nothing that is live. */
  list?: boolean;
  options: OptionName[];
  /** The values of the option `metric`, if it has that. */
  metrics: string[];
  /** Those of the metrics that need level premium, though the widget itself may not. */
  premiumMetrics: string[];
  filters: FilterName[];
  columns: Column[];
}

/** All widgets, in the order of the dashboards. */
export const WIDGETS = list as Widget[];

/** Every filter and every option that some widget may have. */
const OPTIONAL: Array<FilterName | OptionName> = [
  ...FILTER_NAMES,
  'unit',
  'metric',
  'breakdown',
  'dimension',
  'mode',
  'percentile',
  'compare',
  'where',
  'sort',
  'page',
  'session',
];

/** Whether only organisations of level premium get an answer, of the widget or of the chosen metric. */
export function isPremium(widget: Widget, metric?: string): boolean {
  return widget.level === 'premium' || (metric !== undefined && widget.premiumMetrics.includes(metric));
}

/** The metrics that a query may choose from: with a percentile its column is one of them, with a comparison what it adds. */
export function metricsOf(widget: Widget, { percentile, compare }: StreamlensQuery): string[] {
  const column = `p${percentile}`;
  const metrics =
    percentile === undefined || widget.metrics.includes(column) ? widget.metrics : [column, ...widget.metrics];
  return compare ? metrics.flatMap((name) => [name, ...addedTo(widget, name)]) : metrics;
}

/** The columns that a comparison adds to one; none to what is no column. */
function addedTo({ columns }: Widget, metric: string): string[] {
  const column = columns.find(({ name }) => name === (/^p\d+$/.test(metric) ? 'median' : metric));
  return column
    ? [`${metric}Before`, `${metric}Change`, ...(column.unit === 'ratio' ? [`${metric}Difference`] : [])]
    : [];
}

/** Whether a widget that has breakdowns has one by tag: peaks of viewers do not add up over streams, and records of plays have no tags. */
export function hasTags(widget: Widget): boolean {
  return !widget.columns.some(({ unit }) => unit === 'viewers') && widget.page !== 'Plays';
}

/** Returns the query for another widget: what both widgets have stays, the rest would be refused and goes. */
export function withWidget(query: StreamlensQuery, widget: Widget): StreamlensQuery {
  const next: StreamlensQuery = { ...query, queryType: widget.type };
  const kept: string[] = [...widget.options, ...widget.filters];
  for (const name of OPTIONAL) {
    if (!kept.includes(name)) {
      delete next[name];
    }
  }
  if (!widget.options.includes('dimension')) {
    delete next.values;
    if (DIMENSIONS.some((name) => name === next.breakdown) && !widget.options.includes('where')) {
      delete next.breakdown;
    }
  }
  if (RECORD_BREAKDOWNS.some((name) => name === next.breakdown) && !widget.options.includes('where')) {
    delete next.breakdown;
  }
  if (widget.list) {
    delete next.live;
    delete next.interval;
    delete next.top;
    delete next.compare;
    next.form = 'total';
  }
  if (next.form === 'trend' && !next.compare) {
    next.form = 'total';
  }
  if (next.breakdown === 'tag' && !hasTags(widget)) {
    delete next.breakdown;
  }
  if (next.metric && !next.metric.includes('$') && !metricsOf(widget, next).includes(next.metric)) {
    delete next.metric;
  }
  return next;
}
