import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

import type { Series } from '../rows';

interface Props {
  series: Series;
  textOf: (value: number | null) => string;
  /** For panels with little room: all in one line, shortened. */
  inOneLine: boolean;
}

/** How many unknown texts are named. */
const NAMED = 5;

/** Says in a corner of the map what is not on it. */
export function Note({ series, textOf, inOneLine }: Props) {
  const { note } = useStyles2(getStyles);
  const found = linesFor(series, textOf);
  const lines = inOneLine && found.length > 0 ? [found.join('; ')] : found;
  return lines.length === 0 ? null : (
    <div className={note}>
      {lines.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </div>
  );
}

function linesFor({ nowhere, unknown, rows }: Series, textOf: (value: number | null) => string): string[] {
  const lines: string[] = [];
  if (nowhere) {
    lines.push(`Without a place: ${textOf(nowhere.value)}`);
  }
  if (unknown.length > 0) {
    const named = unknown.slice(0, NAMED).join(', ');
    const rest = unknown.length > NAMED ? ` and ${unknown.length - NAMED} more` : '';
    lines.push(`${unknown.length} unknown ${unknown.length === 1 ? 'country' : 'countries'}: ${named}${rest}`);
  }
  const empty = rows.filter(({ value }) => value === null).length;
  if (empty > 0) {
    lines.push(`${empty} ${empty === 1 ? 'country' : 'countries'} without a number`);
  }
  return lines;
}

const getStyles = (theme: GrafanaTheme2) => ({
  note: css({
    position: 'absolute',
    left: theme.spacing(0.5),
    bottom: theme.spacing(0.5),
    maxWidth: `calc(100% - ${theme.spacing(1)})`,
    padding: theme.spacing(0.25, 0.5),
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    div: { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
    pointerEvents: 'none',
  }),
});
