import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

import type { Scale } from '../scale';

interface Props {
  scale: Scale;
  /** The sum or the average of everything, written out with what it is. */
  total: string;
  height: number;
}

/** Says which colour means what, and the total. */
export function Legend({ scale, total, height }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.legend} style={{ height }}>
      {scale.ramp.length > 0 && (
        <div className={styles.scale}>
          <div
            className={styles.ramp}
            style={{
              background:
                scale.ramp.length === 1 ? scale.ramp[0] : `linear-gradient(to right, ${scale.ramp.join(', ')})`,
            }}
          />
          <div className={styles.ticks}>
            {scale.ticks.map((text, i) => (
              <span key={i}>{text}</span>
            ))}
          </div>
        </div>
      )}
      {scale.steps.map(({ color, text }) => (
        <span key={text} className={styles.step}>
          <span className={styles.swatch} style={{ background: color }} />
          {text}
        </span>
      ))}
      <span className={styles.total}>{total}</span>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  legend: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(0, 2),
    padding: theme.spacing(0, 1),
    overflow: 'hidden',
    whiteSpace: 'nowrap',
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.primary,
  }),
  scale: css({ flex: '1 1 0', minWidth: 110, maxWidth: 260 }),
  ramp: css({ height: 8, borderRadius: 2, border: `1px solid ${theme.colors.border.weak}` }),
  ticks: css({ display: 'flex', justifyContent: 'space-between', color: theme.colors.text.secondary }),
  step: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(0.5) }),
  swatch: css({ width: 12, height: 12, borderRadius: 2, border: `1px solid ${theme.colors.border.medium}` }),
  total: css({ marginLeft: 'auto', fontWeight: theme.typography.fontWeightMedium }),
});
