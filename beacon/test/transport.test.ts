import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import type { BeaconEvent } from '../src/events';
import { Transport } from '../src/transport';

type Reply = { status: number; headers?: Record<string, string>; body?: string } | 'hang up';

const page = Object.assign(new EventTarget(), { onLine: true, beacons: [] as string[], accepts: true });
Object.assign(globalThis, {
  navigator: Object.assign(page, {
    sendBeacon: (_: string, body: string) => page.accepts && page.beacons.push(body) > 0,
  }),
  addEventListener: page.addEventListener.bind(page),
  removeEventListener: page.removeEventListener.bind(page),
});

let server: Server | undefined;
afterEach(() => server?.close());

/** Starts a real HTTP server that gives the replies in turn, and 202 after the last. */
async function collector(replies: Reply[], ready?: Promise<unknown>) {
  const received: Array<{ at: number; seqs: number[]; contentType?: string }> = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const events = JSON.parse(body) as BeaconEvent[];
      received.push({
        at: performance.now(),
        seqs: events.map(({ seq }) => seq),
        contentType: request.headers['content-type'],
      });
      const reply = replies.shift() ?? { status: 202, body: `{"accepted": ${events.length}}` };
      if (reply === 'hang up') {
        request.socket.destroy();
        return;
      }
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const warnings: string[] = [];
  const aside: number[][] = [];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/events`;
  const transport = new Transport(
    () => url,
    (events) => JSON.stringify(events),
    (message) => warnings.push(message),
    { firstDelay: 20, putAside: (events) => aside.push(events.map(({ seq }) => seq)), ready }
  );
  return { received, warnings, aside, transport };
}

const event = (seq: number, type: 'stats' | 'load' = 'stats'): BeaconEvent =>
  type === 'load' ? { seq, ts: seq, type } : { seq, ts: seq, type, playing: 1, buffering: 0, paused: 0 };

test('events of one turn travel together, as a type that needs no preflight', async () => {
  const { received, warnings, transport } = await collector([]);
  transport.send(event(1));
  transport.send(event(2));
  await transport.close();
  assert.deepEqual(
    received.map(({ seqs }) => seqs),
    [[1, 2]]
  );
  assert.match(received[0]!.contentType!, /^text\/plain/);
  assert.deepEqual(warnings, []);
});

for (const failure of [{ status: 503 }, { status: 500 }, { status: 429 }, 'hang up'] as Reply[]) {
  test(`the same events are repeated in order after ${JSON.stringify(failure)}`, async () => {
    const { received, warnings, transport } = await collector([failure, failure]);
    transport.send(event(1));
    await new Promise((resolve) => setTimeout(resolve, 10));
    transport.send(event(2));
    await transport.close();
    assert.deepEqual(
      received.map(({ seqs }) => seqs),
      [[1], [1], [1], [2]]
    );
    assert.deepEqual(warnings, []);
  });
}

test('Retry-After is kept', async () => {
  const { received, transport } = await collector([{ status: 429, headers: { 'Retry-After': '1' } }]);
  transport.send(event(1));
  await transport.close();
  const [first, second] = received;
  assert.ok(second!.at - first!.at >= 990, `${second!.at - first!.at} ms`);
});

for (const status of [400, 401, 403, 413]) {
  test(`a batch answered with ${status} is given up with a warning, the next is sent`, async () => {
    const { received, warnings, transport } = await collector([{ status, body: '{"error": "no such account"}' }]);
    transport.send(event(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    transport.send(event(2));
    await transport.close();
    assert.deepEqual(
      received.map(({ seqs }) => seqs),
      [[1], [2]]
    );
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, new RegExp(`${status}.*no such account`));
  });
}

test('refused events of an accepted batch are named in a warning', async () => {
  const body = '{"accepted": 0, "rejected": [{"error": "code is missing", "field": "events[0].code"}]}';
  const { warnings, transport } = await collector([{ status: 202, body }]);
  transport.send(event(1));
  await transport.close();
  assert.match(warnings[0]!, /code is missing/);
});

test('a full queue drops the oldest reports and keeps the load', async () => {
  const { received, transport } = await collector([{ status: 503 }]);
  transport.send(event(1));
  await new Promise((resolve) => setTimeout(resolve, 5));
  transport.send(event(2, 'load'));
  for (let seq = 3; seq <= 400; seq++) {
    transport.send(event(seq));
  }
  await transport.close();
  const seqs = received.at(-1)!.seqs;
  assert.equal(seqs.length, 300);
  assert.deepEqual([seqs[0], seqs[1], seqs.at(-1)], [2, 102, 400]);
});

test('after the end of the session a dead collector is not tried for ever', async () => {
  const { received, warnings, transport } = await collector(Array<Reply>(20).fill({ status: 503 }));
  transport.send(event(1));
  await transport.close();
  assert.equal(received.length, 5);
  assert.equal(warnings.length, 1);
});

test('what is given up is put aside, and what was put aside is forgotten once it is delivered', async () => {
  const dead = await collector(Array<Reply>(5).fill({ status: 503 }));
  dead.transport.send(event(1));
  await dead.transport.close();
  assert.deepEqual(dead.aside, [[1]]);
  server!.close();

  const alive = await collector([]);
  alive.transport.send(event(1));
  alive.transport.hurry();
  await alive.transport.close();
  assert.deepEqual(alive.aside, [[1], []]);
  assert.equal(alive.received.length, 1);
});

test('a refused batch is not put aside', async () => {
  const { aside, transport } = await collector([{ status: 401 }]);
  transport.send(event(1));
  await transport.close();
  assert.deepEqual(aside, []);
});

test('a closing page hands everything to the browser, and also puts it aside', async () => {
  page.beacons.length = 0;
  const { received, aside, transport } = await collector([]);
  transport.send(event(1));
  transport.send(event(2));
  transport.flush();
  await transport.close();
  assert.deepEqual(aside, [[1, 2]]);
  assert.equal(page.beacons.length, 1);
  assert.equal(received.length, 0);
});

test('what the browser does not take is sent by request', async () => {
  page.accepts = false;
  const { received, transport } = await collector([]);
  transport.send(event(1));
  transport.flush();
  await transport.close();
  page.accepts = true;
  assert.equal(received.length, 1);
});

test('offline, attempts do not count, and being online again ends the wait', async () => {
  page.onLine = false;
  const { received, transport } = await collector(Array<Reply>(7).fill('hang up'));
  transport.send(event(1));
  const closed = transport.close();
  while (received.length < 7) {
    page.dispatchEvent(new Event('online'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  page.onLine = true;
  page.dispatchEvent(new Event('online'));
  await closed;
  assert.equal(received.length, 8);
});

test('nothing is sent before the description of the session is ready', async () => {
  let settle = () => {};
  const { received, transport } = await collector([], new Promise<void>((resolve) => (settle = resolve)));
  transport.send(event(1));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(received.length, 0);
  settle();
  await transport.close();
  assert.equal(received.length, 1);
});
