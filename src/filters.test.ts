import { type AdHocVariableFilter, dateTime, type TimeRange } from '@grafana/data';

import { valuesParameters, valueText, withAdHocFilters } from './filters';
import type { FilterName, Filters } from './query';

const range = { from: dateTime(1_763_800_000_000), to: dateTime(1_763_886_400_000) } as TimeRange;

test.each<{ name: FilterName; value: string; want: string }>([
  { name: 'country', value: 'DE', want: 'Germany (DE)' },
  { name: 'country', value: 'ZZ', want: 'Unknown Region (ZZ)' },
  { name: 'country', value: 'QQ', want: 'QQ' },
  { name: 'country', value: '(other)', want: '(other)' },
  { name: 'country', value: '$country', want: '$country' },
  { name: 'stream', value: 'DE', want: 'DE' },
])('the $name $value reads $want', ({ name, value, want }) => {
  expect(valueText(name, value)).toBe(want);
});

describe('parameters of the values', () => {
  test('are the label and the range in ms, and no empty filter', () => {
    expect(valuesParameters('stream', { country: [], tag: undefined }, range)).toEqual({
      label: 'stream',
      from: 1_763_800_000_000,
      to: 1_763_886_400_000,
    });
  });

  test('have the other filters, but not the own one', () => {
    const filters: Filters = { country: ['DE'], stream: ['a', 'b'], tag: ['t'], event: ['e'], referrer: ['r'] };
    expect(valuesParameters('country', filters, range)).toMatchObject({
      stream: ['a', 'b'],
      tag: ['t'],
      event: ['e'],
      referrer: ['r'],
    });
    expect(valuesParameters('country', filters, range)).not.toHaveProperty('country');
  });

  test('are of the last six hours if there is no range', () => {
    const { from, to } = valuesParameters('stream', {});
    expect(Number(to) - Number(from)).toBe(6 * 60 * 60 * 1000);
  });
});

describe('ad hoc filters', () => {
  const is = (key: string, value: string): AdHocVariableFilter => ({ key, operator: '=', value });
  const isOneOf = (key: string, ...values: string[]): AdHocVariableFilter => ({
    key,
    operator: '=|',
    value: values[0],
    values,
  });

  test.each<{ name: string; query: Filters; adHoc: AdHocVariableFilter[]; want: Filters }>([
    { name: 'none', query: { country: ['DE'] }, adHoc: [], want: { country: ['DE'] } },
    { name: 'one value', query: {}, adHoc: [is('stream', 'a')], want: { stream: ['a'] } },
    {
      name: 'one of several',
      query: { event: ['e'] },
      adHoc: [isOneOf('country', 'DE', 'FR')],
      want: { event: ['e'], country: ['DE', 'FR'] },
    },
    {
      name: 'one of, written as a single value',
      query: {},
      adHoc: [{ key: 'event', operator: '=|', value: 'e' }],
      want: { event: ['e'] },
    },
    {
      name: 'what the panel keeps too',
      query: { country: ['DE', 'FR'] },
      adHoc: [isOneOf('country', 'FR', 'AT')],
      want: { country: ['FR'] },
    },
    {
      name: 'two of one key',
      query: {},
      adHoc: [isOneOf('stream', 'a', 'b'), isOneOf('stream', 'b', 'c')],
      want: { stream: ['b'] },
    },
    { name: 'tags add up', query: { tag: ['a'] }, adHoc: [is('tag', 'b'), is('tag', 'a')], want: { tag: ['a', 'b'] } },
    {
      name: 'hostile text stays text',
      query: {},
      adHoc: [is('stream', '.*"} or {org="x')],
      want: { stream: ['.*"} or {org="x'] },
    },
  ])('$name', ({ query, adHoc, want }) => {
    expect(withAdHocFilters(query, adHoc)).toEqual(want);
  });

  test('leave the query itself as it is', () => {
    const query: Filters = { tag: ['a'], country: ['DE', 'FR'] };
    withAdHocFilters(query, [is('tag', 'b'), is('country', 'DE')]);
    expect(query).toEqual({ tag: ['a'], country: ['DE', 'FR'] });
  });

  test.each<{ name: string; query?: Filters; adHoc: AdHocVariableFilter[]; want: RegExp }>([
    ...['!=', '=~', '!~', '!=|', '<', '>'].map((operator) => ({
      name: `operator ${operator}`,
      adHoc: [{ key: 'country', operator, value: 'DE' }],
      want: /is not possible: use = or/,
    })),
    {
      name: 'an unknown key',
      adHoc: [is('org', 'acme')],
      want: /"org" is unknown: it can be country, stream, tag, event/,
    },
    { name: 'a name of every object', adHoc: [is('constructor', 'x')], want: /"constructor" is unknown/ },
    { name: 'one of several tags', adHoc: [isOneOf('tag', 'a', 'b')], want: /tags has one value/ },
    {
      name: 'nothing left',
      query: { country: ['DE'] },
      adHoc: [is('country', 'FR')],
      want: /No country is left: one filter keeps DE, the ad hoc filter FR/,
    },
  ])('refused: $name', ({ query = {}, adHoc, want }) => {
    expect(() => withAdHocFilters(query, adHoc)).toThrow(want);
  });
});
