import {
  applyFieldOverrides,
  createTheme,
  type DataFrame,
  type DataQueryResponse,
  dateTime,
  type FieldConfigSource,
  FieldType,
  getFieldDisplayName,
  getFieldDisplayValues,
  LoadingState,
  toDataFrame,
} from '@grafana/data';

import { showNothing } from './nothing';

const WORDS = 'No player reports yet';
const theme = createTheme();

/** A frame as the backend sends it: with words, if its numbers say nothing. */
function frame(refId: string, viewers: number[], nothing?: string): DataFrame {
  return toDataFrame({
    refId,
    meta: { custom: { nothing } },
    fields: [
      { name: 'stream', type: FieldType.string, values: viewers.map(String) },
      { name: 'viewers', type: FieldType.number, values: viewers, config: { noValue: nothing } },
    ],
  });
}

/** What a panel whose columns have names and colours of their own makes of what it gets. */
function inPanel(response: DataQueryResponse): { data: DataFrame[]; fieldConfig: FieldConfigSource } {
  const fieldConfig: FieldConfigSource = {
    defaults: {},
    overrides: [
      {
        matcher: { id: 'byName', options: 'viewers' },
        properties: [
          { id: 'displayName', value: 'Viewers' },
          { id: 'color', value: { mode: 'fixed', fixedColor: 'green' } },
        ],
      },
    ],
  };
  const data = applyFieldOverrides({ data: response.data, fieldConfig, replaceVariables: (text) => text, theme });
  return { data, fieldConfig };
}

test.each(['lastNotNull', 'sum'])('a tile that shows %s shows the words, in the colour of text', (calc) => {
  const { data, fieldConfig } = inPanel(showNothing({ data: [frame('A', [], WORDS)] }, 'stat'));
  const shown = getFieldDisplayValues({
    data,
    fieldConfig,
    reduceOptions: { calcs: [calc], values: false },
    replaceVariables: (text) => text,
    theme,
  });
  expect(shown.map(({ display }) => [display.title, display.text, display.color])).toEqual([[' ', WORDS, '#ccccdc']]);
});

test('a table has one row with the words, and no column of another name', () => {
  const { data } = inPanel(showNothing({ data: [frame('A', [], WORDS)] }, 'table'));
  expect(data[0].fields.map((field) => [getFieldDisplayName(field), field.display!(field.values[0]).text])).toEqual([
    [' ', WORDS],
  ]);
});

test.each(['piechart', 'timeseries', 'barchart'])('the legend of a %s has the words', (panel) => {
  const range = { from: dateTime(60_000), to: dateTime(120_000), raw: { from: '', to: '' } };
  const { data } = inPanel(showNothing({ data: [frame('A', [], WORDS)] }, panel, range));
  const number = data[0].fields.find(({ type }) => type === FieldType.number)!;
  expect(getFieldDisplayName(number, data[0], data)).toBe(WORDS);
  expect(number.values.every((value) => value === null)).toBe(true);
  // The sum of nothing, in a legend with sums.
  expect(number.display!(0).text).toBe(panel === 'timeseries' ? '–' : '0');
  const time = data[0].fields.find(({ type }) => type === FieldType.time);
  expect(time?.values ?? []).toEqual(panel === 'timeseries' ? [60_000, 120_000] : []);
});

test('a curve has its axis, and the words in the legend', () => {
  const { data } = inPanel(showNothing({ data: [frame('A', [], WORDS)] }, 'trend'));
  const [axis, number] = data[0].fields;
  expect([axis.name, axis.values]).toEqual(['viewers', [0, 600]]);
  expect(getFieldDisplayName(number, data[0], data)).toBe(WORDS);
});

test('a curve has its axis also where an error does not bring it', () => {
  // As the backend explains each error.
  const fields = [{ name: 'value', type: FieldType.number, values: [], config: { noValue: WORDS } }];
  const error = toDataFrame({ refId: 'A', meta: { custom: { nothing: WORDS } }, fields });
  const [axis, number] = showNothing({ data: [error] }, 'trend', undefined, 'retention').data[0].fields;
  expect([axis.name, axis.values, axis.config.unit]).toEqual(['seconds', [0, 600], 'dthms']);
  expect(number.config.displayName).toBe(WORDS);
});

test('a tile with a trend has no change', () => {
  const { data, fieldConfig } = inPanel(showNothing({ data: [frame('A', [], WORDS)] }, 'stat'));
  const reduceOptions = { calcs: ['lastNotNull'], values: false };
  const [{ display }] = getFieldDisplayValues({
    data,
    fieldConfig,
    reduceOptions,
    replaceVariables: (text) => text,
    theme,
    percentChange: true,
  });
  expect(display.text).toBe(WORDS);
  expect(display.percentChange).toBeNaN();
});

test('a timeline of states has one state all the time, the words', () => {
  const range = { from: dateTime(60_000), to: dateTime(120_000), raw: { from: '', to: '' } };
  const { data } = inPanel(showNothing({ data: [frame('A', [], WORDS)] }, 'state-timeline', range));
  const [time, state] = data[0].fields;
  expect(time.values).toEqual([60_000, 120_000]);
  expect(state.values.map((value) => state.display!(value).text)).toEqual([WORDS, WORDS]);
});

test.each([
  { name: 'something', data: [frame('A', [3])], panel: 'stat' },
  { name: 'zeros, which are numbers', data: [frame('A', [0])], panel: 'stat' },
  { name: 'no frame', data: [], panel: 'stat' },
  { name: 'nothing in a panel of another kind', data: [frame('A', [], WORDS)], panel: 'heatmap' },
  { name: 'nothing in Explore', data: [frame('A', [], WORDS)], panel: undefined },
])('$name stays as it is', ({ data, panel }) => {
  const response = { data };
  expect(showNothing(response, panel)).toBe(response);
});

test('what says nothing is left out beside what says something', () => {
  const data = [frame('A', [], WORDS), frame('B', [3])];
  expect(showNothing({ data }, 'timeseries').data).toEqual([data[1]]);
});

test('an error stays, beside its words', () => {
  const response = { data: [frame('A', [], WORDS)], errors: [{ message: 'refused' }], state: LoadingState.Error };
  const shown = showNothing(response, 'stat');
  expect(shown).toMatchObject({ errors: response.errors, state: LoadingState.Error });
  expect(inPanel(shown).data[0].fields[0].display!(0).text).toBe(WORDS);
});
