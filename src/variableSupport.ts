import {
  CustomVariableSupport,
  type DataQueryRequest,
  type DataQueryResponse,
  type MetricFindValue,
} from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { from, map, type Observable } from 'rxjs';

import { VariableEditor } from './components/VariableEditor';
import { valueText } from './filters';
import type { ValuesOf, VariableQuery } from './query';
import type { ValueFinder, ValuesDataSource } from './values';
import { expandText } from './variables';

/** Fills dashboard variables with the values that a filter may have, or with the units of usage. */
export class StreamlensVariables extends CustomVariableSupport<ValuesDataSource, VariableQuery> {
  editor = VariableEditor;

  constructor(private readonly datasource: ValueFinder) {
    super();
  }

  getDefaultQuery(): Partial<VariableQuery> {
    return { label: 'stream' };
  }

  query({
    targets: [{ label, ...filters }],
    range,
    scopedVars,
  }: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    const of = (expandText(label, scopedVars) ?? label) as ValuesOf;
    return from(this.datasource.findValues(of, filters, range, scopedVars)).pipe(
      map((found) => ({ data: withChosen(found, label) }))
    );
  }
}

/**
 * Adds what is chosen already and was not found.
 *
 * Grafana drops chosen values that are no longer offered, as after a change of the time range; where none is left it
 * chooses all, which would quietly widen every answer.
 */
function withChosen(found: MetricFindValue[], label: VariableQuery['label']): MetricFindValue[] {
  const offered = new Set(found.map(({ value }) => value));
  const missing = chosenOf(label).filter((value) => value !== '$__all' && !offered.has(value));
  return [...found, ...missing.map((value) => ({ text: valueText(label, value), value }))];
}

/** Returns what is chosen in the dashboard's variables for a filter. */
function chosenOf(label: VariableQuery['label']): string[] {
  const chosen = getTemplateSrv()
    .getVariables()
    .filter((variable) => variable.type === 'query' && (variable.query as Partial<VariableQuery>).label === label)
    .flatMap((variable) =>
      'current' in variable && 'value' in variable.current ? [variable.current.value].flat() : []
    );
  return [...new Set(chosen.map(String))].filter((value) => value !== '');
}
