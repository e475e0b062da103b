import { useState } from 'react';

import type { DataSourceSettings } from '@grafana/data';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { StreamlensOptions, StreamlensSecrets } from '../options';
import { ConfigEditor } from './ConfigEditor';

type Settings = DataSourceSettings<StreamlensOptions, StreamlensSecrets>;

/** Draws the editor as Grafana does, with what it changes coming back to it, and returns what it last changed. */
function open(settings: Partial<Settings> = {}): () => Settings {
  let last = { jsonData: {}, secureJsonFields: {}, readOnly: false, ...settings } as Settings;

  function Page() {
    const [options, setOptions] = useState(last);
    return (
      <ConfigEditor
        options={options}
        onOptionsChange={(changed) => {
          last = changed;
          setOptions(changed);
        }}
      />
    );
  }

  render(<Page />);
  return () => last;
}

const url = () => screen.getByRole('textbox', { name: /VictoriaMetrics URL/ });
const organization = () => screen.getByRole('textbox', { name: /Organisation/ });
const collectorUrl = () => screen.getByRole('textbox', { name: /Collector URL/ });
const fixedFilter = (name: string) => screen.getByRole('textbox', { name: new RegExp(`^${name}`) });
const token = () => screen.getByLabelText(/VictoriaMetrics token/);

test('what is entered is stored', async () => {
  const settings = open();

  await userEvent.type(url(), ' http://vm:8428 ');
  await userEvent.type(organization(), 'acme');
  await userEvent.type(collectorUrl(), 'http://collector:8095');
  await userEvent.click(screen.getByRole('radio', { name: 'Premium' }));
  await userEvent.type(token(), 'secret');
  await userEvent.type(screen.getByLabelText(/Block list token/), 'bt_secret');

  expect(settings().jsonData).toEqual({
    url: 'http://vm:8428',
    organization: 'acme',
    collectorUrl: 'http://collector:8095',
    level: 'premium',
  });
  expect(settings().secureJsonData).toEqual({ token: 'secret', blockListToken: 'bt_secret' });
});

test('a new data source has level default and no complaint', () => {
  open();
  expect(screen.getByRole('radio', { name: 'Default' })).toBeChecked();
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
});

test('a required field that is left empty says so', async () => {
  open();
  await userEvent.click(url());
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
  await userEvent.tab();
  expect(screen.getByRole('alert')).toHaveTextContent(/Enter the address of VictoriaMetrics/);
});

test('the collector may be left out', async () => {
  open();
  await userEvent.click(collectorUrl());
  await userEvent.tab();
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
});

test('stored settings that are wrong say so at once, and no more when they are corrected', async () => {
  open({ jsonData: { url: 'http://vm:8428?extra_label=org=other', organization: 'Acme' } });
  expect(screen.getAllByRole('alert').map(({ textContent }) => textContent)).toEqual([
    expect.stringMatching(/query string/),
    expect.stringMatching(/1 to 64/),
  ]);

  await userEvent.clear(organization());
  await userEvent.type(organization(), 'acme');
  expect(screen.getAllByRole('alert')).toHaveLength(1);
});

test('a stored token is not shown and can be replaced', async () => {
  const settings = open({ secureJsonFields: { token: true } });
  expect(token()).toBeDisabled();

  await userEvent.click(screen.getByRole('button', { name: /reset/i }));
  await userEvent.type(token(), 'new');

  expect(settings().secureJsonFields.token).toBe(false);
  expect(settings().secureJsonData).toEqual({ token: 'new' });
});

test('fixed filters are stored without those that are empty', async () => {
  const settings = open();

  await userEvent.type(fixedFilter('Streams'), 'launch{Enter}a,b{Enter}');
  await userEvent.type(fixedFilter('Tags'), 'vip');
  await userEvent.tab();
  expect(settings().jsonData.fixedFilters).toEqual({ stream: ['launch', 'a,b'], tag: ['vip'] });

  await userEvent.click(screen.getByRole('button', { name: /remove tag: vip/i }));
  expect(settings().jsonData.fixedFilters).toEqual({ stream: ['launch', 'a,b'] });

  await userEvent.click(screen.getByRole('button', { name: /remove tag: launch/i }));
  await userEvent.click(screen.getByRole('button', { name: /remove tag: a,b/i }));
  expect(settings().jsonData.fixedFilters).toBeUndefined();
});

test('a fixed country that is none says so', async () => {
  const settings = open();
  await userEvent.type(fixedFilter('Countries'), 'germany{Enter}');
  expect(screen.getByRole('alert')).toHaveTextContent(/"germany" is no country/);
  await userEvent.click(screen.getByRole('button', { name: /remove tag/i }));
  await userEvent.type(fixedFilter('Countries'), 'DE{Enter}');
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
  expect(settings().jsonData.fixedFilters).toEqual({ country: ['DE'] });
});

const chooseLogo = (file: File) =>
  // Without the attribute accept, which people can get around.
  userEvent.setup({ applyAccept: false }).upload(screen.getByLabelText(/Choose logo/), file);

test('the name and the logo of reports are stored, and the logo can be removed', async () => {
  const settings = open();

  await userEvent.type(screen.getByRole('textbox', { name: /Name/ }), ' Acme Broadcasting ');
  await userEvent.tab();
  expect(settings().jsonData.organizationName).toBe('Acme Broadcasting');

  await chooseLogo(new File(['a logo'], 'logo.png', { type: 'image/png' }));
  await userEvent.click(await screen.findByRole('button', { name: 'Remove logo' }));
  expect(settings().secureJsonData).toEqual({ logo: '' });

  await chooseLogo(new File(['a logo'], 'logo.png', { type: 'image/png' }));
  await screen.findByRole('button', { name: 'Remove logo' });
  expect(settings().secureJsonData).toEqual({ logo: btoa('a logo') });
});

test('a stored logo can be removed', async () => {
  const settings = open({ secureJsonFields: { logo: true } });
  await userEvent.click(screen.getByRole('button', { name: 'Remove logo' }));
  expect(settings().secureJsonFields.logo).toBe(false);
  expect(settings().secureJsonData).toEqual({ logo: '' });
});

test.each([
  ['of another form', new File(['<svg/>'], 'logo.svg', { type: 'image/svg+xml' }), /logo.svg is neither PNG nor JPEG/],
  [
    'that is too large',
    new File([new Uint8Array((1 << 20) + 1)], 'logo.png', { type: 'image/png' }),
    /larger than 1 MiB/,
  ],
])('a logo %s says so', async (_, file, words) => {
  const settings = open();
  await chooseLogo(file);
  expect(await screen.findByRole('alert')).toHaveTextContent(words);
  expect(settings().secureJsonData).toBeUndefined();
});

test('a provisioned data source cannot be edited', () => {
  open({ readOnly: true, jsonData: { fixedFilters: { stream: ['launch'] } } });
  const filters = [
    ...['Countries', 'Streams', 'Tags', 'Events', 'Name'].map(fixedFilter),
    screen.getByRole('button', { name: /remove tag/i }),
  ];
  for (const field of [url(), organization(), collectorUrl(), token(), ...screen.getAllByRole('radio'), ...filters]) {
    expect(field).toBeDisabled();
  }
});
