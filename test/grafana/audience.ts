import { randomUUID } from 'node:crypto';

/** What a player says of the time since its last report: its parts, and what else belongs to the report. */
export interface Quality {
  /** The part of the time that went into buffering; the rest was playing. */
  buffering: number;
  /** Delay behind live, s. */
  latency?: number;
  /** A code of a fatal error that it reports each time. */
  code?: string;
}

/** What is known of the accounts of an organisation. */
export interface Account {
  collector: string;
  id: string;
  key: string;
  secretKey: string;
}

interface Session {
  id: string;
  kind: string;
  stream: string;
  address: string;
  quality: Quality;
  seq: number;
  /** When it reported last, ms since 1970. */
  reported: number;
}

/** Seconds between reports that the sessions announce: three of them in silence end a session. */
const INTERVAL = 30;

/** Viewers and publishers of streams, who report when they are told to. */
export class Audience {
  private sessions: Session[] = [];
  /** Streams of which servers receive something. */
  private received = new Set<string>();

  constructor(private readonly account: Account) {}

  /** Lets viewers of a stream come, from a network such as 192.0.2, who have been watching for so many minutes. */
  async watch(stream: string, viewers: number, network: string, minutes: number, quality: Quality): Promise<void> {
    const sessions = Array.from({ length: viewers }, (_, i) =>
      // Each has an address of its own, because an address may send only so much.
      this.session('h5live', stream, `${network}.${1 + (i % 250)}`, minutes, quality)
    );
    await inParts(sessions, (session) => this.begin(session));
    this.sessions.push(...sessions);
  }

  /** Lets a webcaster publish a stream, which it has done for so many minutes. */
  async publish(stream: string, minutes: number): Promise<void> {
    const session = this.session('webcaster', stream, '192.0.2.1', minutes, { buffering: 0 });
    await this.begin(session);
    this.sessions.push(session);
  }

  /** Lets a server receive a stream, which it has done for so many minutes. */
  async receive(stream: string, minutes: number): Promise<void> {
    const now = Date.now();
    const lines = Array.from({ length: minutes + 1 }, (_, i) => line(stream, now - i * 60_000));
    await this.post('usage', lines.join('\n'), { Authorization: `Bearer ${this.account.secretKey}` });
    this.received.add(stream);
  }

  /** Servers receive the stream no more, and its webcaster is gone without a word. */
  lose(stream: string): void {
    this.received.delete(stream);
    this.sessions = this.sessions.filter((session) => session.kind !== 'webcaster' || session.stream !== stream);
  }

  /** Changes what the viewers of a stream live through. */
  change(stream: string, quality: Quality): void {
    for (const session of this.viewersOf(stream)) {
      session.quality = quality;
    }
  }

  /** Lets viewers of a stream leave until so many are left. */
  async leave(stream: string, left: number): Promise<void> {
    const leaving = this.viewersOf(stream).slice(left);
    this.sessions = this.sessions.filter((session) => !leaving.includes(session));
    await inParts(leaving, (session) => this.send(session, [{ type: 'stop', reason: 'normal', ts: Date.now() }]));
  }

  /** Lets players be loaded, of which all start, or all fail. */
  async load(stream: string, count: number, starts: boolean): Promise<void> {
    const sessions = Array.from({ length: count }, () =>
      this.session('h5live', stream, '8.8.8.8', 0, { buffering: 0 })
    );
    const now = Date.now();
    await inParts(sessions, (session) =>
      this.send(session, [
        { type: 'load', ts: now },
        starts ? { type: 'start', ts: now + 1 } : { type: 'status', code: 2001, fatal: true, ts: now + 1 },
      ])
    );
  }

  /** Sends bytes that a server delivered. */
  async deliver(stream: string, bytes: number): Promise<void> {
    const usage = { ts: Date.now(), stream, direction: 'playout', protocol: 'hls', bytes };
    await this.post('usage', JSON.stringify(usage), { Authorization: `Bearer ${this.account.secretKey}` });
  }

  /** Lets everybody report the time since the last report. */
  async report(): Promise<void> {
    const now = Date.now();
    await inParts(this.sessions, (session) => this.send(session, reports(session, now)));
    const lines = [...this.received].map((stream) => line(stream, now));
    if (lines.length > 0) {
      await this.post('usage', lines.join('\n'), { Authorization: `Bearer ${this.account.secretKey}` });
    }
  }

  private viewersOf(stream: string): Session[] {
    return this.sessions.filter((session) => session.kind !== 'webcaster' && session.stream === stream);
  }

  private session(kind: string, stream: string, address: string, minutes: number, quality: Quality): Session {
    return { id: randomUUID(), kind, stream, address, quality, seq: 0, reported: Date.now() - minutes * 60_000 };
  }

  /** Sends the begin of a session and its reports until now, one per minute. */
  private async begin(session: Session): Promise<void> {
    const now = Date.now();
    const events: Event[] = [
      { type: 'load', ts: session.reported },
      { type: 'start', ts: session.reported },
    ];
    while (session.reported + 60_000 <= now) {
      events.push(...reports(session, session.reported + 60_000));
    }
    await this.send(session, events);
  }

  private async send(session: Session, events: Event[]): Promise<void> {
    await this.post(
      'events',
      JSON.stringify({
        accountId: this.account.id,
        accountKey: this.account.key,
        client: { kind: session.kind, version: '1.0' },
        sessionId: session.id,
        stream: session.stream,
        interval: INTERVAL,
        events: events.map((event) => ({ seq: ++session.seq, ...event })),
      }),
      { 'Content-Type': 'application/json', 'X-Forwarded-For': session.address }
    );
  }

  private async post(path: string, body: string, headers: Record<string, string>): Promise<void> {
    const answer = await fetch(`${this.account.collector}/v1/${path}`, { method: 'POST', body, headers });
    const text = await answer.text();
    if (answer.status !== 202 || JSON.parse(text).rejected?.length) {
      throw new Error(`${answer.status} for ${body.slice(0, 300)}: ${text}`);
    }
  }
}

interface Event extends Record<string, unknown> {
  type: string;
  ts: number;
}

/** What a session says of the time from its last report to another time. */
function reports(session: Session, ts: number): Event[] {
  const { buffering, latency, code } = session.quality;
  const seconds = (ts - session.reported) / 1000;
  session.reported = ts;
  return [
    { type: 'stats', ts, playing: seconds * (1 - buffering), buffering: seconds * buffering, latency },
    ...(code ? [{ type: 'status', ts, code, fatal: true }] : []),
  ];
}

function line(stream: string, ts: number): string {
  return JSON.stringify({ ts, stream, direction: 'ingest', protocol: 'rtmp', bytes: 1_000_000 });
}

/** Does something for all items, a few at a time. */
async function inParts<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += 20) {
    await Promise.all(items.slice(i, i + 20).map(work));
  }
}
