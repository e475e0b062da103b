import type { ScopedVars, TypedVariableModel } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';

import { FILTER_NAMES, type Filters, type StreamlensQuery } from './query';

/** Grafana's value of a variable of which everything is chosen. */
const ALL = '$__all';

/** The dashboard's variables as one writes them in a field, such as `$stream`. */
export function variableReferences(): string[] {
  return getTemplateSrv()
    .getVariables()
    .map(({ name }) => `$${name}`);
}

/**
 * Replaces the variables in a list of filter values; a variable with several values gives several.
 *
 * Returns undefined, which is no filter, if nothing is left or a variable stands for everything.
 */
function expandList(values: string[] | undefined, scopedVars: ScopedVars): string[] | undefined {
  const expanded = values?.flatMap((value) => expandValue(value, scopedVars)).filter((value) => value !== '');
  if (!expanded?.length || expanded.some((value) => value.includes(ALL))) {
    return undefined;
  }
  return [...new Set(expanded)];
}

/** Replaces the variables in all filters, as expandList does in one. */
export function expandFilters(filters: Filters, scopedVars: ScopedVars): Filters {
  return Object.fromEntries(FILTER_NAMES.map((name) => [name, expandList(filters[name], scopedVars)]));
}

/** Replaces the variables in a dimension and its values. */
export function expandDimension(
  { dimension, values }: Pick<StreamlensQuery, 'dimension' | 'values'>,
  scopedVars: ScopedVars
): Pick<StreamlensQuery, 'dimension' | 'values'> {
  return { dimension: expandText(dimension, scopedVars), values: expandList(values, scopedVars) };
}

/** Replaces the variables in conditions, each for itself: one whose variable stands for everything is none. */
export function expandConditions(where: string[] | undefined, scopedVars: ScopedVars): string[] | undefined {
  const conditions = where?.flatMap((condition) => expandList([condition], scopedVars) ?? []);
  return conditions?.length ? conditions : undefined;
}

/** Replaces the variables in a single value; undefined, which is the default, if nothing is left. */
export function expandText(text: string | undefined, scopedVars: ScopedVars): string | undefined {
  const expanded = getTemplateSrv().replace(text, scopedVars, 'csv');
  return expanded && !expanded.includes(ALL) ? expanded : undefined;
}

/** Returns the text once for every combination of the values of its variables. */
function expandValue(text: string, scopedVars: ScopedVars): string[] {
  const found: string[][] = [];
  const template = getTemplateSrv().replace(
    text,
    scopedVars,
    (value: unknown, variable: { name?: string } | undefined) => {
      found.push(valuesOf(value, variable?.name));
      return placeholder(found.length - 1);
    }
  );
  return found.reduce(
    (texts, values, i) => texts.flatMap((t) => values.map((value) => t.replace(placeholder(i), () => value))),
    [template]
  );
}

function valuesOf(value: unknown, variableName: string | undefined): string[] {
  if (!Array.isArray(value)) {
    return [String(value)];
  }
  // For "All" Grafana hands over every value it knows of, which is less than everything there is.
  return isAllChosen(variableName) ? [ALL] : value.map(String);
}

function isAllChosen(variableName: string | undefined): boolean {
  const variable = getTemplateSrv()
    .getVariables()
    .find(({ name }) => name === variableName);
  return variable !== undefined && [currentValue(variable)].flat().includes(ALL);
}

function currentValue(variable: TypedVariableModel): unknown {
  return 'current' in variable && 'value' in variable.current ? variable.current.value : undefined;
}

/** A mark that no value of a variable contains. */
function placeholder(i: number): string {
  return `\u0000${i}\u0000`;
}
