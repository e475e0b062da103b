import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Combobox, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useId } from 'react';

import type { Metric } from '../metrics';
import type { View } from '../options';
import type { Series } from '../rows';

interface Props {
  /** None if no variable of the dashboard chooses the metric. */
  metrics: Metric[];
  metric: string | undefined;
  onMetric: (metric: string) => void;
  series: Series[];
  chosen: number;
  onSeries: (index: number) => void;
  view: View;
  onView: (view: View) => void;
  height: number;
}

const VIEWS = [
  { value: 'countries' as const, label: 'Countries' },
  { value: 'regions' as const, label: 'Regions' },
];

/** The switches: metric, query, and countries or regions. */
export function Toolbar({ metrics, metric, onMetric, series, chosen, onSeries, view, onView, height }: Props) {
  const styles = useStyles2(getStyles);
  const metricId = useId();
  const seriesId = useId();
  return (
    <div className={styles.toolbar} style={{ height }}>
      {metrics.length > 0 && (
        <div className={styles.choice}>
          <span id={metricId} hidden>
            Metric
          </span>
          <Combobox
            aria-labelledby={metricId}
            options={metrics}
            value={metric ?? null}
            onChange={({ value }) => onMetric(value)}
          />
        </div>
      )}
      {series.length > 1 && (
        <div className={styles.choice}>
          <span id={seriesId} hidden>
            Query
          </span>
          <Combobox
            aria-labelledby={seriesId}
            options={series.map(({ name }, value) => ({ value, label: name }))}
            value={chosen}
            onChange={({ value }) => onSeries(value)}
          />
        </div>
      )}
      <RadioButtonGroup aria-label="Level" options={VIEWS} value={view} onChange={onView} />
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  toolbar: css({ display: 'flex', gap: theme.spacing(1), alignItems: 'flex-start' }),
  choice: css({ flex: '0 1 200px', minWidth: 0 }),
});
