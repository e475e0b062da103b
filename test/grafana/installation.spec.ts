import { expect, test } from '@playwright/test';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { api, type EvaluatedRule, rulesOf } from './rules';

// README's installation, done in a folder instead of the machine, in a Grafana of its own that finds there what Grafana's package looks for.

const root = resolve(__dirname, '../..');

/** The pages by the name of the file, and their titles. */
const DASHBOARDS = {
  'streamlens-home': 'Home',
  'streamlens-live': 'Live',
  'streamlens-breakdown': 'Breakdown',
  'streamlens-worldmap': 'World map',
  'streamlens-h5live': 'H5Live',
  'streamlens-adaptive': 'Adaptive bitrate',
  'streamlens-webcaster': 'Webcaster',
  'streamlens-event': 'Event',
  'streamlens-reports': 'Reports',
  'streamlens-plays': 'Plays',
  'streamlens-play': 'Play',
  'streamlens-operations': 'Streamlens operations',
  'streamlens-runbooks': 'Streamlens runbooks',
};

const RULES = ['streams.json', 'premium.json', 'operations.json'];

/** What installs needs rights and services that a test has not. */
const REPLACED = 'sudo() { "$@"; }; useradd() { :; }; systemctl() { :; }\n';

/** The commands that README installs with, but for those that build and start. */
function installation(): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const section = /\n## Install it\n(.*?)\n## /s.exec(readme)?.[1] ?? '';
  const blocks = [...section.matchAll(/^ *```sh\n(.*?)^ *```/gms)].map(([, block = '']) => block);
  const installing = blocks.filter((block) => /^ *sudo (cp|install) /m.test(block));
  expect(installing).toHaveLength(3);
  return installing.map((block) => block.replace(/^ *curl .*\n/gm, '')).join('');
}

/** The variables of a file such as provisioning/streamlens.env. */
function variablesOf(path: string): Record<string, string> {
  return Object.fromEntries(
    [...readFileSync(path, 'utf8').matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}

interface Settings {
  url?: string;
  jsonData: { url: string; collectorUrl: string; organization: string };
}

test.describe('the installation of README', () => {
  test.skip(!process.env.GRAFANA_HOME, 'needs GRAFANA_HOME, because it starts a Grafana of its own');
  test.setTimeout(300_000);

  const grafana = process.env.GRAFANA_HOME ?? '';
  let folder: string;
  let address: string;
  let log = '';
  let begun: number;
  let stop: () => Promise<void>;

  test.beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'streamlens-installation-'));
    mkdirSync(join(folder, 'etc/systemd/system'), { recursive: true });
    // As Grafana's package leaves it.
    cpSync(join(grafana, 'conf/provisioning'), join(folder, 'etc/grafana/provisioning'), { recursive: true });
    const commands = installation()
      .replace(/\/(usr|etc|var)\//g, `${folder}/$1/`)
      .replaceAll('-g streamlens ', '');
    execFileSync('bash', ['-euo', 'pipefail', '-c', REPLACED + commands], { cwd: root });

    const environment = variablesOf(join(folder, 'etc/streamlens/grafana.env'));
    const beside = process.env.GRAFANA_URL ?? '';
    const ours = (await api(beside, '/api/datasources/uid/streamlens')) as Settings;
    const operations = (await api(beside, '/api/datasources/uid/streamlens-operations')) as Settings;
    // The demo's ports are its own, and its folder is not that of the machine.
    const changed = {
      STREAMLENS_ROOT: folder,
      STREAMLENS_ORGANIZATION: ours.jsonData.organization,
      STREAMLENS_VICTORIAMETRICS_URL: ours.jsonData.url,
      STREAMLENS_COLLECTOR_URL: ours.jsonData.collectorUrl,
      STREAMLENS_OPERATIONS_URL: operations.url,
    };
    const port = await freePort();
    begun = Date.now();
    address = `http://127.0.0.1:${port}`;
    const server = spawn(join(grafana, 'bin/grafana'), ['server', '--homepath', grafana], {
      // Grafana looks for dashboards here if their path is empty.
      cwd: root,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        ...environment,
        ...changed,
        GF_SERVER_HTTP_ADDR: '127.0.0.1',
        GF_SERVER_HTTP_PORT: String(port),
        GF_PATHS_DATA: join(folder, 'var/lib/grafana'),
        GF_PATHS_PLUGINS: join(folder, 'var/lib/grafana/plugins'),
        GF_PATHS_PROVISIONING: join(folder, 'etc/grafana/provisioning'),
        GF_PATHS_LOGS: join(folder, 'var/log/grafana'),
        GF_LOG_MODE: 'console',
        // No calls to other hosts.
        GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
        GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
        GF_ANALYTICS_REPORTING_ENABLED: 'false',
        GF_PLUGINS_PREINSTALL_DISABLED: 'true',
        GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: 'true',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const output of [server.stdout, server.stderr]) {
      output.on('data', (text) => (log += String(text)));
    }
    const ended = new Promise<void>((done) => server.once('exit', () => done()));
    stop = async () => {
      server.kill('SIGTERM');
      await ended;
    };
    await expect(async () => {
      expect((await fetch(`${address}/api/health`)).ok).toBe(true);
    }).toPass({ timeout: 120_000 });
  });

  test.afterAll(async () => {
    await stop?.();
    rmSync(folder, { recursive: true, force: true });
  });

  test('gives exactly the dashboards', async () => {
    await expect(async () => {
      const found = (await api(address, '/api/search?type=dash-db&limit=5000')) as Array<{
        uid: string;
        title: string;
      }>;
      expect(Object.fromEntries(found.map(({ uid, title }) => [uid, title]))).toEqual(DASHBOARDS);
    }).toPass({ timeout: 30_000 });
  });

  test('gives two data sources, which are healthy', async () => {
    const found = (await api(address, '/api/datasources')) as Array<{ uid: string; name: string }>;
    expect(found.map(({ uid, name }) => `${uid}: ${name}`).sort()).toEqual([
      'streamlens-operations: Streamlens operations',
      'streamlens: Streamlens',
    ]);
    for (const { uid } of found) {
      expect(await api(address, `/api/datasources/uid/${uid}/health`)).toMatchObject({ status: 'OK' });
    }
  });

  test('gives the alert rules, which are evaluated', async () => {
    const want = RULES.flatMap((file) => rulesOf(file).groups.flatMap(({ rules }) => rules.map(({ uid }) => uid)));
    await expect(async () => {
      const answer = (await api(address, '/api/prometheus/grafana/api/v1/rules')) as {
        data: { groups: Array<{ rules: EvaluatedRule[] }> };
      };
      const rules = answer.data.groups.flatMap(({ rules }) => rules);
      expect(rules.map(({ uid }) => uid).sort()).toEqual([...want].sort());
      for (const { uid, health, lastError, lastEvaluation } of rules) {
        expect([uid, health, lastError]).toEqual([uid, 'ok', undefined]);
        expect(Date.parse(lastEvaluation), `${uid} was evaluated`).toBeGreaterThan(begun);
      }
    }).toPass({ timeout: 150_000, intervals: [5_000] });
  });

  test('leaves no error in the log of Grafana, and no warning of Streamlens but of the signature', () => {
    const lines = log.split('\n');
    expect(lines.filter((line) => /\blevel=info\b.*streamlens/i.test(line))).not.toEqual([]);
    expect(lines.filter((line) => /\blevel=(error|critical|fatal)\b/.test(line))).toEqual([]);
    const warnings = lines.filter((line) => /\blevel=warn\b.*streamlens/i.test(line));
    expect(warnings.filter((line) => !/unsigned/.test(line))).toEqual([]);
  });
});
