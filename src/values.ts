import type { DataSourceApi, MetricFindValue, ScopedVars, TimeRange } from '@grafana/data';

import type { StreamlensOptions } from './options';
import type { Filters, StreamlensQuery, ValuesOf } from './query';

/** Who finds the values that are suggested and that fill variables. */
export interface ValueFinder {
  /**
   * Finds the values that a filter may have in a time range, those with the most traffic first, or the units of usage.
   *
   * `others` are the filters beside it, which narrow them; they may hold dashboard variables.
   */
  findValues(label: ValuesOf, others: Filters, range?: TimeRange, scopedVars?: ScopedVars): Promise<MetricFindValue[]>;
}

/** The data source as its variables and their editor know it, which it knows itself. */
export type ValuesDataSource = DataSourceApi<StreamlensQuery, StreamlensOptions> & ValueFinder;
