import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { useId } from 'react';

import type { RankedRow } from '../rows';
import type { Spot } from './WorldMap';

interface Props {
  title: string;
  rows: RankedRow[];
  nameOf: (code: string) => string;
  textOf: (value: number | null) => string;
  colorOf: (value: number) => string;
  active: string | undefined;
  width: number;
  height: number;
  onPoint: (code: string | undefined, spot: Spot) => void;
  onPick: (code: string, spot: Spot) => void;
  onLeave: () => void;
}

/** The highest values as a list of bars, each of which can be picked like its country. */
export function Ranking({ title, rows, nameOf, textOf, colorOf, active, width, height, ...on }: Props) {
  const styles = useStyles2(getStyles);
  const titleId = useId();
  const greatest = Math.max(...rows.map(({ value }) => Math.abs(value ?? 0)));
  return (
    <section className={styles.ranking} style={{ width, height }} aria-labelledby={titleId}>
      <div id={titleId} className={styles.title}>
        {title}
      </div>
      {/* A list without bullets is none for some screen readers, unless it says so. */}
      <ol className={styles.list} role="list" tabIndex={rows.length > 0 ? undefined : 0}>
        {rows.map(({ code, rank, value }) => (
          <li key={code}>
            <button
              type="button"
              className={cx(styles.row, code === active && styles.active)}
              onPointerEnter={(event) =>
                event.pointerType !== 'touch' && on.onPoint(code, besideOf(event.currentTarget))
              }
              onPointerLeave={on.onLeave}
              onClick={(event) => on.onPick(code, besideOf(event.currentTarget))}
            >
              <span className={styles.rank}>{rank}</span>
              <span className={styles.name}>{nameOf(code)}</span>
              <span className={styles.value}>{textOf(value)}</span>
              <span
                className={styles.bar}
                style={{
                  width: `${greatest > 0 ? (100 * Math.abs(value ?? 0)) / greatest : 0}%`,
                  background: value === null ? undefined : colorOf(value),
                }}
              />
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function besideOf(element: Element): Spot {
  const { left, top, height } = element.getBoundingClientRect();
  return { x: left, y: top + height / 2 };
}

const getStyles = (theme: GrafanaTheme2) => ({
  ranking: css({ display: 'flex', flexDirection: 'column', padding: theme.spacing(0, 1), overflow: 'hidden' }),
  title: css({ fontWeight: theme.typography.fontWeightMedium, padding: theme.spacing(0.25, 0.5) }),
  list: css({ listStyle: 'none', margin: 0, overflowY: 'auto', flex: 1, minHeight: 0 }),
  row: css({
    position: 'relative',
    display: 'flex',
    alignItems: 'baseline',
    gap: theme.spacing(1),
    width: '100%',
    padding: theme.spacing(0.25, 0.5, 0.5),
    border: 'none',
    borderRadius: theme.shape.radius.default,
    background: 'none',
    textAlign: 'left',
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: -2 },
  }),
  active: css({ background: theme.colors.action.hover }),
  rank: css({ width: '2ch', textAlign: 'right', color: theme.colors.text.secondary }),
  name: css({ flex: 1, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
  value: css({ fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' }),
  bar: css({ position: 'absolute', left: 0, bottom: 0, height: 3, borderRadius: 2 }),
});
