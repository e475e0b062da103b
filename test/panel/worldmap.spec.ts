import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';

import { AUDIENCE, CODES, everywhere, metricCase, worldMap, type Case } from './cases';
import { expect, test } from './panel';

const AVERAGES = { DE: 1.2, FR: 1.9, US: 2.4, JP: 2.9, AU: 3.9, BR: 4.7, IN: 5.2 };
const VARIABLES = { metric: 'playouts', country: '$__all' };

function country(page: Page, code: string): Locator {
  return page.locator(`[data-code="${code}"]`).last();
}

function map(page: Page): Locator {
  return page.getByRole('group', { name: /^Viewers:/ });
}

/** Width in pixels at which a country is drawn. */
async function widthOf(page: Page, code: string): Promise<number> {
  return (await country(page, code).boundingBox())!.width;
}

/** What axe finds. The heading of the page is Grafana's. */
async function barriers(page: Page): Promise<unknown[]> {
  return (await new AxeBuilder({ page }).disableRules('page-has-heading-one').analyze()).violations;
}

test('tells about the country under the mouse', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', AUDIENCE));
  await country(page, 'BR').hover();
  await expect(page.getByRole('tooltip')).toHaveText(/Brazil.*Value655.*Plays80.*Rank8 of 16.*Share3\.6%/);
  await page.mouse.move(5, 600);
  await expect(page.getByRole('tooltip')).toHaveCount(0);
});

test('says so where there is no data', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', AUDIENCE));
  await country(page, 'CN').hover();
  await expect(page.getByRole('tooltip')).toHaveText('ChinaValueNo data');
});

test('shows small countries as points that can be hit', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', AUDIENCE));
  for (const [code, name] of [
    ['MT', 'Malta'],
    ['SG', 'Singapore'],
    ['BH', 'Bahrain'],
  ] as const) {
    await country(page, code).hover();
    await expect(page.getByRole('tooltip')).toContainText(name);
  }
});

test('draws all 250 countries, as a shape or as a point', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', everywhere()));
  const missing = async (): Promise<string[]> => {
    const drawn = await page
      .locator('[data-code]')
      .evaluateAll((elements) => elements.map((element) => element.getAttribute('data-code')));
    return CODES.filter((code) => !drawn.includes(code));
  };
  await expect.poll(missing).toEqual([]);
});

test('a screen reader gets every row of the table', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', everywhere()));
  const browser = await page.context().newCDPSession(page);
  const headers = async (): Promise<unknown[]> => {
    const { nodes } = await browser.send('Accessibility.getFullAXTree');
    return nodes.filter(({ role }) => role?.value === 'rowheader').map(({ name }) => name?.value);
  };
  await expect.poll(async () => (await headers()).length).toBe(CODES.length);
  expect(await headers()).toContain('Brazil');
});

test('a click offers data links and sets the variable of the country', async ({ page, panel }) => {
  const links = { links: [{ title: 'Streams there', url: '/streams?row=${row}' }] };
  await panel.show({ ...metricCase('playouts', AUDIENCE, links), variables: VARIABLES });
  await country(page, 'FR').click();
  const dialog = page.getByRole('dialog', { name: 'France' });
  // France is the third row of the frame.
  await expect(dialog.getByRole('link', { name: 'Streams there' })).toHaveAttribute('href', '/streams?row=2');
  await dialog.getByRole('button', { name: 'Show only France' }).click();
  await expect(dialog).toHaveCount(0);
  expect(new URL(page.url()).searchParams.get('var-country')).toBe('FR');

  await country(page, 'BR').click();
  await page.getByRole('button', { name: 'Show all countries' }).click();
  expect(new URL(page.url()).searchParams.get('var-country')).toBe('$__all');
});

test('a click beside the dialog closes it', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', AUDIENCE));
  await country(page, 'BR').click();
  await page.mouse.click(5, 600);
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('offers nothing that the dashboard does not have', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', AUDIENCE));
  await country(page, 'BR').click();
  await expect(page.getByRole('dialog').getByRole('button')).toHaveText(['Close']);
  await expect(page.getByRole('combobox')).toHaveCount(0);
});

test('walks through the ranking by keyboard', async ({ page, panel }) => {
  await panel.show({ ...metricCase('playouts', AUDIENCE), variables: VARIABLES });
  await map(page).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tooltip')).toContainText('Germany');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tooltip')).toContainText('United States');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('tooltip')).toContainText('Germany');
  await page.keyboard.press('End');
  await expect(page.getByRole('tooltip')).toContainText('Kenya');
  await expect(page.locator('[aria-live]')).toContainText('Kenya: Value 3');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Show only Kenya' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(map(page)).toBeFocused();
});

test('zooms by wheel, button and key, pans by drag, and resets by double click', async ({ page, panel }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await panel.show(metricCase('playouts', AUDIENCE));
  const width = await widthOf(page, 'BR');

  await page.mouse.move(300, 250);
  await page.mouse.wheel(0, -400);
  await expect.poll(() => widthOf(page, 'BR')).toBeGreaterThan(1.3 * width);

  const before = (await country(page, 'BR').boundingBox())!.x;
  await page.mouse.down();
  await page.mouse.move(360, 270, { steps: 3 });
  await page.mouse.up();
  expect((await country(page, 'BR').boundingBox())!.x).toBeCloseTo(before + 60, 0);
  // A drag is no click.
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await page.mouse.dblclick(300, 250);
  await expect.poll(() => widthOf(page, 'BR')).toBeCloseTo(width, 1);

  await page.getByRole('button', { name: 'Zoom in' }).click();
  await expect.poll(() => widthOf(page, 'BR')).toBeCloseTo(1.8 * width, 0);
  await page.getByRole('button', { name: 'Zoom out' }).click();
  await expect.poll(() => widthOf(page, 'BR')).toBeCloseTo(width, 0);

  await map(page).focus();
  await page.keyboard.press('+');
  await expect.poll(() => widthOf(page, 'BR')).toBeCloseTo(1.8 * width, 0);
  await page.keyboard.press('0');
  await expect.poll(() => widthOf(page, 'BR')).toBeCloseTo(width, 0);
});

test('draws a small country as its shape once it is large enough', async ({ page, panel }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await panel.show(metricCase('playouts', { NL: 5, DE: 6 }));
  await expect(page.locator('g[data-code="NL"]')).toHaveCount(1);
  await map(page).focus();
  for (let i = 0; i < 3; i++) {
    await page.keyboard.press('+');
  }
  await expect(page.locator('g[data-code="NL"]')).toHaveCount(0);
});

test('shows regions: the sum, or the average by plays', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', { DE: 5, FR: 7, BR: 3 }));
  await page.getByRole('radio', { name: 'Regions' }).check();
  await expect(page.getByRole('listitem')).toHaveText(['1Europe12', '2South America3']);
  await country(page, 'PL').hover();
  await expect(page.getByRole('tooltip')).toHaveText(/Europe.*Value12.*Plays30.*Rank1 of 2.*Share80%/);

  // The plays are 10, 20 and 30.
  await panel.show(metricCase('latency', { DE: 1, FR: 4, BR: 2 }, { unit: 's' }));
  await expect(page.getByRole('listitem')).toHaveText(['1Europe3 s', '2South America2 s']);
  await expect(page.getByText('Average 2.50 s', { exact: true })).toBeVisible();
});

test('a region can be chosen as its countries', async ({ page, panel }) => {
  const shown = { ...metricCase('playouts', { DE: 5, FR: 7, BR: 3 }), variables: VARIABLES };
  await panel.show({ ...shown, options: { view: 'regions' } });
  await page.getByRole('button', { name: /Europe/ }).click();
  await page.getByRole('button', { name: 'Show only Europe' }).click();
  expect(new URL(page.url()).searchParams.getAll('var-country')).toEqual(['DE', 'FR']);
});

test('the switch sets the variable of the metric', async ({ page, panel }) => {
  const frames = [worldMap(AUDIENCE)];
  const targets = [{ refId: 'A', queryType: 'worldMap', metric: '$metric' }];
  await panel.show({ frames, targets, variables: VARIABLES });
  const metric = page.getByRole('combobox', { name: 'Metric' });
  await expect(metric).toHaveValue('Plays');
  await metric.click();
  await page.getByRole('option', { name: 'Latency' }).click();
  expect(new URL(page.url()).searchParams.get('var-metric')).toBe('latency');

  await panel.show({ frames, targets, variables: { ...VARIABLES, metric: 'latency' } });
  await expect(page.getByText('≥ 4')).toBeVisible();
});

test('of two queries one can be chosen', async ({ page, panel }) => {
  await panel.show({ frames: [worldMap({ DE: 1 }, {}, 'A'), worldMap({ BR: 2 }, {}, 'B')] });
  await expect(page.getByRole('listitem')).toHaveText(['1Germany1']);
  await page.getByRole('combobox', { name: 'Query' }).click();
  await page.getByRole('option', { name: 'B' }).click();
  await expect(page.getByRole('listitem')).toHaveText(['1Brazil2']);
});

test('names what is not on the map', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', { DE: 5, QQ: 1, Atlantis: 2, ZZ: 4, FR: null }));
  await expect(page.getByText('Without a place: 7')).toBeVisible();
  await expect(page.getByText('2 unknown countries: QQ, Atlantis')).toBeVisible();
  await expect(page.getByText('1 country without a number')).toBeVisible();
  await expect(page.getByText('Total 12', { exact: true })).toBeVisible();
});

for (const [what, shown, text] of [
  ['no frame', { frames: [] }, 'No data'],
  ['an empty frame', { frames: [worldMap({})] }, 'No data'],
  [
    'no frame, in the words of the field options',
    { frames: [], config: { noValue: 'Needs premium' } },
    'Needs premium',
  ],
  [
    'a frame without countries',
    { frames: [{ fields: [{ name: 'a', type: 'number', values: [1] }] }] },
    'There is no frame with a column of countries and a column of numbers.',
  ],
] as Array<[string, Case, string]>) {
  test(`shows the bare map for ${what}`, async ({ page, panel }) => {
    await panel.show(shown);
    await expect(page.getByText(text)).toBeVisible();
  });
}

test('tells everything as a table', async ({ page, panel }) => {
  await panel.show(metricCase('playouts', { DE: 5, MT: 15 }));
  await expect(page.getByRole('table', { name: /Viewers: 2 countries/ }).getByRole('row')).toHaveText([
    'RankCountryValuePlaysShare',
    '1Malta152075%',
    '2Germany51025%',
  ]);
});

test.describe('by touch', () => {
  test.use({ hasTouch: true });

  test('a tap opens what one can do, two fingers zoom', async ({ page, panel }) => {
    await panel.show(metricCase('playouts', AUDIENCE));
    const width = await widthOf(page, 'BR');
    const { x, y } = (await country(page, 'BR').boundingBox())!;
    const client = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', points: Array<[number, number]>) =>
      client.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });

    await touch('touchStart', [[x + width / 2, y + 40]]);
    await touch('touchEnd', []);
    await expect(page.getByRole('dialog', { name: 'Brazil' })).toBeVisible();
    await page.keyboard.press('Escape');

    await touch('touchStart', [
      [x, y],
      [x + 60, y],
    ]);
    await touch('touchMove', [
      [x - 40, y],
      [x + 100, y],
    ]);
    await touch('touchMove', [
      [x - 60, y],
      [x + 120, y],
    ]);
    await touch('touchEnd', []);
    await expect.poll(() => widthOf(page, 'BR')).toBeGreaterThan(2 * width);
  });
});

test('follows the size of the panel', async ({ page, panel }) => {
  await panel.show({ ...metricCase('playouts', AUDIENCE), width: 200, height: 150 });
  await expect(page.getByRole('listitem')).toHaveCount(0);
  await expect(page.locator('svg').first()).toHaveAttribute('width', '200');
  await panel.show({ ...metricCase('playouts', AUDIENCE), width: 980, height: 600 });
  await expect(page.getByRole('listitem')).toHaveCount(10);
  await expect(page.locator('svg').first()).toHaveAttribute('width', '730');
});

const LOOKS: Record<string, Case> = {
  'countries-light': metricCase('playouts', AUDIENCE),
  'both-dark': { ...metricCase('playouts', AUDIENCE), theme: 'dark', options: { style: 'both' } },
  'latency-dark': { ...metricCase('latency', AVERAGES, { unit: 's' }), theme: 'dark' },
  'regions-light': { ...metricCase('playouts', AUDIENCE), options: { view: 'regions', style: 'both' } },
  'phone-light': { ...metricCase('latency', AVERAGES, { unit: 's' }), variables: VARIABLES, width: 380, height: 600 },
};

for (const [name, shown] of Object.entries(LOOKS)) {
  test(`looks as before and has no barrier: ${name}`, async ({ page, panel }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.setViewportSize({ width: shown.width ?? 900, height: shown.height ?? 420 });
    await panel.show(shown);
    await expect(page).toHaveScreenshot(`${name}.png`);
    expect(await barriers(page)).toEqual([]);
  });
}

test('has no barrier while a dialog is open', async ({ page, panel }) => {
  await panel.show({ ...metricCase('playouts', AUDIENCE), variables: VARIABLES });
  await country(page, 'BR').click();
  await expect(page.getByRole('dialog')).toBeVisible();
  expect(await barriers(page)).toEqual([]);
});
