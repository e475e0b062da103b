import { type DataFrame, FieldType, toDataFrame } from '@grafana/data';

import { readSeries, type Target } from './frame';

const OPTIONS = { valueField: '', aggregation: 'automatic' as const };

function read(frames: DataFrame[], targets: Target[] = [], options: Parameters<typeof readSeries>[2] = OPTIONS) {
  return readSeries(frames, targets, options, (text) => text.replace('$metric', 'latency'));
}

function frame(
  countries: unknown[],
  values: unknown[],
  more: Array<{ name: string; values: unknown[] }> = []
): DataFrame {
  return toDataFrame({
    refId: 'A',
    fields: [
      { name: 'country', type: FieldType.string, values: countries },
      { name: 'value', type: FieldType.number, values },
      ...more.map((field) => ({ ...field, type: FieldType.number })),
    ],
  });
}

describe('readSeries', () => {
  it.each([
    ['alpha-2', 'de', 'DE'],
    ['alpha-3', 'MLT', 'MT'],
    ['an English name', 'Germany', 'DE'],
    ['a long name', 'United States of America', 'US'],
    ['a name with an accent', "Côte d'Ivoire", 'CI'],
    ['a name without its accent', 'Cote dIvoire', 'CI'],
    ['a short form', 'UK', 'GB'],
    ['a saint', 'Saint Lucia', 'LC'],
    ['Kosovo', 'XK', 'XK'],
    ['space around', ' FR ', 'FR'],
  ])('understands %s', (_what, text, code) => {
    expect(read([frame([text], [1])])[0].rows).toEqual([{ code, value: 1, plays: undefined, index: 0 }]);
  });

  it('names texts that are no country, and keeps their sum apart with that of ZZ', () => {
    const [series] = read([frame(['DE', 'QQ', 'Atlantis', 'ZZ', '', 'QQ'], [1, 2, 4, 8, 16, 32])]);
    expect(series.rows).toHaveLength(1);
    expect(series.unknown).toEqual(['QQ', 'Atlantis', '(empty)']);
    expect(series.nowhere?.value).toBe(62);
  });

  it('takes what is no finite number as missing', () => {
    const [series] = read([frame(['DE', 'FR', 'GB', 'IT'], [NaN, null, Infinity, -3])]);
    expect(series.rows.map(({ value }) => value)).toEqual([null, null, null, -3]);
  });

  it('adds up the rows of one country and forgets which row it was', () => {
    const [series] = read([frame(['DE', 'DEU', 'FR'], [1, 2, 4], [{ name: 'plays', values: [10, 20, 40] }])]);
    expect(series.rows).toEqual([
      { code: 'DE', value: 3, plays: 30, index: undefined },
      { code: 'FR', value: 4, plays: 40, index: 2 },
    ]);
  });

  it('knows the metric of its query through the variables of the dashboard', () => {
    const [series] = read([frame(['DE'], [1])], [{ refId: 'A', queryType: 'worldMap', metric: '$metric' }]);
    expect(series).toMatchObject({ metric: 'latency', kind: 'average' });
  });

  it.each([
    ['a query without a metric counts plays', { refId: 'A', queryType: 'worldMap' }, 'playouts'],
    ['another query has no metric', { refId: 'A', metric: 'latency' }, undefined],
    ['another frame has no metric', { refId: 'B', queryType: 'worldMap' }, undefined],
  ])('%s', (_what, target, metric) => {
    expect(read([frame(['DE'], [1])], [target])[0].metric).toBe(metric);
  });

  it('finds the countries by their values if no field is called so', () => {
    const made = toDataFrame({
      fields: [
        { name: 'stream', type: FieldType.string, values: ['one', 'two'] },
        { name: 'where', type: FieldType.string, values: ['DE', 'Nowhere'] },
        { name: 'plays', type: FieldType.number, values: [1, 2] },
        { name: 'bytes', type: FieldType.number, values: [3, 4] },
      ],
    });
    expect(read([made])[0]).toMatchObject({ field: { name: 'bytes' }, unknown: ['Nowhere'] });
    expect(read([made], [], { ...OPTIONS, valueField: 'plays' })[0].field.name).toBe('plays');
  });

  it.each([
    ['no countries', [{ name: 'stream', type: FieldType.string, values: ['one'] }]],
    ['no numbers', [{ name: 'country', type: FieldType.string, values: ['DE'] }]],
  ])('leaves out a frame with %s', (_what, fields) => {
    expect(read([toDataFrame({ fields })])).toEqual([]);
  });

  it('reads a frame of each query', () => {
    const frames = [frame(['DE'], [1]), { ...frame(['FR'], [2]), refId: 'B', name: 'Second' }];
    expect(read(frames).map(({ name, refId }) => [name, refId])).toEqual([
      ['A', 'A'],
      ['Second', 'B'],
    ]);
  });
});
