import type { StreamlensQuery } from './query';
import { isPremium, metricsOf, type Widget, WIDGETS, withWidget } from './widgets';

const plain: Widget = {
  type: 'plain',
  title: 'Plain',
  description: 'Has filters only.',
  page: 'Home',
  level: 'default',
  options: [],
  metrics: [],
  premiumMetrics: [],
  filters: ['country', 'stream'],
  columns: [{ name: 'value', unit: 'count' }],
};

const full: Widget = {
  ...plain,
  type: 'full',
  options: ['unit', 'metric', 'breakdown', 'mode'],
  metrics: ['playouts', 'ingests'],
  filters: ['country', 'stream', 'tag', 'event', 'referrer'],
};

const query: StreamlensQuery = {
  refId: 'B',
  hide: true,
  queryType: 'full',
  country: ['DE'],
  stream: ['a'],
  tag: ['live'],
  event: ['cup'],
  referrer: ['site.example'],
  unit: 'playtime',
  metric: 'ingests',
  breakdown: 'stream',
  mode: 'delta',
  form: 'series',
  interval: '1h',
  timezone: 'Europe/Berlin',
};

describe('another widget', () => {
  test('takes away what it does not have, and only that', () => {
    expect(withWidget(query, plain)).toEqual({
      refId: 'B',
      hide: true,
      queryType: 'plain',
      country: ['DE'],
      stream: ['a'],
      form: 'series',
      interval: '1h',
      timezone: 'Europe/Berlin',
    });
  });

  test('keeps everything that it has', () => {
    expect(withWidget(query, full)).toEqual(query);
  });

  test('takes the breakdown by tag to widgets without viewers at once', () => {
    const byTag = { ...query, breakdown: 'tag' };
    expect(withWidget(byTag, { ...full, columns: [{ name: 'peak', unit: 'viewers' }] }).breakdown).toBeUndefined();
    expect(withWidget(byTag, full).breakdown).toBe('tag');
  });

  test.each([
    { metric: 'ingests', want: 'ingests' },
    { metric: 'latency', want: undefined },
    { metric: '$metric', want: '$metric' },
  ])('metric $metric becomes $want', ({ metric, want }) => {
    expect(withWidget({ ...query, metric }, full).metric).toBe(want);
  });
});

const distribution: Widget = {
  ...plain,
  type: 'distribution',
  options: ['metric', 'percentile'],
  metrics: ['median', 'average', 'p95'],
};

test.each([
  { percentile: undefined, want: ['median', 'average', 'p95'] },
  { percentile: 95, want: ['median', 'average', 'p95'] },
  { percentile: 90, want: ['p90', 'median', 'average', 'p95'] },
])('with the percentile $percentile there are the metrics $want', ({ percentile, want }) => {
  expect(metricsOf(distribution, { ...query, percentile })).toEqual(want);
});

test('with a comparison there are the metrics that it adds', () => {
  const ratios: Widget = {
    ...plain,
    metrics: ['loads', 'ratio'],
    columns: [
      { name: 'loads', unit: 'count' },
      { name: 'ratio', unit: 'ratio' },
    ],
  };
  const added = ['loads', 'loadsBefore', 'loadsChange', 'ratio', 'ratioBefore', 'ratioChange', 'ratioDifference'];
  expect(metricsOf(ratios, { ...query, compare: 'week' })).toEqual(added);
  expect(metricsOf(ratios, query)).toEqual(['loads', 'ratio']);
  const metrics = metricsOf(
    WIDGETS.find(({ type }) => type === 'videoBitrate')!,
    { ...query, compare: 'day', percentile: 5 }
  );
  expect(metrics.slice(0, 4)).toEqual(['p5', 'p5Before', 'p5Change', 'median']);
  // What the map shows is no column.
  const map = WIDGETS.find(({ type }) => type === 'worldMap')!;
  expect(metricsOf(map, { ...query, compare: 'week' })).toEqual(map.metrics);
});

test.each([
  { change: { percentile: 90, metric: 'p90' }, widget: distribution, want: { percentile: 90, metric: 'p90' } },
  { change: { percentile: 50, metric: 'p90' }, widget: distribution, want: { percentile: 50 } },
  { change: { percentile: 90, metric: 'p90' }, widget: full, want: {} },
])('$change for the widget $widget.type becomes $want', ({ change, widget, want }) => {
  const { percentile, metric } = withWidget({ ...query, ...change }, widget);
  expect({ percentile, metric }).toEqual({ percentile: undefined, metric: undefined, ...want });
});

test.each<{ name: string; widget: Widget; metric?: string; want: boolean }>([
  { name: 'a default widget', widget: full, metric: 'ingests', want: false },
  { name: 'a premium widget', widget: { ...full, level: 'premium' }, want: true },
  { name: 'a premium metric', widget: { ...full, premiumMetrics: ['ingests'] }, metric: 'ingests', want: true },
  { name: 'another metric', widget: { ...full, premiumMetrics: ['ingests'] }, metric: 'playouts', want: false },
  { name: 'no metric', widget: { ...full, premiumMetrics: ['ingests'] }, want: false },
])('$name needs premium: $want', ({ widget, metric, want }) => {
  expect(isPremium(widget, metric)).toBe(want);
});

test('every widget has its own type, a title, a sentence, a page and columns', () => {
  expect(new Set(WIDGETS.map(({ type }) => type)).size).toBe(WIDGETS.length);
  for (const widget of WIDGETS) {
    expect(widget.title).not.toBe('');
    expect(widget.description).toMatch(/^[A-Z].*\.$/);
    expect(widget.page).not.toBe('');
    expect(widget.columns).not.toHaveLength(0);
    expect(widget.options.includes('metric')).toBe(widget.metrics.length > 0);
  }
});
