import { type DataQueryRequest, dateTime, type TypedVariableModel } from '@grafana/data';
import { setTemplateSrv } from '@grafana/runtime';
import { firstValueFrom } from 'rxjs';

import type { VariableQuery } from './query';
import { answerWith, openDataSource } from './testing';
import { StreamlensVariables } from './variableSupport';

/** Lets a dashboard have a query variable of the data source with this choice. */
function choose(label: string, value: string | string[]): void {
  const variable = { type: 'query', name: 'v', query: { label }, current: { value, text: value } };
  setTemplateSrv({
    getVariables: () => [variable as unknown as TypedVariableModel],
    replace: (target) => target ?? '',
    containsTemplate: () => false,
    updateTimeRange: () => {},
  });
}

async function offered(label: 'stream' | 'country'): Promise<unknown[]> {
  const request = {
    targets: [{ refId: 'A', label }],
    range: { from: dateTime(0), to: dateTime(3_600_000), raw: { from: 'now-1h', to: 'now' } },
    scopedVars: {},
  } as unknown as DataQueryRequest<VariableQuery>;
  const { data } = await firstValueFrom(new StreamlensVariables(openDataSource()).query(request));
  return data.map(({ value }) => value);
}

describe('values of a variable', () => {
  test.each<{ name: string; label: string; chosen: string | string[]; want: string[] }>([
    { name: 'nothing chosen', label: 'stream', chosen: [], want: ['a', 'b'] },
    { name: 'all', label: 'stream', chosen: ['$__all'], want: ['a', 'b'] },
    { name: 'a value that is found', label: 'stream', chosen: ['b'], want: ['a', 'b'] },
    {
      name: 'values that are no longer found',
      label: 'stream',
      chosen: ['gone', 'b', 'far'],
      want: ['a', 'b', 'gone', 'far'],
    },
    { name: 'one that is not found', label: 'stream', chosen: 'gone', want: ['a', 'b', 'gone'] },
    { name: 'the choice of another filter', label: 'country', chosen: ['DE'], want: ['a', 'b'] },
  ])('$name', async ({ label, chosen, want }) => {
    answerWith(['a', 'b']);
    choose(label, chosen);
    expect(await offered('stream')).toEqual(want);
  });
});
