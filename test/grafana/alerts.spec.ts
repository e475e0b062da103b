import { expect, type Page, test } from '@playwright/test';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { type Account, Audience } from './audience';
import { type Demo, start } from './demo';
import { type Alert, api, evaluatedRules, firingOf, type RuleFile, rulesOf, shorten } from './rules';

// The alert rules on widgets, in a Grafana of their own: silent while nothing is the matter, firing on trouble, resolved after it.
//
// ALERTS=long leaves the rules as they are provisioned, which takes some 25 minutes, and prints how long each takes.

const long = process.env.ALERTS === 'long';
const root = resolve(__dirname, '../..');
const files = ['streams.json', 'premium.json'];

/** Makes the rules of another data source in the same Grafana organisation, as docs/alerts.md says. */
function forBeta(file: RuleFile): RuleFile {
  const text = JSON.stringify(file)
    .replaceAll('"uid":"streamlens-', '"uid":"beta-')
    .replaceAll('"datasourceUid":"streamlens"', '"datasourceUid":"streamlens-beta"')
    .replaceAll('var-datasource=streamlens', 'var-datasource=streamlens-beta')
    .replaceAll('$STREAMLENS_ORGANIZATION', 'beta');
  const beta = JSON.parse(text) as RuleFile;
  for (const group of beta.groups) {
    group.name = `${group.name}, beta`;
    for (const rule of group.rules) {
      rule.title = `${rule.title}, beta`;
    }
  }
  return beta;
}

const BETA_SOURCE = `apiVersion: 1
datasources:
  - name: Streamlens beta
    uid: streamlens-beta
    type: streamlens-analytics-datasource
    access: proxy
    jsonData:
      url: $STREAMLENS_VICTORIAMETRICS_URL
      organization: beta
      collectorUrl: $STREAMLENS_COLLECTOR_URL
`;

/** A stream name that must be escaped in an address. */
const CUP = 'Cup final & café';
/** Networks of the United States and of Australia. */
const STATES = '8.8.8';
const AUSTRALIA = '1.1.1';

/** What must fire in the trouble: a rule, and the labels of the culprit. */
const EXPECTED: Array<{ uid: string; culprit: Record<string, string> }> = [
  { uid: 'ingest-lost', culprit: { stream: 'concert' } },
  { uid: 'broadcast-lost', culprit: { stream: 'webinar' } },
  { uid: 'start-failures', culprit: { stream: 'gala' } },
  { uid: 'buffering-stream', culprit: { stream: CUP } },
  { uid: 'buffering-country', culprit: { country: 'AU' } },
  { uid: 'latency', culprit: { stream: 'derby' } },
  { uid: 'error-codes', culprit: { code: '3100' } },
  { uid: 'viewers-fall-stream', culprit: { stream: 'match' } },
  { uid: 'viewers-fall', culprit: {} },
  { uid: 'monthly-budget', culprit: {} },
];

test.describe('alert rules on widgets', () => {
  test.skip(!process.env.GRAFANA_HOME, 'needs GRAFANA_HOME, because it starts a Grafana of its own');
  test.describe.configure({ mode: 'serial' });
  test.setTimeout(40 * 60_000);

  let demo: Demo;
  let folder: string;
  let audience: Audience;
  let reporting: NodeJS.Timeout;
  let failure: unknown;

  test.beforeAll(async () => {
    test.setTimeout(10 * 60_000);
    folder = mkdtempSync(join(tmpdir(), 'streamlens-alerts-'));
    const provisioning = join(folder, 'provisioning');
    cpSync(resolve(root, 'provisioning'), provisioning, { recursive: true });
    for (const file of files) {
      const rules = long ? rulesOf(file) : shorten(rulesOf(file));
      writeFileSync(join(provisioning, 'alerting', file), JSON.stringify(rules));
      writeFileSync(join(provisioning, 'alerting', `beta-${file}`), JSON.stringify(forBeta(rules)));
    }
    writeFileSync(join(provisioning, 'datasources', 'beta.yaml'), BETA_SOURCE);
    demo = await start(`--provisioning=${provisioning}`, '--viewers=3');

    const account = accountOf(demo);
    audience = new Audience(account);
    await audience.watch('quiet show', 40, STATES, 30, { buffering: 0.005, latency: 2 });
    await audience.receive('quiet show', 30);
    await audience.watch(CUP, 15, AUSTRALIA, 30, { buffering: 0.005, latency: 2 });
    await audience.watch('derby', 15, STATES, 30, { buffering: 0, latency: 3 });
    await audience.watch('concert', 12, AUSTRALIA, 30, { buffering: 0 });
    await audience.receive('concert', 30);
    await audience.watch('webinar', 12, AUSTRALIA, 30, { buffering: 0 });
    await audience.publish('webinar', 30);
    await audience.watch('match', 200, STATES, 30, { buffering: 0 });
    // One viewer of a bad stream, of whom nobody hears.
    await audience.watch('lonely', 1, STATES, 30, { buffering: 0.9, latency: 60, code: 'lonely' });
    await audience.load('lonely', 4, false);
    reporting = setInterval(() => {
      audience.report().catch((error: unknown) => (failure = error));
    }, 10_000);
  });

  test.afterAll(async () => {
    clearInterval(reporting);
    await demo?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function accountOf({ collector, configuration }: Demo): Account {
    const text = readFileSync(configuration, 'utf8');
    const find = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
    return { collector, id: 'acme', key: find(/key: (pk_\w+)/), secretKey: find(/secretKey: (sk_\w+)/) };
  }

  /** The rules on widgets of one of the data sources, unless something of the audience has failed. */
  function rules(prefix?: string) {
    if (failure) {
      throw failure;
    }
    return evaluatedRules(demo.grafana, prefix);
  }

  async function firing() {
    return firingOf(await rules());
  }

  const isOf = (alert: Alert & { uid: string }, { uid, culprit }: (typeof EXPECTED)[number]) =>
    alert.uid === uid && Object.entries(culprit).every(([label, value]) => alert.labels[label] === value);

  /** Waits until all expected alerts fire, or none does, and returns the seconds that each took. No other may fire meanwhile. */
  async function times(fire: boolean): Promise<Map<string, number>> {
    const began = Date.now();
    const took = new Map<string, number>();
    const wrong: Alert[] = [];
    await expect(async () => {
      const alerts = await firing();
      wrong.push(...alerts.filter(isFalse));
      for (const expected of EXPECTED) {
        if (alerts.some((alert) => isOf(alert, expected)) !== fire) {
          // It may have been so for a moment only.
          took.delete(expected.uid);
        } else if (!took.has(expected.uid)) {
          took.set(expected.uid, Math.round((Date.now() - began) / 1000));
          console.log(`${expected.uid} ${fire ? 'fires' : 'is resolved'} after ${took.get(expected.uid)} s`);
        }
      }
      const missing = EXPECTED.filter(({ uid }) => !took.has(uid)).map(({ uid }) => uid);
      expect(missing, fire ? 'do not fire' : 'fire still').toEqual([]);
    }).toPass({ timeout: 20 * 60_000, intervals: [2_000] });
    expect(wrong).toEqual([]);
    return took;
  }

  /** Whether it speaks of a stream that is well, or of one viewer. */
  function isFalse({ labels }: Alert): boolean {
    return /^(quiet show|lonely)$/.test(labels.stream ?? '') || labels.country === 'US' || labels.code === 'lonely';
  }

  test('they are silent on a quiet day', async () => {
    const since = Date.now();
    await expect(async () => {
      const all = await rules();
      expect(all).toHaveLength(files.flatMap((file) => rulesOf(file).groups.flatMap(({ rules }) => rules)).length);
      for (const { name, health, lastError, lastEvaluation } of all) {
        expect([name, health, lastError]).toEqual([name, 'ok', undefined]);
        expect(Date.parse(lastEvaluation)).toBeGreaterThan(since + (long ? 70_000 : 30_000));
      }
    }).toPass({ timeout: 6 * 60_000, intervals: [5_000] });
    const alerts = (await rules()).flatMap(({ name, alerts = [] }) =>
      alerts.filter(({ state }) => !state.startsWith('Normal')).map(({ state, labels }) => ({ name, state, labels }))
    );
    expect(alerts).toEqual([]);
  });

  test('premium rules wake nobody in an organisation of the level default', async () => {
    const premium = rulesOf('premium.json').groups.flatMap(({ rules }) => rules.map(({ title }) => `${title}, beta`));
    const beta = await rules('beta');
    expect(beta).toHaveLength((await rules()).length);
    for (const { name, alerts = [] } of beta) {
      for (const { state } of alerts) {
        const quiet = premium.includes(name) ? 'Normal (Error, KeepLast)' : expect.stringMatching(/^Normal/);
        expect([name, state]).toEqual([name, quiet]);
      }
    }
  });

  test('each fires on its trouble, with the numbers and a link to the culprit, and resolves after it', async ({
    page,
  }, info) => {
    let failing: NodeJS.Timeout | undefined;
    const loads = async (starts: boolean) => {
      clearInterval(failing);
      failing = setInterval(() => {
        audience.load('gala', starts ? 15 : 5, starts).catch((error: unknown) => (failure = error));
      }, 5_000);
    };
    audience.change(CUP, { buffering: 0.5, latency: 2, code: '3100' });
    audience.change('derby', { buffering: 0, latency: 14 });
    audience.lose('concert');
    audience.lose('webinar');
    audience.change('concert', { buffering: 1 });
    audience.change('webinar', { buffering: 1 });
    await audience.leave('match', 20);
    await audience.deliver('match', 11e12);
    await loads(false);
    const fired = await times(true);

    const alerts = await firing();
    for (const expected of EXPECTED) {
      const alert = alerts.find((alert) => isOf(alert, expected));
      const { summary, description, dashboard_url: link } = alert?.annotations ?? {};
      console.log(`${expected.uid}: ${summary} ${description}\n  ${link}`);
      expect(alert?.labels).toMatchObject({
        organization: 'acme',
        severity: expect.stringMatching(/^(critical|warning)$/),
      });
      expect(`${summary} ${description} ${link}`).not.toMatch(/no value|NaN|Inf|\{\{|error/);
      expect(description).toMatch(/\d/);
      expect(new URL(link ?? '').pathname).toMatch(/^\/d\/streamlens-/);
    }
    await look(
      page,
      `${demo.grafana}/alerting/list?view=list&search=state:firing`,
      'Streamlens',
      info.outputPath('list.png')
    );
    await look(
      page,
      `${demo.grafana}/alerting/grafana/streamlens-buffering-stream/view`,
      CUP,
      info.outputPath('rule.png')
    );
    const culprit = alerts.find(({ labels }) => labels.stream === CUP);
    const { pathname, search } = new URL(culprit?.annotations.dashboard_url ?? '');
    await look(page, `${demo.grafana}${pathname}${search}`, CUP, info.outputPath('culprit.png'));

    await audience.leave(CUP, 10);
    await followToPlay(page, (name) => info.outputPath(name));

    audience.change(CUP, { buffering: 0.005, latency: 2 });
    audience.change('derby', { buffering: 0, latency: 3 });
    audience.change('concert', { buffering: 0 });
    audience.change('webinar', { buffering: 0 });
    await audience.receive('concert', 0);
    await audience.publish('webinar', 0);
    await audience.watch('match', 180, STATES, 0, { buffering: 0 });
    await loads(true);
    raiseBudget();
    await api(demo.grafana, '/api/admin/provisioning/alerting/reload', {});
    const resolved = await times(false);
    clearInterval(failing);

    const row = ({ uid }: { uid: string }) => `| ${uid} | ${fired.get(uid)} s | ${resolved.get(uid)} s |`;
    console.log(['| rule | fires after | resolves after |', ...EXPECTED.map(row)].join('\n'));
  });

  /** Goes from the notifications to the timeline of one viewer of the stream that buffers, in four clicks, with a picture after each. */
  async function followToPlay(page: Page, path: (name: string) => string): Promise<void> {
    await page.goto(`${demo.grafana}/alerting/groups`);
    const group = page.getByTestId('alert-group').filter({ hasText: 'Buffering of a stream' });
    await group.getByTestId('alert-group-collapse-toggle').click();
    const alert = page.getByTestId('row').filter({ hasText: CUP });
    await alert.getByTestId('data-testid collapse-toggle').click();
    const link = page.locator('a[href*="/d/streamlens-plays?"]').first();
    await expect(link).toBeVisible();
    await page.screenshot({ path: path('follow-2-alert.png') });
    await link.evaluate((link) => link.removeAttribute('target'));
    await link.click();
    const ended = page.getByTestId('data-testid Panel header Plays');
    const play = ended.locator('a[href*="/d/streamlens-play?"]').first();
    await expect(play).toBeVisible({ timeout: 60_000 });
    await expect(page.getByLabel('Panel loading bar')).toHaveCount(0);
    await page.screenshot({ path: path('follow-3-plays.png') });
    await play.evaluate((link) => link.removeAttribute('target'));
    await play.click();
    await expect(page).toHaveURL(/\/d\/streamlens-play\?/);
    await expect(page.getByText('What the player did').first()).toBeVisible({ timeout: 60_000 });
    await page.waitForLoadState('networkidle');
    await expect(page.getByLabel('Panel loading bar')).toHaveCount(0);
    await expect(page.getByText(CUP).first()).toBeVisible();
    await page.screenshot({ path: path('follow-4-play.png'), fullPage: true });
  }

  /** Changes a threshold as docs/alerts.md says: in the file. */
  function raiseBudget(): void {
    const path = join(folder, 'provisioning/alerting/streams.json');
    const file = JSON.parse(readFileSync(path, 'utf8')) as RuleFile;
    const rule = file.groups.flatMap(({ rules }) => rules).find(({ uid }) => uid === 'streamlens-monthly-budget')!;
    rule.data.at(-1)!.model.conditions = [{ evaluator: { type: 'gt', params: [100e12] } }];
    writeFileSync(path, JSON.stringify(file));
  }

  async function look(page: Page, address: string, text: string, path: string): Promise<void> {
    await page.setViewportSize({ width: 1440, height: 1400 });
    await page.goto(address);
    await expect(page.getByText(text).first()).toBeVisible({ timeout: 60_000 });
    await page.waitForLoadState('networkidle');
    await expect(page.getByLabel('Panel loading bar')).toHaveCount(0);
    await page.screenshot({ path, fullPage: true });
  }

  interface Widget {
    type: string;
    list?: boolean;
    options: string[];
    metrics: string[];
    columns: Array<{ name: string; unit: string }>;
  }

  // hasNumbers is false for the change of months as a series, whose days have no month beside them.
  const hasNumbers = (type: string, metric: string | undefined, form: string) =>
    !(type === 'monthToDate' && metric === 'change' && form === 'series');

  test('every widget but lists of plays can be used in a rule', async () => {
    const all = JSON.parse(readFileSync(resolve(root, 'src/widgets.json'), 'utf8')) as Widget[];
    const widgets = all.filter(({ list }) => !list);
    expect(all.length - widgets.length).toBeGreaterThan(0);
    const questions = widgets.flatMap(({ type, options, metrics, columns }) =>
      (metrics.length > 0 ? metrics : [undefined]).flatMap((metric) =>
        [undefined, ...(options.includes('breakdown') ? ['country', 'stream'] : [])].flatMap((breakdown) =>
          ['total', 'series']
            .filter((form) => hasNumbers(type, metric, form))
            .map((form) => ({
              query: { queryType: type, metric, breakdown, form },
              label: breakdown ?? columns.find(({ unit }) => unit === '')?.name,
            }))
        )
      )
    );
    const problems: string[] = [];
    for (const { query, label } of questions) {
      // A broadcast of the demo ends by an error once in some days.
      const range = { from: (query.queryType === 'publishStatusCodes' ? 7 * 24 : 6) * 3600, to: 0 };
      const source = {
        refId: 'A',
        datasourceUid: 'streamlens',
        relativeTimeRange: range,
        model: { refId: 'A', ...query },
      };
      const expression = (refId: string, model: object) => ({
        refId,
        datasourceUid: '__expr__',
        model: { refId, ...model },
      });
      const reduced = query.form === 'series' ? 'B' : 'A';
      const data = [
        source,
        ...(query.form === 'series'
          ? [expression('B', { type: 'reduce', expression: 'A', reducer: 'max', settings: { mode: 'dropNN' } })]
          : []),
        expression('C', {
          type: 'threshold',
          expression: reduced,
          conditions: [{ evaluator: { type: 'gt', params: [-1] } }],
        }),
      ];
      const what = JSON.stringify(query);
      const answer = (await api(demo.grafana, '/api/v1/eval', { condition: 'C', data })) as {
        results: Record<string, { error?: string; frames?: Array<Evaluated> }>;
      };
      for (const [refId, { error }] of Object.entries(answer.results)) {
        if (error) {
          problems.push(`${what}: ${refId}: ${error}`);
        }
      }
      const instances = (answer.results.C?.frames ?? []).map(({ schema, data }) => ({
        labels: schema.fields[0]?.labels ?? {},
        fires: data.values[0]?.[0] === 1,
      }));
      if (!instances.some(({ fires }) => fires)) {
        problems.push(`${what}: no number`);
      }
      if (instances.some(({ labels }) => Object.keys(labels).join() !== (label ?? ''))) {
        problems.push(`${what}: the labels ${JSON.stringify(instances[0]?.labels)} instead of ${label}`);
      }
    }
    console.log(`${questions.length} questions of ${widgets.length} widgets were evaluated`);
    expect(problems).toEqual([]);
  });

  interface Evaluated {
    schema: { fields: Array<{ labels?: Record<string, string> }> };
    data: { values: Array<Array<number | null>> };
  }
});
