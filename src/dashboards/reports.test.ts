import { readFileSync } from 'node:fs';
import path from 'node:path';

import { FILTERS } from './page';

const { links } = JSON.parse(readFileSync(path.resolve(__dirname, '../../dashboards/reports.json'), 'utf8')) as {
  links: Array<{ title: string; type: string; url: string; targetBlank: boolean }>;
};

test.each(['PDF', 'CSV'])('one click downloads the report as %s with everything that is chosen', (title) => {
  const link = links.find((link) => link.title === title);
  expect(link).toMatchObject({ type: 'link', targetBlank: true });
  const [address, parameters] = link!.url.split('?');
  expect(address).toBe('/api/datasources/uid/${datasource}/resources/report');
  expect(parameters.split('&').sort()).toEqual(
    [
      `format=${title.toLowerCase()}`,
      'from=${__from}',
      'to=${__to}',
      'timezone=${__timezone:percentencode}',
      '${unit:queryparam}',
      '${interval:queryparam}',
      ...FILTERS.map(({ name }) => `\${${name}:queryparam}`),
    ].sort()
  );
});
