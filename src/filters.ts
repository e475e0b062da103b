import { type AdHocVariableFilter, getDefaultTimeRange, type TimeRange } from '@grafana/data';

import { FILTER_NAMES, type FilterName, type Filters, type ValuesOf, type VariableQuery } from './query';

/** How the filters are named on the screen. */
export const FILTERS: Record<FilterName, { label: string; description: string }> = {
  country: { label: 'Countries', description: 'Any of them, as codes such as DE' },
  stream: { label: 'Streams', description: 'Any of them' },
  tag: { label: 'Tags', description: 'Streams that have all of them' },
  event: { label: 'Events', description: 'Any of them, by event id' },
  referrer: { label: 'Referrers', description: 'Any of them, by host' },
};

/** The filters that every widget has, so that one may be set for a whole dashboard. */
export const AD_HOC_KEYS = FILTER_NAMES.filter((name) => name !== 'referrer');

/** Names of countries in English, as the rest of the screen. */
const countryNames = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });

/** The units of usage as one reads them. */
const UNIT_TEXTS: Record<string, string> = { traffic: 'Traffic', playtime: 'Playtime' };

/** Returns a value as one reads it: countries with their names. */
export function valueText(name: VariableQuery['label'], value: string): string {
  if (name === 'unit') {
    return UNIT_TEXTS[value] ?? value;
  }
  const country = name === 'country' && /^[A-Z]{2}$/.test(value) ? countryNames.of(value) : undefined;
  return country ? `${country} (${value})` : value;
}

/** Returns the parameters of the backend's resource `values`; Grafana repeats the name for each value of a list. */
export function valuesParameters(
  label: ValuesOf,
  filters: Filters,
  range: TimeRange = getDefaultTimeRange()
): Record<string, string | number | string[]> {
  const parameters: Record<string, string | number | string[]> = {
    label,
    from: range.from.valueOf(),
    to: range.to.valueOf(),
  };
  for (const name of FILTER_NAMES) {
    const values = filters[name];
    // What is chosen already must not hide what else could be.
    if (values?.length && name !== label) {
      parameters[name] = values;
    }
  }
  return parameters;
}

/**
 * Adds a dashboard's ad hoc filters to those of a query; both must be met.
 *
 * Throws an error in words for a filter that cannot be kept exactly: nothing may widen or quietly empty an answer.
 */
export function withAdHocFilters<T extends Filters>(query: T, adHoc: AdHocVariableFilter[] = []): T {
  const result = { ...query };
  for (const filter of adHoc) {
    const name = AD_HOC_KEYS.find((key) => key === filter.key);
    if (!name) {
      throw new Error(`The ad hoc filter "${filter.key}" is unknown: it can be ${AD_HOC_KEYS.join(', ')}.`);
    }
    const values = adHocValues(filter);
    if (name === 'tag') {
      if (values.length > 1) {
        throw new Error(
          'An ad hoc filter on tags has one value; add one filter per tag, and streams need all of them.'
        );
      }
      result.tag = [...new Set([...(result.tag ?? []), ...values])];
      continue;
    }
    const before = result[name];
    const kept = before?.length ? values.filter((value) => before.includes(value)) : values;
    if (kept.length === 0) {
      throw new Error(
        `No ${name} is left: one filter keeps ${before?.join(', ')}, the ad hoc filter ${values.join(', ')}.`
      );
    }
    result[name] = kept;
  }
  return result;
}

function adHocValues({ key, operator, value, values }: AdHocVariableFilter): string[] {
  switch (operator) {
    case '=':
      return [value];
    case '=|':
      return values?.length ? values : [value];
    default:
      throw new Error(`The ad hoc filter "${key} ${operator} ${value}" is not possible: use = or "One of" (=|).`);
  }
}
