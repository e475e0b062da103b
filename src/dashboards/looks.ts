import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';

import type { Column } from '../widgets';

interface Look {
  /** What the column is called in legends, tiles and headers. */
  name: string;
  /** A colour of Grafana's palette, which follows the theme; none for names. */
  color?: string;
}

/** How a column looks wherever it is shown, by the column's name. */
export const LOOKS: Record<string, Look> = {
  playout: { name: 'Playout', color: 'blue' },
  ingest: { name: 'Ingest', color: 'orange' },
  total: { name: 'Total', color: 'text' },
  viewers: { name: 'Peak viewers', color: 'green' },
  plays: { name: 'Unique playouts', color: 'purple' },
  stops: { name: 'Stops', color: 'yellow' },
  median: { name: 'Median', color: 'green' },
  average: { name: 'Average', color: 'purple' },
  stream: { name: 'Stream' },
  reason: { name: 'Reason' },
};

/** Returns the options that give a column its name and colour; a column without a name of its own has the panel's title. */
export function lookOf(column: Column, title: string): DynamicConfigValue[] {
  const look: Look = LOOKS[column.name] ?? { name: title, color: 'yellow' };
  const options: DynamicConfigValue[] = [{ id: 'displayName', value: look.name }];
  if (look.color) {
    options.push({ id: 'color', value: { mode: 'fixed', fixedColor: look.color } });
  }
  return options;
}

/** Heights in rows of Grafana's grid; a row is 38 px. On a phone panels keep their height and take the full width. */
export const HEIGHT = { tiles: 4, panel: 9 };
