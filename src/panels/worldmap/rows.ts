import type { Field } from '@grafana/data';

import type { Kind } from './metrics';

/** A country or a region with its numbers. */
export interface Row {
  /** Alpha-2 code of the country, or the region's code. */
  code: string;
  /** Null if there is no finite number. */
  value: number | null;
  /** Undefined if the frame does not say. */
  plays: number | undefined;
  /** How much the value counts in an average with others; undefined if the frame does not say. */
  weight: number | undefined;
  /** Row of the frame, for its data links; undefined for what was combined from several. */
  index: number | undefined;
}

/** A row with its place among the others. */
export interface RankedRow extends Row {
  /** Counts from 1, the greatest value; undefined without a value. */
  rank: number | undefined;
  /** Part of the sum of all rows, 0 to 1; undefined for averages and where a negative value makes parts meaningless. */
  share: number | undefined;
}

/** All that a frame says about countries. */
export interface Series {
  refId: string;
  name: string;
  /** The field with the values: their unit, colours, mappings and links. */
  field: Field;
  /** The field with the countries, whose links know the code. */
  country: Field;
  /** Metric of the worldMap query, if it is one. */
  metric: string | undefined;
  kind: Kind;
  rows: Row[];
  /** What could not be placed and what it adds up to; null without. */
  nowhere: Row | null;
  /** Texts in the country column that name no country. */
  unknown: string[];
}

/** Adds up rows, or averages them by their weights, without any by their plays, and without these evenly. */
export function combine(code: string, rows: Row[], kind: Kind): Row {
  if (rows.length === 1) {
    return { ...rows[0], code };
  }
  const counted = rows.filter((row) => row.value !== null);
  const weights = kind === 'sum' ? counted.map(() => 1) : weightsOf(counted);
  const divisor = kind === 'sum' ? 1 : total(weights);
  const sum = total(counted.map((row, i) => row.value! * weights[i]));
  return {
    code,
    value: counted.length > 0 && divisor > 0 ? sum / divisor : null,
    plays: totalOf(rows, 'plays'),
    weight: totalOf(rows, 'weight'),
    index: undefined,
  };
}

function weightsOf(rows: Row[]): number[] {
  const by = (['weight', 'plays'] as const).find((name) => rows.some((row) => row[name] !== undefined));
  return rows.map((row) => (by ? (row[by] ?? 0) : 1));
}

function totalOf(rows: Row[], name: 'plays' | 'weight'): number | undefined {
  return rows.some((row) => row[name] !== undefined) ? total(rows.map((row) => row[name] ?? 0)) : undefined;
}

/** Combines the rows of each group; the order is that of each group's first row. */
export function group(rows: Row[], kind: Kind, codeOf: (row: Row) => string): Row[] {
  return [...groupBy(rows, codeOf)].map(([code, members]) => combine(code, members, kind));
}

/** Orders rows by value, the greatest first, ties by code, and gives them rank and share; `whole` is the sum of all. */
export function rank(rows: Row[], whole: number | undefined): RankedRow[] {
  const sharable = whole !== undefined && whole > 0 && rows.every(({ value }) => (value ?? 0) >= 0);
  return [...rows].sort(byValue).map((row, i) => ({
    ...row,
    rank: row.value === null ? undefined : i + 1,
    share: sharable && row.value !== null ? row.value / whole : undefined,
  }));
}

function byValue(a: Row, b: Row): number {
  if (a.value === b.value) {
    return a.code < b.code ? -1 : 1;
  }
  return a.value === null ? 1 : b.value === null ? -1 : b.value - a.value;
}

function total(numbers: number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0);
}

function groupBy(rows: Row[], codeOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const code = codeOf(row);
    const members = groups.get(code);
    if (members) {
      members.push(row);
    } else {
      groups.set(code, [row]);
    }
  }
  return groups;
}
