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

/** Organisations with data of their own. */
export const organizations = ['acme', 'globex'] as const;
export type Organization = (typeof organizations)[number];

/** Account of acme that the players use. */
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
    private readonly collector: string,
    /** URL of VictoriaMetrics. */
    readonly storage: string
  ) {}

  /** URL to which beacons report. */
  get endpoint(): string {
    return `${this.collector}/v1/events`;
  }

  /** URL to which a player reports with CMCD every so many seconds; client is its kind and version. */
  cmcdEndpoint(client: string, interval: number): string {
    const path = `/v1/cmcd/${account.accountId}/${account.accountKey}`;
    return `${this.collector}${path}?interval=${interval}&client=${encodeURIComponent(client)}`;
  }

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
    const storage = `http://127.0.0.1:${storagePort}`;
    const instance = new Streamlens(directory, collector, storage);
    // JSON is YAML.
    const config = {
      listen: `127.0.0.1:${collectorPort}`,
      dataDir: join(directory, 'collector'),
      victoriametrics: { url: storage },
      organizations: organizations.map((id) => ({
        id,
        level: 'premium',
        secretKey: secretKey(id),
        accounts: id === 'acme' ? [{ id: account.accountId, key: account.accountKey, origins }] : [],
      })),
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
      await ready(`${storage}/health`);
      instance.spawn(streamlens, ['collect', '--config', instance.config]);
      await ready(`${collector}/readyz`);
    } catch (error) {
      await instance.stop();
      throw error;
    }
    return instance;
  }

  /** Asks a widget for its total form from `from` to `to`, both in ms since 1970, of one stream or of all. */
  async query(
    widget: string,
    from: number,
    to: number,
    of: { stream?: string; organization?: Organization } = {}
  ): Promise<Row[]> {
    const { stream, organization = 'acme' } = of;
    const stdout = await this.run([
      ...['query', widget, '--org', organization, '--json'],
      ...['--from', new Date(from).toISOString(), '--to', new Date(to).toISOString()],
      ...(stream ? ['--stream', stream] : []),
    ]);
    return (JSON.parse(stdout) as Frames).frames.flatMap(({ schema, data }) =>
      (data.values[0] ?? []).map((_, row) =>
        Object.fromEntries(schema.fields.map(({ name }, column) => [name, data.values[column]![row]!]))
      )
    );
  }

  /** Counts an access log for acme with `streamlens import`, and returns what that prints. */
  import(format: string, file: string): Promise<string> {
    return this.run(['import', '--org', 'acme', '--format', format, file]);
  }

  /** Counts an access log with `POST /v1/logs`, and returns the answer. */
  async postLog(organization: Organization, format: string, text: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.collector}/v1/logs?format=${format}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${secretKey(organization)}` },
      body: text,
    });
    return (await response.json()) as Record<string, unknown>;
  }

  /** Counts usage with `POST /v1/usage`, one line for each. */
  async postUsage(organization: Organization, lines: Array<Record<string, unknown>>): Promise<void> {
    const response = await fetch(`${this.collector}/v1/usage`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${secretKey(organization)}` },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    });
    if (response.status !== 202) {
      throw new Error(`usage is answered with ${response.status}: ${await response.text()}`);
    }
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

  private async run([command, ...rest]: string[]): Promise<string> {
    return (await promisify(execFile)(streamlens, [command!, '--config', this.config, ...rest])).stdout;
  }

  private get config(): string {
    return join(this.directory, 'streamlens.yaml');
  }

  private spawn(program: string, args: string[]): void {
    this.processes.push(spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] }));
  }
}

function secretKey(organization: Organization): string {
  return `sk_browsertest_${organization}`;
}

/** Waits until a server answers well, so many milliseconds at most. */
export async function ready(url: string, patience = 30_000): Promise<void> {
  const deadline = Date.now() + patience;
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
