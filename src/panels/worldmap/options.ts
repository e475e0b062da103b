/** What colours and marks the map. */
export type Style = 'countries' | 'markers' | 'both';

/** The level at which values are shown. */
export type View = 'countries' | 'regions';

/** How values are spread over the colours; automatic is logarithmic for sums and linear for averages. */
export type Spread = 'automatic' | 'linear' | 'logarithmic';

/** How the values of several countries become one; automatic follows the metric of a worldMap query, else sums. */
export type Aggregation = 'automatic' | 'sum' | 'average';

/** What one can set on the panel, beside Grafana's own field options. */
export interface Options {
  style: Style;
  /** What the panel shows first; a switch in the panel changes it. */
  view: View;
  spread: Spread;
  aggregation: Aggregation;
  projection: 'equalEarth' | 'naturalEarth';
  /** Name of the field with the numbers; empty takes `value`, or else the first one with numbers. */
  valueField: string;
  ranking: boolean;
  legend: boolean;
  /** Dashboard variable that the metric switch sets. */
  metricVariable: string;
  /** Dashboard variable that a click on a country sets. */
  countryVariable: string;
}

/** The options of a new panel. */
export const DEFAULTS: Options = {
  style: 'countries',
  view: 'countries',
  spread: 'automatic',
  aggregation: 'automatic',
  projection: 'equalEarth',
  valueField: '',
  ranking: true,
  legend: true,
  metricVariable: 'metric',
  countryVariable: 'country',
};
