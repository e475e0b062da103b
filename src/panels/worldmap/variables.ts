import { getTemplateSrv, locationService } from '@grafana/runtime';

import { type Metric, METRICS } from './metrics';

/** Grafana's value of a variable of which everything is chosen. */
const ALL = '$__all';

/** Tells whether the dashboard has a variable of this name. */
export function hasVariable(name: string): boolean {
  return getTemplateSrv().containsTemplate(`$${name}`);
}

/** Sets a variable of the dashboard through its address, as if somebody had chosen the values at the top of the page. */
export function setVariable(name: string, value: string | string[]): void {
  locationService.partial({ [`var-${name}`]: value });
}

/** Tells whether somebody has chosen some of a variable's values. */
export function isVariableSet(name: string): boolean {
  const chosen = [locationService.getSearchObject()[`var-${name}`]].flat();
  return chosen.some((value) => value && value !== ALL);
}

/** Chooses all values of a variable of the dashboard. */
export function clearVariable(name: string): void {
  setVariable(name, ALL);
}

/** Returns the metrics among which a variable of the dashboard chooses; none if there is no such variable. */
export function metricsOf(variableName: string): Metric[] {
  const variable = getTemplateSrv()
    .getVariables()
    .find(({ name }) => name === variableName);
  if (!variable) {
    return [];
  }
  const offered = 'query' in variable && typeof variable.query === 'string' ? valuesIn(variable.query) : [];
  const known = METRICS.filter(({ value }) => offered.includes(value));
  return known.length > 0 ? known : METRICS;
}

/** Returns the values of a custom variable, which Grafana keeps as `text : value, text : value`. */
function valuesIn(query: string): string[] {
  return query.split(',').map((choice) => choice.split(' : ').at(-1)!.trim());
}
