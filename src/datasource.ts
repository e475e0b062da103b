import type {
  AdHocVariableFilter,
  DataQueryRequest,
  DataQueryResponse,
  DataSourceGetTagValuesOptions,
  DataSourceInstanceSettings,
  MetricFindValue,
  ScopedVars,
  TimeRange,
} from '@grafana/data';
import { config, DataSourceWithBackend } from '@grafana/runtime';
import { map, type Observable, switchMap } from 'rxjs';

import { AD_HOC_KEYS, FILTERS, valuesParameters, valueText, withAdHocFilters } from './filters';
import { canFollow, follow } from './live';
import { showNothing } from './nothing';
import type { StreamlensOptions } from './options';
import type { Filters, StreamlensQuery, ValuesOf } from './query';
import { makeReadable } from './readable';
import type { ValueFinder } from './values';
import { expandConditions, expandDimension, expandFilters, expandText } from './variables';
import { StreamlensVariables } from './variableSupport';

/**
 * Sends queries to the Go backend, which computes every answer, and follows those that are live; only dashboard variables
 * and ad hoc filters are put into them here.
 */
export class DataSource extends DataSourceWithBackend<StreamlensQuery, StreamlensOptions> implements ValueFinder {
  constructor(settings: DataSourceInstanceSettings<StreamlensOptions>) {
    super(settings);
    this.variables = new StreamlensVariables(this);
  }

  query(request: DataQueryRequest<StreamlensQuery>): Observable<DataQueryResponse> {
    const first = super.query(request);
    const answers = canFollow(request) ? first.pipe(switchMap((response) => follow(response, this.uid))) : first;
    const { panelPluginId: panel, range, targets } = request;
    const widget = targets[0]?.queryType;
    return answers.pipe(
      map((response) => makeReadable(showNothing(response, panel, range, widget), panel, config.theme2.isLight))
    );
  }

  filterQuery(query: StreamlensQuery): boolean {
    return Boolean(query.queryType);
  }

  applyTemplateVariables(
    query: StreamlensQuery,
    scopedVars: ScopedVars,
    adHoc?: AdHocVariableFilter[]
  ): StreamlensQuery {
    return withAdHocFilters(
      {
        ...query,
        ...expandFilters(query, scopedVars),
        unit: expandText(query.unit, scopedVars),
        metric: expandText(query.metric, scopedVars),
        breakdown: expandText(query.breakdown, scopedVars),
        ...expandDimension(query, scopedVars),
        mode: expandText(query.mode, scopedVars),
        interval: expandText(query.interval, scopedVars),
        compare: expandText(query.compare, scopedVars),
        timezone: expandText(query.timezone, scopedVars),
        where: expandConditions(query.where, scopedVars),
        sort: expandText(query.sort, scopedVars),
        session: expandText(query.session, scopedVars),
      },
      adHoc
    );
  }

  async findValues(
    label: ValuesOf,
    others: Filters,
    range?: TimeRange,
    scopedVars: ScopedVars = {}
  ): Promise<MetricFindValue[]> {
    const values = await this.getResource<string[]>(
      'values',
      valuesParameters(label, expandFilters(others, scopedVars), range),
      { showErrorAlert: false }
    );
    return values.map((value) => ({ text: valueText(label, value), value }));
  }

  getTagKeys(): Promise<MetricFindValue[]> {
    return Promise.resolve(AD_HOC_KEYS.map((name) => ({ text: FILTERS[name].label, value: name })));
  }

  async getTagValues({ key, filters, timeRange }: DataSourceGetTagValuesOptions): Promise<MetricFindValue[]> {
    const label = AD_HOC_KEYS.find((name) => name === key);
    return label ? this.findValues(label, withAdHocFilters<Filters>({}, filters), timeRange) : [];
  }
}
