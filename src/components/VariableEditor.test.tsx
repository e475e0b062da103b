import { useState } from 'react';

import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { VariableQuery } from '../query';
import { answerWith, openDashboard, openDataSource } from '../testing';
import { VariableEditor } from './VariableEditor';

/** Draws the editor with what it changes coming back to it, and returns the query it last made. */
function open(query: VariableQuery): () => VariableQuery {
  let last = query;

  function Settings() {
    const [current, setCurrent] = useState(last);
    return (
      <VariableEditor
        datasource={openDataSource()}
        query={current}
        onRunQuery={() => {}}
        onChange={(changed) => {
          last = changed;
          setCurrent(changed);
        }}
      />
    );
  }

  render(<Settings />);
  return () => last;
}

const combobox = (name: string | RegExp) => screen.getByRole('combobox', { name });

async function choose(name: string | RegExp, option: string): Promise<void> {
  await userEvent.click(combobox(name));
  await userEvent.click(await screen.findByRole('option', { name: option }));
}

beforeEach(() => {
  openDashboard();
  answerWith(['DE', 'FR']);
});

test('another label takes its own filter away and keeps the others', async () => {
  const query = open({ refId: 'A', label: 'stream', country: ['DE'], tag: ['live'] });
  expect(combobox(/^Values of/)).toHaveValue('Streams');

  await choose(/^Values of/, 'Countries');

  expect(JSON.parse(JSON.stringify(query()))).toEqual({ refId: 'A', label: 'country', tag: ['live'] });
});

test('other filters narrow the values', async () => {
  const query = open({ refId: 'A', label: 'stream' });
  expect(screen.queryByRole('combobox', { name: 'Streams' })).not.toBeInTheDocument();
  await choose('Countries', 'France (FR)');
  expect(query()).toEqual({ refId: 'A', label: 'stream', country: ['FR'] });
});

test('nothing narrows the tags', () => {
  open({ refId: 'A', label: 'tag' });
  expect(screen.getAllByRole('combobox')).toHaveLength(1);
});

test('units of usage', async () => {
  const query = open({ refId: 'A', label: 'stream' });
  await choose(/^Values of/, 'Units of usage');
  expect(query().label).toBe('unit');
});
