import {
  type DisplayValue,
  type Field,
  FieldColorModeId,
  getActiveThreshold,
  getDisplayProcessor,
  getFieldColorModeForField,
  type GrafanaTheme2,
  type Threshold,
  ThresholdsMode,
} from '@grafana/data';

import { LATENCY, LATENCY_STEPS } from './metrics';
import type { Spread } from './options';
import type { Series } from './rows';

/** The colour scheme of a panel on which nobody chose one: one hue, so that no colour-blindness matters. */
export const DEFAULT_COLOR_MODE = FieldColorModeId.ContinuousBlues;

/** One colour of the legend and the values that have it, written out. */
export interface Step {
  color: string;
  text: string;
}

/** How values become colours and texts. */
export interface Scale {
  colorOf: (value: number) => string;
  textOf: (value: number | null) => string;
  /** Colours of equal width from the least to the greatest value; empty if the colours are steps. */
  ramp: string[];
  /** Values under the ramp, at equal distances. */
  ticks: string[];
  steps: Step[];
}

/** The part of a scheme that is left out at its lower end, where some schemes begin with the panel's background. */
const PALEST = 0.3;

/** Colours in the legend's ramp, enough to look smooth. */
const RAMP_COLORS = 24;

/** Stands for "no mapping has set a colour": no mapping can have it. */
const UNMAPPED = 'rgba(1, 2, 3, 0)';

/** Makes the scale of a series, from the field's options and the least and the greatest value that is shown. */
export function makeScale(series: Series, values: number[], spread: Spread, theme: GrafanaTheme2): Scale {
  const field = withDefaults(series);
  const display = getDisplayProcessor({ field, theme });
  const mapped = getDisplayProcessor({
    field: { ...field, config: { ...field.config, color: { mode: FieldColorModeId.Fixed, fixedColor: UNMAPPED } } },
    theme,
  });
  const textOf = (value: number | null): string => text(display(value)) || 'No value';

  const min = field.config.min ?? minimum(values);
  const max = field.config.max ?? maximum(values);
  const position = spreadOver(min, max, values, isLogarithmic(spread, series));
  const mode = getFieldColorModeForField(field);
  const colorAt = mode.getCalculator(field, theme);
  const thresholds = mode.id === FieldColorModeId.Thresholds ? thresholdsOf(field, min, max) : [];

  const scaleColor = (value: number): string =>
    thresholds.length > 0
      ? theme.visualization.getColorByName(getActiveThreshold(value, thresholds).color)
      : colorAt(value, PALEST + (1 - PALEST) * position.of(value));

  return {
    colorOf: (value) => {
      const { color } = mapped(value);
      return color && color !== UNMAPPED ? color : scaleColor(value);
    },
    textOf,
    ramp: mode.isContinuous && values.length > 0 ? rampColors(colorAt, position, min, max) : [],
    ticks: ticks(position, min, max, isCount(field)).map(textOf),
    steps: stepTexts(thresholds, textOf, theme),
  };
}

/** Writes a value as Grafana does. */
function text({ prefix = '', text, suffix = '' }: DisplayValue): string {
  return prefix + text + suffix;
}

/** Latency has its own thresholds until somebody chooses others or another scheme. */
function withDefaults({ field, metric }: Series): Field {
  const { color, thresholds } = field.config;
  if (metric !== LATENCY || (color && color.mode !== DEFAULT_COLOR_MODE)) {
    return field;
  }
  const chosen = thresholds && thresholds.steps.length > 1;
  return {
    ...field,
    config: {
      ...field.config,
      color: { mode: FieldColorModeId.Thresholds },
      thresholds: chosen ? thresholds : { mode: ThresholdsMode.Absolute, steps: LATENCY_STEPS },
    },
  };
}

function isLogarithmic(spread: Spread, { kind }: Series): boolean {
  return spread === 'automatic' ? kind === 'sum' : spread === 'logarithmic';
}

/** A way from values to 0 … 1 and back. */
interface Position {
  of: (value: number) => number;
  at: (position: number) => number;
}

function spreadOver(min: number, max: number, values: number[], logarithmic: boolean): Position {
  const clamp = (position: number): number => Math.min(Math.max(position, 0), 1);
  if (min >= max) {
    return { of: () => 1, at: () => max };
  }
  if (!logarithmic || min < 0) {
    return { of: (value) => clamp((value - min) / (max - min)), at: (position) => min + position * (max - min) };
  }
  // Zero has no logarithm: it has the colour of the least value above it.
  const least = min > 0 ? min : minimum(values.filter((value) => value > 0 && value < max));
  const base = Number.isFinite(least) ? least : max / 10;
  const width = Math.log(max / base);
  return {
    of: (value) => (value <= 0 ? 0 : clamp(Math.log(value / base) / width)),
    at: (position) => (position === 0 ? min : base * Math.exp(position * width)),
  };
}

/** Returns the steps as values, also where they were set as percentages of the range. */
function thresholdsOf(field: Field, min: number, max: number): Threshold[] {
  const { mode, steps } = field.config.thresholds ?? { mode: ThresholdsMode.Absolute, steps: [] };
  return mode === ThresholdsMode.Absolute
    ? steps
    : steps.map((step, i) => (i === 0 ? step : { ...step, value: min + (step.value / 100) * (max - min) }));
}

function rampColors(
  colorAt: (value: number, percent: number) => string,
  { at }: Position,
  min: number,
  max: number
): string[] {
  const positions = min === max ? [1] : Array.from({ length: RAMP_COLORS }, (_, i) => i / (RAMP_COLORS - 1));
  return positions.map((position) => colorAt(at(position), PALEST + (1 - PALEST) * position));
}

/** Whether values are whole: there is no half a play. */
function isCount({ config }: Field): boolean {
  return config.unit === 'short' && config.decimals === undefined;
}

function ticks({ at }: Position, min: number, max: number, whole: boolean): number[] {
  if (!Number.isFinite(min) || !Number.isFinite(max)) {
    return [];
  }
  return min === max ? [max] : [min, whole ? Math.round(at(0.5)) : at(0.5), max];
}

function stepTexts(thresholds: Threshold[], textOf: (value: number) => string, theme: GrafanaTheme2): Step[] {
  return thresholds.map(({ value, color }, i) => {
    const next = thresholds[i + 1]?.value;
    return {
      color: theme.visualization.getColorByName(color),
      text: rangeText(i === 0 ? undefined : textOf(value), next === undefined ? undefined : textOf(next)),
    };
  });
}

/** Writes a range whose first value belongs to it and whose last does not; either end may be missing. */
function rangeText(from: string | undefined, to: string | undefined): string {
  if (from === undefined) {
    return to === undefined ? 'All values' : `< ${to}`;
  }
  return to === undefined ? `≥ ${from}` : `${from} – ${to}`;
}

function minimum(values: number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

function maximum(values: number[]): number {
  return values.reduce((greatest, value) => Math.max(greatest, value), -Infinity);
}
