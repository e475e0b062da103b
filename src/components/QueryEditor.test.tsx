import { useState } from 'react';

import { CoreApp, type DataQueryRequest, dateTime, type TimeRange } from '@grafana/data';
import { CustomVariable } from '@grafana/scenes';
import type { DataQuery } from '@grafana/schema';
import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { lastValueFrom } from 'rxjs';

import type { StreamlensQuery } from '../query';
import { answerWith, openDashboard, openDataSource } from '../testing';
import { QueryEditor } from './QueryEditor';

const onRunQuery = jest.fn();

const range = { from: dateTime(1000), to: dateTime(2000) } as TimeRange;

beforeEach(() => {
  onRunQuery.mockClear();
  openDashboard();
  answerWith(['DE', 'FR']);
});

/** Draws the editor as a panel does, with what it changes coming back to it, and returns the query it last made. */
function open(query: Partial<StreamlensQuery>, app = CoreApp.PanelEditor): () => StreamlensQuery {
  let last: StreamlensQuery = { refId: 'A', ...query };

  function Panel() {
    const [current, setCurrent] = useState(last);
    return (
      <QueryEditor
        app={app}
        datasource={openDataSource()}
        range={range}
        query={current}
        onRunQuery={onRunQuery}
        onChange={(changed) => {
          last = changed;
          setCurrent(changed);
        }}
      />
    );
  }

  render(<Panel />);
  return () => last;
}

const combobox = (name: string) => screen.getByRole('combobox', { name });

/** The names of all comboboxes, in the order of the screen. */
function comboboxes(): string[] {
  return screen
    .getAllByRole('combobox')
    .map((input) => (input as HTMLInputElement).labels?.[0]?.textContent ?? labelledBy(input));
}

function labelledBy(element: HTMLElement): string {
  return document.getElementById(element.getAttribute('aria-labelledby') ?? '')?.textContent ?? '';
}

async function choose(name: string, option: string | RegExp): Promise<void> {
  await userEvent.click(combobox(name));
  await userEvent.click(await screen.findByRole('option', { name: option }));
}

const FILTERS = ['Countries', 'Streams', 'Tags', 'Events'];

test.each<{ name: string; query: Partial<StreamlensQuery>; want: string[]; premium: boolean }>([
  { name: 'an unknown widget', query: { queryType: 'gone' }, want: ['Widget'], premium: false },
  {
    name: 'a widget with a unit',
    query: { queryType: 'usageOverview' },
    want: ['Widget', 'Unit', 'Metric', 'Compare with', 'Time zone', ...FILTERS],
    premium: false,
  },
  {
    name: 'a widget with a unit, as a series',
    query: { queryType: 'usageOverview', form: 'series' },
    want: ['Widget', 'Unit', 'Metric', 'Interval', 'Compare with', 'Time zone', ...FILTERS],
    premium: false,
  },
  {
    name: 'a widget with modes, in total',
    query: { queryType: 'concurrentViewers', form: 'total' },
    want: ['Widget', 'Metric', 'Breakdown', 'Compare with', 'Time zone', ...FILTERS],
    premium: false,
  },
  {
    name: 'a widget with modes, as a series',
    query: { queryType: 'concurrentViewers', form: 'series' },
    want: ['Widget', 'Metric', 'Breakdown', 'Mode', 'Interval', 'Compare with', 'Time zone', ...FILTERS],
    premium: false,
  },
  {
    name: 'a premium widget',
    query: { queryType: 'bufferingRatio' },
    want: ['Widget', 'Breakdown', 'Players by', 'Compare with', 'Time zone', ...FILTERS],
    premium: true,
  },
  {
    name: 'a widget that is asked by what players watch with',
    query: { queryType: 'playerHealth', dimension: 'os' },
    want: ['Widget', 'Metric', 'Players by', 'Compare with', 'Top', 'Time zone', ...FILTERS, 'Operating system'],
    premium: true,
  },
])('$name shows its own fields only', ({ query, want, premium }) => {
  open(query);
  expect(comboboxes()).toEqual(want);
  expect(screen.queryAllByText('Premium')).toHaveLength(premium ? 1 : 0);
});

test.each([
  { name: 'a panel', app: CoreApp.PanelEditor, form: 'series', shown: 'Series' },
  { name: 'Explore', app: CoreApp.Explore, form: 'series', shown: 'Series' },
  { name: 'an alert rule', app: CoreApp.UnifiedAlerting, form: 'total', shown: 'Total' },
])('a new query of $name has its widget and form, shown and sent', ({ app, form, shown }) => {
  const query = open({}, app);
  expect(query()).toEqual({ refId: 'A', queryType: 'usageOverview', form });
  expect(onRunQuery).toHaveBeenCalledTimes(1);
  expect(combobox('Widget')).toHaveValue('Usage overview');
  expect(screen.getByRole('radio', { name: shown })).toBeChecked();
});

test('another dimension drops the values, which were of the one before, and runs', async () => {
  const query = open({ queryType: 'playerHealth', dimension: 'os', values: ['iOS'] });
  await choose('Players by', 'Browser');
  expect(query()).toEqual({ refId: 'A', queryType: 'playerHealth', dimension: 'browser' });
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

test('a saved query is left as it is', () => {
  const query = open({ queryType: 'stopReasons' });
  expect(query()).toEqual({ refId: 'A', queryType: 'stopReasons' });
  expect(onRunQuery).not.toHaveBeenCalled();
  // As the backend answers it.
  expect(screen.getByRole('radio', { name: 'Total' })).toBeChecked();
});

test('the picker lists the widgets with their sentences, by page', async () => {
  open({});
  await userEvent.click(combobox('Widget'));

  const list = await screen.findByRole('listbox');
  expect(within(list).getByText('Home')).toBeInTheDocument();
  expect(within(list).getByText('H5Live')).toBeInTheDocument();
  // Of a long list only what is in sight is drawn.
  await userEvent.keyboard('Start time');
  const option = await within(list).findByRole('option', { name: /^Start time \(premium\)/ });
  expect(option).toHaveTextContent(/load to the first frame/);
});

test.each([
  { name: 'a panel', app: CoreApp.PanelEditor, offered: true },
  { name: 'an alert rule', app: CoreApp.UnifiedAlerting, offered: false },
])('$name is offered lists of plays: $offered', async ({ app, offered }) => {
  open({}, app);
  await userEvent.click(combobox('Widget'));
  await userEvent.keyboard('Shared access');
  await waitFor(() =>
    expect(screen.queryAllByRole('option', { name: /^Shared access/ })).toHaveLength(offered ? 1 : 0)
  );
  expect(screen.queryAllByRole('option', { name: /^Usage overview/ })).toHaveLength(0);
});

test('another widget keeps the filters, drops what it lacks, and runs', async () => {
  const query = open({ queryType: 'usageOverview', unit: 'playtime', country: ['DE'], form: 'series' });

  await choose('Widget', /^Stop reasons/);

  expect(query()).toEqual({ refId: 'A', queryType: 'stopReasons', country: ['DE'], form: 'series' });
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

test('a total has neither mode nor interval', async () => {
  const query = open({ queryType: 'concurrentViewers', form: 'series', mode: 'delta', interval: '1h' });

  await userEvent.click(screen.getByRole('radio', { name: 'Total' }));
  expect(JSON.parse(JSON.stringify(query()))).toEqual({ refId: 'A', queryType: 'concurrentViewers', form: 'total' });

  await userEvent.click(screen.getByRole('radio', { name: 'Series' }));
  expect(query().form).toBe('series');
});

test('parts, and how many of them', async () => {
  const query = open({ queryType: 'usageByCountry', form: 'series', interval: '1h' });
  await userEvent.click(screen.getByRole('radio', { name: 'Parts' }));
  expect(query()).toEqual({ refId: 'A', queryType: 'usageByCountry', form: 'parts' });
  await choose('Top', '10');
  expect(query()).toEqual({ refId: 'A', queryType: 'usageByCountry', form: 'parts', top: 10 });
  expect(onRunQuery).toHaveBeenCalledTimes(2);
});

test('a trend compares, and is gone with the comparison', async () => {
  const query = open({ queryType: 'concurrentViewers', form: 'series', mode: 'delta' });
  await userEvent.click(screen.getByRole('radio', { name: 'Trend' }));
  expect(query()).toEqual({ refId: 'A', queryType: 'concurrentViewers', form: 'trend', compare: 'previous' });
  await choose('Compare with', /^The week before/);
  expect(query()).toMatchObject({ form: 'trend', compare: 'week' });
  await choose('Widget', /^Month to date/);
  expect(query().form).toBe('total');
  expect(screen.queryByRole('radio', { name: 'Trend' })).not.toBeInTheDocument();
});

test('a breakdown', async () => {
  const query = open({ queryType: 'bufferingRatio' });
  await choose('Breakdown', /^Stream/);
  expect(query().breakdown).toBe('stream');
});

test('a percentile, whose column is a metric', async () => {
  const query = open({ queryType: 'videoBitrate', form: 'total' });
  await choose('Percentile', '5');
  expect(query().percentile).toBe(5);
  await choose('Metric', 'p5');
  expect(query()).toMatchObject({ percentile: 5, metric: 'p5' });
  await choose('Percentile', '90');
  expect(query().percentile).toBe(90);
  expect(query().metric).toBeUndefined();
});

test.each([
  { queryType: 'bufferingRatio', offered: true },
  { queryType: 'concurrentViewers', offered: false },
])('$queryType by tag: $offered', async ({ queryType, offered }) => {
  open({ queryType });
  await userEvent.click(combobox('Breakdown'));
  expect(await screen.findByRole('option', { name: /^Stream/ })).toBeInTheDocument();
  expect(screen.queryAllByRole('option', { name: /^Tag/ })).toHaveLength(offered ? 1 : 0);
});

test('a comparison, which goes with the mode delta', async () => {
  const query = open({ queryType: 'concurrentViewers', form: 'series' });
  await choose('Compare with', /^The week before/);
  expect(query().compare).toBe('week');
  await choose('Metric', 'playsChange');
  expect(query()).toMatchObject({ compare: 'week', metric: 'playsChange' });
  await choose('Mode', /^Delta/);
  expect(query().compare).toBeUndefined();
  expect(query().metric).toBeUndefined();
  expect(comboboxes()).not.toContain('Compare with');
});

test('a unit', async () => {
  const query = open({ queryType: 'usageOverview' });
  expect(combobox('Unit')).toHaveValue('Traffic');
  await choose('Unit', /^Playtime/);
  expect(query().unit).toBe('playtime');
});

test('the mode and the interval of a series', async () => {
  const query = open({ queryType: 'concurrentViewers', form: 'series' });
  await choose('Mode', /^Delta/);
  await choose('Interval', '10m');
  expect(query()).toMatchObject({ mode: 'delta', interval: '10m' });

  await userEvent.click(screen.getByRole('button', { name: /clear/i }));
  expect(query().interval).toBeUndefined();
});

test('an interval that is not in the list can be typed', async () => {
  const query = open({ queryType: 'usageOverview', form: 'series' });
  await userEvent.type(combobox('Interval'), '15m');
  await userEvent.click(await screen.findByRole('option', { name: /15m/ }));
  expect(query().interval).toBe('15m');
});

test('filters take suggested and typed values and variables, and can be emptied', async () => {
  openDashboard(new CustomVariable({ name: 'stream', query: 'a,b' }));
  const asked = answerWith(['DE', 'FR']);
  const query = open({ queryType: 'usageOverview', stream: ['s'] });

  await choose('Countries', 'Germany (DE)');
  expect(query().country).toEqual(['DE']);
  expect(asked[0]).toMatchObject({
    url: '/api/datasources/uid/streamlens/resources/values',
    params: { label: 'country', from: 1000, to: 2000, stream: ['s'] },
  });

  await userEvent.type(combobox('Countries'), 'AT');
  await userEvent.click(await screen.findByRole('option', { name: /^AT/ }));
  await userEvent.keyboard('{Escape}');
  expect(query().country).toEqual(['DE', 'AT']);

  await choose('Streams', '$stream');
  expect(query().stream).toEqual(['s', '$stream']);
  expect(onRunQuery).toHaveBeenCalledTimes(3);

  await userEvent.click(screen.getByRole('button', { name: /remove Germany/i }));
  await userEvent.click(screen.getByRole('button', { name: /remove Austria/i }));
  expect(query().country).toBeUndefined();
});

test('suggestions are searched by name', async () => {
  open({ queryType: 'usageOverview' });
  await userEvent.type(combobox('Countries'), 'franc');
  expect(await screen.findByRole('option', { name: 'France (FR)' })).toBeInTheDocument();
  expect(screen.queryByRole('option', { name: /Germany/ })).not.toBeInTheDocument();
});

test('a metric', async () => {
  const query = open({ queryType: 'usageOverview' });
  expect(combobox('Metric')).toHaveAttribute('placeholder', 'All');
  await choose('Metric', 'ingest');
  expect(query().metric).toBe('ingest');
  await userEvent.click(screen.getByRole('button', { name: /clear/i }));
  expect(query().metric).toBeUndefined();
});

test('a premium metric of a default widget', async () => {
  const query = open({ queryType: 'worldMap' });
  expect(combobox('Metric')).toHaveAttribute('placeholder', 'playouts');
  expect(screen.queryByText('Premium')).not.toBeInTheDocument();
  await choose('Metric', 'latency (premium)');
  expect(query().metric).toBe('latency');
  expect(screen.getByText('Premium')).toBeInTheDocument();
});

/** What a panel sends to the backend for a query, but for what every request of Grafana has. */
async function posted(query: StreamlensQuery): Promise<Record<string, unknown>> {
  const asked = answerWith([]);
  const past = { ...range, raw: range };
  const request = { targets: [query], range: past, scopedVars: {}, intervalMs: 1, maxDataPoints: 1 };
  await lastValueFrom(openDataSource().query(request as unknown as DataQueryRequest<StreamlensQuery>));
  const { queries } = asked[0].data as { queries: Array<Record<string, unknown>> };
  expect(queries).toHaveLength(1);
  const common = ['datasource', 'datasourceId', 'intervalMs', 'maxDataPoints', 'queryCachingTTL'];
  // What is undefined is not sent.
  return JSON.parse(JSON.stringify(queries[0], (name, value) => (common.includes(name) ? undefined : value)));
}

test('a new query is posted as it is shown', async () => {
  const query = open({});
  expect(await posted(query())).toEqual({ refId: 'A', queryType: 'usageOverview', form: 'series' });
});

const total = { refId: 'A', form: 'total' } as const;
const series = { refId: 'A', form: 'series' } as const;

/** A change in the editor. */
type Change = () => Promise<void>;

const pick =
  (name: string, option: string | RegExp): Change =>
  () =>
    choose(name, option);
const form =
  (name: string): Change =>
  () =>
    userEvent.click(screen.getByRole('radio', { name }));
const write =
  (label: RegExp, text: string): Change =>
  () =>
    userEvent.type(screen.getByLabelText(label), text);

interface Edit {
  name: string;
  query: Partial<StreamlensQuery>;
  changes: Change[];
  want: object;
}

const EDITS: Edit[] = [
  {
    name: 'another form',
    query: { ...series, queryType: 'concurrentViewers', mode: 'delta', interval: '1h' },
    changes: [form('Total')],
    want: { ...total, queryType: 'concurrentViewers' },
  },
  {
    name: 'the form that is the default, chosen after another',
    query: { ...total, queryType: 'usageOverview' },
    changes: [form('Series'), form('Total')],
    want: { ...total, queryType: 'usageOverview' },
  },
  {
    name: 'parts, and how many of them',
    query: { ...total, queryType: 'usageByCountry' },
    changes: [form('Parts'), pick('Top', '10')],
    want: { refId: 'A', queryType: 'usageByCountry', form: 'parts', top: 10 },
  },
  {
    name: 'a trend, which begins with a comparison',
    query: { ...series, queryType: 'concurrentViewers' },
    changes: [form('Trend')],
    want: { refId: 'A', queryType: 'concurrentViewers', form: 'trend', compare: 'previous' },
  },
  {
    name: 'a unit and a time zone',
    query: { ...total, queryType: 'usageOverview' },
    changes: [pick('Unit', /^Playtime/), pick('Time zone', 'As the dashboard')],
    // That of the dashboard here.
    want: { ...total, queryType: 'usageOverview', unit: 'playtime', timezone: 'UTC' },
  },
  {
    name: 'a metric',
    query: { ...total, queryType: 'usageOverview' },
    changes: [pick('Metric', 'ingest')],
    want: { ...total, queryType: 'usageOverview', metric: 'ingest' },
  },
  {
    name: 'mode and interval',
    query: { ...series, queryType: 'concurrentViewers' },
    changes: [pick('Mode', /^Delta/), pick('Interval', '10m')],
    want: { ...series, queryType: 'concurrentViewers', mode: 'delta', interval: '10m' },
  },
  {
    name: 'live',
    query: { ...total, queryType: 'usageOverview' },
    changes: [() => userEvent.click(screen.getByRole('switch', { name: /^Live/ }))],
    want: { ...total, queryType: 'usageOverview', live: true },
  },
  {
    name: 'every filter',
    query: { ...total, queryType: 'usageByReferrer' },
    changes: ['Countries', 'Streams', 'Tags', 'Events', 'Referrers'].map((name) => pick(name, /FR/)),
    want: {
      ...total,
      queryType: 'usageByReferrer',
      country: ['FR'],
      stream: ['FR'],
      tag: ['FR'],
      event: ['FR'],
      referrer: ['FR'],
    },
  },
  {
    name: 'a percentile and its column',
    query: { ...total, queryType: 'startTime' },
    changes: [pick('Percentile', '90'), pick('Metric', 'p90')],
    want: { ...total, queryType: 'startTime', percentile: 90, metric: 'p90' },
  },
  {
    name: 'a comparison and what it adds',
    query: { ...total, queryType: 'bufferingRatio', breakdown: 'stream' },
    changes: [pick('Compare with', /^The day before/)],
    want: { ...total, queryType: 'bufferingRatio', breakdown: 'stream', compare: 'day' },
  },
  {
    name: 'a dimension and its values',
    query: { ...total, queryType: 'statusCodes' },
    changes: [pick('Players by', 'Browser'), pick('Browser', 'FR')],
    want: { ...total, queryType: 'statusCodes', dimension: 'browser', values: ['FR'] },
  },
  {
    name: 'a breakdown by what players watch with',
    query: { ...total, queryType: 'latency' },
    changes: [pick('Breakdown', 'Device')],
    want: { ...total, queryType: 'latency', breakdown: 'device' },
  },
  {
    name: 'another widget, which has no dimension and no percentile',
    query: {
      ...total,
      queryType: 'latency',
      dimension: 'os',
      values: ['iOS'],
      percentile: 90,
      metric: 'p90',
      compare: 'week',
    },
    changes: [pick('Widget', /^Usage overview/)],
    want: { ...total, queryType: 'usageOverview', compare: 'week' },
  },
  {
    name: 'conditions, order and page of a list of plays',
    query: { refId: 'A', queryType: 'plays' },
    changes: [write(/^Where/, 'user=alice{enter}'), pick('Sort', 'end, the greatest first'), pick('Page', '2')],
    want: { refId: 'A', queryType: 'plays', where: ['user=alice'], sort: '-end', page: 2 },
  },
  {
    name: 'the session of one play',
    query: { refId: 'A', queryType: 'play' },
    changes: [() => userEvent.type(screen.getByLabelText('Session'), 'abc').then(() => userEvent.tab())],
    want: { refId: 'A', queryType: 'play', session: 'abc' },
  },
];

test.each(EDITS)('$name: posted as it is shown', async ({ query, changes, want }) => {
  const last = open(query);
  for (const change of changes) {
    await change();
  }
  expect(onRunQuery).toHaveBeenCalledTimes(changes.length);
  expect(await posted(last())).toEqual(want);
});

/** Every field that the editor can change. */
const FIELDS: Record<Exclude<keyof StreamlensQuery, keyof DataQuery> | 'queryType', true> = {
  queryType: true,
  form: true,
  live: true,
  unit: true,
  metric: true,
  breakdown: true,
  dimension: true,
  values: true,
  mode: true,
  interval: true,
  percentile: true,
  compare: true,
  top: true,
  where: true,
  sort: true,
  page: true,
  session: true,
  timezone: true,
  country: true,
  stream: true,
  tag: true,
  event: true,
  referrer: true,
};

test('every field is changed in one of these, to what it was not', () => {
  const changed = EDITS.flatMap(({ query, want }) =>
    Object.entries(want).flatMap(([name, value]) =>
      JSON.stringify(query[name as keyof StreamlensQuery]) === JSON.stringify(value) ? [] : [name]
    )
  );
  expect([...new Set(changed)].sort()).toEqual(Object.keys(FIELDS).sort());
});

test('variables can be chosen for single values', async () => {
  openDashboard(new CustomVariable({ name: 'unit', query: 'traffic,playtime' }));
  const query = open({ queryType: 'usageOverview' });
  await choose('Unit', '$unit');
  expect(query().unit).toBe('$unit');
  expect(combobox('Unit')).toHaveValue('$unit');
});

test('live', async () => {
  const query = open({ queryType: 'usageOverview' });
  await userEvent.click(screen.getByRole('switch', { name: /^Live/ }));
  expect(query().live).toBe(true);
  await userEvent.click(screen.getByRole('switch', { name: /^Live/ }));
  expect(query().live).toBeUndefined();
});
