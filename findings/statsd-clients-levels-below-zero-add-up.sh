#!/bin/bash
# StatsD takes a gauge with a sign as a change of what it has, and three clients send a level below zero with its sign. Sound that is 40 ms early, reported each ten seconds as -40, is 40, 80 and 120 ms
# early, and a loudness of -23 is -2300 after a hundred reports; above zero all is right. statsd-client has a call of its own for changes, whose line is the same. By node-statsd what is counted as 0
# is 1 besides: plays without a stall have one.
#
# Guess before: what is set is what is there. (None was written of counts of 0.)
# Seen with node-statsd 0.1.1, node-dogstatsd 0.0.7, statsd-client 0.4.7 and the server, statsd 0.9.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
packages=(node-statsd@0.1.1 node-dogstatsd@0.0.7 statsd-client@0.4.7 statsd@0.9.0)
npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional "${packages[@]}" >/dev/null
cat >finding.cjs <<'END'
const { spawn } = require('node:child_process');
const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { readFileSync, writeFileSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { setTimeout: wait } = require('node:timers/promises');
const { StatsD: NodeStatsd } = require('node-statsd');
const { StatsD: NodeDogstatsd } = require('node-dogstatsd');
const StatsdClient = require('statsd-client');

for (const name of ['node-statsd', 'node-dogstatsd', 'statsd-client', 'statsd']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}

async function main() {
  // two ports on which nothing listens
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  const listener = createServer().listen(0, '127.0.0.1');
  await Promise.all([once(socket, 'listening'), once(listener, 'listening')]);
  const port = socket.address().port;
  const management = listener.address().port;
  await Promise.all([socket.close(), listener.close()].map((each) => once(each, 'close')));

  writeFileSync('config.js', JSON.stringify({ address: '127.0.0.1', port, mgmt_address: '127.0.0.1', mgmt_port: management, flushInterval: 3600000 }));
  const server = spawn('node', ['node_modules/statsd/stats.js', 'config.js'], { stdio: 'ignore' });
  const ask = async (what) => {
    const connection = connect(management, '127.0.0.1');
    await once(connection, 'connect');
    connection.write(`${what}\n`);
    let answer = '';
    for await (const part of connection) {
      answer += part;
      if (/END|health:/.test(answer)) {
        break;
      }
    }
    return answer;
  };
  try {
    for (let tries = 0; ; tries += 1) {
      try {
        await ask('health');
        break;
      } catch (error) {
        if (tries === 100) {
          throw error;
        }
        await wait(100);
      }
    }
    const clients = {
      'node-statsd': new NodeStatsd('127.0.0.1', port),
      'node-dogstatsd': new NodeDogstatsd('127.0.0.1', port),
      'statsd-client': new StatsdClient({ host: '127.0.0.1', port }),
    };
    for (let report = 0; report < 3; report += 1) {
      for (const [name, client] of Object.entries(clients)) {
        client.gauge(`${name}.below`, -40);
        client.gauge(`${name}.above`, 40);
      }
      await wait(200);
    }
    clients['statsd-client'].gaugeDelta('statsd-client.below', -40);
    clients['node-statsd'].increment('stalls', 0);
    await wait(500);
    const gauges = await ask('gauges');
    const counters = await ask('counters');
    return [...gauges.matchAll(/'?([\w-]+\.(?:below|above))'?: (-?\d+)/g)].map(([, name, value]) => `${name} ${value}`).concat(/stalls'?: \d+/.exec(counters)[0]);
  } finally {
    server.kill();
  }
}

main().then((seen) => {
  seen.sort();
  console.log(seen.join('\n'));
  const expected = [
    'node-dogstatsd.above 40',
    'node-dogstatsd.below -120',
    'node-statsd.above 40',
    'node-statsd.below -120',
    'stalls: 1',
    'statsd-client.above 40',
    'statsd-client.below -160',
  ];
  if (seen.join() !== expected.join()) {
    console.log('CHANGED');
    process.exit(1);
  }
  process.exit(0);
});
END
node finding.cjs
