import {
  type AdHocVariableFilter,
  type DataQueryRequest,
  dateTime,
  type ScopedVars,
  type TimeRange,
} from '@grafana/data';
import type { BackendSrvRequest } from '@grafana/runtime';
import { CustomVariable } from '@grafana/scenes';
import { firstValueFrom } from 'rxjs';

import type { StreamlensQuery, VariableQuery } from './query';
import { answerWith, openDashboard, openDataSource } from './testing';
import { StreamlensVariables } from './variableSupport';

const source = openDataSource();

/** A variable with the options a, b and c and with these of them chosen. */
function variable(name: string, chosen: string | string[], allValue?: string): CustomVariable {
  const all = [chosen].flat().includes('$__all');
  return new CustomVariable({
    name,
    query: 'a,b,c',
    isMulti: Array.isArray(chosen),
    includeAll: true,
    allValue,
    value: chosen,
    text: all ? 'All' : chosen,
    options: ['a', 'b', 'c'].map((value) => ({ value, label: value })),
  });
}

/** What the backend receives, as JSON. */
function sent(query: Partial<StreamlensQuery>, scopedVars: ScopedVars = {}): unknown {
  return JSON.parse(
    JSON.stringify(source.applyTemplateVariables({ refId: 'A', queryType: 'usageOverview', ...query }, scopedVars))
  );
}

const bare = { refId: 'A', queryType: 'usageOverview' };

describe('variables in lists', () => {
  test.each<{ name: string; variables: CustomVariable[]; stream: string[]; want?: string[] }>([
    { name: 'no variable', variables: [], stream: ['x', 'y'], want: ['x', 'y'] },
    { name: 'one value', variables: [variable('v', 'a')], stream: ['$v'], want: ['a'] },
    { name: 'several values', variables: [variable('v', ['a', 'c'])], stream: ['$v'], want: ['a', 'c'] },
    { name: 'braces', variables: [variable('v', ['a', 'c'])], stream: ['${v}'], want: ['a', 'c'] },
    {
      name: 'beside a plain value',
      variables: [variable('v', ['a', 'c'])],
      stream: ['x', '$v'],
      want: ['x', 'a', 'c'],
    },
    { name: 'within a text', variables: [variable('v', ['a', 'c'])], stream: ['eu-$v-1'], want: ['eu-a-1', 'eu-c-1'] },
    {
      name: 'two in one text',
      variables: [variable('v', ['a', 'b']), variable('w', ['b', 'c'])],
      stream: ['$v-$w'],
      want: ['a-b', 'a-c', 'b-b', 'b-c'],
    },
    { name: 'the same value twice', variables: [variable('v', ['a', 'b'])], stream: ['a', '$v'], want: ['a', 'b'] },
    { name: 'dollars in a value', variables: [variable('v', ["$&$'"])], stream: ['$v'], want: ["$&$'"] },
    { name: 'a comma in a value', variables: [variable('v', ['a,b'])], stream: ['$v'], want: ['a,b'] },
    { name: 'an unknown variable', variables: [], stream: ['$unknown'], want: ['$unknown'] },
    { name: 'all of several', variables: [variable('v', ['$__all'])], stream: ['$v'], want: undefined },
    { name: 'all of one', variables: [variable('v', '$__all')], stream: ['$v'], want: undefined },
    { name: 'all beside a value', variables: [variable('v', ['$__all'])], stream: ['x', '$v'], want: undefined },
    { name: 'all, written by hand', variables: [], stream: ['$__all'], want: undefined },
    { name: 'all, as custom value', variables: [variable('v', ['$__all'], '$__all')], stream: ['$v'], want: undefined },
    {
      name: 'every value, but not all',
      variables: [variable('v', ['a', 'b', 'c'])],
      stream: ['$v'],
      want: ['a', 'b', 'c'],
    },
    { name: 'nothing chosen', variables: [variable('v', [])], stream: ['$v'], want: undefined },
    { name: 'an empty text', variables: [variable('v', '')], stream: ['$v'], want: undefined },
    { name: 'an empty list', variables: [], stream: [], want: undefined },
  ])('$name', ({ variables, stream, want }) => {
    openDashboard(...variables);
    expect(sent({ stream })).toEqual(want ? { ...bare, stream: want } : bare);
  });

  test('the value of a repeated panel wins over "All"', () => {
    openDashboard(variable('v', ['$__all']));
    expect(sent({ stream: ['$v'] }, { v: { value: 'b', text: 'b' } })).toEqual({ ...bare, stream: ['b'] });
  });

  test('in every filter', () => {
    openDashboard(variable('v', ['a', 'b']));
    const names = ['country', 'tag', 'stream', 'event', 'referrer'] as const;
    expect(sent(Object.fromEntries(names.map((name) => [name, ['$v']])))).toEqual({
      ...bare,
      ...Object.fromEntries(names.map((name) => [name, ['a', 'b']])),
    });
  });
});

describe('variables in single values', () => {
  const names = ['unit', 'metric', 'breakdown', 'mode', 'interval', 'timezone', 'compare'] as const;

  test.each(names)('%s', (name) => {
    openDashboard(variable('v', 'b'));
    expect(sent({ [name]: '$v' })).toEqual({ ...bare, [name]: 'b' });
  });

  test.each([
    { name: 'all', chosen: '$__all', allValue: '$__all' },
    { name: 'nothing', chosen: '', allValue: undefined },
  ])('$name leaves the field out', ({ chosen, allValue }) => {
    openDashboard(variable('v', chosen, allValue));
    expect(sent(Object.fromEntries(names.map((name) => [name, '$v'])))).toEqual(bare);
  });

  test('several values reach the backend, which refuses them', () => {
    openDashboard(variable('v', ['a', 'b']));
    expect(sent({ unit: '$v' })).toEqual({ ...bare, unit: 'a,b' });
  });
});

test('an absent field stays absent, so that the backend alone has the defaults', () => {
  openDashboard();
  expect(sent({ form: 'series' })).toEqual({ ...bare, form: 'series' });
});

test('Grafana is given no default that it would merge into what is saved', () => {
  expect(source.getDefaultQuery).toBeUndefined();
});

test.each([
  { queryType: 'usageOverview', want: true },
  { queryType: '', want: false },
  { queryType: undefined, want: false },
])('a query of type $queryType is sent: $want', ({ queryType, want }) => {
  expect(source.filterQuery({ refId: 'A', queryType })).toBe(want);
});

describe('values of filters', () => {
  const timeRange = { from: dateTime(1000), to: dateTime(2000) } as TimeRange;
  const range = { label: 'stream', from: 1000, to: 2000 };
  let asked: BackendSrvRequest[];

  beforeEach(() => {
    openDashboard(variable('v', ['a', 'b']), variable('everything', ['$__all']));
    asked = answerWith(['DE', 'FR']);
  });

  test('are asked of the backend, with their variables replaced', async () => {
    const filters = { country: ['$v'], tag: ['$everything'], stream: ['x'] };
    expect(await source.findValues('stream', filters, timeRange)).toEqual([
      { text: 'DE', value: 'DE' },
      { text: 'FR', value: 'FR' },
    ]);
    expect(asked).toMatchObject([
      { method: 'GET', url: '/api/datasources/uid/streamlens/resources/values', showErrorAlert: false },
    ]);
    expect(asked[0].params).toEqual({ ...range, country: ['a', 'b'] });
  });

  test('fill a variable, countries with their names', async () => {
    const request = {
      targets: [{ refId: 'A', label: 'country', stream: ['$v'] }],
      range: timeRange,
      scopedVars: { v: { value: 'c', text: 'c' } },
    } as unknown as DataQueryRequest<VariableQuery>;
    const variables = source.variables as StreamlensVariables;
    expect(await firstValueFrom(variables.query(request))).toEqual({
      data: [
        { text: 'Germany (DE)', value: 'DE' },
        { text: 'France (FR)', value: 'FR' },
      ],
    });
    expect(asked[0].params).toEqual({ ...range, label: 'country', stream: ['c'] });
  });

  test('are offered for the keys of ad hoc filters', async () => {
    const keys = await source.getTagKeys();
    expect(keys.map(({ value }) => value)).toEqual(['country', 'stream', 'tag', 'event']);

    const filters: AdHocVariableFilter[] = [
      { key: 'country', operator: '=|', value: 'DE', values: ['DE', 'AT'] },
      { key: 'stream', operator: '=', value: 'x' },
    ];
    expect(await source.getTagValues({ key: 'stream', filters, timeRange })).toHaveLength(2);
    expect(asked[0].params).toEqual({ ...range, country: ['DE', 'AT'] });
    expect(await source.getTagValues({ key: 'org', filters: [], timeRange })).toEqual([]);
    expect(asked).toHaveLength(1);
  });
});

describe('ad hoc filters', () => {
  const adHoc: AdHocVariableFilter[] = [{ key: 'country', operator: '=|', value: 'b', values: ['b', 'c'] }];

  test.each([
    { name: 'alone', country: undefined, want: ['b', 'c'] },
    { name: 'beside a variable with several values', country: ['$v'], want: ['b'] },
    { name: 'beside a variable with all values', country: ['$everything'], want: ['b', 'c'] },
  ])('$name', ({ country, want }) => {
    openDashboard(variable('v', ['a', 'b']), variable('everything', ['$__all']));
    expect(source.applyTemplateVariables({ ...bare, country }, {}, adHoc).country).toEqual(want);
  });
});
