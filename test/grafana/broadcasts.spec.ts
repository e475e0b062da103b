import { type Browser, expect, type Page, test } from '@playwright/test';
import type { BeaconOptions } from '@streamlens/beacon';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import type { AdaptersPage } from '../browser/page/adapters/main';
import { LossyLink } from '../browser/support/link';
import { freePort } from '../browser/support/server';
import { Site } from '../browser/support/site';
import { type Demo, start } from './demo';
import { type Alert, evaluatedRules, firingOf, hurry, rulesOf } from './rules';

// Real broadcasts that go wrong, and the alert rules on their health: encoders send by RTMP to an nginx that a collector polls, and a
// camera is published by WebRTC over a bad line. The rules look back as far as they are provisioned to, so this takes some 12 minutes.

const root = resolve(__dirname, '../..');
const module = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** What must fire: a rule, and the stream that is the culprit. */
const EXPECTED = [
  'broadcast-restarting encore',
  'broadcast-duplicate twice',
  'broadcast-inactive frozen',
  'broadcast-loss camera',
  'broadcast-round-trip camera',
];

test.describe('alert rules on broadcasts', () => {
  test.skip(!process.env.GRAFANA_HOME, 'needs GRAFANA_HOME, because it starts a Grafana of its own');
  test.skip(!existsSync(module), `needs ${module}`);
  test.setTimeout(30 * 60_000);

  const children: ChildProcess[] = [];
  let folder: string;
  let demo: Demo | undefined;
  let collector: string;
  let rtmp: number;
  let site: Site | undefined;
  let browser: Browser | undefined;
  let link: LossyLink | undefined;

  test.beforeAll(async () => {
    test.setTimeout(10 * 60_000);
    folder = mkdtempSync(join(tmpdir(), 'streamlens-broadcasts-'));
    execFileSync('npm', ['run', 'build', '--workspace', 'beacon'], { cwd: root, stdio: 'inherit' });
    const provisioning = join(folder, 'provisioning');
    cpSync(resolve(root, 'provisioning'), provisioning, { recursive: true });
    writeFileSync(join(provisioning, 'alerting/premium.json'), JSON.stringify(hurry(rulesOf('premium.json'))));
    demo = await start(`--provisioning=${provisioning}`, '--viewers=3');
    await serve();
    await collect(demo);
    // prettier-ignore
    execFileSync('ffmpeg', [
      '-loglevel', 'error',
      '-f', 'lavfi', '-i', 'testsrc=size=160x90:rate=10', '-f', 'lavfi', '-i', 'sine=frequency=440',
      '-t', '10', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-g', '10', '-c:a', 'aac', join(folder, 'video.flv'),
    ]);
    site = await Site.start();
  });

  test.afterAll(async () => {
    await browser?.close();
    link?.close();
    await site?.stop();
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode === null && child.signalCode === null) {
          child.kill('SIGKILL');
          await once(child, 'exit');
        }
      })
    );
    await demo?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts a program that ends with the test. */
  function run(program: string, ...args: string[]): ChildProcess {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    children.push(child);
    return child;
  }

  /** Starts an nginx that takes RTMP in two applications, in which a stream may have the same name. */
  async function serve(): Promise<void> {
    rtmp = await freePort();
    const http = await freePort();
    writeFileSync(
      join(folder, 'nginx.conf'),
      `load_module ${module};
      daemon off;
      master_process off;
      pid nginx.pid;
      events {}
      rtmp {
        server {
          listen 127.0.0.1:${rtmp};
          # One who sends nothing is kept, so that it can be seen.
          ping 30m;
          application main { live on; }
          application backup { live on; }
        }
      }
      http {
        access_log off;
        ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join('\n')}
        server {
          listen 127.0.0.1:${http};
          location /stat { rtmp_stat all; }
        }
      }`
    );
    run('nginx', '-p', folder, '-c', 'nginx.conf', '-e', 'error.log');
    servers = `servers: [{type: nginx-rtmp, url: "http://127.0.0.1:${http}/stat", organization: acme, interval: 5}]\n`;
  }

  let servers: string;

  /** Starts a collector beside that of the demo, for the same organisations, which polls nginx. */
  async function collect({ configuration }: Demo): Promise<void> {
    const port = await freePort();
    collector = `http://127.0.0.1:${port}`;
    const config = readFileSync(configuration, 'utf8')
      .replace(/^listen:.*$/m, `listen: "127.0.0.1:${port}"`)
      .replace(/^dataDir:.*$/m, `dataDir: ${JSON.stringify(join(folder, 'collector'))}`)
      .concat(servers);
    writeFileSync(join(folder, 'streamlens.yaml'), config);
    run(resolve(root, 'bin/streamlens'), 'collect', '--config', join(folder, 'streamlens.yaml'));
    await expect(async () => {
      expect((await fetch(`${collector}/readyz`)).status).toBe(200);
    }).toPass({ timeout: 120_000 });
  }

  /** Lets an encoder send a stream without end. */
  function broadcast(application: string, stream: string): ChildProcess {
    // prettier-ignore
    return run(
      'ffmpeg', '-loglevel', 'fatal', '-re', '-stream_loop', '-1', '-i', join(folder, 'video.flv'), '-c', 'copy',
      '-f', 'flv', `rtmp://127.0.0.1:${rtmp}/${application}/${stream}`
    );
  }

  async function kill(encoder: ChildProcess): Promise<void> {
    encoder.kill('SIGKILL');
    await once(encoder, 'exit');
  }

  /** Publishes a camera to a receiver that is far away and gets eleven packets of twelve. */
  async function publishCamera(page: Page): Promise<void> {
    await page.exposeFunction('reroute', async (sdp: string) => {
      const candidate = /^a=candidate:\S+ \d+ udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host/im.exec(sdp)!;
      link = new LossyLink({ address: candidate[1]!, port: Number(candidate[2]) }, 200, 12);
      const port = await link.open();
      return sdp
        .replace(/^a=candidate:.*\r\n/gm, '')
        .replace(
          /^a=mid:0\r\n/m,
          (line) => `a=candidate:1 1 udp 2122260223 ${candidate[1]} ${port} typ host\r\n${line}`
        );
    });
    await page.goto(`${site!.origin}/adapters/`);
    const text = readFileSync(join(folder, 'streamlens.yaml'), 'utf8');
    const beacon: BeaconOptions = {
      endpoint: `${collector}/v1/events`,
      accountId: 'acme',
      accountKey: /id: acme, key: (pk_\w+)/.exec(text)![1]!,
      stream: 'camera',
      interval: 5,
    };
    const handle = await page.waitForFunction(() => (window as unknown as { page?: AdaptersPage }).page);
    await handle.evaluate(async (page, beacon) => {
      const { reroute } = window as unknown as { reroute: (sdp: string) => Promise<string> };
      page!.publication = await page!.publish(beacon, reroute);
    }, beacon);
  }

  /** Waits until exactly these alerts of broadcasts fire, and prints when each changed first. */
  async function waitFor(expected: string[]): Promise<Alert[]> {
    const began = Date.now();
    const seen = new Set<string>();
    let alerts: Alert[] = [];
    await expect(async () => {
      const rules = await evaluatedRules(demo!.grafana);
      const firing = firingOf(rules).filter(({ uid }) => uid.startsWith('broadcast-') && uid !== 'broadcast-lost');
      alerts = firing;
      const now = firing.map(({ uid, labels }) => `${uid} ${labels.stream}`);
      for (const name of EXPECTED.filter((name) => now.includes(name) === expected.includes(name) && !seen.has(name))) {
        seen.add(name);
        console.log(
          `${name}: ${now.includes(name) ? 'fires' : 'is silent'} after ${Math.round((Date.now() - began) / 1000)} s`
        );
      }
      expect(now.sort()).toEqual([...expected].sort());
    }).toPass({ timeout: 10 * 60_000, intervals: [5_000] });
    return alerts;
  }

  /** Opens the panel to which the alerts lead: it says in words what is wrong with each stream. */
  async function lookAtHealth(page: Page, path: string): Promise<void> {
    await page.request.post(`${demo!.grafana}/login`, { data: { user: 'admin', password: 'admin' } });
    await page.goto(`${demo!.grafana}/d/streamlens-webcaster?orgId=1&from=now-15m&to=now&viewPanel=panel-11`);
    const states = { encore: 'restarting', twice: 'duplicate', frozen: 'inactive', camera: 'poor line', steady: 'ok' };
    for (const [stream, state] of Object.entries(states)) {
      const row = page.getByRole('row').filter({ hasText: stream });
      // A state is of whole minutes that are complete, so that it comes up to three minutes after the alert.
      await expect.soft(row.filter({ hasText: state }), `${stream} is ${state}`).toBeVisible({ timeout: 240_000 });
    }
    await page.screenshot({ path });
  }

  test('each fires for the stream whose broadcast is ill, and for no other, and ends with the illness', async ({
    playwright,
  }, info) => {
    browser = await playwright.chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        '--disable-features=WebRtcHideLocalIpsWithMdns',
        '--allow-loopback-in-peer-connection',
      ],
    });
    broadcast('main', 'steady');
    broadcast('main', 'twice');
    const second = broadcast('backup', 'twice');
    const frozen = broadcast('main', 'frozen');
    let encore = broadcast('main', 'encore');
    // A page of a site knows no password of Grafana.
    await publishCamera(await browser.newPage({ extraHTTPHeaders: {} }));
    for (let restarts = 0; restarts < 3; restarts++) {
      await new Promise((done) => setTimeout(done, 20_000));
      await kill(encore);
      encore = broadcast('main', 'encore');
    }
    frozen.kill('SIGSTOP');
    const alerts = await waitFor(EXPECTED);
    for (const { annotations } of alerts) {
      console.log(`${annotations.summary} ${annotations.description}`);
      expect(`${annotations.summary} ${annotations.description}`).not.toMatch(/no value|NaN|Inf|\{\{|error|unknown/);
    }
    await lookAtHealth(
      await browser.newPage({ viewport: { width: 1440, height: 900 } }),
      info.outputPath('health.png')
    );

    frozen.kill('SIGCONT');
    await kill(second);
    link!.heal();
    await waitFor([]);
  });
});
