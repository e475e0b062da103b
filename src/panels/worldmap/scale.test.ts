import { createTheme, type FieldConfig, FieldType, MappingType, ThresholdsMode } from '@grafana/data';

import type { Spread } from './options';
import type { Series } from './rows';
import { makeScale } from './scale';

const THEME = createTheme();
const BLUES: FieldConfig = { color: { mode: 'continuous-blues' } };

function scale(
  values: number[],
  config: FieldConfig = BLUES,
  { kind = 'sum', metric = undefined, spread = 'automatic' }: Partial<Series & { spread: Spread }> = {}
) {
  const field = { name: 'value', type: FieldType.number, config, values };
  const series: Series = {
    refId: 'A',
    name: 'A',
    field,
    country: field,
    metric,
    kind,
    rows: [],
    nowhere: null,
    unknown: [],
  };
  return makeScale(series, values, spread, THEME);
}

function named(color: string): string {
  return THEME.visualization.getColorByName(color);
}

describe('makeScale', () => {
  it('spreads sums over powers of ten, so that small values differ', () => {
    const { ticks, colorOf } = scale([1, 100, 10_000]);
    expect(ticks).toEqual(['1', '100', '10000']);
    expect(new Set([1, 100, 10_000].map(colorOf)).size).toBe(3);
  });

  it('spreads averages evenly', () => {
    expect(scale([2, 195], { ...BLUES, unit: 'short' }).ticks).toEqual(['2', '20', '195']);
    expect(scale([0, 10], BLUES, { kind: 'average' }).ticks).toEqual(['0', '5', '10']);
  });

  it('gives the value in the middle of the legend the colour in the middle of the ramp', () => {
    const { ramp, colorOf } = scale([0, 46], BLUES, { spread: 'linear' });
    expect(colorOf(24)).toBe(ramp[12]);
    expect(colorOf(0)).toBe(ramp[0]);
    expect(colorOf(46)).toBe(ramp.at(-1));
  });

  it('is linear below zero', () => {
    expect(scale([-10, 10]).ticks).toEqual(['-10', '0', '10']);
  });

  it('gives zero the palest colour of a logarithmic scale', () => {
    const { ramp, colorOf } = scale([0, 10, 1000]);
    expect(colorOf(0)).toBe(ramp[0]);
    expect(colorOf(1000)).toBe(ramp.at(-1));
  });

  it.each([
    ['one value', [7]],
    ['equal values', [7, 7, 7]],
  ])('gives %s the strongest colour and one tick', (_what, values) => {
    const { ramp, ticks, colorOf } = scale(values);
    expect(ramp).toEqual([colorOf(7)]);
    expect(ticks).toEqual(['7']);
    expect(ramp[0]).toBe(scale([1, 7]).ramp.at(-1));
  });

  it('has neither ramp nor ticks without values', () => {
    expect(scale([])).toMatchObject({ ramp: [], ticks: [] });
  });

  it('keeps to the least and the greatest value that somebody has set', () => {
    expect(scale([3, 4], { ...BLUES, min: 0, max: 100 }, { spread: 'linear' }).ticks).toEqual(['0', '50', '100']);
  });

  it('colours latency by 2 s and 4 s', () => {
    const { steps, colorOf } = scale([1, 5], { ...BLUES, unit: 's' }, { metric: 'latency', kind: 'average' });
    expect(steps.map(({ text }) => text)).toEqual(['< 2 s', '2 s – 4 s', '≥ 4 s']);
    expect([1.99, 2, 4].map(colorOf)).toEqual([named('semi-dark-blue'), named('yellow'), named('dark-red')]);
  });

  it.each([
    ['another scheme', { color: { mode: 'continuous-reds' } }, []],
    [
      'other thresholds',
      {
        ...BLUES,
        thresholds: {
          mode: ThresholdsMode.Absolute,
          steps: [
            { value: -Infinity, color: 'green' },
            { value: 3, color: 'red' },
          ],
        },
      },
      ['< 3', '≥ 3'],
    ],
  ])('colours latency by %s if somebody chose that', (_what, config, texts) => {
    expect(scale([1, 5], config, { metric: 'latency', kind: 'average' }).steps.map(({ text }) => text)).toEqual(texts);
  });

  it('reads thresholds in percent of the range', () => {
    const steps = [
      { value: -Infinity, color: 'green' },
      { value: 50, color: 'red' },
    ];
    const { colorOf, steps: shown } = scale([100, 300], {
      color: { mode: 'thresholds' },
      thresholds: { mode: ThresholdsMode.Percentage, steps },
    });
    expect(shown.map(({ text }) => text)).toEqual(['< 200', '≥ 200']);
    expect([199, 200].map(colorOf)).toEqual([named('green'), named('red')]);
  });

  it('prefers the colour and the text of a value mapping', () => {
    const { colorOf, textOf } = scale([1, 5], {
      ...BLUES,
      mappings: [{ type: MappingType.ValueToText, options: { '5': { text: 'Much', color: 'purple' } } }],
    });
    expect(textOf(5)).toBe('Much');
    expect(colorOf(5)).toBe(named('purple'));
    expect(colorOf(1)).toBe(scale([1, 5]).ramp[0]);
  });

  it('writes a missing value as somebody has set', () => {
    expect(scale([1]).textOf(null)).toBe('No value');
    expect(scale([1], { ...BLUES, noValue: 'nothing' }).textOf(null)).toBe('nothing');
  });
});
