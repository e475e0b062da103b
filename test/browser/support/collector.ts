import { text } from 'node:stream/consumers';
import { LocalServer } from './server';

/** An event as a collector receives it. */
export interface ReceivedEvent {
  seq: number;
  ts: number;
  type: string;
  startTime?: number;
  playing?: number;
  buffering?: number;
  paused?: number;
  bufferLength?: number;
  code?: number | string;
  fatal?: boolean;
  reason?: string;
  switches?: Record<string, number>;
  played?: number;
}

/** A request to the collector. */
export interface Receipt {
  envelope: { sessionId: string; interval: number; sentAt: number; events: ReceivedEvent[] } & Record<string, unknown>;
  /** Fetch mode that the browser names: `cors` for fetch, `no-cors` for sendBeacon. */
  mode: string;
  origin: string;
}

/** Stands in for the collector where only what the beacon sends is tested: it checks and keeps every request. */
export class StubCollector {
  readonly receipts: Receipt[] = [];
  /** What is wrong with requests, in words. */
  readonly complaints: string[] = [];
  /** Status with which requests are answered, and not kept, unless it is 202. */
  status = 202;
  refusals = 0;

  private server!: LocalServer;

  /** @param port any free one unless given */
  static async start(port?: number): Promise<StubCollector> {
    const stub = new StubCollector();
    stub.server = await LocalServer.start(async (request, response) => {
      response.setHeader('Access-Control-Allow-Origin', '*');
      if (request.method !== 'POST' || !/^\/v1\/events\?stream=[^&]+$/.test(request.url ?? '')) {
        stub.complaints.push(`${request.method} ${request.url} is not POST /v1/events?stream=…`);
      }
      if (!request.headers['content-type']?.startsWith('text/plain')) {
        stub.complaints.push(`content type ${request.headers['content-type']} needs a preflight`);
      }
      if (request.headers.cookie) {
        stub.complaints.push('there is a cookie');
      }
      const body = await text(request);
      if (stub.status !== 202) {
        stub.refusals++;
        response.writeHead(stub.status).end();
        return;
      }
      const envelope = JSON.parse(body) as Receipt['envelope'];
      stub.complaints.push(...complaintsAbout(envelope));
      stub.receipts.push({
        envelope,
        mode: String(request.headers['sec-fetch-mode']),
        origin: String(request.headers.origin),
      });
      response.writeHead(202).end(JSON.stringify({ accepted: envelope.events.length }));
    }, port);
    return stub;
  }

  get endpoint(): string {
    return `${this.server.origin}/v1/events`;
  }

  /** The events of all requests, each seq once, in the order of seq. */
  get events(): ReceivedEvent[] {
    const bySeq = new Map<number, ReceivedEvent>();
    for (const event of this.receipts.flatMap(({ envelope }) => envelope.events)) {
      if (!bySeq.has(event.seq)) {
        bySeq.set(event.seq, event);
      }
    }
    return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  /** The receipt that brought the first event of a type. */
  receiptOf(type: string): Receipt | undefined {
    return this.receipts.find(({ envelope }) => envelope.events.some((event) => event.type === type));
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

/** What happened in the time of a report. */
const counters = ['height', 'stalls', 'switches', 'frames', 'droppedFrames'];

/** Fields of the events: required ones, then optional ones. All but reason, code, fatal and switches, which has numbers, are numbers. */
const fields: Record<string, { required: string[]; optional: string[] }> = {
  load: { required: [], optional: [] },
  start: { required: ['startTime'], optional: [] },
  stats: {
    required: ['playing', 'buffering', 'paused'],
    optional: ['bufferLength', 'latency', 'videoBitrate', 'audioBitrate', 'roundTripTime', 'packetLoss', ...counters],
  },
  status: { required: ['code', 'fatal'], optional: [] },
  stop: { required: ['reason', 'played', 'playing', 'buffering', 'paused'], optional: ['videoBitrate', ...counters] },
};

function complaintsAbout(envelope: Receipt['envelope']): string[] {
  const complaints: string[] = [];
  for (const name of ['accountId', 'accountKey', 'sessionId', 'stream']) {
    if (typeof envelope[name] !== 'string' || envelope[name] === '') {
      complaints.push(`${name} is ${JSON.stringify(envelope[name])}`);
    }
  }
  if (Math.abs(envelope.sentAt - Date.now()) > 5000) {
    complaints.push(`sentAt ${envelope.sentAt} is not the time of sending`);
  }
  for (const event of envelope.events) {
    const known = fields[event.type];
    if (!known) {
      complaints.push(`type ${event.type} is unknown`);
      continue;
    }
    const { seq, ts, type: _, ...rest } = event;
    if (!Number.isInteger(seq) || seq < 1 || !Number.isInteger(ts) || ts > envelope.sentAt) {
      complaints.push(`seq ${seq} or ts ${ts} is wrong`);
    }
    for (const name of known.required.filter((name) => !(name in rest))) {
      complaints.push(`${event.type} has no ${name}`);
    }
    for (const [name, value] of Object.entries(rest) as Array<[string, unknown]>) {
      if (!known.required.includes(name) && !known.optional.includes(name)) {
        complaints.push(`${event.type} has ${name}`);
      }
      const isText = name === 'reason' || name === 'code' || name === 'fatal';
      const numbers: unknown[] = name === 'switches' ? Object.values(value as object) : [value];
      if (!isText && !numbers.every((number) => typeof number === 'number' && Number.isFinite(number) && number >= 0)) {
        complaints.push(`${event.type}.${name} is ${JSON.stringify(value)}`);
      }
    }
  }
  return complaints;
}
