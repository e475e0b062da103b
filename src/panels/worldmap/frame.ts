import { type DataFrame, type Field, FieldType, getFieldDisplayName } from '@grafana/data';

import { findCode, NOWHERE } from './geography/countries';
import { DEFAULT_METRIC, type Kind, kindOf } from './metrics';
import type { Options } from './options';
import { combine, group, type Row, type Series } from './rows';

/** The query type of the data source that answers with country, value, plays, rank and weight. */
const WORLD_MAP = 'worldMap';

/** Columns with numbers that say something about the value instead of being one. */
const ABOUT_THE_VALUE = ['plays', 'rank', 'share', 'weight'];

/** A query as far as the panel knows it; other data sources' queries have none of this. */
export interface Target {
  refId: string;
  queryType?: string;
  metric?: string;
}

/** Reads every frame that has a column of countries and one of numbers; `resolve` fills in dashboard variables. */
export function readSeries(
  frames: DataFrame[],
  targets: Target[],
  options: Pick<Options, 'valueField' | 'aggregation'>,
  resolve: (text: string) => string
): Series[] {
  return frames.flatMap((frame) => {
    const country = countryField(frame);
    const value = valueField(frame, options.valueField);
    if (!country || !value) {
      return [];
    }
    const metric = metricOf(
      targets.find(({ refId }) => refId === frame.refId),
      resolve
    );
    const kind = options.aggregation === 'automatic' ? (kindOf(metric) ?? 'sum') : options.aggregation;
    return [
      {
        refId: frame.refId ?? '',
        name: frame.name || frame.refId || getFieldDisplayName(value, frame, frames),
        field: value,
        country,
        metric,
        kind,
        ...readRows(frame, country, value, kind),
      },
    ];
  });
}

/** Tells whether a query asks for one of the metrics of the world map. */
export function isWorldMap({ queryType }: Target): boolean {
  return queryType === WORLD_MAP;
}

function readRows(
  frame: DataFrame,
  country: Field,
  value: Field,
  kind: Kind
): Pick<Series, 'rows' | 'nowhere' | 'unknown'> {
  const [plays, weight] = [named(frame, 'plays'), named(frame, 'weight')];
  const rows: Row[] = [];
  const nowhere: Row[] = [];
  const unknown = new Set<string>();
  for (let index = 0; index < country.values.length; index++) {
    const text = String(country.values[index] ?? '').trim();
    const code = findCode(text);
    const row = {
      code: code ?? NOWHERE,
      value: finite(value.values[index]) ?? null,
      plays: finite(plays?.values[index]),
      weight: finite(weight?.values[index]),
      index,
    };
    if (code && code !== NOWHERE) {
      rows.push(row);
      continue;
    }
    nowhere.push(row);
    if (!code) {
      unknown.add(text || '(empty)');
    }
  }
  return {
    rows: group(rows, kind, ({ code }) => code),
    nowhere: nowhere.length > 0 ? combine(NOWHERE, nowhere, kind) : null,
    unknown: [...unknown],
  };
}

function metricOf(target: Target | undefined, resolve: (text: string) => string): string | undefined {
  return target && isWorldMap(target) ? resolve(target.metric ?? '') || DEFAULT_METRIC : undefined;
}

/** The field that is called so, or the first text field in which most texts are countries. */
function countryField(frame: DataFrame): Field | undefined {
  const texts = frame.fields.filter(({ type }) => type === FieldType.string);
  return texts.find((field) => isNamed(field, 'country')) ?? texts.find(isMostlyCountries);
}

function isMostlyCountries({ values }: Field): boolean {
  const known = values.filter((text) => findCode(String(text ?? ''))).length;
  return known > 0 && known >= values.length / 2;
}

function valueField(frame: DataFrame, name: string): Field | undefined {
  const numbers = frame.fields.filter(({ type }) => type === FieldType.number);
  if (name) {
    return numbers.find((field) => field.name === name || getFieldDisplayName(field, frame) === name);
  }
  return (
    numbers.find((field) => isNamed(field, 'value')) ??
    numbers.find((field) => !ABOUT_THE_VALUE.some((other) => isNamed(field, other))) ??
    numbers[0]
  );
}

function named(frame: DataFrame, name: string): Field | undefined {
  return frame.fields.find((field) => field.type === FieldType.number && isNamed(field, name));
}

function isNamed(field: Field, name: string): boolean {
  return field.name.toLowerCase() === name;
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
