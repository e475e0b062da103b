import { createTheme, type DataFrame, FieldType, MappingType, ThresholdsMode, toDataFrame } from '@grafana/data';

import { makeReadable } from './readable';

const COLORS = ['green', 'yellow', 'orange', 'red'];

/** A frame with limits and with words, in the colours of the backend. */
const frame = toDataFrame({
  refId: 'A',
  fields: [
    { name: 'stream', type: FieldType.string, values: ['s'], config: {} },
    {
      name: 'ratio',
      type: FieldType.number,
      values: [0.1],
      config: {
        thresholds: { mode: ThresholdsMode.Absolute, steps: COLORS.map((color, value) => ({ color, value })) },
        mappings: [
          {
            type: MappingType.ValueToText,
            options: Object.fromEntries(COLORS.map((color, i) => [i, { text: 'w', color }])),
          },
        ],
      },
    },
  ],
});

/** Relative luminance of a colour, by WCAG 2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The colours in which a frame's numbers and words are written. */
function written(data: DataFrame): string[] {
  const { thresholds, mappings } = data.fields[1].config;
  const [mapping] = mappings ?? [];
  const words = mapping.type === MappingType.ValueToText ? Object.values(mapping.options) : [];
  return [...thresholds!.steps.map(({ color }) => color), ...words.map(({ color }) => color!)];
}

test.each(['table', 'stat'])('what a %s writes has enough contrast on white', (panel) => {
  const { visualization, colors } = createTheme({ colors: { mode: 'light' } });
  const { data } = makeReadable({ data: [frame] }, panel, true);
  const found = written(data[0] as DataFrame).map((color) => visualization.getColorByName(color));
  expect(new Set(found).size).toBe(COLORS.length);
  const white = luminance(colors.background.primary);
  for (const color of found) {
    expect((white + 0.05) / (luminance(color) + 0.05)).toBeGreaterThanOrEqual(4.5);
  }
});

test.each([
  { name: 'the dark theme', panel: 'table', isLight: false },
  { name: 'lines', panel: 'timeseries', isLight: true },
  { name: 'Explore', panel: undefined, isLight: true },
])('$name keeps the colours', ({ panel, isLight }) => {
  const response = { data: [frame] };
  expect(makeReadable(response, panel, isLight)).toBe(response);
});
