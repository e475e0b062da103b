import { expect, test, type Browser, type Frame, type Page } from '@playwright/test';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { freePort, LocalServer } from '../browser/support/server';
import { ready, Streamlens } from '../browser/support/streamlens';

const root = resolve(__dirname, '../..');
const plugin = process.env.STREAMLENS_PLUGIN ?? join(root, 'dist');
const home = process.env.GRAFANA_HOME ?? '';

/** Why the test cannot run here, empty if it can. */
const missing = [
  home ? '' : 'GRAFANA_HOME names no Grafana',
  existsSync(join(plugin, 'module.js')) ? '' : 'the plugin is not built',
  Streamlens.missing(),
]
  .filter(Boolean)
  .join(', ');

test.skip(missing !== '', missing);
test.describe.configure({ timeout: 480_000 });

/** How long Grafana may take to show a page on a busy machine, in milliseconds. */
const patience = 200_000;

// No viewer of these tests is the administrator of the others.
test.use({ extraHTTPHeaders: {} });

const GB = 1_000_000_000;

/** What was delivered, in bytes. */
const usage = { acme: { launch: 3.21 * GB, studio: 4 * GB }, globex: { arena: 0.0555 * GB } };

/** The customers of the documentation: what Grafana shows them in all, and what belongs to others. */
const customers = {
  alice: { organization: 'acme', total: '7.21 GB', foreign: /55\.5 MB|\b55500000\b|arena/ },
  gus: { organization: 'globex', total: '55.5 MB', foreign: /7\.21 GB|3\.21 GB|\b[34]\d{9}\b|launch|studio/ },
  pam: {
    organization: 'partner',
    total: '3.21 GB',
    foreign: /7\.21 GB|4(\.00)? GB|55\.5 MB|\b4000000000\b|\b55500000\b|studio|arena/,
  },
};
type Customer = keyof typeof customers;

const documentation = readFileSync(join(root, 'docs/embedding.md'), 'utf8');

/** Returns the example of the documentation in a language that contains a text; there must be exactly one. */
function example(language: string, containing: string): string {
  const found = [...documentation.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))]
    .map(([, text]) => text ?? '')
    .filter((text) => text.includes(containing));
  if (found.length !== 1) {
    throw new Error(`docs/embedding.md has ${found.length} examples in ${language} with ${containing}`);
  }
  return found[0]!;
}

/** Replaces what stands for the reader's own in an example, each of which it must have. */
function adapt(text: string, own: Record<string, string>): string {
  return Object.entries(own).reduce((adapted, [written, replacement]) => {
    expect(adapted, 'an example of the documentation').toContain(written);
    return adapted.replaceAll(written, replacement);
  }, text);
}

/** A Grafana with a folder of its own, on a port of its own. */
class Grafana {
  private process?: ChildProcess;

  private constructor(
    private readonly directory: string,
    private readonly port: number
  ) {}

  static async create(directory: string): Promise<Grafana> {
    return new Grafana(directory, await freePort());
  }

  get origin(): string {
    // The same site as the portal's, another origin.
    return `http://localhost:${this.port}`;
  }

  /** Starts it, or starts it again with another configuration. */
  async start(configuration: string): Promise<void> {
    await stop(this.process);
    writeFileSync(join(this.directory, 'grafana.ini'), configuration);
    const environment = {
      GF_SERVER_HTTP_ADDR: '127.0.0.1',
      GF_SERVER_HTTP_PORT: String(this.port),
      GF_PATHS_DATA: join(this.directory, 'data'),
      GF_PATHS_LOGS: join(this.directory, 'data/log'),
      GF_PATHS_PLUGINS: join(this.directory, 'plugins'),
      GF_PATHS_PROVISIONING: join(this.directory, 'provisioning'),
      GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS: 'streamlens-analytics-datasource,streamlens-worldmap-panel',
      GF_PLUGINS_PREINSTALL_DISABLED: 'true',
      GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: 'true',
      GF_USERS_DEFAULT_LANGUAGE: 'en-US',
      GF_SECURITY_ADMIN_PASSWORD: 'admin',
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
      GF_NEWS_NEWS_FEED_ENABLED: 'false',
      GF_LOG_CONSOLE_LEVEL: 'error',
    };
    this.process = spawn(
      join(home, 'bin/grafana'),
      ['server', '--homepath', home, '--config', join(this.directory, 'grafana.ini')],
      { cwd: this.directory, env: { ...process.env, ...environment }, stdio: ['ignore', 'inherit', 'inherit'] }
    );
    await ready(`${this.origin}/api/health`, 90_000);
  }

  async stop(): Promise<void> {
    await stop(this.process);
  }
}

/** Stops a process that was started, if it runs. */
async function stop(process?: ChildProcess): Promise<void> {
  if (process && process.exitCode === null && process.signalCode === null) {
    process.kill();
    await once(process, 'exit');
  }
}

type SignToken = (
  key: KeyObject,
  claims: { user: string; organization: string; issuer: string },
  lifetime?: number
) => string;

const directory = missing ? '' : mkdtempSync(join(tmpdir(), 'streamlens-embedding-'));
let streamlens: Streamlens;
let grafana: Grafana;
let portal: ChildProcess;
let portalOrigin: string;
let signToken: SignToken;

/** Runs a shell example in a folder of its own. */
function run(script: string): string {
  return execFileSync('bash', ['-e', '-c', script], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Sets everything up as the documentation says, with its own examples. */
test.beforeAll(async () => {
  test.setTimeout(480_000);
  ({ signToken } = (await import(pathToFileURL(join(root, 'docs/examples/portal/token.mjs')).href)) as {
    signToken: SignToken;
  });
  streamlens = await Streamlens.start([]);
  const ts = Date.now() - 60 * 60 * 1000;
  for (const [organization, streams] of Object.entries(usage)) {
    const lines = Object.entries(streams).map(([stream, bytes]) => ({
      ts,
      stream,
      direction: 'playout',
      protocol: 'hls',
      bytes,
    }));
    await streamlens.postUsage(organization as keyof typeof usage, lines);
  }

  for (const folder of ['plugins', 'provisioning/datasources', 'provisioning/dashboards']) {
    mkdirSync(join(directory, folder), { recursive: true });
  }
  symlinkSync(plugin, join(directory, 'plugins/streamlens-analytics-datasource'));
  grafana = await Grafana.create(directory);
  await grafana.start('');
  run(adapt(example('sh', '/api/orgs'), { 'http://localhost:3000': grafana.origin }));
  run(example('sh', 'genpkey'));
  writeFileSync(
    join(directory, 'provisioning/datasources/streamlens.yaml'),
    adapt(example('yaml', 'datasources:'), { 'http://victoriametrics:8428': streamlens.storage })
  );
  writeFileSync(
    join(directory, 'provisioning/dashboards/streamlens.yaml'),
    adapt(example('yaml', 'providers:'), { '/usr/share/streamlens/dashboards': join(root, 'dashboards') })
  );
  const portalPort = await freePort();
  portalOrigin = `http://localhost:${portalPort}`;
  await grafana.start(
    adapt(example('ini', 'auth.jwt'), {
      '/etc/grafana/portal.pub.pem': join(directory, 'portal.pub.pem'),
      'https://portal.site.example': portalOrigin,
    })
  );
  const script = adapt(example('sh', 'portal.mjs'), {
    'https://stats.site.example': grafana.origin,
    'https://portal.site.example': portalOrigin,
    'docs/examples': join(root, 'docs/examples'),
  });
  portal = spawn('bash', ['-c', `exec env ${script}`], {
    cwd: directory,
    env: { ...process.env, PORT: String(portalPort) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await expect(async () => expect((await fetch(portalOrigin)).status).toBe(401)).toPass({ timeout: 30_000 });
});

test.afterAll(async () => {
  await stop(portal);
  await grafana?.stop();
  await streamlens?.stop();
  if (directory) {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Returns the token that the portal gives to a customer who has signed in. */
async function tokenOf(customer: Customer): Promise<string> {
  const credentials = Buffer.from(`${customer}:${customer}-secret`).toString('base64');
  const answer = await fetch(`${portalOrigin}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${credentials}` },
  });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { token: string }).token;
}

interface Answer {
  status: number;
  text: string;
}

/** Asks Grafana with a token in the header. A body makes it a POST. */
async function ask(
  token: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: unknown } = {}
): Promise<Answer> {
  const response = await fetch(grafana.origin + path, {
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    redirect: 'manual',
    headers: { 'X-JWT-Assertion': token, 'Content-Type': 'application/json', ...options.headers },
    body: options.body === undefined ? undefined : JSON.stringify(options.body),
  });
  return { status: response.status, text: await response.text() };
}

/** Returns the text of an answer without the question that it repeats, in which is what was asked for. */
function withoutQuestion(text: string): string {
  return text.replaceAll(/"executedQueryString":"(\\.|[^"\\])*"/g, '');
}

/** The body of a query of the last day. */
function query(fields: Record<string, unknown> = {}, uid = 'streamlens') {
  return {
    from: 'now-24h',
    to: 'now',
    queries: [{ refId: 'A', datasource: { uid }, queryType: 'usageByStream', form: 'total', ...fields }],
  };
}

/** The path of the list of values of a filter. */
function values(label: string, more = '', uid = 'streamlens'): string {
  const now = Date.now();
  return `/api/datasources/uid/${uid}/resources/values?label=${label}&from=${now - 24 * 60 * 60 * 1000}&to=${now}${more}`;
}

/** Opens a page of the portal or of Grafana, and keeps what Grafana answers to it. */
async function open(
  browser: Browser,
  url: string,
  options: { customer?: Customer; colorScheme?: 'light' | 'dark' } = {}
) {
  const { customer, colorScheme } = options;
  const context = await browser.newContext({
    colorScheme,
    viewport: { width: 1280, height: 1250 },
    httpCredentials: customer && { username: customer, password: `${customer}-secret`, origin: portalOrigin },
  });
  const page = await context.newPage();
  const answers: string[] = [];
  page.on('response', async (response) => {
    if (/\/api\/(ds\/query|datasources|dashboards)/.test(response.url())) {
      // A page that goes away takes the answers with it.
      answers.push(await response.text().catch(() => ''));
    }
  });
  await page.goto(url);
  return { page, answers, close: () => context.close() };
}

/** Returns all that a page and its frames show as text. */
async function shown(page: Page): Promise<string> {
  const text = (frame: Frame) => frame.evaluate(() => document.body.innerText);
  return (await Promise.all(page.frames().map(text))).join('\n');
}

for (const [customer, theme] of [
  ['alice', 'light'],
  ['gus', 'dark'],
  ['pam', 'dark'],
] as const) {
  test(`${customer} sees the numbers of ${customers[customer].organization} alone, in ${theme} colours`, async ({
    browser,
  }, info) => {
    const { total, foreign } = customers[customer];
    const { page, answers, close } = await open(browser, portalOrigin, { customer, colorScheme: theme });
    for (const title of ['Usage', 'Home']) {
      const frame = page.frameLocator(`iframe[title="${title}"]`);
      await expect(frame.getByText(total.split(' ')[0]!).first()).toBeVisible({ timeout: patience });
      await expect(frame.locator('body')).toHaveClass(new RegExp(`theme-${theme}`));
    }
    await expect(page.frameLocator('iframe[title="Home"]').getByText('Month to date').first()).toBeVisible({
      timeout: patience,
    });
    expect(await shown(page)).not.toMatch(foreign);
    expect(answers.length).toBeGreaterThan(2);
    expect(answers.join('\n')).not.toMatch(foreign);
    await page.screenshot({ path: info.outputPath(`portal-${customer}-${theme}.png`), timeout: 60_000 });
    await close();
  });
}

test('tokens that are not the portal’s open nothing', async () => {
  const good = await tokenOf('alice');
  const [header, claims, signature] = good.split('.') as [string, string, string];
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const edited = (change: object) => `${header}.${encode({ ...decode(claims), ...change })}.${signature}`;
  const unsigned = (alg: string, orgs: string[]) =>
    `${encode({ alg, typ: 'JWT' })}.${encode({ ...decode(claims), orgs })}`;
  const key = createPrivateKey(readFileSync(join(directory, 'portal.key.pem')));
  const issuer = portalOrigin;
  const publicKey = readFileSync(join(directory, 'portal.pub.pem'));
  const hmac = createHmac('sha256', publicKey)
    .update(unsigned('HS256', ['globex']))
    .digest('base64url');
  const tokens = {
    'another organisation': edited({ orgs: ['globex'] }),
    'two organisations': edited({ orgs: ['acme', 'globex'] }),
    'another login': edited({ sub: 'admin' }),
    'a longer life': edited({ exp: 4_000_000_000 }),
    'no signature': `${unsigned('none', ['globex'])}.`,
    'no signature, in capitals': `${unsigned('NONE', ['globex'])}.`,
    'the signature of another token': `${unsigned('none', ['globex'])}.${signature}`,
    'the public key as secret': `${unsigned('HS256', ['globex'])}.${hmac}`,
    'another key': signToken(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, {
      user: 'alice',
      organization: 'globex',
      issuer,
    }),
    'another issuer': signToken(key, { user: 'alice', organization: 'globex', issuer: 'http://elsewhere' }),
    'an end in the past': signToken(key, { user: 'alice', organization: 'acme', issuer }, -120),
    'an unknown organisation': signToken(key, { user: 'alice', organization: 'nobody', issuer }),
    'a star': signToken(key, { user: 'alice', organization: '*', issuer }),
    'the number of an organisation': signToken(key, { user: 'alice', organization: '3', issuer }),
    'no organisation': signToken(key, { user: 'alice', organization: '', issuer }),
    'half a token': good.slice(0, good.length / 2),
    nothing: '',
  };
  for (const [name, token] of Object.entries(tokens)) {
    const answers = [
      await ask(token, '/api/ds/query', { body: query() }),
      await ask(token, values('stream')),
      await ask('', `/api/org?auth_token=${token}`),
      await ask('', `/d/streamlens-home?auth_token=${token}`),
      await ask('', `/d-solo/streamlens-home?panelId=1&auth_token=${token}`),
    ];
    // Pages lead to the sign-in.
    expect(
      answers.map(({ status }) => [302, 401, 403].includes(status)),
      name
    ).not.toContain(false);
    expect(answers.map(({ text }) => text).join('\n'), name).not.toMatch(/\d{8,}|"launch"|"arena"/);
  }
  // The good one does open.
  const own = await ask(good, '/api/ds/query', { body: query() });
  expect(own.text).toContain('4000000000');
  expect((await fetch(`${portalOrigin}/token`, { method: 'POST' })).status).toBe(401);
});

test('no address, header or name leads into another organisation', async ({ browser }) => {
  const { foreign } = customers.alice;
  const token = await tokenOf('alice');
  // What only globex has, under names that acme lacks.
  const admin = { Authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}`, 'X-Grafana-Org-Id': '3' };
  const jsonData = { url: streamlens.storage, organization: 'globex', level: 'premium' };
  const dataSource = {
    name: 'other',
    uid: 'other',
    type: 'streamlens-analytics-datasource',
    access: 'proxy',
    jsonData,
  };
  const dashboard = { uid: 'other', title: 'arena', panels: [] };
  expect((await ask('', '/api/datasources', { headers: admin, body: dataSource })).status).toBe(200);
  expect((await ask('', '/api/dashboards/db', { headers: admin, body: { dashboard } })).status).toBe(200);
  expect((await ask(await tokenOf('gus'), '/api/ds/query', { body: query({}, 'other') })).text).toContain('55500000');

  const attempts: Array<[string, Parameters<typeof ask>[2]?]> = [
    ['/api/ds/query', { body: query({}, 'other') }],
    ['/api/ds/query?orgId=3', { body: query() }],
    ['/api/ds/query', { body: query(), headers: { 'X-Grafana-Org-Id': '3' } }],
    ['/api/ds/query', { body: query({}, 'other'), headers: { 'X-Grafana-Org-Id': '3' } }],
    ['/api/ds/query', { body: query({ organization: 'globex', org: 'globex', orgId: 3, datasourceId: 2 }) }],
    ['/api/ds/query', { body: query({ stream: ['arena', '.*', '"} or {org="globex'] }) }],
    [values('stream', '', 'other')],
    [values('stream', '&orgId=3')],
    ['/api/datasources/uid/other'],
    ['/api/datasources/uid/other/health'],
    ['/api/datasources/proxy/uid/other/api/v1/query?query={org="globex"}'],
    ['/api/datasources/proxy/uid/streamlens/api/v1/query?query={org="globex"}'],
    ['/api/dashboards/uid/other'],
    ['/api/search?orgId=3'],
    ['/api/search', { headers: { 'X-Grafana-Org-Id': '3' } }],
    ['/api/user/using/3', { method: 'POST' }],
    ['/api/orgs/3'],
    ['/d/other?orgId=3'],
  ];
  for (const [path, options] of attempts) {
    const answer = await ask(token, path, options);
    expect(withoutQuestion(answer.text), path).not.toMatch(foreign);
  }
  for (const path of [
    '/d/streamlens-home?kiosk&orgId=3',
    '/d/other?kiosk',
    '/d/streamlens-home?kiosk&var-stream=arena',
  ]) {
    const { page, answers, close } = await open(browser, `${grafana.origin}${path}&auth_token=${token}`);
    await page.waitForLoadState('networkidle', { timeout: patience });
    expect((await shown(page)) + answers.join('\n'), path).not.toMatch(/55\.5 MB|\b55500000\b/);
    await close();
  }
});

test('nobody widens a fixed filter', async ({ browser }) => {
  const { foreign } = customers.pam;
  const token = await tokenOf('pam');
  const own = await ask(token, '/api/ds/query', { body: query() });
  expect(own.text).toContain('3210000000');

  const filters: Array<Record<string, unknown>> = [
    {},
    { stream: ['studio'] },
    { stream: ['launch', 'studio'] },
    { stream: ['.*'] },
    { stream: [] },
    { stream: null },
    { stream: ['$__all'] },
    { stream: ['launch"} or {stream="studio'] },
    { country: ['ZZ'] },
    { fixedFilters: {} },
    { fixedFilters: { stream: ['studio'] } },
    { jsonData: { fixedFilters: null } },
  ];
  for (const fields of filters) {
    for (const queryType of ['usageByStream', 'usageOverview', 'usageByCountry', 'usageReport', 'monthToDate']) {
      for (const form of ['total', 'series']) {
        const answer = await ask(token, '/api/ds/query', {
          body: query({ ...fields, queryType, form }),
          headers: { FromAlert: 'true' },
        });
        expect(withoutQuestion(answer.text), `${queryType} ${JSON.stringify(fields)}`).not.toMatch(
          /7210000000|4000000000|"studio"/
        );
      }
    }
  }
  for (const more of [
    '',
    '&stream=studio',
    '&stream=launch&stream=studio',
    '&country=ZZ',
    '&tag=x',
    '&fixedFilters={}',
  ]) {
    for (const label of ['stream', 'country', 'tag', 'event', 'referrer']) {
      expect((await ask(token, values(label, more))).text, label + more).not.toMatch(/"studio"/);
    }
  }
  expect(JSON.parse((await ask(token, values('stream'))).text)).toEqual(['launch']);

  // Nor can the filter be taken away.
  const settings = {
    name: 'Streamlens',
    type: 'streamlens-analytics-datasource',
    access: 'proxy',
    jsonData: { url: streamlens.storage, organization: 'acme' },
  };
  for (const [path, method] of [
    ['/api/datasources/uid/streamlens', 'PUT'],
    ['/api/datasources', 'POST'],
    ['/api/datasources/uid/streamlens', 'DELETE'],
    ['/api/v1/provisioning/alert-rules', 'POST'],
  ] as const) {
    expect((await ask(token, path, { method, body: settings })).status, `${method} ${path}`).toBe(403);
  }

  const address = `${grafana.origin}/d/streamlens-home?kiosk&var-stream=studio&var-stream=launch&auth_token=${token}`;
  const { page, answers, close } = await open(browser, address);
  await expect(page.getByText('3.21').first()).toBeVisible({ timeout: patience });
  expect((await shown(page)).replaceAll('studio', '')).not.toMatch(foreign);
  expect(answers.join('\n')).not.toMatch(/7210000000|4000000000/);
  await close();
});

test('only the portal may frame Grafana', async ({ browser }) => {
  const address = `${grafana.origin}/d-solo/streamlens-home?panelId=1&auth_token=${await tokenOf('alice')}`;
  const response = await fetch(address);
  expect(response.headers.get('x-frame-options')).toBeNull();
  expect(response.headers.get('content-security-policy')).toContain(`frame-ancestors 'self' ${portalOrigin}`);

  const foreign = await LocalServer.start((_, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end(`<iframe src="${address}"></iframe>`);
  });
  for (const origin of [foreign.origin, foreign.origin.replace('127.0.0.1', 'localhost')]) {
    const complaints: string[] = [];
    const { page, close } = await open(browser, 'about:blank', { customer: 'alice' });
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(origin);
    await expect.poll(() => complaints.join('\n'), { timeout: patience }).toContain('frame-ancestors');
    expect(page.frames()[1]!.url(), origin).toBe('chrome-error://chromewebdata/');
    expect(await shown(page)).not.toMatch(/\d GB/);
    await close();
  }
  await foreign.stop();
});

test('a public dashboard shows what it asks, and nothing else', async () => {
  const said = run(adapt(example('sh', 'public-dashboards'), { 'http://localhost:3000': grafana.origin }));
  const accessToken = /"accessToken":"([^"]+)"/.exec(said)![1]!;
  const panel = (token: string) => `/api/public/dashboards/${token}/panels/1/query`;
  const hostile = { ...query({ stream: ['studio'] }), intervalMs: 60_000, maxDataPoints: 100 };
  const answer = await ask('', panel(accessToken), { body: hostile });
  expect(answer.status, answer.text).toBe(200);
  expect(answer.text).toContain('3210000000');
  expect(answer.text).not.toMatch(/7210000000|4000000000|studio/);
  expect((await ask('', values('stream'))).status).toBe(401);

  // Those of Streamlens cannot be shared so: their panels take the data source from a variable.
  const admin = { Authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}`, 'X-Grafana-Org-Id': '2' };
  const shared = await ask('', '/api/dashboards/uid/streamlens-home/public-dashboards', {
    headers: admin,
    body: { isEnabled: true, share: 'public' },
  });
  expect(shared.status, shared.text).toBe(200);
  const { accessToken: homeToken } = JSON.parse(shared.text) as { accessToken: string };
  expect((await ask('', panel(homeToken), { body: { intervalMs: 60_000, maxDataPoints: 100 } })).status).toBe(500);
});
