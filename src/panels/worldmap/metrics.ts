/** How the values of several countries become one: they add up, or are averaged by what they are averages of. */
export type Kind = 'sum' | 'average';

/** A metric of the worldMap query. */
export interface Metric {
  value: string;
  label: string;
  kind: Kind;
}

/** The metric of a worldMap query that names none. */
export const DEFAULT_METRIC = 'playouts';

/** The metric whose colours come from LATENCY_STEPS unless somebody sets others. */
export const LATENCY = 'latency';

/** All metrics of the worldMap query, in the order of the switch. */
export const METRICS: Metric[] = [
  { value: DEFAULT_METRIC, label: 'Plays', kind: 'sum' },
  { value: 'ingests', label: 'Broadcasts', kind: 'sum' },
  { value: 'playoutsAndIngests', label: 'Plays and broadcasts', kind: 'sum' },
  { value: 'usageSent', label: 'Delivered', kind: 'sum' },
  { value: 'usageReceived', label: 'Received', kind: 'sum' },
  { value: LATENCY, label: 'Latency', kind: 'average' },
  { value: 'bufferingRatio', label: 'Buffering ratio', kind: 'average' },
  { value: 'playtimeAverage', label: 'Playtime average', kind: 'average' },
];

/** Good below 2 s, bad from 4 s; blue, yellow and red keep apart for colour-blind eyes. */
export const LATENCY_STEPS = [
  { value: -Infinity, color: 'semi-dark-blue' },
  { value: 2, color: 'yellow' },
  { value: 4, color: 'dark-red' },
];

/** Returns how a metric's values combine, or undefined if it is none of the worldMap query. */
export function kindOf(metric: string | undefined): Kind | undefined {
  return METRICS.find(({ value }) => value === metric)?.kind;
}
