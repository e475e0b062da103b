import { expect, test, type APIRequestContext, type Page } from '@playwright/test';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { rulesOf } from './rules';

const folder = resolve(__dirname, '../../dashboards');
const dashboards = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(resolve(folder, name), 'utf8')) as { uid: string; title: string });

function url(path: string): string {
  return `${process.env.GRAFANA_URL}${path}`;
}

/** Adds a data source with the settings and returns what its health check says. */
async function healthOf(request: APIRequestContext, jsonData: Record<string, string>) {
  const added = await request.post(url('/api/datasources'), {
    data: { name: `health ${Date.now()}`, type: 'streamlens-analytics-datasource', access: 'proxy', jsonData },
  });
  expect(added.status()).toBe(200);
  const { uid } = (await added.json()).datasource;
  const answer = await request.get(url(`/api/datasources/uid/${uid}/health`));
  await request.delete(url(`/api/datasources/uid/${uid}`));
  return { ok: answer.ok(), message: String((await answer.json()).message) };
}

test('the provisioned data source is healthy', async ({ request }) => {
  const answer = await request.get(url('/api/datasources/uid/streamlens/health'));
  const health = await answer.json();
  expect(health.status, health.message).toBe('OK');
});

test('the health check explains wrong settings in words', async ({ request }) => {
  const provisioned = (await (await request.get(url('/api/datasources/uid/streamlens'))).json()).jsonData;
  for (const [change, words] of [
    [{ url: 'http://127.0.0.1:1' }, 'cannot be reached'],
    [{ url: provisioned.collectorUrl }, 'not VictoriaMetrics'],
    [{ url: '' }, 'URL'],
    [{ organization: 'nobody' }, 'no collector knows this organisation'],
    [{ organization: '' }, 'organisation'],
    [{ organization: 'UPPER CASE' }, 'organisation'],
  ] as const) {
    const health = await healthOf(request, { ...provisioned, ...change });
    expect(health.ok, JSON.stringify(change)).toBe(false);
    expect(health.message).toContain(words);
  }
});

test('the alert rules of operations are evaluated without an error', async ({ request }) => {
  const { dashboard } = await (await request.get(url('/api/dashboards/uid/streamlens-operations'))).json();
  const panels: number[] = dashboard.panels.map(({ id }: { id: number }) => id);
  await expect(async () => {
    const answer = await (await request.get(url('/api/prometheus/grafana/api/v1/rules'))).json();
    const { rules } = answer.data.groups.find(({ name }: { name: string }) => name === 'Streamlens operations');
    expect(rules).toHaveLength(rulesOf('operations.json').groups[0]!.rules.length);
    for (const { name, health, lastError, annotations } of rules) {
      expect([name, health, lastError]).toEqual([name, 'ok', undefined]);
      expect(panels).toContain(Number(annotations.__panelId__));
    }
  }).toPass({ timeout: 90_000 });
});

/** Opens a dashboard and shows all of it, so that every panel loads. */
async function open(page: Page, uid: string, width: number): Promise<void> {
  // Browsers send no header of ours with the WebSocket of live panels, but the cookie of a session.
  const [user, password] = (process.env.GRAFANA_USER ?? 'admin:admin').split(':');
  await page.request.post(url('/login'), { data: { user, password } });
  await page.setViewportSize({ width, height: 900 });
  await page.goto(url(`/d/${uid}?orgId=1&kiosk`));
  const content = page.getByTestId(/^data-testid Panel header/).first();
  await content.waitFor({ state: 'attached', timeout: 60_000 });
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.max(900, height) });
  await expect(page.getByRole('button', { name: 'Cancel' })).toHaveCount(0);
  await page.waitForLoadState('networkidle');
  await expect(page.getByLabel('Panel loading bar')).toHaveCount(0);
}

for (const { uid, title } of dashboards) {
  for (const width of [1440, 400]) {
    test(`${title} shows its data at ${width} pixels`, async ({ page }, info) => {
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('response', (response) => {
        if (response.url().includes('/api/ds/query') && !response.ok()) {
          errors.push(`${response.status()} of a query`);
        }
      });
      await open(page, uid, width);
      await expect(page.getByTestId('data-testid Panel status error')).toHaveCount(0);
      await expect(page.getByText(/^No data/)).toHaveCount(0);
      expect(errors).toEqual([]);
      await page.screenshot({ path: info.outputPath(`${uid}-${width}.png`), fullPage: true });
    });
  }
}
