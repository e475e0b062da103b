import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './paths';
import { freePort } from './server';

const streamlens = process.env.STREAMLENS ?? join(root, 'bin/streamlens');
const victoriaMetrics = process.env.VICTORIAMETRICS ?? join(root, 'bin/victoria-metrics');

const organization = 'acme';

/** Account of the organisation that the players use. */
export const account = { accountId: 'acme', accountKey: 'pk_browsertest' };

/** A row of a widget's answer, by column. */
export type Row = Record<string, string | number | null>;

interface Frames {
  frames: Array<{
    schema: { fields: Array<{ name: string }> };
    data: { values: Array<Array<string | number | null>> };
  }>;
}

/** A real VictoriaMetrics and a real collector, with data of their own, on free ports. */
export class Streamlens {
  private readonly processes: ChildProcess[] = [];

  private constructor(
    private readonly directory: string,
    /** URL to which players report. */
    readonly endpoint: string
  ) {}

  /** Returns which of the programs are not built, in words; empty if none. */
  static missing(): string {
    return [streamlens, victoriaMetrics]
      .filter((program) => !existsSync(program))
      .map((program) => `${program} is not built`)
      .join(', ');
  }

  /** Starts both; players are accepted from the given origins. */
  static async start(origins: string[]): Promise<Streamlens> {
    const directory = mkdtempSync(join(tmpdir(), 'streamlens-browser-'));
    const [storagePort, collectorPort] = [await freePort(), await freePort()];
    const collector = `http://127.0.0.1:${collectorPort}`;
    const instance = new Streamlens(directory, `${collector}/v1/events`);
    // JSON is YAML.
    const config = {
      listen: `127.0.0.1:${collectorPort}`,
      dataDir: join(directory, 'collector'),
      victoriametrics: { url: `http://127.0.0.1:${storagePort}` },
      organizations: [
        {
          id: organization,
          level: 'premium',
          secretKey: 'sk_browsertest',
          accounts: [{ id: account.accountId, key: account.accountKey, origins }],
        },
      ],
    };
    writeFileSync(instance.config, JSON.stringify(config));
    try {
      instance.spawn(victoriaMetrics, [
        `-storageDataPath=${join(directory, 'storage')}`,
        `-httpListenAddr=127.0.0.1:${storagePort}`,
        '-dedup.minScrapeInterval=1ms',
        '-retentionPeriod=400d',
        '-loggerLevel=ERROR',
      ]);
      await ready(`http://127.0.0.1:${storagePort}/health`);
      instance.spawn(streamlens, ['collect', '--config', instance.config]);
      await ready(`${collector}/readyz`);
    } catch (error) {
      await instance.stop();
      throw error;
    }
    return instance;
  }

  /** Asks a widget for its total form from `from` to `to`, both in ms since 1970. */
  async query(widget: string, from: number, to: number): Promise<Row[]> {
    const range = ['--from', new Date(from).toISOString(), '--to', new Date(to).toISOString()];
    const { stdout } = await promisify(execFile)(streamlens, [
      ...['query', widget, '--config', this.config, '--org', organization, '--json'],
      ...range,
    ]);
    return (JSON.parse(stdout) as Frames).frames.flatMap(({ schema, data }) =>
      (data.values[0] ?? []).map((_, row) =>
        Object.fromEntries(schema.fields.map(({ name }, column) => [name, data.values[column]![row]!]))
      )
    );
  }

  async stop(): Promise<void> {
    for (const process of this.processes.reverse()) {
      if (process.exitCode === null) {
        process.kill();
        await once(process, 'exit');
      }
    }
    rmSync(this.directory, { recursive: true });
  }

  private get config(): string {
    return join(this.directory, 'streamlens.yaml');
  }

  private spawn(program: string, args: string[]): void {
    this.processes.push(spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] }));
  }
}

async function ready(url: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await fetch(url).then(
      async (response) => (response.ok ? '' : `${response.status} ${await response.text()}`),
      String
    );
    if (answer === '') {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(`${url} is not ready: ${answer}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
