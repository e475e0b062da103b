import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { from, map, type Observable } from 'rxjs';

import { VariableEditor } from './components/VariableEditor';
import type { DataSource } from './datasource';
import type { VariableQuery } from './query';

/** Fills dashboard variables with the values that a filter may have. */
export class StreamlensVariables extends CustomVariableSupport<DataSource, VariableQuery> {
  editor = VariableEditor;

  constructor(private readonly datasource: DataSource) {
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
    return from(this.datasource.findValues(label, filters, range, scopedVars)).pipe(map((data) => ({ data })));
  }
}
