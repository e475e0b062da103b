import type { DataSourceInstanceSettings, ScopedVars } from '@grafana/data';
import { DataSourceWithBackend } from '@grafana/runtime';

import type { StreamlensOptions } from './options';
import { DEFAULT_QUERY, type StreamlensQuery } from './query';
import { expandList, expandText } from './variables';

/** Sends queries to the Go backend, which computes every answer; only dashboard variables are replaced here. */
export class DataSource extends DataSourceWithBackend<StreamlensQuery, StreamlensOptions> {
  constructor(settings: DataSourceInstanceSettings<StreamlensOptions>) {
    super(settings);
  }

  getDefaultQuery(): Partial<StreamlensQuery> {
    return DEFAULT_QUERY;
  }

  filterQuery(query: StreamlensQuery): boolean {
    return Boolean(query.queryType);
  }

  applyTemplateVariables(query: StreamlensQuery, scopedVars: ScopedVars): StreamlensQuery {
    return {
      ...query,
      country: expandList(query.country, scopedVars),
      tag: expandList(query.tag, scopedVars),
      stream: expandList(query.stream, scopedVars),
      event: expandList(query.event, scopedVars),
      referrer: expandList(query.referrer, scopedVars),
      unit: expandText(query.unit, scopedVars),
      metric: expandText(query.metric, scopedVars),
      mode: expandText(query.mode, scopedVars),
      interval: expandText(query.interval, scopedVars),
      timezone: expandText(query.timezone, scopedVars),
    };
  }
}
