import { useState } from 'react';

import { CustomVariable } from '@grafana/scenes';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { DataSource } from '../datasource';
import type { StreamlensQuery } from '../query';
import { openDashboard } from '../testing';
import { QueryEditor } from './QueryEditor';

const onRunQuery = jest.fn();

beforeEach(() => {
  onRunQuery.mockClear();
  openDashboard();
});

/** Draws the editor as a panel does, with what it changes coming back to it, and returns the query it last made. */
function open(query: Partial<StreamlensQuery>): () => StreamlensQuery {
  let last: StreamlensQuery = { refId: 'A', ...query };

  function Panel() {
    const [current, setCurrent] = useState(last);
    return (
      <QueryEditor
        datasource={{} as DataSource}
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
  { name: 'no widget', query: {}, want: ['Widget'], premium: false },
  { name: 'an unknown widget', query: { queryType: 'gone' }, want: ['Widget'], premium: false },
  {
    name: 'a widget with a unit',
    query: { queryType: 'usageOverview' },
    want: ['Widget', 'Unit', 'Time zone', ...FILTERS],
    premium: false,
  },
  {
    name: 'a widget with a unit, as a series',
    query: { queryType: 'usageOverview', form: 'series' },
    want: ['Widget', 'Unit', 'Interval', 'Time zone', ...FILTERS],
    premium: false,
  },
  {
    name: 'a widget with modes, in total',
    query: { queryType: 'concurrentViewers', form: 'total' },
    want: ['Widget', 'Time zone', ...FILTERS],
    premium: false,
  },
  {
    name: 'a widget with modes, as a series',
    query: { queryType: 'concurrentViewers', form: 'series' },
    want: ['Widget', 'Mode', 'Interval', 'Time zone', ...FILTERS],
    premium: false,
  },
  {
    name: 'a premium widget',
    query: { queryType: 'bufferingRatio' },
    want: ['Widget', 'Time zone', ...FILTERS],
    premium: true,
  },
])('$name shows its own fields only', ({ query, want, premium }) => {
  open(query);
  expect(comboboxes()).toEqual(want);
  expect(screen.queryAllByText('Premium')).toHaveLength(premium ? 1 : 0);
});

test('the picker lists the widgets with their sentences, by page', async () => {
  open({});
  await userEvent.click(combobox('Widget'));

  const list = await screen.findByRole('listbox');
  expect(within(list).getByText('Home')).toBeInTheDocument();
  expect(within(list).getByText('H5Live')).toBeInTheDocument();
  const option = within(list).getByRole('option', { name: /^Start time \(premium\)/ });
  expect(option).toHaveTextContent(/load to the first frame/);
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

test('filters take typed values and variables, and can be emptied', async () => {
  openDashboard(new CustomVariable({ name: 'stream', query: 'a,b' }));
  const query = open({ queryType: 'usageOverview' });

  await userEvent.type(combobox('Countries'), 'DE');
  await userEvent.click(await screen.findByRole('option', { name: /DE/ }));
  await userEvent.keyboard('{Escape}');
  expect(query().country).toEqual(['DE']);

  await choose('Streams', '$stream');
  expect(query().stream).toEqual(['$stream']);
  expect(onRunQuery).toHaveBeenCalledTimes(2);

  await userEvent.click(screen.getByRole('button', { name: /remove DE/i }));
  expect(query().country).toBeUndefined();
});

test('variables can be chosen for single values', async () => {
  openDashboard(new CustomVariable({ name: 'unit', query: 'traffic,playtime' }));
  const query = open({ queryType: 'usageOverview' });
  await choose('Unit', '$unit');
  expect(query().unit).toBe('$unit');
  expect(combobox('Unit')).toHaveValue('$unit');
});
