import { type Download, expect, type Page, test } from '@playwright/test';
import { readFileSync } from 'node:fs';

// Loading the whole dashboard takes long on a slow machine.
test.setTimeout(300_000);

/** A range that ends some minutes ago, so that its numbers no longer change. */
const TO = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
const FROM = TO - 24 * 3_600_000;

/** Opens the dashboard Reports with filters and clicks a link once; returns the file that comes. */
async function click(page: Page, title: 'PDF' | 'CSV', parameters: Array<[string, string]>): Promise<Download> {
  const query = new URLSearchParams([['orgId', '1'], ['from', String(FROM)], ['to', String(TO)], ...parameters]);
  await page.goto(`${process.env.GRAFANA_URL}/d/streamlens-reports?${query}`);
  // The link opens a tab, which closes when it turns out to be a file; either page may tell of it.
  const download = new Promise<Download>((done) => {
    page.on('download', done);
    page.context().on('page', (opened) => opened.on('download', done));
  });
  await page.getByRole('link', { name: title, exact: true }).click();
  return download;
}

async function linesOf(download: Download): Promise<string[]> {
  return readFileSync(await download.path(), 'utf8').split('\n');
}

test('one click downloads the PDF', async ({ page }) => {
  const download = await click(page, 'PDF', []);
  expect(download.suggestedFilename()).toMatch(/^[a-z0-9_-]+-usage-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.pdf$/);
  expect(
    readFileSync(await download.path())
      .subarray(0, 5)
      .toString()
  ).toBe('%PDF-');
});

test('one click downloads what the dashboard shows, and no filter where all is chosen', async ({ page, request }) => {
  const lines = await linesOf(await click(page, 'CSV', []));
  expect(lines).toContain(`report,from,,,${new Date(FROM).toISOString().replace('.000', '')}`);
  expect(lines).toContain(`report,to,,,${new Date(TO).toISOString().replace('.000', '')}`);
  expect(lines).toContain('report,timezone,,,UTC');
  expect(lines).toContain('report,unit,,,traffic');
  expect(lines.filter((line) => line.startsWith('report,filter'))).toEqual([]);

  const answer = await request.post(`${process.env.GRAFANA_URL}/api/ds/query`, {
    data: {
      from: String(FROM),
      to: String(TO),
      queries: [{ refId: 'A', datasource: { uid: 'streamlens' }, queryType: 'usageReport' }],
    },
  });
  const [sent, received] = (await answer.json()).results.A.frames[0].data.values.map(([value]: number[]) => value);
  expect(sent).toBeGreaterThan(0);
  expect(lines).toContain(`usageReport,,sent,bytes,${sent}`);
  expect(lines).toContain(`usageReport,,received,bytes,${received}`);
});

test('one click keeps filters, unit and time zone exactly', async ({ page }) => {
  const odd = 'a&b=c+d %20#{é},;?/"東京';
  const lines = await linesOf(
    await click(page, 'CSV', [
      ['timezone', 'Asia/Kolkata'],
      ['var-unit', 'playtime'],
      ['var-country', 'DE'],
      ['var-country', 'FR'],
      ['var-stream', odd],
      ['var-tag', 'news'],
    ])
  );
  expect(lines).toContain('report,timezone,,,Asia/Kolkata');
  expect(lines).toContain('report,unit,,,playtime');
  expect(lines.filter((line) => line.startsWith('report,filter'))).toEqual([
    'report,filter,country,,DE',
    'report,filter,country,,FR',
    `report,filter,stream,,"${odd.replaceAll('"', '""')}"`,
    'report,filter,tag,,news',
  ]);
});
