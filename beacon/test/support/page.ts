import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BeaconEvent } from '../../src/events';

/** What a request says beside its events. */
export type Envelope = { sessionId: string; events: BeaconEvent[] } & Record<string, unknown>;

/** Stands in for a page: the globals of a browser that the library uses, and a real HTTP server as the collector. */
export class Page extends EventTarget {
  readonly requests: Envelope[] = [];
  /** Paths and queries of the requests, and of those that the browser was asked to send as the page closed. */
  readonly paths: string[] = [];
  readonly storage = new Map<string, string>();
  readonly warnings: unknown[][] = [];
  /** Status with which the collector answers. */
  status = 202;
  readonly document = Object.assign(new EventTarget(), { hidden: false });
  readonly navigator = {
    onLine: true,
    sendBeacon: (url: string, body: string) => {
      const { pathname, search } = new URL(url);
      this.paths.push(pathname + search);
      this.beacons.push(JSON.parse(body) as Envelope);
      return true;
    },
  };
  readonly beacons: Envelope[] = [];
  private server!: Server;
  private readonly warn = console.warn;

  static async open(): Promise<Page> {
    const page = new Page();
    page.server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        page.paths.push(request.url!);
        if (page.status === 202) {
          page.requests.push(JSON.parse(body) as Envelope);
        }
        response.writeHead(page.status).end('{}');
      });
    });
    await new Promise<void>((resolve) => page.server.listen(0, '127.0.0.1', resolve));
    console.warn = (...parts) => page.warnings.push(parts);
    Object.assign(globalThis, {
      document: page.document,
      navigator: page.navigator,
      location: { href: 'http://site.example/watch' },
      addEventListener: page.addEventListener.bind(page),
      removeEventListener: page.removeEventListener.bind(page),
      localStorage: {
        getItem: (key: string) => page.storage.get(key) ?? null,
        setItem: (key: string, value: string) => page.storage.set(key, value),
        removeItem: (key: string) => page.storage.delete(key),
      },
    });
    return page;
  }

  get options() {
    const { port } = this.server.address() as AddressInfo;
    return { endpoint: `http://127.0.0.1:${port}/v1/events`, accountId: 'acme', accountKey: 'pk_1', stream: 'live-1' };
  }

  /** Ids of the sessions in the order of their first requests. */
  get sessions(): string[] {
    return [...new Set(this.requests.map(({ sessionId }) => sessionId))];
  }

  /** The first request of the nth session. */
  envelope(session: number): Envelope {
    return this.requests.find(({ sessionId }) => sessionId === this.sessions[session])!;
  }

  /** The events of the nth session. */
  events(session: number): Array<BeaconEvent & Record<string, unknown>> {
    return this.requests
      .filter(({ sessionId }) => sessionId === this.sessions[session])
      .flatMap(({ events }) => events as Array<BeaconEvent & Record<string, unknown>>);
  }

  /** The events of the nth session in short: their types, with the reason of a stop and the code of a status. */
  story(session: number): string[] {
    return this.events(session).map(({ type, reason, code, fatal }) =>
      [type, reason, code, fatal === true ? 'fatal' : undefined].filter((part) => part !== undefined).join(' ')
    );
  }

  /** Waits until there are so many sessions, and the stop of each has come. */
  async ended(sessions: number): Promise<void> {
    await until(
      () => this.requests.flatMap(({ events }) => events).filter(({ type }) => type === 'stop').length === sessions
    );
  }

  hide() {
    this.document.hidden = true;
    this.document.dispatchEvent(new Event('visibilitychange'));
  }

  leave() {
    this.dispatchEvent(new Event('pagehide'));
  }

  close() {
    console.warn = this.warn;
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Waits until something holds, 20 s at most: machines that test other things too are slow. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline) {
      throw new Error(`not within 20 s: ${holds}`);
    }
    await pause(10);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
